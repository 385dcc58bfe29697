import Clocks
import Foundation
import Ledger
import PostgresClient
import Routing
import SalesModel
import Tenancy

/// Leads that go to the manager because nobody has touched them.
///
/// Comes after `EscalationEffect.stale` has locked what it changes.
enum LeadMoving {
    static func statements(for looked: [(settled: SettledEffect, effect: EscalationEffect)]) -> [Statement] {
        looked.flatMap { settled, effect -> [Statement] in
            guard let lead = effect.lead else { return [] }
            guard let manager = effect.transfer else { return [] }
            return taking(effect, of: settled.tenant, for: manager) + giving(effect, lead, to: manager, settled)
        }
    }

    /// Takes it from its owner: one has one less pending.
    private static func taking(_ effect: EscalationEffect, of tenant: TenantID, for manager: LeadHolding.Manager) -> [Statement] {
        [
            .bumpRouting(tenant),
            """
            WITH former AS (
                UPDATE assignment SET active = false WHERE tenant_id = \(tenant.rawValue) AND lead_id = \(effect.key.id) AND active
                RETURNING seller_id, touched_at),
                told AS (
                    INSERT INTO load_change (tenant_id, seq, lead_id, seller_id, change)
                    SELECT c.tenant_id, c.load_seq, \(effect.key.id), n.seller_id, sum(n.change)::integer
                    FROM routing_clock c, (
                        SELECT seller_id, -1 AS change FROM former WHERE touched_at IS NULL
                        UNION ALL SELECT \(manager.id), 1) n
                    WHERE c.tenant_id = \(tenant.rawValue)
                    GROUP BY c.tenant_id, c.load_seq, n.seller_id)
            UPDATE seller_load s SET pending = s.pending - 1 FROM former f
            WHERE s.tenant_id = \(tenant.rawValue) AND s.seller_id = f.seller_id AND f.touched_at IS NULL
            """,
        ]
    }

    /// Another assignment of it, told in the log like one by hand.
    private static func giving(
        _ effect: EscalationEffect, _ lead: LeadHolding, to manager: LeadHolding.Manager, _ settled: SettledEffect
    ) -> [Statement] {
        let (tenant, epoch) = (settled.tenant.rawValue, Int32(lead.epoch + 1))
        let cause = effect.verdict.missed.first { $0.acts && $0.level.action == .transferToManager }
        var decision = LeadDecision(outcome: .assigned, decidedAt: settled.at)
        decision.owner = LeadDecision.Owner(id: SellerID(manager.id), externalID: manager.externalID)
        decision.reasons = [
            Reason(.transferredOverdue, ["clock": .text(cause?.clock.id ?? ""), "late": .integer((cause?.lateBy ?? 0) / 60)])
        ]
        return [
            """
            INSERT INTO seller_load AS s (tenant_id, seller_id, pending, assigned) VALUES (\(tenant), \(manager.id), 1, 1)
            ON CONFLICT (tenant_id, seller_id) DO UPDATE SET pending = s.pending + 1, assigned = s.assigned + 1
            """,
            """
            WITH done AS (
                UPDATE lead SET state = 'assigned', owner_id = \(manager.id), pool = NULL, held_reason = NULL, held_detail = NULL,
                    assignment_epoch = \(epoch), job_id = \(settled.job.rawValue), updated_at = now()
                WHERE tenant_id = \(tenant) AND id = \(effect.key.id) AND assignment_epoch = \(Int32(lead.epoch)) AND touched_at IS NULL
                RETURNING id)
            SELECT expect_rows(count(*), 1) FROM done
            """,
            """
            INSERT INTO assignment (tenant_id, lead_id, epoch, seller_id, job_id, assigned_at)
            VALUES (\(tenant), \(effect.key.id), \(epoch), \(manager.id), \(settled.job.rawValue), \(settled.at))
            """,
            """
            INSERT INTO decision_log (tenant_id, lead_id, epoch, job_id, outcome, decided_at, body)
            VALUES (\(tenant), \(effect.key.id), \(epoch), \(settled.job.rawValue), \(decision.outcome.rawValue), \(settled.at),
                \(DecisionBody.json(TriedLead(byHand: decision))))
            """,
        ]
    }
}
