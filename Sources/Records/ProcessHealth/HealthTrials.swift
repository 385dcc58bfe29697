import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import Rollouts
import Tenancy

/// Who warns: the live model, and one that is being rolled out beside it.
public struct HealthStanding: Sendable {
    /// Nil: nobody is warned but by a canary.
    public let live: HealthModel?
    /// The one trained last.
    public let last: HealthModel?
    /// Nil: none is rolled out.
    public let trial: HealthTrial?

    /// Why nobody is warned, where nobody is.
    public var silence: [String] {
        guard live == nil else { return [] }
        guard let last else { return ["no model has been trained yet"] }
        return last.reasons.isEmpty ? ["model \(last.version) passed its gate and is \(last.state.rawValue)"] : last.reasons
    }

    /// What predictions made now rest on.
    var basis: HealthBasis {
        HealthBasis(live: live?.version, rollout: trial?.id, state: trial?.state, stage: trial?.stage)
    }
}

/// A model that is being rolled out, team by team: a manager hears of one model only, and of no more than three sellers a week.
public struct HealthTrial: Sendable {
    public let candidate: HealthModel
    private let running: RunningRollout
    /// Teams that were in an arm already. Those that heard of the candidate go on to.
    private let exposures: [String: Arm]

    init(_ running: RunningRollout, candidate: HealthModel, exposures: [String: Arm]) {
        self.candidate = candidate
        self.running = running
        self.exposures = exposures
    }

    public var id: Int64 { running.id }
    public var isShadow: Bool { running.isShadow }
    var state: RolloutState.Name { running.state.name }
    /// Nil in the shadow.
    public var stage: Int? { running.stages.last?.number }

    /// Whether a team hears of the candidate.
    ///
    /// - Parameter team: external id; nil: of no team.
    public func isCanary(_ team: String?) -> Bool { arm(team) == .canary }

    func arm(_ team: String?) -> Arm {
        guard running.isCanary else { return .stable }
        let name = Self.name(of: team)
        // Of teams there come no new ones, as there do of customers: as the share grows those that were stable join.
        return exposures[name] == .canary ? .canary : running.arm(of: name)
    }

    /// As exposures are kept.
    static func name(of team: String?) -> String { "team/\(team ?? "")" }
}

/// What predictions rested on; what was decided on another is decided again.
struct HealthBasis: Sendable, Hashable {
    var live: Int?
    var rollout: Int64?
    var state: RolloutState.Name?
    var stage: Int?
}

extension HealthReader {
    /// Who warns a tenant's managers.
    public func standing(of tenant: TenantID) async throws -> HealthStanding {
        let rows = try await read(
            tenant,
            [
                "\(unescaped: HealthModel.select) WHERE m.tenant_id = \(tenant.rawValue) AND r.state = 'live'",
                "\(unescaped: HealthModel.select) WHERE m.tenant_id = \(tenant.rawValue) ORDER BY m.version DESC LIMIT 1",
            ] + Statement.rollouts(of: tenant, where: HealthBasis.running))
        let record = try RolloutRecord.records(rows[2], rows[3]).first
        var trial: HealthTrial?
        if let record, let candidate = try await model(record.version, of: tenant) {
            let seen = try await read(
                tenant, ["SELECT customer, arm FROM exposure WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(record.id)"])[0]
            let exposures: [String: Arm] = try seen.reduce(into: [:]) { $0[try $1.get("customer")] = Arm(rawValue: try $1.get("arm")) }
            trial = HealthTrial(record.running(of: tenant), candidate: candidate, exposures: exposures)
        }
        return HealthStanding(live: try rows[0].first.map(HealthModel.init), last: try rows[1].first.map(HealthModel.init), trial: trial)
    }
}

extension HealthBasis {
    fileprivate static let running = "r.kind = 'warning_model' AND r.state IN ('shadow', 'canary')"

    /// How it is now, and until the transaction ends: whoever turns a rollout holds the routing version, and so waits or is seen.
    static func now(of tenant: TenantID, in transaction: PostgresTransaction) throws -> HealthBasis {
        let rows = try transaction.pipeline([
            "SELECT FROM routing_state WHERE tenant_id = \(tenant.rawValue) FOR SHARE",
            """
            SELECT r.id, r.state, (SELECT max(s.number) FROM rollout_stage s WHERE s.tenant_id = r.tenant_id AND s.rollout_id = r.id) AS stage
            FROM rollout r WHERE r.tenant_id = \(tenant.rawValue) AND \(unescaped: running)
            """,
            """
            SELECT version FROM ruleset_version
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(RolloutKind.modelWord) AND state = 'live'
            """,
        ])
        return HealthBasis(
            live: try rows[2].first.map { Int(try $0.get("version", as: Int32.self)) }, rollout: try rows[1].first?.get("id"),
            state: try rows[1].first.flatMap { RolloutState.Name(rawValue: try $0.get("state")) },
            stage: try rows[1].first?.get("stage", as: Int32?.self).map { Int($0) })
    }
}

extension HealthPredictionsEffect {
    /// It only has them stand still.
    var routingLocks: RoutingLocks? { nil }

    /// The jobs whose predictions rest on a standing that is no more: an abort is obeyed by whatever has not been committed.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        var stale: Set<JobID> = []
        var known: [TenantID: HealthBasis] = [:]
        for settlement in settlements.sorted(by: { $0.attempt.tenant < $1.attempt.tenant }) {
            guard let effect = settlement.outcome.effects.lazy.compactMap({ $0 as? HealthPredictionsEffect }).first else { continue }
            let tenant = settlement.attempt.tenant
            let now = try known[tenant] ?? HealthBasis.now(of: tenant, in: transaction)
            known[tenant] = now
            if now != effect.basis { stale.insert(settlement.attempt.id) }
        }
        return stale
    }

    /// What the predictions showed of the rollout: which teams are in which arm, or how often the shadow would have said otherwise.
    func trialStatements(_ settled: SettledEffect) -> [Statement] {
        let tenant = settled.tenant
        guard let trial else { return [] }
        guard let stage = trial.stage else {
            return [
                """
                UPDATE rollout SET shadow_n = shadow_n + \(Int64(shadow.asked)), shadow_different = shadow_different + \(Int64(shadow.different))
                WHERE tenant_id = \(tenant.rawValue) AND id = \(trial.id)
                    -- A week is counted once, by the job whose predictions stand.
                    AND EXISTS (SELECT FROM health_prediction WHERE tenant_id = \(tenant.rawValue) AND job_id = \(settled.job.rawValue))
                """
            ]
        }
        let teams = Set(predictions.map { $0.seller.team ?? "" }).sorted()
        return [
            """
            WITH told AS (
                INSERT INTO exposure AS x (tenant_id, rollout_id, customer, arm, percent, at)
                SELECT \(tenant.rawValue), \(trial.id), n.customer, n.arm,
                    (SELECT percent FROM rollout_stage WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(trial.id) AND number = \(Int32(stage))), now()
                FROM unnest(\(teams.map(HealthTrial.name)), \(teams.map { trial.arm($0).rawValue })) AS n(customer, arm)
                ON CONFLICT (tenant_id, rollout_id, customer) DO UPDATE SET arm = excluded.arm, percent = excluded.percent, at = excluded.at
                    WHERE x.arm = 'stable' AND excluded.arm = 'canary'
                -- Only a new row was put there by nobody before: a team that joins the canary is no first exposure.
                RETURNING arm, xmax = 0 AS is_new)
            UPDATE rollout_stage s SET stable_exposed = s.stable_exposed + (SELECT count(*) FROM told WHERE is_new AND arm = 'stable'),
                canary_exposed = s.canary_exposed + (SELECT count(*) FROM told WHERE is_new AND arm = 'canary')
            WHERE s.tenant_id = \(tenant.rawValue) AND s.rollout_id = \(trial.id) AND s.number = \(Int32(stage))
            """
        ]
    }
}
