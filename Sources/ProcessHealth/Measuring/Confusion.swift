/// How warnings and falls met.
public struct Confusion: Sendable, Hashable, Codable {
    public var hits = 0
    public var falseAlarms = 0
    public var misses = 0
    public var rest = 0

    public init() {}

    public mutating func add(warned: Bool, falls: Bool) {
        switch (warned, falls) {
        case (true, true): hits += 1
        case (true, false): falseAlarms += 1
        case (false, true): misses += 1
        case (false, false): rest += 1
        }
    }

    public static func += (a: inout Confusion, b: Confusion) {
        a.hits += b.hits
        a.falseAlarms += b.falseAlarms
        a.misses += b.misses
        a.rest += b.rest
    }

    public var warnings: Int { hits + falseAlarms }
    public var falls: Int { hits + misses }
    public var precision: Double? { warnings == 0 ? nil : Double(hits) / Double(warnings) }
    public var recall: Double? { falls == 0 ? nil : Double(hits) / Double(falls) }
    /// Nought where nothing was hit.
    public var f1: Double { hits == 0 ? 0 : 2 * Double(hits) / Double(2 * hits + falseAlarms + misses) }
}
