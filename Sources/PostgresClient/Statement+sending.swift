import CLibPQ

extension Statement {
    /// Refuses what libpq would cut off or could not send.
    func validate() throws(PostgresError) {
        guard parameters.count <= 65_535 else { throw PostgresError(.invalidRequest, "\(parameters.count) parameters; 65535 is the most") }
        guard !sql.utf8.contains(0) else { throw PostgresError(.invalidRequest, "SQL with a zero byte in it") }
        guard parameters.allSatisfy({ $0.size < Int(Int32.max) }) else { throw PostgresError(.invalidRequest, "a value of 2 GB or more") }
    }

    /// The parameters as libpq takes them.
    func withPointers<R>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<Int32>, UnsafePointer<Int32>) throws -> R
    ) rethrows -> R {
        let count = parameters.count
        return try withUnsafeTemporaryAllocation(of: UInt64.self, capacity: max(count, 1)) { words in
            try withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: max(count, 1)) { values in
                try withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(2 * count, 1)) { numbers in
                    for (index, parameter) in parameters.enumerated() {
                        switch parameter.storage {
                        case .null:
                            values[index] = nil
                        case .word(let word, _):
                            words[index] = word
                            values[index] = UnsafeRawPointer(words.baseAddress! + index).assumingMemoryBound(to: CChar.self)
                        case .bytes(let bytes):
                            values[index] = bytes.start.assumingMemoryBound(to: CChar.self)
                        }
                        numbers[index] = Int32(parameter.size)
                        numbers[count + index] = 1  // binary
                    }
                    return try withExtendedLifetime(self) {
                        try body(values.baseAddress!, numbers.baseAddress!, numbers.baseAddress! + count)
                    }
                }
            }
        }
    }
}
