import Foundation
import PostgresClient
import Rules
import SalesModel
import Synchronization
import Tenancy

/// Rules of the past, read once for each list of versions.
final class RuleShelf: Sendable {
    private struct Held: Sendable {
        var references: [String: [RuleSetReference]] = [:]
        var rules: [[RuleSetReference]: TenantRules] = [:]
    }

    private let held = Mutex(Held())

    /// What a decision's `rule_sets` and `other_maps` name, as JSON: `["route/default@3"]`.
    func references(_ json: String) -> [RuleSetReference] {
        held.withLock { held in
            if let known = held.references[json] { return known }
            let names = (try? JSONDecoder().decode([String].self, from: Data(json.utf8))) ?? []
            let references = names.compactMap(RuleSetReference.init).sorted()
            held.references[json] = references
            return references
        }
    }

    /// Those fetched before; of others none, which `PastReader.fetch` prevents.
    func rules(_ references: [RuleSetReference]) -> TenantRules { held.withLock { $0.rules[references] } ?? TenantRules([]) }

    func lacks(_ references: [RuleSetReference]) -> Bool { held.withLock { $0.rules[references] == nil } }

    func put(_ rules: TenantRules, for references: [RuleSetReference]) { held.withLock { $0.rules[references] = rules } }
}

extension RuleSetReference {
    /// `route/default@3`
    init?(_ text: String) {
        guard let at = text.lastIndex(of: "@"), let slash = text.firstIndex(of: "/"), slash < at,
            let version = Int(text[text.index(after: at)...])
        else { return nil }
        self.init(kind: String(text[..<slash]), name: String(text[text.index(after: slash)..<at]), version: version)
    }
}

extension [RuleSetReference] {
    /// The list with a version in the place of its name's other version, or added to it.
    public func with(_ candidate: RuleSetReference) -> Self {
        (filter { $0.kind != candidate.kind || $0.name != candidate.name } + [candidate]).sorted()
    }
}

extension PastReader {
    /// The rules under these references, fetched before by `fetch`.
    public var rules: @Sendable ([RuleSetReference]) -> TenantRules { { [shelf] in shelf.rules($0) } }

    /// Reads the rules of these lists, where they are not known yet.
    ///
    /// What cannot be read with the maps of its time holds leads, as it would have then.
    public func fetch(_ lists: some Sequence<[RuleSetReference]>) async throws {
        for references in Set(lists) where shelf.lacks(references) { shelf.put(try await read(references), for: references) }
    }

    private func read(_ references: [RuleSetReference]) async throws -> TenantRules {
        let rows = try await read([
            """
            SELECT v.kind, v.name, v.version, v.source
            FROM unnest(\(references.map(\.kind)), \(references.map(\.name)), \(references.map { Int32($0.version) })) AS n(kind, name, version)
                JOIN ruleset_version v ON v.tenant_id = \(tenant.rawValue) AND v.kind = n.kind AND v.name = n.name AND v.version = n.version
            -- Maps first, since what they add is known to the others.
            ORDER BY v.kind <> 'map', v.kind, v.name
            """
        ])[0]
        var (sets, unreadable): ([LiveRuleSet], [UnreadableRuleSet]) = ([], [])
        for row in rows {
            guard let kind = RuleKind(rawValue: try row.get("kind")) else { continue }
            let (name, version): (String, Int32) = (try row.get("name"), try row.get("version"))
            let catalogue = kind == .map ? .standard : FieldCatalogue.of(sets.map(\.ruleSet))
            switch RuleSet.parse(kind: kind, name: name, source: try row.get("source"), catalogue: catalogue) {
            case .success(let ruleSet): sets.append(LiveRuleSet(ruleSet, version: Int(version)))
            case .failure(let faults):
                unreadable.append(
                    UnreadableRuleSet(RuleSetReference(kind: kind.rawValue, name: name, version: Int(version)), faults))
            }
        }
        return TenantRules(sets, unreadable: unreadable)
    }
}
