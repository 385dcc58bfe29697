import Foundation
import Identity
import PostgresClient
import SalesModel

/// Who leads are by the live version, on customers without what those leads had said: as if they had come once more, in their order.
struct Reconsidering {
    /// A lead that is looked at once more.
    struct Lead {
        let id: Int64
        /// Whose it is now.
        let customer: CustomerID
        /// Who had it.
        let seller: SellerID?

        /// Its number as a customer.
        var own: CustomerID { CustomerID(id) }
    }

    let rollout: Int64
    let leads: [Lead]
    let rules: MatchRules
    let population: Int
    /// Of the leads' customers, and of all that may be theirs.
    var said: [CustomerID: SaidValues] = [:]
    var seen: [CustomerID: Date] = [:]
    /// Customers of which other leads are, too.
    var shared: Set<CustomerID> = []
    /// Leads still to be looked at, on this page or another: what they said does not count.
    var unheard: Set<Int64> = []
    /// How many customers have the leads' keys.
    var carriers: Int64 = 0

    private func words(of lead: Lead) -> SaidValues { SaidValues(said[lead.customer]?.values.filter { $0.lead == lead.id } ?? []) }

    private func keys(of values: [SourcedValue]) -> Set<String> {
        Set(rules.keys(of: MatchRecord(SaidValues(values).byField, rules: rules)).map(\.text))
    }

    /// By which the leads are found.
    var keys: [String] { leads.reduce(into: Set()) { $0.formUnion(keys(of: words(of: $1).values)) }.sorted() }

    /// Leads of which something is known here.
    var speakers: [Int64] { Set(said.values.flatMap(\.values).compactMap(\.lead)).sorted() }

    private var index: CustomerIndex {
        var index = CustomerIndex(rules: rules, population: population)
        for (id, values) in said.sorted(by: { $0.key < $1.key }) {
            let others = SaidValues(values.values.filter { !($0.lead.map(unheard.contains) ?? false) })
            index.hold(MatchRecord(others.byField, rules: rules), as: id)
        }
        return index
    }

    var effect: RecogniseAnewEffect {
        var index = index
        var (moves, questions): ([RecogniseAnewEffect.Move], [RecogniseAnewEffect.Question]) = ([], [])
        for lead in leads {
            let words = words(of: lead)
            guard !words.values.isEmpty else { continue }
            let record = MatchRecord(words.byField, rules: rules)
            let (customer, asked) = answer(to: lead, by: index.decision(on: record))
            index.add(record, to: customer)
            questions += asked.filter { $0.suspect != customer }.map {
                RecogniseAnewEffect.Question(
                    lead: lead.id, customer: customer, suspect: $0.suspect, percent: $0.evidence.percent,
                    evidence: JSONBytes($0.evidence.json))
            }
            guard customer != lead.customer else { continue }
            moves.append(RecogniseAnewEffect.Move(lead: lead.id, from: lead.customer, to: customer, said: words))
        }
        return RecogniseAnewEffect(
            rollout: rollout, leads: leads.map(\.id), moves: moves, questions: questions, lost: lost(by: moves), gained: gained(by: moves),
            holders: holders(moves), seen: seen, keys: keys, carriers: carriers)
    }

    private typealias Asked = [(suspect: CustomerID, evidence: MatchEvidence)]

    private func answer(to lead: Lead, by decision: MatchDecision) -> (customer: CustomerID, asked: Asked) {
        guard case .known(let known) = decision.verdict else { return (lead.own, decision.asked) }
        guard lead.customer == lead.own, known != lead.own, isShared(lead) else { return (known, decision.asked) }
        // Others rest on the customer it made: that is not joined to another without a person.
        return (lead.own, decision.likely.prefix(1).map { (suspect: known, evidence: $0.evidence) } + decision.asked)
    }

    private func isShared(_ lead: Lead) -> Bool {
        let here = Set(leads.map(\.id))
        return shared.contains(lead.own) || said[lead.own]?.values.contains { !($0.lead.map(here.contains) ?? false) } ?? false
    }

    private func lost(by moves: [RecogniseAnewEffect.Move]) -> [RecogniseAnewEffect.Key] {
        let left = moves.filter(\.leaves).reduce(into: [CustomerID: Set<Int64>]()) { $0[$1.from, default: []].insert($1.lead) }
        return left.flatMap { customer, leads in
            let before = said[customer]?.values ?? []
            let after = before.filter { !($0.lead.map(leads.contains) ?? false) }
            return keys(of: before).subtracting(keys(of: after)).map { RecogniseAnewEffect.Key(customer: customer, text: $0) }
        }
    }

    private func gained(by moves: [RecogniseAnewEffect.Move]) -> [RecogniseAnewEffect.Key] {
        moves.flatMap { move in keys(of: move.said.values).map { RecogniseAnewEffect.Key(customer: move.to, text: $0) } }
    }

    private func holders(_ moves: [RecogniseAnewEffect.Move]) -> [RecogniseAnewEffect.Holder] {
        let sellers = Dictionary(leads.map { ($0.id, $0.seller) }, uniquingKeysWith: { first, _ in first })
        return moves.filter(\.leaves).compactMap { move in
            sellers[move.lead, default: nil].map { RecogniseAnewEffect.Holder(customer: move.from, seller: $0) }
        }
    }
}
