import Foundation
import Identity
import SalesModel

/// A rule set that is live, with its version.
public struct LiveRuleSet: Sendable, Hashable {
    public let ruleSet: RuleSet
    public let version: Int

    public init(_ ruleSet: RuleSet, version: Int) {
        self.ruleSet = ruleSet
        self.version = version
    }

    public var reference: RuleSetReference { RuleSetReference(kind: ruleSet.kind.rawValue, name: ruleSet.name, version: version) }
}

/// A rule set that does not pass this version's checks, or not with the fields that the maps beside it give.
public struct UnreadableRuleSet: Sendable, Hashable {
    public let reference: RuleSetReference
    public let faults: RuleFaults

    public init(_ reference: RuleSetReference, _ faults: RuleFaults) {
        self.reference = reference
        self.faults = faults
    }

    /// The first of its faults.
    public var message: String { faults.faults.first.map { "\($0.path): \($0.message)" } ?? "" }
}

/// All live rules of a tenant, made ready to judge leads: fields have places, conditions are compiled, maps are merged by source.
public struct TenantRules: Sendable {
    public let references: [RuleSetReference]
    /// Live ones that cannot be read: while there are any, no lead is judged.
    public let unreadable: [UnreadableRuleSet]
    public let table: FieldTable
    public let route: CompiledRoute?
    /// By which leads are recognised.
    public let match: MatchRules

    let score: CompiledScore?
    private let maps: [String: SourceMap]
    private let anyMap: SourceMap
    /// For which sources a map speaks; of those that do for some only.
    private let mapSources: [RuleSetReference: Set<String>]
    /// Fields that must be mapped before anything is evaluated.
    private let required: [(name: String, slot: Int)]
    private let blank: [FieldValue]
    private let slots: LeadSlots
    let following: LeadConsequences
    /// All clocks, of whatever subject.
    public let clocks: [Clock]
    public let messages: MessageRules?
    /// Of the fields that tell who a lead is.
    private let telling: Set<Int>

    /// - Parameters:
    ///   - live: of match, score, route, clock and message sets the first by name counts.
    ///   - unreadable: beside them.
    ///   - timeZone: the tenant's, for times in messages.
    public init(_ live: [LiveRuleSet], unreadable: [UnreadableRuleSet] = [], timeZone: TimeZone = .gmt) {
        self.unreadable = unreadable
        let ordered = live.sorted { ($0.ruleSet.kind.rawValue, $0.ruleSet.name) < ($1.ruleSet.kind.rawValue, $1.ruleSet.name) }
        let mapSets = ordered.compactMap { if case .map(let map) = $0.ruleSet.body { map } else { nil } }
        let scoreSet = ordered.lazy.compactMap { if case .score(let score) = $0.ruleSet.body { ($0, score) } else { nil } }.first
        let routeSet = ordered.lazy.compactMap { if case .route(let route) = $0.ruleSet.body { ($0, route) } else { nil } }.first
        let clockSet = ordered.lazy.compactMap { if case .clock(let clock) = $0.ruleSet.body { ($0, clock) } else { nil } }.first
        let messageSet = ordered.lazy.compactMap { if case .message(let message) = $0.ruleSet.body { ($0, message) } else { nil } }.first
        let matchSet = ordered.lazy.compactMap { if case .match(let match) = $0.ruleSet.body { ($0, match) } else { nil } }.first
        clocks = clockSet?.1.clocks ?? []
        messages = messageSet?.1
        following = LeadConsequences(clocks: clockSet?.1, messages: messageSet?.1, timeZone: timeZone)
        let used = [matchSet?.0, scoreSet?.0, routeSet?.0, clockSet?.0, messageSet?.0]
        let read = ordered.filter { if case .map = $0.ruleSet.body { true } else { used.contains($0) } }.map(\.reference)
        references = (read + unreadable.map(\.reference)).sorted()
        mapSources = ordered.reduce(into: [:]) { sources, live in
            if case .map(let map) = live.ruleSet.body, !map.sources.contains(MapRules.anySource) {
                sources[live.reference] = Set(map.sources)
            }
        }

        let asked = (scoreSet?.1.fields ?? []).union(routeSet?.1.fields ?? [])
        let intent = scoreSet.map { $0.1.intent.high.fields.union($0.1.intent.mid.fields) } ?? []
        let table = FieldTable(asked.union(intent).union(mapSets.flatMap { $0.fields.map(\.field.name) }).union(LeadSlots.names))
        self.table = table
        slots = LeadSlots(table)
        blank = Array(repeating: .unmapped, count: table.names.count)
        score = scoreSet.map { CompiledScore($0.1, table) }
        route = routeSet.map { CompiledRoute($0.1, table) }
        match = matchSet?.1 ?? .standard
        telling = Set((match.fields.map(\.field) + ["budget"]).compactMap { table[$0] })
        required = asked.sorted().filter { !LeadSlots.given.contains($0) }.map { ($0, table[$0]!) }

        let general = mapSets.filter { $0.sources.contains(MapRules.anySource) }
        anyMap = SourceMap(general, table: table)
        var maps: [String: SourceMap] = [:]
        for source in Set(mapSets.flatMap(\.sources)) where source != MapRules.anySource {
            maps[source] = SourceMap(mapSets.filter { $0.sources.contains(source) } + general, table: table)
        }
        self.maps = maps
    }
}

extension TenantRules {
    /// The rule sets that have a say in leads of a source, and the maps of other sources beside them.
    public func references(for source: String) -> (read: [RuleSetReference], otherMaps: [RuleSetReference]) {
        guard !mapSources.isEmpty else { return (references, []) }
        func isForeign(_ reference: RuleSetReference) -> Bool { mapSources[reference].map { !$0.contains(source) } ?? false }
        return (references.filter { !isForeign($0) }, references.filter(isForeign))
    }

    /// The lengths in months of the windows that rankings look back on.
    public var windows: [Int] {
        let windows = (route?.placements ?? []).compactMap { routed -> Int? in
            if case .ranked(let ranking) = routed.placement.strategy { ranking.windowMonths } else { nil }
        }
        return Set(windows).sorted()
    }
}

/// Where the fields stand that every lead has.
struct LeadSlots: Sendable {
    /// Not from a map: the lead's own, and the score's.
    static let given: Set<String> = ["source", "received_at", "score", "band", "intent"]
    static let names = given.union(["region", "industry"])

    let source, receivedAt, score, band, intent, region, industry: Int

    init(_ table: FieldTable) {
        source = table["source"]!
        receivedAt = table["received_at"]!
        score = table["score"]!
        band = table["band"]!
        intent = table["intent"]!
        region = table["region"]!
        industry = table["industry"]!
    }
}

extension TenantRules {
    /// What a lead says of who it is: the fields that are compared, and the budget, about which sources often differ.
    public func said(by lead: Lead) -> [String: [String]] {
        telling.isEmpty ? [:] : (maps[lead.source] ?? anyMap).texts(of: telling, in: lead.fields)
    }
}

// MARK: - Judging a lead

/// What the rules say of one lead, before anyone asks who is free.
public struct Judgement: Sendable {
    public enum Verdict: Sendable {
        /// It waits for a map, or for someone to complete it.
        case held(AssignmentOutcome)
        /// There are no rules to route by.
        case unrouted
        case placed(RoutedPlacement)
    }

    public var verdict: Verdict
    public var mapped: MappedLead
    public var score: Score?
    public var band: Band?
    public var intent: IntentGrade?
    public var reasons: [Reason]
    /// What the lead says of itself, where known and not empty.
    public var regions: [String]
    public var industry: String?
}

extension TenantRules {
    /// Maps, scores and routes a lead. Pure: the same lead under the same rules is judged alike.
    public func judgement(of lead: Lead) -> Judgement {
        let mapped = (maps[lead.source] ?? anyMap).apply(to: lead.fields, blank: blank)
        var judgement = Judgement(verdict: .unrouted, mapped: mapped, reasons: [], regions: [])
        judgement.mapped.values[slots.source] = .text(lead.source)
        judgement.mapped.values[slots.receivedAt] = .date(lead.receivedAt)
        if let outcome = hold(&judgement, lead) {
            judgement.verdict = .held(outcome)
            return judgement
        }
        if case .list(let regions) = judgement.mapped.values[slots.region] { judgement.regions = regions }
        if case .text(let industry) = judgement.mapped.values[slots.industry] { judgement.industry = industry }
        for (field, value) in mapped.defaulted {
            judgement.reasons.append(Reason(.fieldDefaulted, ["field": .text(field), "value": .text(value.description)]))
        }
        if let unknown = rate(&judgement) {
            hold(&judgement, unknown)
            return judgement
        }
        guard let route else {
            judgement.reasons.append(Reason(.noRouteRules))
            return judgement
        }
        switch route.placement(for: judgement.mapped.values) {
        case .found(let placement, let reasons):
            judgement.reasons += reasons
            judgement.verdict = .placed(placement)
        case .unknown(let tests): hold(&judgement, tests)
        }
        return judgement
    }

    /// What keeps the lead from being judged at all: what does not fit, what nobody mapped, what is not there.
    private func hold(_ judgement: inout Judgement, _ lead: Lead) -> AssignmentOutcome? {
        for rules in unreadable {
            judgement.reasons.append(
                Reason(.rulesUnreadable, ["rule_set": .text(rules.reference.description), "message": .text(rules.message)]))
        }
        guard judgement.reasons.isEmpty else { return .heldMappingError }
        let mapped = judgement.mapped
        for misfit in mapped.misfits {
            var parameters: [String: Reason.Parameter] = [
                "field": .text(misfit.field), "outside": .text(misfit.outside), "expected": .text(misfit.expected),
            ]
            if let value = misfit.value { parameters["value"] = .text(value) }
            if let sign = misfit.sign {
                parameters["sign"] = .text(sign.sign)
                parameters["currencies"] = .text(sign.currencies.joined(separator: ", "))
                parameters["asked"] = .text(sign.asked)
            }
            judgement.reasons.append(Reason(.typeMismatch, parameters))
        }
        let misfitting = Set(mapped.misfits.map(\.field))
        for (name, slot) in required where mapped.values[slot] == .unmapped && !misfitting.contains(name) {
            judgement.reasons.append(Reason(.fieldUnmapped, ["field": .text(name), "source": .text(lead.source)]))
        }
        if score == nil, let route, route.readsScore { judgement.reasons.append(Reason(.noScoreRules)) }
        guard judgement.reasons.isEmpty else { return .heldMappingError }
        for field in mapped.missing { judgement.reasons.append(Reason(.fieldMissing, ["field": .text(field)])) }
        return judgement.reasons.isEmpty ? nil : .heldMissingData
    }

    private func hold(_ judgement: inout Judgement, _ unknown: [DecidingTest]) {
        judgement.verdict = .held(.heldMappingError)
        judgement.reasons += unknown.map(Reason.init(notComparable:))
    }

    /// Scores the lead, where there is a card. Answers what could not be compared.
    private func rate(_ judgement: inout Judgement) -> [DecidingTest]? {
        guard let score else { return nil }
        switch score.score(of: judgement.mapped.values) {
        case .unknown(let tests): return tests
        case .known(let scored):
            let total = scored.total
            let band = score.bands.band(of: total)
            judgement.score = scored
            judgement.band = band
            judgement.mapped.values[slots.score] = .number(Double(total))
            judgement.mapped.values[slots.band] = .text(band.rawValue)
            judgement.reasons.append(Reason(.scoreBand, ["score": .integer(total), "band": .text(band.rawValue)]))
        }
        switch score.intent(of: judgement.mapped.values) {
        case .unknown(let tests): return tests
        case .known(let grade):
            guard let grade else { return nil }
            judgement.intent = grade
            judgement.mapped.values[slots.intent] = .text(grade.rawValue)
            judgement.reasons.append(Reason(.intentGrade, ["grade": .text(grade.rawValue)]))
            return nil
        }
    }
}
