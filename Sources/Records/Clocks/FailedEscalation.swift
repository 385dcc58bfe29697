import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// A timer whose job was set aside or cancelled is not lost: the subject is looked at again, and somebody hears that it failed.
enum FailedEscalation {
    static let alertCode = "escalation_failed"
    /// Seconds until the next try: whatever failed for good will hardly be mended sooner.
    private static let pause = 300

    static func statements(for discarded: [DiscardedJob]) -> [Statement] {
        let failed = discarded.filter { $0.kind == NewJob.escalateOverdueKind }.sorted { $0.id < $1.id }
        guard !failed.isEmpty else { return [] }
        return [
            """
            WITH lost AS (
                SELECT c.tenant_id, c.subject_type, c.subject_id, n.class, n.message
                FROM clock_subject c JOIN unnest(\(failed.map(\.tenant.rawValue)), \(failed.map(\.id.rawValue)),
                        \(failed.map(\.failure.errorClass.rawValue)), \(failed.map { String($0.failure.message.prefix(500)) })) AS n(tenant, job, class, message)
                    ON c.tenant_id = n.tenant AND c.job_id = n.job
                ORDER BY c.tenant_id, c.subject_type, c.subject_id FOR UPDATE OF c),
            again AS (
                UPDATE clock_subject c SET job_id = NULL, next_at = now() + make_interval(secs => \(pause))
                FROM lost l WHERE c.tenant_id = l.tenant_id AND c.subject_type = l.subject_type AND c.subject_id = l.subject_id)
            INSERT INTO alert AS a (tenant_id, code, subject, detail, count)
            SELECT tenant_id, \(alertCode), class, (array_agg(jsonb_build_object('subject', subject_type || '/' || subject_id, 'message', message)))[1], count(*)
            FROM lost GROUP BY tenant_id, class ORDER BY 1, 3
            ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL
                DO UPDATE SET count = a.count + excluded.count, last_at = now(), detail = excluded.detail
            """
        ]
    }
}
