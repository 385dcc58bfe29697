import Foundation
import Rules
import SalesModel

/// A decision, and the credits it left behind where it was made by turn.
public struct RoutedLead: Sendable {
    public let decision: LeadDecision
    public let cursor: PoolCursor?
    /// What the lead says of itself, as the rules read it.
    public let regions: [String]
}

extension Roster {
    /// Decides one lead and counts it in: the seller has one more pending, the turn moves on.
    ///
    /// Pure but for the roster itself: the same roster, lead and moment give the same decision.
    /// - Parameters:
    ///   - variant: under which of the roster's rules.
    ///   - claim: who has the lead's customer already; it goes to them, unless it is held or they are not active.
    public mutating func decision(for lead: Lead, under variant: Int = 0, claim: OwnerClaim? = nil, at now: Date) -> RoutedLead {
        decide(lead, under: variant, claim, at: instant(now), counts: true)
    }

    /// Decides a lead as of the very moment it was decided before, and counts it in.
    ///
    /// - Parameter decidedAt: one that `decision(for:under:at:)` gave.
    public mutating func decision(for lead: Lead, under variant: Int, claim: OwnerClaim? = nil, decidedAt: Date) -> RoutedLead {
        decide(lead, under: variant, claim, at: decidedAt, counts: true)
    }

    /// How a lead would be decided: nobody's load and no turn changes.
    public mutating func supposition(for lead: Lead, under variant: Int, claim: OwnerClaim? = nil, at now: Date) -> LeadDecision {
        decide(lead, under: variant, claim, at: now, counts: false).decision
    }

    private mutating func decide(_ lead: Lead, under variant: Int, _ claim: OwnerClaim?, at instant: Date, counts: Bool) -> RoutedLead {
        let rules = variants[variant]
        let judgement = rules.judgement(of: lead)
        let (read, otherMaps) = rules.references(for: lead.source)
        let decision = LeadDecision(outcome: .manualQueueFallback, ruleSets: read, otherMaps: otherMaps, decidedAt: instant)
        var search = Search(lead, judgement, decision, under: variant, counts: counts)
        switch judgement.verdict {
        case .held(let outcome): search.decision.outcome = outcome
        case _ where give(&search, by: claim): break
        case .unrouted: search.decision.reasons.append(Reason(.manualQueue))
        case .placed(let place): route(&search, place)
        }
        search.finish()
        let decided = search.decision
        let consequences = rules.consequences(
            of: judgement, for: lead, owner: decided.owner?.externalID, state: decided.outcome.stateName, at: decided.decidedAt)
        (search.decision.clocks, search.decision.looksAt) = (consequences.clocks, consequences.looksAt)
        search.decision.notice = consequences.notice
        search.decision.watchesCustomer = consequences.watchesCustomer
        return RoutedLead(decision: search.decision, cursor: search.cursor, regions: judgement.regions)
    }

    /// To whom the customer belongs; false when nobody active has it.
    private mutating func give(_ search: inout Search, by claim: OwnerClaim?) -> Bool {
        guard let claim else { return false }
        let holder = holder(of: claim, at: search.decision.decidedAt)
        search.decision.reasons.append(reason(claim, counts: holder != nil))
        guard let holder else { return false }
        let seller = sellers[holder]
        search.decision.outcome = .assignedExistingOwner
        search.decision.owner = LeadDecision.Owner(id: seller.id, externalID: seller.externalID)
        search.decision.candidateCount = 1
        search.decision.candidates = [Candidate(seller: seller.externalID, pending: seller.pending)]
        if search.counts { assign(to: holder, at: search.decision.decidedAt) }
        return true
    }

    /// The matched target, its alternates, the middle band's placement for another band, then the tenant's fallback.
    private mutating func route(_ search: inout Search, _ first: RoutedPlacement) {
        guard let route = variants[search.variant].route else { return }
        search.decision.matchedRule = first.name
        if tryPlacement(&search, first) { return }
        if let next = first.nextIndex, tryPlacement(&search, route.placements[next]) { return }
        for (index, target) in route.fallback.alternates.enumerated() {
            search.decision.reasons.append(Reason(.alternate, ["target": .text(target.words)]))
            if trySellers(&search, first, target, .fewestPending, [], .fallback(index)) { return }
        }
        if let pool = route.fallback.pool {
            search.decision.outcome = .pooled
            search.decision.pool = pool
            search.decision.reasons.append(Reason(.fallbackPool, ["pool": .text(pool)]))
        } else {
            search.decision.reasons.append(Reason(.manualQueue))
        }
    }

    private mutating func tryPlacement(_ search: inout Search, _ place: RoutedPlacement) -> Bool {
        let placement = place.placement
        switch placement.target {
        case .pool(let pool):
            search.decision.outcome = .pooled
            search.decision.pool = pool
            search.decision.reasons.append(Reason(.pooled, ["pool": .text(pool)]))
            return true
        case .marketing:
            search.decision.outcome = .toMarketing
            search.decision.reasons.append(Reason(.toMarketing))
            return true
        case .everyone, .newcomers, .sellers, .teams, .sellerInField: break
        }
        if trySellers(&search, place, placement.target, placement.strategy, placement.filters, .target) { return true }
        for (index, target) in placement.alternates.enumerated() {
            search.decision.reasons.append(Reason(.alternate, ["target": .text(target.words)]))
            if trySellers(&search, place, target, .fewestPending, [], .alternate(index)) { return true }
        }
        return false
    }

    private mutating func trySellers(
        _ search: inout Search, _ place: RoutedPlacement, _ target: Target, _ strategy: Strategy, _ filters: Set<SellerFilter>,
        _ stage: Stage
    ) -> Bool {
        if case .groupFirst(let turn) = strategy {
            let team: Reason.Parameter = .text(target.words)
            search.decision.reasons.append(Reason(.teamFirst, ["team": team]))
            if trySellers(&search, place, target, turn.strategy, filters, stage) { return true }
            search.decision.reasons.removeLast()
            search.decision.reasons.append(Reason(.teamExhausted, ["team": team]))
            return trySellers(&search, place, .everyone, turn.strategy, filters, .beyondTeam)
        }
        search.tellUnknown(filters)
        let key = key(search, place, filters, stage)
        var ranking: Ranking?
        if case .ranked(let asked) = strategy { ranking = asked }
        let pool = pool(key, target, name: place.name, ranking: ranking)
        search.exclude(pool.exclusions)
        let free = free(of: pool, &search)
        guard let choice = choice(strategy, of: free, in: pool, key, &search) else {
            search.decision.reasons.append(Reason(.targetExhausted, ["target": .text(target.words)]))
            return false
        }
        if case .teams = target { search.decision.team = target.words }
        award(&search, pool, choice, key)
        return true
    }

    /// Those of a pool who can be given a lead at this moment: not frozen, on shift, their load allows it, and they did not leave this one
    /// untouched before.
    private func free(of pool: Pool, _ search: inout Search) -> [Int] {
        var leftOut: [ExclusionCode: [String]] = [:]
        let moment = search.decision.decidedAt
        let free = pool.members.indices.filter { member in
            let seller = sellers[pool.members[member]]
            let code: ExclusionCode? =
                seller.id == search.lead.recycledFrom
                ? .recycled : seller.absence(at: moment) ?? (seller.pending > seller.capacity ? .overLoad : nil)
            guard let code else { return true }
            leftOut[code, default: []].append(seller.externalID)
            return false
        }
        if !leftOut.isEmpty { search.exclude(leftOut) }
        return free
    }

    private func key(_ search: Search, _ place: RoutedPlacement, _ filters: Set<SellerFilter>, _ stage: Stage) -> PoolKey {
        let judgement = search.judgement
        let regions =
            filters.contains(.region) && !judgement.regions.isEmpty ? judgement.regions.filter(namedRegions.contains).sorted() : nil
        let countsIndustry = filters.contains(.industry) && judgement.industry != nil
        return PoolKey(
            variant: search.variant, placement: place.index, stage: stage, regions: regions,
            industry: countsIndustry ? judgement.industry.flatMap { namedIndustries.contains($0) ? $0 : nil } : nil,
            countsIndustry: countsIndustry, namedSeller: place.namedSeller)
    }

    // MARK: Choosing

    /// A member of a pool, the metrics it was compared by, and why it.
    private struct Choice {
        let member: Int
        let candidates: [Int]
        var metrics: [Double?]?
        let reason: Reason
    }

    private mutating func choice(_ strategy: Strategy, of free: [Int], in pool: Pool, _ key: PoolKey, _ search: inout Search) -> Choice? {
        switch strategy {
        case .ranked(let asked): return best(asked, of: free, in: pool, key, &search)
        case .roundRobin: return next(of: free, in: pool, key, &search)
        case .dedicated:
            guard let member = free.first else { return nil }
            return Choice(member: member, candidates: free, reason: Reason(.dedicated))
        case .fewestPending, .groupFirst:
            guard let member = leastLoaded(free, in: pool) else { return nil }
            let pending = sellers[pool.members[member]].pending
            // With as few there were others; who was assigned to longest ago comes first.
            let alike = free.count { sellers[pool.members[$0]].pending == pending }
            var parameters: [String: Reason.Parameter] = ["pending": .integer(pending)]
            if alike > 1 { parameters["alike"] = .integer(alike) }
            return Choice(member: member, candidates: free, reason: Reason(.fewestPending, parameters))
        }
    }

    private func leastLoaded(_ members: [Int], in pool: Pool) -> Int? {
        var best: Int?
        for member in members where best.map({ isLessLoaded(pool.members[member], pool.members[$0]) }) ?? true { best = member }
        return best
    }

    /// Fewest pending, then longest since the last assignment, then seller id.
    private func isLessLoaded(_ a: Int, _ b: Int) -> Bool {
        if sellers[a].pending != sellers[b].pending { return sellers[a].pending < sellers[b].pending }
        let (lastA, lastB) = (sellers[a].lastAssignedAt ?? .distantPast, sellers[b].lastAssignedAt ?? .distantPast)
        return lastA == lastB ? a < b : lastA < lastB
    }

    private mutating func next(of free: [Int], in pool: Pool, _ key: PoolKey, _ search: inout Search) -> Choice? {
        let weightless = free.filter { pool.weights[$0] <= 0 }
        if !weightless.isEmpty { search.exclude([.noWeight: weightless.map { sellers[pool.members[$0]].externalID }]) }
        let taking = weightless.isEmpty ? free : free.filter { pool.weights[$0] > 0 }
        guard !taking.isEmpty else { return nil }
        var turn = pools[key]?.turn ?? turn(of: pool)
        let member = turn.next(among: taking, weights: pool.weights)
        let kept = pool.members.indices.filter { turn.credits[$0] != nil }
        let cursor = PoolCursor(
            pool: pool.name, sellers: kept.map { sellers[pool.members[$0]].id }, credits: kept.compactMap { turn.credits[$0] })
        if search.counts { took(turn, in: key, leaving: cursor) }
        search.cursor = cursor
        return Choice(member: member, candidates: taking, reason: Reason(.roundRobin, ["members": .integer(taking.count)]))
    }

    /// The n best of those free; among them the one with fewest pending.
    private mutating func best(_ asked: Ranking, of free: [Int], in pool: Pool, _ key: PoolKey, _ search: inout Search) -> Choice? {
        let industry = search.judgement.industry
        let table = ranking(asked, of: key, in: industry)
        if !table.unranked.isEmpty { search.exclude([.noRankingData: table.unranked]) }
        let ranked = free.filter { table.metrics[$0] != nil }
        var top: [Int] = []
        for member in ranked {
            let place = top.firstIndex { isBetter(member, $0, table, pool) } ?? top.count
            guard place < asked.best else { continue }
            top.insert(member, at: place)
            if top.count > asked.best { top.removeLast() }
        }
        guard let member = leastLoaded(top, in: pool), let metric = table.metrics[member] else { return nil }
        let tally = table.tallies[member]
        var parameters: [String: Reason.Parameter] = [
            "months": .integer(asked.windowMonths), "won": .integer(tally.won), "closed": .integer(tally.closed), "n": .integer(asked.best),
        ]
        if asked.metric == .closeRate { parameters["rate"] = .number(metric) }
        if let mean = table.mean { parameters["mean"] = .number(mean) }
        if let industry { parameters["industry"] = .text(industry) }
        return Choice(
            member: member, candidates: top, metrics: table.metrics,
            reason: Reason(asked.metric == .closeRate ? .closeRate : .dealsWon, parameters))
    }

    private func isBetter(_ a: Int, _ b: Int, _ table: RankingTable, _ pool: Pool) -> Bool {
        let (metricA, metricB) = (table.metrics[a] ?? 0, table.metrics[b] ?? 0)
        return metricA == metricB ? isLessLoaded(pool.members[a], pool.members[b]) : metricA > metricB
    }

    // MARK: Awarding

    private mutating func award(_ search: inout Search, _ pool: Pool, _ choice: Choice, _ key: PoolKey) {
        let index = pool.members[choice.member]
        let seller = sellers[index]
        search.decision.outcome = .assigned
        search.decision.owner = LeadDecision.Owner(id: seller.id, externalID: seller.externalID)
        search.decision.reasons += serviceReasons(seller, key, search.judgement)
        search.decision.reasons.append(choice.reason)
        search.decision.candidateCount = choice.candidates.count
        // The one who was chosen is always in the log, whatever the limit.
        let others = choice.candidates.lazy.filter { $0 != choice.member }.prefix(LeadDecision.listLimit - 1)
        search.decision.candidates = ([choice.member] + others).map { member in
            let seller = sellers[pool.members[member]]
            return Candidate(seller: seller.externalID, metric: choice.metrics?[member], pending: seller.pending)
        }
        if search.counts { assign(to: index, at: search.decision.decidedAt) }
    }

    /// Why this seller may serve the lead: only what the seller says of themselves and the lead of itself.
    private func serviceReasons(_ seller: Seller, _ key: PoolKey, _ judgement: Judgement) -> [Reason] {
        var reasons: [Reason] = []
        if let region = key.regions?.first(where: seller.regions.contains) {
            reasons.append(Reason(.regionMatched, ["region": .text(region)]))
        }
        if key.countsIndustry, let industry = key.industry, seller.industries.contains(industry) {
            reasons.append(Reason(.industryMatched, ["industry": .text(industry)]))
        }
        return reasons
    }
}

extension Strategy.Turn {
    fileprivate var strategy: Strategy {
        switch self {
        case .fewestPending: .fewestPending
        case .roundRobin: .roundRobin
        }
    }
}

/// A decision being made.
private struct Search {
    let lead: Lead
    let judgement: Judgement
    let variant: Int
    /// Whether loads and turns change by it.
    let counts: Bool
    var decision: LeadDecision
    var cursor: PoolCursor?
    private var exclusions: [ExclusionCode: [String]] = [:]

    init(_ lead: Lead, _ judgement: Judgement, _ decision: LeadDecision, under variant: Int, counts: Bool) {
        self.lead = lead
        self.variant = variant
        self.counts = counts
        self.judgement = judgement
        self.decision = decision
        self.decision.score = judgement.score
        self.decision.band = judgement.band
        self.decision.intent = judgement.intent
        self.decision.reasons = judgement.reasons
        self.decision.unmappedFields = judgement.mapped.unmapped
        self.decision.defaultedFields = judgement.mapped.defaulted.map(\.field)
    }

    /// A filter that cannot be applied does not count, and the receipt says so (LEAD-ROUTE-02).
    mutating func tellUnknown(_ filters: Set<SellerFilter>) {
        var unknown: [Reason] = []
        if filters.contains(.region), judgement.regions.isEmpty { unknown.append(Reason(.regionUnknown)) }
        if filters.contains(.industry), judgement.industry == nil { unknown.append(Reason(.industryUnknown)) }
        decision.reasons += unknown.filter { !decision.reasons.contains($0) }
    }

    /// Sellers may be left out at several steps; each is told once for each reason.
    mutating func exclude(_ sellers: [ExclusionCode: [String]]) {
        for (code, ids) in sellers {
            guard let known = exclusions[code] else {
                exclusions[code] = ids
                continue
            }
            let told = Set(known)
            exclusions[code] = known + ids.filter { !told.contains($0) }
        }
    }

    mutating func finish() {
        decision.exclusions = exclusions.sorted { $0.key < $1.key }.map { Exclusion(code: $0.key, sellers: $0.value) }
    }
}
