import Foundation

/// How leads were spread over a period, and how they were followed up: per seller and per strategy (LOAD-03), beside the team's mean.
public struct AssignmentReport: Sendable, Hashable {
    /// One lead given to a seller within the period.
    public struct Case: Sendable, Hashable {
        public let seller: String
        /// The rule that chose the seller.
        public let strategy: String
        public let assignedAt: Date
        /// Not before it was assigned.
        public let touchedAt: Date?
        /// The first activity about the lead after its assignment, of whatever type.
        public let followedUpAt: Date?

        public init(seller: String, strategy: String, assignedAt: Date, touchedAt: Date?, followedUpAt: Date?) {
            self.seller = seller
            self.strategy = strategy
            self.assignedAt = assignedAt
            self.touchedAt = touchedAt
            self.followedUpAt = followedUpAt
        }
    }

    /// What came of the leads of one seller, or of one strategy.
    public struct Line: Sendable, Hashable {
        public let name: String
        public let received: Int
        public let touched: Int
        /// From assignment to first touch, in seconds, of those touched after it; nil: none was.
        public let medianTouch: TimeInterval?
        /// Leads old enough to be judged, and those of them followed up within 72 hours.
        public let judged: Int
        public let followedUp: Int

        /// 0…1; nil where there is nothing to judge: no figure, not a nought.
        public var followUpRate: Double? { judged == 0 ? nil : Double(followedUp) / Double(judged) }
    }

    /// What a follow-up has to come within.
    public static let followUpWithin: TimeInterval = 72 * 3_600
    /// Of fewer leads in a period nothing is said (LOAD-04).
    public static let leastLeads = 10
    /// How far below the mean is too far, in both of two periods.
    public static let worseBy = 0.2

    /// By external id, and by rule; each in the order of names.
    public let sellers: [Line]
    public let strategies: [Line]
    public let all: Line

    /// - Parameter now: leads younger than 72 hours are counted, not judged.
    public init(_ cases: [Case], at now: Date) {
        func lines(_ name: KeyPath<Case, String>) -> [Line] {
            Dictionary(grouping: cases) { $0[keyPath: name] }.map { Line($0, $1, at: now) }.sorted { $0.name < $1.name }
        }
        sellers = lines(\.seller)
        strategies = lines(\.strategy)
        all = Line("all", cases, at: now)
    }

    /// Strategies followed up worse than the mean by a fifth, in this period and in the one before it: for people to look at (LOAD-04).
    public func flagged(before: AssignmentReport) -> [String] {
        let earlier = before.lagging
        return lagging.filter(earlier.contains).sorted()
    }

    private var lagging: Set<String> {
        guard let mean = all.followUpRate else { return [] }
        let judged = strategies.filter { $0.judged >= Self.leastLeads }
        return Set(judged.filter { ($0.followUpRate ?? mean) < mean * (1 - Self.worseBy) }.map(\.name))
    }
}

extension AssignmentReport.Line {
    fileprivate init(_ name: String, _ cases: [AssignmentReport.Case], at now: Date) {
        self.name = name
        received = cases.count
        touched = cases.count { $0.touchedAt != nil }
        let waits = cases.compactMap { one in one.touchedAt?.timeIntervalSince(one.assignedAt) }.filter { $0 >= 0 }.sorted()
        let middle = waits.count / 2
        medianTouch = waits.isEmpty ? nil : waits.count % 2 == 1 ? waits[middle] : (waits[middle - 1] + waits[middle]) / 2
        let within = AssignmentReport.followUpWithin
        let old = cases.filter { now.timeIntervalSince($0.assignedAt) >= within }
        judged = old.count
        followedUp = old.count { one in one.followedUpAt.map { $0.timeIntervalSince(one.assignedAt) <= within } ?? false }
    }
}
