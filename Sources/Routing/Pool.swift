import Rules
import SalesModel

/// Where in the chain of targets someone is looked for.
enum Stage: Hashable, Sendable {
    case target
    /// Everyone, after the team of `group_first`.
    case beyondTeam
    case alternate(Int)
    case fallback(Int)

    var suffix: String {
        switch self {
        case .target: ""
        case .beyondTeam: "/beyond"
        case .alternate(let index): "/alternate.\(index)"
        case .fallback(let index): "/fallback.\(index)"
        }
    }
}

/// What tells two pools of one placement apart: what of the lead's region and industry some seller names.
struct PoolKey: Hashable, Sendable {
    let variant: Int
    let placement: Int
    let stage: Stage
    /// nil: region does not count.
    let regions: [String]?
    let industry: String?
    let countsIndustry: Bool
    let namedSeller: String?
}

/// The sellers of a target who serve the lead, worked out once for all leads alike. Load is looked at for each lead.
struct Pool: Sendable {
    let name: String
    /// Active, and fit for the lead: places in the roster, ascending, and so by seller id.
    let members: [Int]
    let weights: [Int]
    let exclusions: [ExclusionCode: [String]]
    /// nil: to be worked out from the pool's cursor.
    var turn: Turn?
    /// By industry (nil: all of them).
    var rankings: [String?: RankingTable] = [:]
}

/// What each member of a pool achieved, in one industry and window.
struct RankingTable: Sendable {
    /// By member; nil: too few closed deals to be ranked.
    let metrics: [Double?]
    let tallies: [DealStatistics.Tally]
    /// Of those who are ranked.
    let mean: Double?
    let unranked: [String]
}

extension Roster {
    /// The pool for a lead, made when first asked for.
    mutating func pool(_ key: PoolKey, _ target: Target, name: String, ranking: Ranking?) -> Pool {
        if let pool = pools[key] { return pool }
        let pool = makePool(key, target, name, ranking)
        pools[key] = pool
        return pool
    }

    private func makePool(_ key: PoolKey, _ target: Target, _ name: String, _ ranking: Ranking?) -> Pool {
        var members: [Int] = []
        var exclusions: [ExclusionCode: [String]] = [:]
        for (index, seller) in sellers.enumerated() where target.includes(seller, named: key.namedSeller) {
            if let code = exclusion(of: seller, key) {
                exclusions[code, default: []].append(seller.externalID)
            } else {
                members.append(index)
            }
        }
        let unknown = unknownSellers(target, key.namedSeller)
        if !unknown.isEmpty { exclusions[.unknownSeller] = unknown }
        // Deals of people nobody told us of: they had a rank once, and a rule that forgot to ask would send them leads.
        if let ranking, target == .everyone, let owners = deals[ranking.windowMonths]?.owners {
            let strangers = owners.subtracting(sellers.map(\.externalID)).sorted()
            if !strangers.isEmpty { exclusions[.unknownStatus, default: []] += strangers }
        }
        let parts = [key.regions.map { $0.isEmpty ? "*" : $0.joined(separator: "+") }, key.countsIndustry ? key.industry ?? "*" : nil]
        let fullName = ([name + key.stage.suffix] + parts.map { $0 ?? "-" } + (key.namedSeller.map { [$0] } ?? [])).joined(separator: "|")
        return Pool(name: fullName, members: members, weights: members.map { sellers[$0].weight }, exclusions: exclusions)
    }

    private func exclusion(of seller: Seller, _ key: PoolKey) -> ExclusionCode? {
        switch seller.status {
        case .active: break
        case .unknown: return .unknownStatus
        case .inactive, .leave: return .inactive
        }
        if let regions = key.regions, !seller.regions.isEmpty, !seller.regions.contains(where: regions.contains) { return .region }
        if key.countsIndustry, !seller.industries.isEmpty, !seller.industries.contains(where: { $0 == key.industry }) { return .industry }
        return nil
    }

    private func unknownSellers(_ target: Target, _ named: String?) -> [String] {
        let asked: [String]
        switch target {
        case .sellers(let ids): asked = ids
        case .sellerInField: asked = named.map { [$0] } ?? []
        default: return []
        }
        return asked.filter { id in !sellers.contains { $0.externalID == id } }
    }

    /// What the pool's members achieved in the industry, worked out when first asked for.
    mutating func ranking(_ ranking: Ranking, of key: PoolKey, in industry: String?) -> RankingTable {
        if let table = pools[key]?.rankings[industry] { return table }
        let statistics = deals[ranking.windowMonths] ?? DealStatistics()
        let members = pools[key]?.members ?? []
        let tallies = members.map { statistics.tally(of: sellers[$0].externalID, in: industry) }
        let metrics = tallies.map { tally -> Double? in
            guard tally.closed >= ranking.leastClosed else { return nil }
            return ranking.metric == .closeRate ? Double(tally.won) / Double(tally.closed) : Double(tally.won)
        }
        let known = metrics.compactMap { $0 }
        let mean = known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
        let unranked = zip(members, metrics).filter { $1 == nil }.map { sellers[$0.0].externalID }
        let table = RankingTable(metrics: metrics, tallies: tallies, mean: mean, unranked: unranked)
        pools[key]?.rankings[industry] = table
        return table
    }
}

extension Target {
    fileprivate func includes(_ seller: Seller, named: String?) -> Bool {
        switch self {
        case .everyone: true
        case .newcomers: seller.isNewcomer
        case .sellers(let ids): ids.contains(seller.externalID)
        case .teams(let teams): seller.team.map(teams.contains) ?? false
        case .sellerInField: seller.externalID == named
        case .pool, .marketing: false
        }
    }

    /// As shown in a reason.
    var words: String {
        switch self {
        case .everyone: "everyone"
        case .newcomers: "newcomers"
        case .sellers(let ids): ids.joined(separator: ", ")
        case .teams(let teams): teams.joined(separator: ", ")
        case .sellerInField(let field): field
        case .pool(let pool): pool
        case .marketing: "marketing"
        }
    }
}
