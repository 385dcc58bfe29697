import Records
import SalesModel

/// Which ids of a file stood in which line first: of the first hundred thousand, each by its hash, so that memory does not grow.
struct KnownIDs {
    private static let most = 100_000
    private var lines: [Int: Int] = [:]

    /// Nil: no earlier line had it.
    mutating func note(_ id: String, in line: Int) -> RepeatedID? {
        // Byte for byte, as the database tells ids apart.
        var hasher = Hasher()
        for byte in id.utf8 { hasher.combine(byte) }
        let hash = hasher.finalize()
        if let earlier = lines[hash] { return RepeatedID(line: line, earlier: earlier) }
        if lines.count < Self.most { lines[hash] = line }
        return nil
    }
}

extension RepeatedID {
    func text(in language: Language) -> String {
        switch language {
        case .english: "Line \(earlier) has this id too: it is one lead, and this line's fields count."
        case .chinese: "第 \(earlier) 行已有此编号：视为同一线索，以本行字段为准。"
        }
    }
}
