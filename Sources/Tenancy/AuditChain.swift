/// One row of the audit log, as its hash covers it.
public struct AuditEntry: Sendable, Hashable {
    public var id: Int64
    /// Its place in the chain: 1, 2, 3 …
    public var seq: Int64
    /// Nil: what concerns no tenant in particular.
    public var tenant: Int64?
    /// Microseconds since 1970.
    public var at: Int64
    public var actor: String
    public var action: String
    public var subject: String
    /// JSON as Postgres writes it.
    public var before: String?
    public var after: String?
    public var reason: String?
    /// Of the row before; empty in the first.
    public var previous: [UInt8]
    public var hash: [UInt8]

    public init(
        id: Int64, seq: Int64, tenant: Int64?, at: Int64, actor: String, action: String, subject: String, before: String?, after: String?,
        reason: String?, previous: [UInt8], hash: [UInt8] = []
    ) {
        self.id = id
        self.seq = seq
        self.tenant = tenant
        self.at = at
        self.actor = actor
        self.action = action
        self.subject = subject
        self.before = before
        self.after = after
        self.reason = reason
        self.previous = previous
        self.hash = hash
    }

    /// What the hash has to be: SHA-256 of every field with its length in front. The database's trigger works it out the same way.
    public var trueHash: [UInt8] {
        let fields: [String?] = [
            previous.hexadecimal, String(seq), String(id), tenant.map { String($0) }, String(at), actor, action, subject, before, after,
            reason,
        ]
        var digest = SHA256Digest()
        for field in fields { digest.update(Array((field.map { "\($0.utf8.count):\($0)," } ?? "-,").utf8)) }
        return digest.finish()
    }
}

/// Something that is not as it was written.
public enum AuditFault: Sendable, Hashable {
    /// The row's content and its hash do not belong together.
    case changed(seq: Int64, id: Int64)
    /// Rows of these places are gone.
    case missing(ClosedRange<Int64>)
    /// The next row was written when another one stood here.
    case replaced(seq: Int64, id: Int64)
    /// A row behind the end of the chain: nobody wrote it the regular way.
    case inserted(seq: Int64, id: Int64)
    /// The row of this place does not have the hash somebody noted earlier.
    case notAsNoted(seq: Int64)
}

extension AuditFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .changed(let seq, let id): "row \(seq) (id \(id)) was changed"
        case .missing(let rows) where rows.count == 1: "row \(rows.lowerBound) is missing"
        case .missing(let rows): "rows \(rows.lowerBound) to \(rows.upperBound) are missing"
        case .replaced(let seq, let id): "row \(seq) (id \(id)) is not the one that was followed up"
        case .inserted(let seq, let id): "row \(seq) (id \(id)) was put in behind the end"
        case .notAsNoted(let seq): "row \(seq) does not have the hash that was noted"
        }
    }
}

/// Where a chain ends, or a place of it that somebody noted: a place and its hash.
public struct AuditMark: Sendable, Hashable {
    public let seq: Int64
    public let hash: [UInt8]

    public init(seq: Int64, hash: [UInt8]) {
        self.seq = seq
        self.hash = hash
    }

    /// Reads `SEQ:HASH`, as it is written.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let seq = Int64(parts[0]), seq > 0, parts[1].utf8.count == 64 else { return nil }
        let digits = Array(parts[1])
        let bytes = stride(from: 0, to: 64, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
        guard bytes.count == 32, !parts[1].contains(where: { "+-".contains($0) }) else { return nil }
        self.init(seq: seq, hash: bytes)
    }
}

extension AuditMark: CustomStringConvertible {
    public var description: String { "\(seq):\(hash.hexadecimal)" }
}

/// Reads one chain through, row after row in the order of their places, and says what is wrong with it.
///
/// It finds what was changed, taken out, put in or exchanged by somebody who did not also work out every later hash and the head anew. Who
/// can do that is found by a mark noted elsewhere before.
public struct AuditVerification: Sendable {
    public private(set) var faults: [AuditFault] = []
    public private(set) var rows = 0
    /// No more faults than these are kept.
    public static let faultLimit = 1_000

    private let noted: AuditMark?
    private var last: (seq: Int64, id: Int64, hash: [UInt8])?

    public init(noted: AuditMark? = nil) { self.noted = noted }

    public mutating func read(_ entry: AuditEntry) {
        rows += 1
        let expected = (last?.seq ?? 0) + 1
        if entry.seq > expected {
            find(.missing(expected...(entry.seq - 1)))
        } else if let last, entry.previous != last.hash {
            find(.replaced(seq: last.seq, id: last.id))
        } else if last == nil, !entry.previous.isEmpty {
            find(.changed(seq: entry.seq, id: entry.id))
        }
        if entry.hash != entry.trueHash { find(.changed(seq: entry.seq, id: entry.id)) }
        if let noted, noted.seq == entry.seq, noted.hash != entry.hash { find(.notAsNoted(seq: entry.seq)) }
        last = (entry.seq, entry.id, entry.hash)
    }

    /// Compares where the rows end with where the chain was said to end; nil: it was never begun.
    public mutating func end(at head: AuditMark?) {
        let seq = last?.seq ?? 0
        if let last, seq > head?.seq ?? 0 {
            find(.inserted(seq: last.seq, id: last.id))
        } else if let head, seq < head.seq {
            find(.missing((seq + 1)...head.seq))
        } else if let head, let last, last.hash != head.hash {
            find(.replaced(seq: last.seq, id: last.id))
        }
        if let noted, noted.seq > seq { find(.notAsNoted(seq: noted.seq)) }
    }

    private mutating func find(_ fault: AuditFault) {
        guard faults.count < Self.faultLimit, !faults.contains(fault) else { return }
        faults.append(fault)
    }
}
