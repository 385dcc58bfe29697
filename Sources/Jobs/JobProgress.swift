/// How far a running job is, in its handler's words.
public struct JobProgress: Sendable, Hashable {
    /// 0…1.
    public var fraction: Double
    /// Safe to show to the tenant.
    public var note: String?

    /// The most characters a note keeps.
    public static let longestNote = 200

    /// What is no number from 0 to 1 becomes the nearest one.
    public init(_ fraction: Double, _ note: String? = nil) {
        self.fraction = fraction.isNaN ? 0 : min(1, max(0, fraction))
        self.note = note.map { String($0.prefix(Self.longestNote)) }
    }
}
