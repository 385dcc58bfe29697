/// A customer's number within its tenant.
public struct CustomerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public init?(_ text: String) {
        guard let value = Int64(text), value > 0, String(value) == text else { return nil }
        self.init(value)
    }

    public var description: String { String(rawValue) }

    public static func < (a: CustomerID, b: CustomerID) -> Bool { a.rawValue < b.rawValue }
}

/// Who a record is.
public struct MatchDecision: Sendable, Hashable {
    public enum Verdict: Sendable, Hashable {
        case known(CustomerID)
        /// A customer of its own for now; the suspected one's owner gets it, and a person decides.
        case suspected(CustomerID)
        case new
    }

    public struct Likely: Sendable, Hashable {
        public let customer: CustomerID
        public let evidence: MatchEvidence

        public init(customer: CustomerID, evidence: MatchEvidence) {
            self.customer = customer
            self.evidence = evidence
        }
    }

    /// How many customers are named in the log.
    public static let listLimit = 5

    public let verdict: Verdict
    /// The most likely first, at most `listLimit`.
    public let likely: [Likely]
    /// Customers that this record shows to be the same as the known one and that nothing keeps apart from it.
    public let joins: [CustomerID]
    /// Customers it would also be, but for a conflict or for what else is known of them: a person's to decide.
    public let questions: [CustomerID]
}

extension MatchRules {
    /// Who a record is among the customers that share a key with it.
    ///
    /// Of equally likely ones the eldest. Two customers are joined through a record only if they are alike themselves: otherwise a chain
    /// of likenesses, or one record that mixes two, would draw strangers together.
    public func decision(
        on record: MatchRecord, among customers: [(id: CustomerID, record: MatchRecord)], population: Int, carriers: (BlockingKey) -> Int
    ) -> MatchDecision {
        let counted = CountedRecord(record, rules: self, carriers: carriers)
        var likely: [(place: Int, evidence: MatchEvidence)] = []
        for (place, customer) in customers.enumerated() {
            let evidence = evidence(that: counted, is: customer.record, population: population)
            if evidence.standing > .different || evidence.isHighlighted(by: self) { likely.append((place, evidence)) }
        }
        likely.sort { a, b in
            if a.evidence.standing != b.evidence.standing { return a.evidence.standing > b.evidence.standing }
            let (x, y) = (a.evidence.bits ?? a.evidence.percent, b.evidence.bits ?? b.evidence.percent)
            return x != y ? x > y : customers[a.place].id < customers[b.place].id
        }
        let listed = likely.prefix(MatchDecision.listLimit).map {
            MatchDecision.Likely(customer: customers[$0.place].id, evidence: $0.evidence)
        }
        guard let best = likely.first, best.evidence.standing > .different else {
            return MatchDecision(verdict: .new, likely: listed, joins: [], questions: [])
        }
        let chosen = customers[best.place]
        guard best.evidence.standing == .same else {
            return MatchDecision(verdict: .suspected(chosen.id), likely: listed, joins: [], questions: [])
        }
        var (joins, questions): ([CustomerID], [CustomerID]) = ([], [])
        for other in likely.dropFirst() where other.evidence.standing == .same {
            let customer = customers[other.place]
            if areAlike(chosen.record, customer.record, population: population, carriers: carriers) {
                joins.append(customer.id)
            } else {
                questions.append(customer.id)
            }
        }
        return MatchDecision(verdict: .known(chosen.id), likely: listed, joins: joins, questions: questions)
    }

    /// Whether two customers may be joined: more speaks for it than against, and nothing forbids it.
    public func areAlike(_ a: MatchRecord, _ b: MatchRecord, population: Int, carriers: (BlockingKey) -> Int) -> Bool {
        let evidence = evidence(that: CountedRecord(a, rules: self, carriers: carriers), is: b, population: population)
        return evidence.conflict == nil && (evidence.bits.map { $0 > 0 } ?? (evidence.percent >= card.review))
    }
}
