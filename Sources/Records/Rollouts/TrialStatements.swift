import Foundation
import Identity
import PostgresClient
import Rollouts
import Routing
import SalesModel
import Tenancy

/// What a settled lead showed of one rollout, on its way into the counts.
struct SettledTrial {
    let tenant: TenantID
    let lead: LeadID
    let epoch: Int
    let decidedAt: Date
    /// The customer it became part of, where the live version might say otherwise; only of the canary's.
    let doubtfulAs: CustomerID?
    /// When its owner owes it a first touch; nil: nobody does.
    let dueAt: Date?
    let trial: Trial
}

/// Writes what leads showed of rollouts: counts, exposures, cases, differences, and the end of one that did harm. The routing
/// version is locked, so whoever counted on it counted exactly.
enum TrialStatements {
    /// So many differences are kept of a rollout.
    static let mostDifferences = 500

    static func statements(for trials: [SettledTrial]) -> [Statement] {
        guard !trials.isEmpty else { return [] }
        let canary = trials.filter { $0.trial.arm != nil }
        var statements: [Statement] = []
        if !canary.isEmpty { statements += [stages(canary), exposures(canary), cases(canary)] }
        if canary.count < trials.count { statements.append(shadows(trials.filter { $0.trial.arm == nil })) }
        let differences = trials.filter { $0.trial.difference != nil }
        if !differences.isEmpty { statements.append(self.differences(differences)) }
        for harmed in canary {
            guard let harm = harmed.trial.harm else { continue }
            statements += Statement.abort(
                RolloutStanding(harmed.trial), of: harmed.tenant, by: RolloutActor.guards, reason: "\(harm.name): \(harm.words)",
                at: harmed.decidedAt)
        }
        return statements
    }

    private struct Key: Hashable {
        let tenant: Int64
        let rollout: Int64
        let stage: Int32

        init(_ settled: SettledTrial) {
            (tenant, rollout, stage) = (settled.tenant.rawValue, settled.trial.rollout, Int32(settled.trial.stage))
        }
    }

    private static func grouped(_ trials: [SettledTrial]) -> [(key: Key, trials: [Trial])] {
        Dictionary(grouping: trials, by: Key.init).map { ($0.key, $0.value.map(\.trial)) }
            .sorted { ($0.key.tenant, $0.key.rollout, $0.key.stage) < ($1.key.tenant, $1.key.rollout, $1.key.stage) }
    }

    private static func stages(_ trials: [SettledTrial]) -> Statement {
        let groups = grouped(trials)
        func counts(_ isCounted: (Trial) -> Bool) -> [Int64] { groups.map { Int64($0.trials.count(where: isCounted)) } }
        // Who takes an arm from another says nothing of how evenly customers fall to the arms.
        func seen(_ arm: Arm) -> [Int64] {
            groups.map { $0.trials.reduce(0) { $0 + Int64($1.exposed.count { $0.arm == arm && $0.after == nil }) } }
        }
        return """
            UPDATE rollout_stage s
            SET stable_exposed = s.stable_exposed + n.stable_seen, canary_exposed = s.canary_exposed + n.canary_seen,
                stable_n = s.stable_n + n.stable, stable_failures = s.stable_failures + n.stable_failed,
                canary_n = s.canary_n + n.canary, canary_failures = s.canary_failures + n.canary_failed,
                canary_only = s.canary_only + n.only_here, canary_asked = s.canary_asked + n.asked, canary_joined = s.canary_joined + n.joined
            FROM unnest(\(groups.map(\.key.tenant)), \(groups.map(\.key.rollout)), \(groups.map(\.key.stage)),
                    \(seen(.stable)), \(seen(.canary)),
                    \(counts { $0.arm == .stable }), \(counts { $0.arm == .stable && $0.failed }),
                    \(counts { $0.arm == .canary }), \(counts { $0.arm == .canary && $0.failed }),
                    \(counts { $0.arm == .canary && $0.onlyHere }), \(counts(\.asked)), \(counts(\.joined)))
                AS n(tenant, rollout, stage, stable_seen, canary_seen, stable, stable_failed, canary, canary_failed, only_here, asked, joined)
            WHERE s.tenant_id = n.tenant AND s.rollout_id = n.rollout AND s.number = n.stage
            """
    }

    /// An arm is for good: one who was seen before is not written again.
    private static func exposures(_ trials: [SettledTrial]) -> Statement {
        let first = trials.flatMap { settled in settled.trial.exposed.map { (settled: settled, exposed: $0) } }
        return """
            INSERT INTO exposure (tenant_id, rollout_id, customer, arm, percent, at, taken_from)
            SELECT * FROM unnest(\(first.map(\.settled.tenant.rawValue)), \(first.map(\.settled.trial.rollout)), \(first.map(\.exposed.customer)),
                \(first.map(\.exposed.arm.rawValue)), \(first.map { Int32($0.settled.trial.percent.hundredths) }), \(first.map(\.settled.decidedAt)),
                \(first.map(\.exposed.after)))
            """
    }

    private static func cases(_ trials: [SettledTrial]) -> Statement {
        """
        INSERT INTO rollout_case (tenant_id, rollout_id, lead_id, epoch, stage, arm, failed, elsewhere, decided_at, customer_id, due_at, judged)
        SELECT n.*, n.due_at IS NULL
        FROM unnest(\(trials.map(\.tenant.rawValue)), \(trials.map(\.trial.rollout)), \(trials.map(\.lead.rawValue)), \(trials.map { Int32($0.epoch) }),
            \(trials.map { Int32($0.trial.stage) }), \(trials.map { $0.trial.arm?.rawValue ?? "" }), \(trials.map(\.trial.failed)), \(trials.map(\.trial.isElsewhere)),
            \(trials.map(\.decidedAt)), \(trials.map { $0.doubtfulAs?.rawValue }), \(trials.map(\.dueAt)))
            AS n(tenant, rollout, lead, epoch, stage, arm, failed, elsewhere, decided_at, customer, due_at)
        """
    }

    private static func shadows(_ trials: [SettledTrial]) -> Statement {
        let groups = grouped(trials)
        return """
            UPDATE rollout r
            SET shadow_n = shadow_n + n.n, shadow_different = shadow_different + n.different, shadow_failures = shadow_failures + n.failed
            FROM unnest(\(groups.map(\.key.tenant)), \(groups.map(\.key.rollout)), \(groups.map { Int64($0.trials.count) }),
                    \(groups.map { Int64($0.trials.count { $0.difference != nil }) }), \(groups.map { Int64($0.trials.count(where: \.failed)) }))
                AS n(tenant, rollout, n, different, failed)
            WHERE r.tenant_id = n.tenant AND r.id = n.rollout
            """
    }

    private static func differences(_ trials: [SettledTrial]) -> Statement {
        """
        INSERT INTO rollout_difference (tenant_id, rollout_id, lead_id, epoch, at, decided, otherwise)
        SELECT n.*
        FROM unnest(\(trials.map(\.tenant.rawValue)), \(trials.map(\.trial.rollout)), \(trials.map(\.lead.rawValue)), \(trials.map { Int32($0.epoch) }),
            \(trials.map(\.decidedAt)), \(trials.map { $0.trial.difference?.decided ?? "" }), \(trials.map { $0.trial.difference?.otherwise ?? "" }))
            AS n(tenant, rollout, lead, epoch, at, decided, otherwise)
        WHERE (SELECT count(*) FROM rollout_difference d WHERE d.tenant_id = n.tenant AND d.rollout_id = n.rollout) < \(mostDifferences)
        ON CONFLICT DO NOTHING
        """
    }
}
