import Foundation
import PostgresClient
import Rules
import Tenancy

extension Records {
    /// Ends the alerts of leads that wait no longer: of fields that could not be mapped or were missing, when no lead of that source is held for
    /// such a field any more; of rules that left leads to people, when nobody's lead waits for a person. To be called now and then: leads
    /// find their place in many ways, and each would have to know of this.
    public func endAlertsOfLeads(now: Date) async throws {
        // One that was counted up a moment ago may be about a lead this statement does not see yet.
        let quiet = now.addingTimeInterval(-5)
        _ = try await engine.pipeline([
            .everyTenant,
            """
            UPDATE alert a SET resolved_at = \(now)
            WHERE a.resolved_at IS NULL AND a.last_at < \(quiet) AND (
                a.code = 'manual_queue'
                    AND NOT EXISTS (SELECT FROM lead l WHERE l.tenant_id = a.tenant_id AND l.state = 'manual_queue')
                OR a.code IN ('mapping_error', 'missing_data')
                    AND NOT EXISTS (SELECT FROM lead l
                        WHERE l.tenant_id = a.tenant_id AND l.state = 'held' AND l.held_reason = 'held_' || a.code
                            -- A subject is source/field; a field's name has no slash. What lacks a score lacks it from every source.
                            AND (a.subject = 'score' OR l.source = regexp_replace(a.subject, '/[^/]*$', ''))))
            """,
        ])
    }
}

extension Statement {
    /// Ends the alerts of earlier changes of a name that were taken back: another one begins, so somebody has heard of them.
    static func abortsHeardOf(_ kind: String, _ name: String, of tenant: TenantID, at now: Date) -> Statement {
        """
        UPDATE alert a SET resolved_at = \(now)
        FROM rollout r
        WHERE a.tenant_id = \(tenant.rawValue) AND a.code = 'rollout_aborted' AND a.resolved_at IS NULL
            AND r.tenant_id = a.tenant_id AND r.id::text = a.subject AND r.kind = \(kind) AND r.name = \(name)
        """
    }
}
