import Foundation
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// A rule set that does not pass this version's checks.
public struct RulesUnreadable: Error, Sendable, CustomStringConvertible {
    public let ruleSet: RuleSetReference
    public let faults: RuleFaults

    init(_ unreadable: UnreadableRuleSet) { (ruleSet, faults) = (unreadable.reference, unreadable.faults) }

    init(ruleSet: RuleSetReference, faults: RuleFaults) { (self.ruleSet, self.faults) = (ruleSet, faults) }

    public var description: String { "the rules \(ruleSet) cannot be read: \(faults.faults.first?.message ?? "")" }

    /// By which the operators hear of a live one.
    static let alert = "rules_unreadable"
}

/// A live version, before its text is read.
struct LiveRule: Sendable, Hashable {
    let kind: RuleKind
    let name: String
    let version: Int
    let hash: String

    var lineage: String { "\(kind.rawValue)/\(name)" }
    var reference: RuleSetReference { RuleSetReference(kind: kind.rawValue, name: name, version: version) }

    init?(_ row: Row) throws {
        // The other kinds are no business of a decision.
        guard let kind = RuleKind(rawValue: try row.get("kind")), kind.isOfDecisions else { return nil }
        self.kind = kind
        name = try row.get("name")
        version = Int(try row.get("version", as: Int32.self))
        hash = try row.get("hash")
    }
}

extension [LiveRule] {
    func inOrder() -> [LiveRule] { sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) } }
}

/// Rule sets read from their texts, each with the fields of the maps it stands beside: what one map lets it read another may not.
struct RuleLibrary: Sendable {
    /// All that reading a text depends on.
    private struct Key: Sendable, Hashable {
        let rule: LiveRule
        let maps: [LiveRule]
    }

    private var found: [Key: Result<LiveRuleSet, RuleFaults>] = [:]

    private static func keys(_ rules: [LiveRule]) -> [Key] {
        let maps = rules.filter { $0.kind == .map }.inOrder()
        return rules.map { Key(rule: $0, maps: $0.kind == .map ? [] : maps) }
    }

    /// Reads the lists' rule sets as far as they are not known, and forgets all others.
    mutating func read(_ lists: [[LiveRule]], of tenant: TenantID, in postgres: PostgresPool) async throws {
        let wanted = Set(lists.flatMap(Self.keys))
        found = found.filter { wanted.contains($0.key) }
        let lacking = wanted.filter { found[$0] == nil }
        guard !lacking.isEmpty else { return }
        // The maps beside them too, since what they add is known to the others.
        let texts = try await Self.texts(Array(Set(lacking.flatMap { $0.maps + [$0.rule] })), of: tenant, in: postgres)
        for key in lacking.sorted(by: { $0.rule.kind == .map && $1.rule.kind != .map }) {
            guard let text = texts[key.rule] else { continue }
            let maps = key.maps.compactMap { try? found[Key(rule: $0, maps: [])]?.get().ruleSet }
            found[key] = RuleSet.parse(kind: key.rule.kind, name: key.rule.name, source: text, catalogue: .of(maps)).map {
                LiveRuleSet($0, version: key.rule.version)
            }
        }
    }

    private static func texts(_ rules: [LiveRule], of tenant: TenantID, in postgres: PostgresPool) async throws -> [LiveRule: String] {
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT n.place, v.source
            FROM unnest(\(rules.map(\.kind.rawValue)), \(rules.map(\.name)), \(rules.map { Int32($0.version) })) WITH ORDINALITY AS n(kind, name, version, place)
                JOIN ruleset_version v ON v.tenant_id = \(tenant.rawValue) AND v.kind = n.kind AND v.name = n.name AND v.version = n.version
            """,
        ])[1]
        return try rows.reduce(into: [:]) { $0[rules[Int(try $1.get("place", as: Int64.self)) - 1]] = try $1.get("source") }
    }

    /// The rules of one list; what cannot be read is named by them.
    func rules(_ list: [LiveRule], timeZone: TimeZone) -> TenantRules {
        let read = Self.keys(list).compactMap { key in found[key].map { (rule: key.rule, result: $0) } }
        return TenantRules(
            read.compactMap { try? $0.result.get() }, unreadable: read.compactMap { $0.rule.unreadable($0.result) }, timeZone: timeZone)
    }

    /// The first of a list that cannot be read and is not among these.
    func unreadable(_ list: [LiveRule], besides known: [UnreadableRuleSet] = []) -> UnreadableRuleSet? {
        Self.keys(list).lazy.compactMap { [found] key in found[key].flatMap(key.rule.unreadable) }.first { !known.contains($0) }
    }
}

extension LiveRule {
    fileprivate func unreadable(_ result: Result<LiveRuleSet, RuleFaults>) -> UnreadableRuleSet? {
        if case .failure(let faults) = result { UnreadableRuleSet(reference, faults) } else { nil }
    }
}
