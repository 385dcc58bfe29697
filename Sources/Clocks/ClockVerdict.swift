import Foundation
import Rules
import SalesModel

/// What is to be done about a subject's clocks now.
public struct ClockVerdict: Sendable, Hashable {
    /// A level that was missed and is to be written down, or told now that it may be.
    public struct Missed: Sendable, Hashable {
        public let clock: Clock
        public let level: ClockLevel
        /// When the clock began.
        public let start: Date
        public let episode: Date?
        public let dueAt: Date
        /// Seconds, up to now or to what made it good.
        public let lateBy: Int
        public var told: RecordedLevel.Told
        /// Whether its action is to be taken: it is missed for the first time, and nothing has made it good.
        public let acts: Bool
        /// Whether it was due long before the subject was known here: nobody is told, and nobody is to blame.
        public let isHistory: Bool
        /// How soon it must be read.
        public let urgency: Urgency
    }

    /// All clocks of the subject, for show.
    public var readings: [ClockReading] = []
    /// Of each clock the missed levels that were due long before the subject was known here.
    public var history: [String: Set<String>] = [:]
    /// New, to be written down.
    public var missed: [Missed] = []
    /// Written down before and held; to be told now.
    public var released: [Missed] = []
    /// Written down before and held; nobody has to hear of them any more.
    public var lapsed: [RecordedLevel] = []
    /// Written down before, although facts that came later say that it was made good in time.
    public var withdrawn: [RecordedLevel] = []
    /// When to look again, if nothing happens before.
    public var nextAt: Date?

    /// Nothing was found.
    /// - Parameter nextAt: when to look again.
    public init(nextAt: Date? = nil) { self.nextAt = nextAt }

    /// Whether a day that nobody knows yet has a say in when.
    public var isProvisional: Bool {
        readings.contains {
            ($0.state == .running || $0.state == .notStarted) && $0.levels.contains { $0.isProvisional && !$0.isBreached }
        }
    }

    /// Those somebody is to be told of now.
    public var toTell: [Missed] { missed.filter { $0.told == .told } + released }

    /// Clocks that cannot be read, and what is not known.
    public var unknown: [(clock: String, tests: [DecidingTest])] {
        readings.compactMap { reading in
            if case .unknown(let tests) = reading.state { (reading.clock, tests) } else { nil }
        }
    }
}
