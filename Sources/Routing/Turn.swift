/// Smooth weighted round robin over the members of a pool: each turn everyone's credit grows by their weight, one is
/// picked, and pays the sum of all weights. Credits say exactly how far each is from their share.
///
/// Picking always the highest credit drifts up to 1.65 leads from the share when weights differ much. So of those who are
/// owed enough the most urgent is picked: the one whose debt would first grow to a whole lead (R. Tijdeman, *The chairman
/// assignment problem*, 1980). Then nobody is ever further than 1 − 1/(2k − 2) leads from their share, k members. With
/// equal weights that is plain taking turns; with weights 3, 1, 1 it picks 1 2 1 3 1, again and again.
///
/// Nothing is drawn by lot, so the same turns give the same picks. Who sits out a turn loses their credit and re-enters
/// at 0: a seller back from leave is not flooded to catch up.
struct Turn: Sendable, Hashable {
    /// By member, in units of the sum of weights; nil: did not take part in the last turn.
    private(set) var credits: [Int?]

    /// - Parameters:
    ///   - members: who takes part in this turn, by number, ascending; not empty.
    ///   - weights: of all members, each positive for those who take part.
    mutating func next(among members: [Int], weights: [Int]) -> Int {
        var grown = [Int?](repeating: nil, count: credits.count)
        var sum = 0
        for member in members {
            grown[member] = (credits[member] ?? 0) + weights[member]
            sum += weights[member]
        }
        let picked = mostUrgent(of: members, weights, grown, sum)
        grown[picked]! -= sum
        credits = grown
        return picked
    }

    private func mostUrgent(of members: [Int], _ weights: [Int], _ grown: [Int?], _ sum: Int) -> Int {
        let scale = max(1, 2 * members.count - 2)
        var best = members[0]
        var soonest = Double.infinity
        var richest = members[0]
        for member in members {
            let credit = grown[member]!
            if credit > grown[richest]! { richest = member }
            guard scale * credit >= sum else { continue }
            // Turns until the debt is a whole lead, less the room the bound leaves.
            let turns = Double((scale - 1) * sum - scale * credit) / Double(weights[member])
            if turns < soonest { (best, soonest) = (member, turns) }
        }
        // After members left, it may be that nobody is owed enough: then whoever is owed most.
        return soonest < .infinity ? best : richest
    }
}
