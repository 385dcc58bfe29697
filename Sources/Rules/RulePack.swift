/// Rule sets to begin with, for one trade: one of each kind. A tenant starts from a pack and changes it.
public struct RulePack: Sendable, Hashable {
    public let name: String
    public let sources: [RuleKind: String]

    public static let manufacturing = RulePack(
        "manufacturing",
        [
            .map: PackageResources.manufacturing_map_yaml, .score: PackageResources.manufacturing_score_yaml,
            .route: PackageResources.manufacturing_route_yaml, .match: PackageResources.manufacturing_match_yaml,
            .clock: PackageResources.manufacturing_clock_yaml, .gate: PackageResources.manufacturing_gate_yaml,
            .measure: PackageResources.manufacturing_measure_yaml, .message: PackageResources.manufacturing_message_yaml,
        ])
    public static let medical = RulePack(
        "medical",
        [
            .map: PackageResources.medical_map_yaml, .score: PackageResources.medical_score_yaml,
            .route: PackageResources.medical_route_yaml, .match: PackageResources.medical_match_yaml,
            .clock: PackageResources.medical_clock_yaml, .gate: PackageResources.medical_gate_yaml,
            .measure: PackageResources.medical_measure_yaml, .message: PackageResources.medical_message_yaml,
        ])
    public static let education = RulePack(
        "education",
        [
            .map: PackageResources.education_map_yaml, .score: PackageResources.education_score_yaml,
            .route: PackageResources.education_route_yaml, .match: PackageResources.education_match_yaml,
            .clock: PackageResources.education_clock_yaml, .gate: PackageResources.education_gate_yaml,
            .measure: PackageResources.education_measure_yaml, .message: PackageResources.education_message_yaml,
        ])
    /// Shops whose clerks serve customers at the counter.
    public static let store = RulePack(
        "store",
        [
            .map: PackageResources.store_map_yaml, .score: PackageResources.store_score_yaml, .route: PackageResources.store_route_yaml,
            .match: PackageResources.store_match_yaml, .clock: PackageResources.store_clock_yaml, .gate: PackageResources.store_gate_yaml,
            .measure: PackageResources.store_measure_yaml, .message: PackageResources.store_message_yaml,
        ])
    public static let saas = RulePack(
        "saas",
        [
            .map: PackageResources.saas_map_yaml, .score: PackageResources.saas_score_yaml, .route: PackageResources.saas_route_yaml,
            .match: PackageResources.saas_match_yaml, .clock: PackageResources.saas_clock_yaml, .gate: PackageResources.saas_gate_yaml,
            .measure: PackageResources.saas_measure_yaml, .message: PackageResources.saas_message_yaml,
        ])

    public static let all = [manufacturing, medical, education, store, saas]

    /// nil when there is no pack of that name.
    public static func named(_ name: String) -> RulePack? { all.first { $0.name == name } }

    /// All of them, to be told to people.
    public static var names: String { all.map(\.name).joined(separator: ", ") }

    private init(_ name: String, _ sources: [RuleKind: [UInt8]]) {
        self.name = name
        self.sources = sources.mapValues { String(decoding: $0, as: UTF8.self) }
    }

    /// In the order in which they have to be saved: maps first, since what they add is known to the others; messages before the clocks
    /// that name them.
    public var ordered: [(kind: RuleKind, source: String)] {
        [RuleKind.map, .match, .score, .route, .message, .clock, .gate, .measure].compactMap { kind in sources[kind].map { (kind, $0) } }
    }
}
