import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// Holds the leads whose assignment was set aside for good, and raises the alarm (P10).
///
/// A lead that waits for a job nobody will run would be forgotten. Held, it is listed, explained, and let go like every
/// held lead: when rules become live, when it is told again, or when its job is run again.
enum FailedAssignment {
    static let heldReason = "held_failed"
    static let alertCode = "assignment_failed"

    private struct Lead: Hashable {
        let tenant: TenantID
        let id: LeadID
    }

    private typealias Failed = (epoch: Int32?, failure: Failure)

    static func statements(for discarded: [DiscardedJob]) -> [Statement] {
        var failures: [Lead: Failed] = [:]
        for job in discarded where job.kind == NewJob.assignLeadKind {
            guard let (lead, epoch) = subject(of: job) else { continue }
            failures[Lead(tenant: job.tenant, id: lead)] = (epoch, job.failure)
        }
        guard !failures.isEmpty else { return [] }
        return [
            hold(failures.map { (lead: $0.key, failed: $0.value) }.sorted { ($0.lead.tenant, $0.lead.id) < ($1.lead.tenant, $1.lead.id) })
        ]
    }

    /// Nil when the arguments name no lead: nobody waits for such a job.
    private static func subject(of job: DiscardedJob) -> (lead: LeadID, epoch: Int32?)? {
        guard let arguments = try? JSONEnvelope(job.arguments, limits: .stored).root,
            let lead = arguments["lead_id"]?.string.flatMap(LeadID.init)
        else {
            return nil
        }
        return (lead, arguments["assignment_epoch"]?.integer.flatMap(Int32.init(exactly:)))
    }

    /// Only leads that still wait for this assignment; an alert lasts for each source and error class.
    private static func hold(_ failures: [(lead: Lead, failed: Failed)]) -> Statement {
        let reasons = failures.map { _, failed in
            Reason(
                .assignmentFailed,
                ["class": .text(failed.failure.errorClass.rawValue), "message": .text(String(failed.failure.message.prefix(2_000)))])
        }
        return """
            WITH n AS (
                SELECT * FROM unnest(\(failures.map(\.lead.tenant.rawValue)), \(failures.map(\.lead.id.rawValue)), \(failures.map(\.failed.epoch)),
                        \(failures.map(\.failed.failure.errorClass.rawValue)), \(reasons.map { JSONBytes(DecisionBody.json([$0])) }),
                        \(reasons.map { $0.text(in: .english) }), \(reasons.map { $0.text(in: .chinese) }))
                    AS n(tenant, id, epoch, class, detail, english, chinese)),
            waiting AS (
                SELECT l.tenant_id, l.id FROM lead l JOIN n ON l.tenant_id = n.tenant AND l.id = n.id
                WHERE l.state = 'awaiting_assignment' AND l.assignment_epoch = COALESCE(n.epoch, l.assignment_epoch)
                ORDER BY l.tenant_id, l.id FOR UPDATE OF l),
            held AS (
                UPDATE lead l SET state = 'held', held_reason = \(heldReason), held_detail = n.detail, updated_at = now()
                FROM waiting w JOIN n ON w.tenant_id = n.tenant AND w.id = n.id
                WHERE l.tenant_id = w.tenant_id AND l.id = w.id
                RETURNING l.tenant_id, l.id, l.source, l.job_id, n.class, n.english, n.chinese),
            told AS (
                INSERT INTO event (tenant_id, type, body)
                SELECT tenant_id, 'lead.held',
                    jsonb_build_object('lead_id', id::text, 'job_id', job_id::text, 'outcome', \(heldReason), 'owner', NULL, 'pool', NULL)
                FROM held d WHERE \(unescaped: isListenedTo) ORDER BY id)
            INSERT INTO alert AS a (tenant_id, code, subject, detail, count)
            SELECT tenant_id, \(alertCode), source || '/' || class, (array_agg(jsonb_build_object(
                    'lead_id', id::text, 'source', source, 'message', english, 'message_zh', chinese) ORDER BY id DESC))[1], count(*)
            FROM held GROUP BY tenant_id, source, class ORDER BY 1, 3
            ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL
                DO UPDATE SET count = a.count + excluded.count, last_at = now(), detail = excluded.detail
            """
    }
}

extension Statement {
    /// Ends the alarms of failed assignments once no lead of the tenant is held for one. Comes after what let leads go.
    static func failedAssignmentsOver(of tenant: TenantID) -> Statement {
        """
        UPDATE alert SET resolved_at = now()
        WHERE tenant_id = \(tenant.rawValue) AND code = \(FailedAssignment.alertCode) AND resolved_at IS NULL
            AND NOT EXISTS (SELECT FROM lead WHERE tenant_id = \(tenant.rawValue) AND state = 'held' AND held_reason = \(FailedAssignment.heldReason))
        """
    }
}
