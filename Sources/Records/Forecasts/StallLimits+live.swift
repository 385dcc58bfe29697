import Forecasts
import PostgresClient
import Rules
import SalesModel
import Tenancy

extension StallLimits {
    /// The clock that says how long an opportunity may stay where it is.
    private static let clock = "stage_dwell"

    /// What the tenant's live clock `stage_dwell` allows, to the second; without such a clock the standard.
    static func live(of tenant: TenantID, in transaction: PostgresTransaction) throws -> StallLimits {
        let rows = try transaction.query(
            """
            SELECT kind, name, source FROM ruleset_version
            WHERE tenant_id = \(tenant.rawValue) AND state = 'live' AND kind IN ('clock', 'map') ORDER BY kind <> 'map', kind, name
            """)
        var sets: [RuleSet] = []
        for row in rows {
            guard let kind = RuleKind(rawValue: try row.get("kind")) else { continue }
            // One that cannot be read is told of where clocks are fired; here it only leaves the standard.
            guard
                let set = try? RuleSet.parse(
                    kind: kind, name: try row.get("name"), source: try row.get("source"), catalogue: FieldCatalogue.of(sets)
                ).get()
            else { continue }
            if let limits = set.clocks?.clocks.first(where: { $0.id == clock && $0.subject == .opportunity }).flatMap(Self.init) {
                return limits
            }
            sets.append(set)
        }
        return .standard
    }

    private init?(_ clock: Clock) {
        switch clock.budget {
        case .seconds(let seconds): self.init(byStage: [:], otherwise: seconds)
        case .classes("stage", let classes, let otherwise): self.init(byStage: classes, otherwise: otherwise ?? .max)
        case .classes, nil: return nil
        }
    }
}
