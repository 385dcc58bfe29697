/// How many warnings a manager gets in a week: those most likely to come true, no more than can be attended to.
public struct AttentionBudget: Sendable, Hashable, Codable {
    public var warningsPerTeam: Int

    public init(warningsPerTeam: Int = 3) { self.warningsPerTeam = warningsPerTeam }

    /// The places of those that are warned of; of equals the seller with the smaller number.
    public func chosen(_ rows: [OnsetRow], _ probabilities: [Double], threshold: Double?) -> Set<Int> {
        struct Desk: Hashable {
            let team: Int
            let week: Week
        }
        guard let threshold else { return [] }
        let candidates = rows.indices.filter { !rows[$0].isBelow && probabilities[$0] >= threshold }
        let desks = Dictionary(grouping: candidates) { Desk(team: rows[$0].identity.team, week: rows[$0].week) }
        return desks.values.reduce(into: []) { chosen, places in
            let ordered = places.sorted {
                (-probabilities[$0], rows[$0].identity.seller) < (-probabilities[$1], rows[$1].identity.seller)
            }
            chosen.formUnion(ordered.prefix(warningsPerTeam))
        }
    }
}
