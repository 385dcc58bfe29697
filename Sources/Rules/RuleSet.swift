import Identity
import SalesModel

/// What a rule set answers.
public enum RuleKind: String, Sendable, Hashable, CaseIterable {
    /// What does this outside field mean here?
    case map
    /// How good is it, 0–100, and from what parts?
    case score
    /// Who gets it?
    case route
    /// Is this someone we know?
    case match
    /// When is it late, and who hears of it at each step?
    case clock
    /// What must be true before it moves?
    case gate
    /// How are we doing?
    case measure
    /// What do we say, to whom, on which channel?
    case message

    /// Whether a decision about a lead is made by it, or says something by it, and so can be rolled out.
    public var isOfDecisions: Bool { isRouting || self == .match || self == .clock || self == .message }

    /// Whether only one rule set of the kind can be live: that of the name published last. Maps are of their sources, gates and
    /// measures of what they speak of.
    public var isSingle: Bool { [.match, .score, .route, .clock, .message].contains(self) }

    /// Whether leads are routed by it.
    public var isRouting: Bool { [.map, .score, .route].contains(self) }
}

/// One version of a rule set, checked and immutable.
public struct RuleSet: Sendable, Hashable {
    public enum Body: Sendable, Hashable {
        case map(MapRules)
        case score(ScoreRules)
        case route(RouteRules)
        case match(MatchRules)
        case clock(ClockRules)
        case gate(GateRules)
        case measure(MeasureRules)
        case message(MessageRules)
    }

    public let kind: RuleKind
    public let name: String
    /// SHA-256 in hex of the content: layout, comments and key order do not count.
    public let hash: String
    public let body: Body
    /// The text as a tree, by which versions are told apart in words.
    let root: RuleNode

    public static func == (a: RuleSet, b: RuleSet) -> Bool {
        a.kind == b.kind && a.name == b.name && a.hash == b.hash && a.body == b.body
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(hash)
    }

    /// Reads and checks a rule set: YAML, of which JSON is a part.
    ///
    /// - Parameters:
    ///   - catalogue: The fields the tenant has: `FieldCatalogue.standard`, and those of its maps (`FieldCatalogue.of(_:)`).
    /// - Returns: The rule set, or everything that is wrong with it.
    public static func parse(
        kind: RuleKind, name: String, source: String, catalogue: FieldCatalogue = .standard
    ) -> Result<RuleSet, RuleFaults> {
        switch RuleNode.parse(source) {
        case .failure(let fault): return .failure(RuleFaults([fault]))
        case .success(let root):
            let faults = FaultList()
            let body = body(of: kind, RuleReader(node: root, path: "", faults: faults), catalogue)
            guard faults.faults.isEmpty else { return .failure(RuleFaults(faults.faults)) }
            guard let body else { preconditionFailure("a part of a rule set was refused without a fault") }
            return .success(RuleSet(kind: kind, name: name, hash: root.hash(salt: kind.rawValue), body: body, root: root))
        }
    }

    /// What is wrong with it among these fields, which may be others than those it was read with; nil: nothing.
    public func faults(among catalogue: FieldCatalogue) -> RuleFaults? {
        let faults = FaultList()
        _ = Self.body(of: kind, RuleReader(node: root, path: "", faults: faults), catalogue)
        return faults.faults.isEmpty ? nil : RuleFaults(faults.faults)
    }

    private static func body(of kind: RuleKind, _ reader: RuleReader, _ catalogue: FieldCatalogue) -> Body? {
        switch kind {
        case .map: MapRules.read(reader, catalogue: catalogue).map(Body.map)
        case .score: ScoreRules.read(reader, catalogue: catalogue).map(Body.score)
        case .route: RouteRules.read(reader, catalogue: catalogue).map(Body.route)
        case .match: MatchRules.read(reader, catalogue: catalogue).map(Body.match)
        case .clock: ClockRules.read(reader, SubjectScope(lead: catalogue)).map(Body.clock)
        case .gate: GateRules.read(reader, SubjectScope(lead: catalogue)).map(Body.gate)
        case .measure: MeasureRules.read(reader, SubjectScope(lead: catalogue)).map(Body.measure)
        case .message: MessageRules.read(reader, SubjectScope(lead: catalogue)).map(Body.message)
        }
    }
}

extension RuleSet {
    public var clocks: ClockRules? { if case .clock(let rules) = body { rules } else { nil } }
    public var gates: GateRules? { if case .gate(let rules) = body { rules } else { nil } }
    public var measures: MeasureRules? { if case .measure(let rules) = body { rules } else { nil } }
    public var messages: MessageRules? { if case .message(let rules) = body { rules } else { nil } }
    public var map: MapRules? { if case .map(let rules) = body { rules } else { nil } }
    public var match: MatchRules? { if case .match(let rules) = body { rules } else { nil } }

    /// What speaks against having this rule set live beside the others of the tenant: two maps for one source.
    public func conflicts(with others: [RuleSet]) -> [RuleFault] {
        guard case .map(let map) = body else { return [] }
        return others.flatMap { other -> [RuleFault] in
            guard other.name != name, case .map(let otherMap) = other.body else { return [] }
            return map.sources.enumerated().filter { otherMap.sources.contains($0.element) }.map { index, source in
                RuleFault(
                    path: "sources[\(index)]", code: .conflict,
                    message: "The map “\(other.name)” already speaks for “\(source)”; extend that one instead.")
            }
        }
    }
}

extension FieldCatalogue {
    /// The standard fields and those the given rule sets' maps add.
    public static func of(_ ruleSets: [RuleSet]) -> FieldCatalogue {
        ruleSets.reduce(.standard) { catalogue, ruleSet in
            guard case .map(let map) = ruleSet.body else { return catalogue }
            return catalogue.adding(map.fields.map(\.field))
        }
    }
}
