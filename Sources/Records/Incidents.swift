import Foundation
import PostgresClient
import Tenancy

/// What went wrong with a tenant's assignment, with its times (RULE-10).
public struct Incident: Sendable, Hashable {
    public let id: Int64
    /// The error class most failures had; nil where they were not looked at.
    public let cause: String?
    public let detectedAt: Date
    public let fuseOpenedAt: Date
    public let openedBy: String
    public let reason: String
    /// When the fuse was closed, by whom and why.
    public let fixedAt: Date?
    public let fixedBy: String?
    public let fix: String?
    /// When every lead that waited then had been decided anew.
    public let drainedAt: Date?
    /// Two hours from its detection.
    public let dueAt: Date

    public enum State: String, Sendable { case open, fixed, drained }

    public var state: State { fixedAt == nil ? .open : drainedAt == nil ? .fixed : .drained }

    /// Whether it lasted, or lasts, longer than it may.
    public func isLate(at now: Date) -> Bool { (drainedAt ?? now) > dueAt }

    static let lateCode = "incident_late"
}

extension Records {
    /// Incidents, the newest first.
    public func incidents(of tenant: TenantID, before cursor: Int64 = .max, limit: Int) async throws -> Page<Incident> {
        let rows = try await read(
            tenant,
            """
            SELECT id, cause, detected_at, fuse_opened_at, opened_by, reason, fixed_at, fixed_by, fix, drained_at, due_at
            FROM incident
            WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor)
            ORDER BY id DESC
            LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(Incident.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }

    /// Notes which incidents are over, and raises an alert for those that last longer than they may. To be called now and then.
    ///
    /// Over is one when none of the leads there were at the fix is on its way to a decision any more. Leads held again have been decided.
    public func watchIncidents(now: Date) async throws {
        _ = try await engine.pipeline([
            .everyTenant,
            """
            -- Their clocks, where a rule keeps some, are looked at again.
            WITH over AS (
                UPDATE incident i SET drained_at = \(now)
                WHERE i.fixed_at IS NOT NULL AND i.drained_at IS NULL
                    AND NOT EXISTS (SELECT FROM job_live j WHERE j.tenant_id = i.tenant_id AND j.kind = 'release_held')
                    AND NOT EXISTS (SELECT FROM lead l
                        WHERE l.tenant_id = i.tenant_id AND l.state = 'awaiting_assignment' AND l.created_at <= i.fixed_at)
                RETURNING tenant_id, id),
            known AS (
                SELECT c.tenant_id, c.subject_id
                FROM over o JOIN clock_subject c ON c.tenant_id = o.tenant_id AND c.subject_type = 'incident' AND c.subject_id = o.id
                ORDER BY c.tenant_id, c.subject_id FOR UPDATE OF c)
            UPDATE clock_subject c SET fence = c.fence + 1, next_at = \(now), job_id = NULL FROM known k
            WHERE c.tenant_id = k.tenant_id AND c.subject_type = 'incident' AND c.subject_id = k.subject_id
            """,
            """
            INSERT INTO alert AS a (tenant_id, code, subject, detail, first_at, last_at)
            SELECT i.tenant_id, \(Incident.lateCode), 'incident/' || i.id,
                jsonb_build_object('incident', i.id::text, 'reason', i.reason, 'due_at', i.due_at), \(now), \(now)
            FROM incident i WHERE i.drained_at IS NULL AND i.due_at < \(now)
            ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL DO UPDATE SET last_at = excluded.last_at
            """,
            """
            UPDATE alert a SET resolved_at = \(now) FROM incident i
            WHERE a.code = \(Incident.lateCode) AND a.resolved_at IS NULL AND i.tenant_id = a.tenant_id AND a.subject = 'incident/' || i.id
                AND i.drained_at IS NOT NULL
            """,
        ])
    }
}

extension Incident {
    init(_ row: Row) throws {
        id = try row.get("id")
        cause = try row.get("cause")
        detectedAt = try row.get("detected_at")
        fuseOpenedAt = try row.get("fuse_opened_at")
        openedBy = try row.get("opened_by")
        reason = try row.get("reason")
        fixedAt = try row.get("fixed_at")
        fixedBy = try row.get("fixed_by")
        fix = try row.get("fix")
        drainedAt = try row.get("drained_at")
        dueAt = try row.get("due_at")
    }
}
