/// Rule sets to begin with, for one trade. A tenant starts from a pack and changes it.
public struct RulePack: Sendable, Hashable {
    public let name: String
    public let sources: [RuleKind: String]

    public static let manufacturing = RulePack(
        "manufacturing", map: PackageResources.manufacturing_map_yaml, score: PackageResources.manufacturing_score_yaml,
        route: PackageResources.manufacturing_route_yaml)
    public static let medical = RulePack(
        "medical", map: PackageResources.medical_map_yaml, score: PackageResources.medical_score_yaml,
        route: PackageResources.medical_route_yaml)
    public static let education = RulePack(
        "education", map: PackageResources.education_map_yaml, score: PackageResources.education_score_yaml,
        route: PackageResources.education_route_yaml)

    public static let all = [manufacturing, medical, education]

    /// nil when there is no pack of that name.
    public static func named(_ name: String) -> RulePack? { all.first { $0.name == name } }

    /// All of them, to be told to people.
    public static var names: String { all.map(\.name).joined(separator: ", ") }

    private init(_ name: String, map: [UInt8], score: [UInt8], route: [UInt8]) {
        self.name = name
        sources = [
            .map: String(decoding: map, as: UTF8.self), .score: String(decoding: score, as: UTF8.self),
            .route: String(decoding: route, as: UTF8.self),
        ]
    }

    /// In the order in which they have to be saved: maps first, since what they add is known to the others.
    public var ordered: [(kind: RuleKind, source: String)] {
        [RuleKind.map, .score, .route].compactMap { kind in sources[kind].map { (kind, $0) } }
    }
}
