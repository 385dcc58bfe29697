import Foundation

/// What a guard said at one moment of a rollout, as it is kept.
public struct GuardPoint: Sendable, Hashable {
    public let at: Date
    public let logEvidence: Double
    /// Of the e-value: from here on the rollout is taken back.
    public let threshold: Double
    public let percent: Percent
    /// Judged of each arm.
    public let stable: Int
    public let canary: Int

    public init(at: Date, logEvidence: Double, threshold: Double, percent: Percent, stable: Int, canary: Int) {
        self.at = at
        self.logEvidence = logEvidence
        self.threshold = threshold
        self.percent = percent
        self.stable = stable
        self.canary = canary
    }

    public init(_ reading: GuardReading, at: Date, percent: Percent) {
        self.init(
            at: at, logEvidence: reading.logEvidence, threshold: reading.threshold, percent: percent, stable: reading.stable,
            canary: reading.n)
    }

    /// At most 10³⁰⁰, for JSON knows no infinity.
    public var eValue: Double { exp(min(logEvidence, 690)) }
}

/// The way of a guard's evidence: which of its readings are kept, so that a rollout of a day and one of a year both show where they went
/// and neither grows without end.
public enum GuardTrail {
    /// No two readings of a guard are nearer to each other, except the one that ends it.
    public static let apart: TimeInterval = 10
    /// A trail is thinned when it has more.
    public static let mostPoints = 240
    /// Into so many parts of time: of each two points stay at most, so a thinned trail has 162.
    static let parts = 80

    /// Whether a reading says what the last one did not, and is worth keeping already.
    ///
    /// - Parameter isEnd: the rollout has ended by it: then it is kept however soon it comes.
    public static func isNews(_ point: GuardPoint, after last: GuardPoint?, isEnd: Bool = false) -> Bool {
        guard let last else { return true }
        let isOther =
            (point.logEvidence, point.stable, point.canary) != (last.logEvidence, last.stable, last.canary) || point.percent != last.percent
        return isOther && (isEnd || point.at.timeIntervalSince(last.at) >= apart)
    }

    /// The places of those that stay: the first, the last, and of each of 80 equal parts of the time the last and the strongest, for how near
    /// harm came is what people look for.
    ///
    /// - Parameter points: in the order of time.
    public static func kept(of points: [GuardPoint]) -> [Int] {
        guard let first = points.first, let last = points.last else { return [] }
        let whole = last.at.timeIntervalSince(first.at)
        guard whole > 0 else { return Array(Set([0, points.count - 1])).sorted() }
        var stay: Set<Int> = [0, points.count - 1]
        let byPart = Dictionary(grouping: points.indices) { place in
            min(parts - 1, Int(points[place].at.timeIntervalSince(first.at) / whole * Double(parts)))
        }
        for places in byPart.values {
            stay.insert(places[places.count - 1])
            stay.insert(places.reduce(places[0]) { points[$1].logEvidence > points[$0].logEvidence ? $1 : $0 })
        }
        return stay.sorted()
    }
}
