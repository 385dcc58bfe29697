import Foundation
import PostgresClient
import Rollouts
import Routing
import Tenancy

/// Who acts on a rollout when no person does.
enum RolloutActor {
    static let guards = "guards"
    /// Who takes back whom a canary's leads were taken for.
    static let undoing = "rollout"
}

/// A running rollout, as far as taking it back goes.
struct RolloutStanding: Sendable {
    let id: Int64
    /// `route/default`, and the version that is tried.
    let lineage: String
    let version: Int
    /// 0: in the shadow.
    let percent: Percent

    init(_ record: RolloutRecord) { (id, lineage, version, percent) = (record.id, record.lineage, record.version, record.percent) }

    init(_ trial: Trial) { (id, lineage, version, percent) = (trial.rollout, trial.lineage, trial.candidate, trial.percent) }

    private var kind: RolloutKind? { lineage.firstIndex(of: "/").flatMap { RolloutKind(rawValue: String(lineage[..<$0])) } }
    fileprivate var isModel: Bool { kind == .warningModel }
    fileprivate var setsClocks: Bool { kind?.rules?.setsClocks ?? false }
}

extension Statement {
    /// Takes a running rollout back: nobody is decided by it any more, what is due is looked at again, and those concerned are told. The caller
    /// holds the routing version, moves it on, and enqueues `NewJob.makeWhole`.
    static func abort(
        _ rollout: RolloutStanding, of tenant: TenantID, by actor: String, reason: String, at now: Date
    ) -> [Statement] {
        let state: RolloutState.Name = rollout.percent == .none ? .shadow : .canary
        return [
            """
            UPDATE rollout SET state = 'aborted', ended_at = \(now), end_reason = \(reason)
            WHERE tenant_id = \(tenant.rawValue) AND id = \(rollout.id) AND state IN ('shadow', 'canary')
            """,
            .rolloutEvent(rollout.id, of: tenant, by: actor, "abort", percent: rollout.percent, reason: reason),
            .audit(
                tenant, by: actor, "rollout.abort", "\(rollout.lineage)@\(rollout.version)",
                before: .encoding(["state": state.rawValue, "percent": rollout.percent.description]),
                after: .encoding(["state": RolloutState.Name.aborted.rawValue]), reason: reason),
            "UPDATE rollout_case SET judged = true WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(rollout.id) AND NOT judged",
            .resolve(RolloutTurning.unfit, "\(rollout.id)", of: tenant, at: now),
            .raise("rollout_aborted", "\(rollout.id)", detail: .encoding(["reason": reason, "by": actor]), of: tenant, at: now),
            .notify(
                "role:operator", "rollout_aborted", "\(rollout.id)", of: tenant,
                english: "\(rollout.isModel ? "A warning model" : "A rule change") was taken back: \(reason).",
                chinese: "\(rollout.isModel ? "预警模型" : "规则变更")已撤回：\(reason)。", urgency: .urgent, channels: [.workApp]),
        ] + (rollout.isModel ? [.withdrawWarnings(of: rollout.id, tenant)] : [])
            + (rollout.setsClocks ? [.rearmAllClocks(of: tenant, at: now)] : [])
    }

    static func rolloutEvent(
        _ rollout: Int64, of tenant: TenantID, by actor: String, _ action: String, percent: Percent, reason: String?
    ) -> Statement {
        """
        INSERT INTO rollout_event (tenant_id, rollout_id, actor, action, percent, reason)
        VALUES (\(tenant.rawValue), \(rollout), \(actor), \(action), \(Int32(percent.hundredths)), \(reason))
        """
    }
}
