import PostgresClient
import Rules
import SalesModel
import Synchronization
import Tenancy

/// A tenant's live gates for opportunities, compiled once for each version.
final class GateShelf: Sendable {
    struct Gates: Sendable {
        let compiled: CompiledGates
        /// `gate/default@3`
        let version: String
    }

    private struct Held {
        var hashes: [String]
        var gates: Gates?
    }

    private let held = Mutex<[TenantID: Held]>([:])

    /// Nil where the tenant has none. What is live is asked each time; the transaction sees one state of it.
    ///
    /// - Throws: `RulesUnreadable` when they do not pass this version's checks.
    func live(of tenant: TenantID, in transaction: PostgresTransaction) throws -> Gates? {
        // Gates may read fields that maps have added.
        let rows = try transaction.query(
            """
            SELECT kind, name, version, hash FROM ruleset_version
            WHERE tenant_id = \(tenant.rawValue) AND state = 'live' AND kind IN ('gate', 'map')
            ORDER BY kind, name
            """)
        guard try rows.contains(where: { try $0.get("kind", as: String.self) == RuleKind.gate.rawValue }) else { return nil }
        let hashes = try rows.map {
            try
                "\($0.get("kind", as: String.self))/\($0.get("name", as: String.self))@\($0.get("version", as: Int32.self)) \($0.get("hash", as: String.self))"
        }
        if let known = held.withLock({ $0[tenant] }), known.hashes == hashes { return known.gates }
        let gates = try read(of: tenant, in: transaction)
        held.withLock { $0[tenant] = Held(hashes: hashes, gates: gates) }
        return gates
    }

    private func read(of tenant: TenantID, in transaction: PostgresTransaction) throws -> Gates? {
        let rows = try transaction.query(
            """
            SELECT kind, name, version, source FROM ruleset_version
            WHERE tenant_id = \(tenant.rawValue) AND state = 'live' AND kind IN ('gate', 'map')
            ORDER BY kind <> 'map', kind, name
            """)
        var sets: [RuleSet] = []
        for row in rows {
            guard let kind = RuleKind(rawValue: try row.get("kind")) else { continue }
            let (name, version): (String, Int32) = (try row.get("name"), try row.get("version"))
            let reference = RuleSetReference(kind: kind.rawValue, name: name, version: Int(version))
            switch RuleSet.parse(kind: kind, name: name, source: try row.get("source"), catalogue: FieldCatalogue.of(sets)) {
            case .success(let set):
                if let gates = set.gates, gates.subject == .opportunity {
                    return Gates(compiled: CompiledGates(gates), version: reference.description)
                }
                sets.append(set)
            case .failure(let faults): throw RulesUnreadable(ruleSet: reference, faults: faults)
            }
        }
        return nil
    }
}
