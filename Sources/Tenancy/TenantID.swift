/// A tenant's number in the ledger. Callers outside know the slug.
public struct TenantID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public var description: String { String(rawValue) }

    public static func < (a: TenantID, b: TenantID) -> Bool { a.rawValue < b.rawValue }
}
