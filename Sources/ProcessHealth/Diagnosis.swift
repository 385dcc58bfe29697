import Foundation

/// Why a seller's process health is low: the way of the last customers, with the worst places marked (SPI-07).
public struct Diagnosis: Sendable, Hashable {
    /// Something that should have been otherwise.
    public struct Node: Sendable, Hashable {
        public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
            /// Too long between two follow-ups, or since the last.
            case lateFollowUp = "late_follow_up"
            /// The first visit came late or not at all.
            case lateVisit = "late_visit"
            /// A gated stage was entered without its evidence.
            case missingEvidence = "missing_evidence"
            /// Too long in one stage.
            case longStay = "long_stay"
        }

        public let kind: Kind
        public let customer: String
        public let stage: String?
        /// When it went beyond its limit.
        public let at: Date
        /// How long it took, or has taken so far, and how long it may take; both in hours. Of missing evidence both are nought.
        public let hours: Double
        public let limitHours: Double

        /// How far beyond its limit, in parts of the limit; missing evidence counts as twice the limit.
        public var excess: Double { limitHours > 0 ? hours / limitHours - 1 : 1 }
    }

    /// A step on a customer's way.
    public struct Step: Sendable, Hashable {
        public let at: Date
        public let what: String
    }

    /// A customer and everything that happened with it.
    public struct Timeline: Sendable, Hashable {
        public let customer: String
        public let steps: [Step]
    }

    /// The customers last heard of or spoken to, the latest first.
    public let timelines: [Timeline]
    /// At most three, the worst first; fewer where there are no more.
    public let nodes: [Node]

    public static let mostCustomers = 10
    public static let mostNodes = 3
}

extension Diagnosis {
    /// - Parameters:
    ///   - counted: what counts of the time between two follow-ups.
    ///   - stayHours: how long a deal may stay in a stage; the standard is five days (I-17).
    public init(
        of facts: ProcessFacts, at now: Date, targets: HealthTargets = .standard, counted: CountedTime = CountedTime(),
        stayHours: (_ stage: String) -> Double = { _ in 120 }
    ) {
        let known = facts.known(at: now)
        let steps = Self.steps(known, now)
        let last = steps.compactMapValues { $0.map(\.at).max() }
        let customers = last.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.mostCustomers).map(\.key)
        timelines = customers.map { Timeline(customer: $0, steps: steps[$0]!.sorted { ($0.at, $0.what) < ($1.at, $1.what) }) }
        let wanted = Set(customers)
        let all =
            Self.lateFollowUps(known, now, targets.followUpHours, counted) + Self.lateVisits(known, now, targets.visitDays)
            + known.entries.filter { ($0.evidenceAt ?? .distantFuture) > $0.at }.map {
                Node(kind: .missingEvidence, customer: $0.customer, stage: $0.stage, at: $0.at, hours: 0, limitHours: 0)
            } + Self.longStays(known, now, stayHours)
        nodes = Array(all.filter { wanted.contains($0.customer) }.sorted(by: Self.isWorse).prefix(Self.mostNodes))
    }

    private static func isWorse(_ a: Node, _ b: Node) -> Bool {
        (b.excess, a.at, a.customer, a.kind.rawValue) < (a.excess, b.at, b.customer, b.kind.rawValue)
    }

    private static func steps(_ facts: ProcessFacts, _ now: Date) -> [String: [Step]] {
        var steps: [String: [Step]] = [:]
        func add(_ customer: String, _ at: Date?, _ what: String) {
            if let at, at <= now { steps[customer, default: []].append(Step(at: at, what: what)) }
        }
        for lead in facts.leads {
            add(lead.customer, lead.capturedAt, "captured")
            add(lead.customer, lead.touchedAt, "first_touch")
            add(lead.customer, lead.visitedAt, "visit")
        }
        for contact in facts.contacts { add(contact.customer, contact.at, contact.kind.rawValue) }
        for entry in facts.entries { add(entry.customer, entry.at, "entered \(entry.stage)") }
        for stay in facts.stays { add(stay.customer, stay.from, "in \(stay.stage)") }
        return steps
    }

    private static func lateFollowUps(_ facts: ProcessFacts, _ now: Date, _ limitHours: Double, _ counted: CountedTime) -> [Node] {
        let contacts = facts.contacts.filter { $0.kind == .followUp || $0.kind == .ended }
        return Dictionary(grouping: contacts, by: \.customer).flatMap { customer, contacts -> [Node] in
            let ordered = contacts.sorted { $0.at < $1.at }
            return ordered.indices.compactMap { place in
                guard ordered[place].kind == .followUp else { return nil }
                let end = place + 1 < ordered.count ? ordered[place + 1].at : now
                let hours = counted.hours(from: ordered[place].at, to: end)
                guard hours > limitHours else { return nil }
                return Node(
                    kind: .lateFollowUp, customer: customer, stage: nil, at: counted.limit(after: ordered[place].at, hours: limitHours),
                    hours: hours,
                    limitHours: limitHours)
            }
        }
    }

    private static func lateVisits(_ facts: ProcessFacts, _ now: Date, _ limitDays: Double) -> [Node] {
        facts.leads.compactMap { lead in
            let hours = (lead.visitedAt ?? now).timeIntervalSince(lead.capturedAt) / 3_600
            guard hours > limitDays * 24 else { return nil }
            return Node(
                kind: .lateVisit, customer: lead.customer, stage: nil, at: lead.capturedAt + limitDays * 86_400, hours: hours,
                limitHours: limitDays * 24)
        }
    }

    private static func longStays(_ facts: ProcessFacts, _ now: Date, _ limit: (String) -> Double) -> [Node] {
        facts.stays.compactMap { stay in
            let (hours, limit) = ((stay.to ?? now).timeIntervalSince(stay.from) / 3_600, limit(stay.stage))
            guard hours > limit else { return nil }
            return Node(
                kind: .longStay, customer: stay.customer, stage: stay.stage, at: stay.from + limit * 3_600, hours: hours, limitHours: limit)
        }
    }
}
