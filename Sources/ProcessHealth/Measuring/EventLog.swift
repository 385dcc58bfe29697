import Foundation

/// A log of cases that agents work on, read as sellers and weeks: not sales, but real people, real weeks and real falls.
///
/// A case is a customer, its agent the seller who took it first. Solved within the limit is the first dimension, two entries of a case
/// near enough to each other the second, an end that kept its promise, where the log says so, the third.
public struct EventLog: Sendable {
    public struct Event: Sendable, Hashable {
        public enum Kind: Sendable, Hashable {
            case work
            /// Something was asked of the customer.
            case asked
            /// The customer answered.
            case answered
            /// The case was gone about anew.
            case revised
            case solved
        }

        public var matter: String
        public var agent: String
        public var at: Date
        public var kind: Kind
        /// Of an end: whether what was promised was kept; nil: nobody says.
        public var isKept: Bool?

        public init(matter: String, agent: String, at: Date, kind: Kind, isKept: Bool? = nil) {
            self.matter = matter
            self.agent = agent
            self.at = at
            self.kind = kind
            self.isKept = isKept
        }
    }

    public let name: String
    private let facts: [(agent: String, facts: ProcessFacts)]
    private let span: ClosedRange<Date>
    /// Days within which a case is to be solved.
    private let solveDays: Double
    private let zone: TimeZone

    /// - Parameter events: in any order; doubled ones count once. Nil where there are none.
    public init?(name: String, _ events: [Event], solveDays: Double, zone: TimeZone) {
        guard let first = events.map(\.at).min(), let last = events.map(\.at).max() else { return nil }
        self.name = name
        self.solveDays = solveDays
        self.zone = zone
        span = first...last
        var byAgent: [String: ProcessFacts] = [:]
        for (matter, events) in Dictionary(grouping: Set(events), by: \.matter).sorted(by: { $0.key < $1.key }) {
            let ordered = events.sorted { ($0.at, "\($0.kind)") < ($1.at, "\($1.kind)") }
            byAgent[ordered[0].agent, default: ProcessFacts()].add(matter, ordered)
        }
        facts = byAgent.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The agents' weeks. There are no targets in a log: each dimension's is the median of the weekly rates of the first half year, before
    /// the first warning could be given, so that about half of those weeks are below one or the other.
    public func series(halfYear: Int = 26) -> [SellerSeries] {
        let weeks = Week(containing: span.lowerBound, in: zone)...Week(containing: span.upperBound, in: zone)
        var targets = HealthTargets(visitDays: solveDays)
        let counting = WeekCounting(weeks, in: zone, targets: targets)
        let counts = facts.map { counting.counts(of: $0.facts, at: weeks.upperBound.end(in: zone)) }
        func median(_ dimension: Dimension) -> Double? {
            let rates = counts.flatMap { $0.prefix(halfYear) }.map { dimension.tally(in: $0) }.filter { $0.cases >= targets.leastCases }
                .compactMap(\.rate).sorted()
            return rates.isEmpty ? nil : rates[rates.count / 2]
        }
        targets.conversion = max(0.01, median(.conversion) ?? targets.conversion)
        targets.rhythm = max(0.01, median(.rhythm) ?? targets.rhythm)
        targets.keyActions = max(0.01, median(.keyActions) ?? targets.keyActions)
        return counts.indices.map { place in
            SellerSeries(.init(tenant: 0, team: 0, seller: place), first: weeks.lowerBound, published: counts[place], targets: targets)
        }
    }
}

extension ProcessFacts {
    fileprivate mutating func add(_ matter: String, _ events: [EventLog.Event]) {
        let solved = events.first { $0.kind == .solved }
        leads.append(LeadFact(customer: matter, capturedAt: events[0].at, touchedAt: events[0].at, visitedAt: solved?.at))
        for event in events {
            switch event.kind {
            case .work, .asked: contacts.append(ContactFact(.followUp, customer: matter, at: event.at))
            case .answered: contacts.append(ContactFact(.reply, customer: matter, at: event.at))
            case .revised: contacts.append(ContactFact(.revision, customer: matter, at: event.at))
            case .solved: contacts.append(ContactFact(.ended, customer: matter, at: event.at))
            }
        }
        if let solved, let isKept = solved.isKept {
            entries.append(EntryFact(customer: matter, stage: "solved", at: solved.at, evidenceAt: isKept ? solved.at : nil))
        }
    }
}
