import CLibPQ
import Glibc

extension Connection {
    /// Sends what `next` gives until it gives nil. When it throws, nothing is kept.
    func copyIn(_ sql: String, _ next: () throws -> [UInt8]?) throws -> Int {
        try startCopy(sql, PGRES_COPY_IN)
        do {
            while let chunk = try next() {
                try checkInterruption()
                try put(chunk)
            }
        } catch {
            guard !isBroken else { throw error }
            PQputCopyEnd(pointer, "given up by the client")
            _ = try? undisturbed { try simpleAnswers() }
            throw error
        }
        guard PQputCopyEnd(pointer, nil) == 1 else { throw lost() }
        return try simpleAnswers().last?.affected ?? 0
    }

    /// Takes in rows until there are no more. When `take` throws, the server is told to stop.
    func copyOut(_ sql: String, _ take: ([UInt8]) throws -> Void) throws -> Int {
        try startCopy(sql, PGRES_COPY_OUT)
        var failure: (any Error)?
        while let row = try nextCopyRow() {
            guard failure == nil else { continue }
            do {
                try take(row)
            } catch {
                failure = error
                isAbandoned = true
            }
        }
        defer { isAbandoned = false }
        if let failure {
            _ = try? simpleAnswers()
            throw failure
        }
        return try simpleAnswers().last?.affected ?? 0
    }

    private func startCopy(_ sql: String, _ wanted: ExecStatusType) throws {
        try startSimple(sql)
        guard let result = try nextResult() else { throw lost() }
        if PQresultStatus(result.pointer) == wanted { return }
        if PQresultStatus(result.pointer) == PGRES_FATAL_ERROR {
            let error = PostgresError(result: result.pointer)
            if error.code == .connectionLost { throw broken(error) }
            _ = try simpleAnswers()
            throw error
        }
        throw broken(PostgresError(.invalidRequest, "not a COPY in that direction"))
    }

    /// Drains as it goes, so that no more than a chunk waits in memory.
    private func put(_ chunk: [UInt8]) throws {
        let sent = chunk.withUnsafeBytes { PQputCopyData(pointer, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count)) }
        guard sent == 1 else { throw lost() }
        try drain()
    }

    private func nextCopyRow() throws -> [UInt8]? {
        while true {
            var row: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(pointer, &row, 1)
            if count == -1 || count == -2 { return nil }
            guard count == 0 else {
                defer { PQfreemem(row) }
                return Array(UnsafeRawBufferPointer(start: row, count: Int(count)))
            }
            try waitForMore()
        }
    }
}
