import Foundation
import Jobs
import Ledger
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// A lead that waits for a map or for someone to complete it.
public struct HeldLead: Sendable, Hashable {
    public let id: LeadID
    public let epoch: Int
}

extension RoutingReader {
    /// While the fuse is open nobody finds a place but with a person, and closing it lets them all go.
    private var isFuseClosed: String {
        "NOT EXISTS (SELECT FROM assignment_fuse f WHERE f.tenant_id = lead.tenant_id AND f.state = 'open')"
    }

    /// Held leads in the order of their ids, from after one up to and including another.
    ///
    /// - Parameter orManual: also those that wait for a person.
    public func heldLeads(
        of tenant: TenantID, orManual: Bool = false, after: LeadID, until: LeadID, limit: Int
    ) async throws -> [HeldLead] {
        try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT id, assignment_epoch FROM lead
            WHERE tenant_id = \(tenant.rawValue) AND (state = 'held' OR \(orManual) AND state = 'manual_queue' AND \(unescaped: isFuseClosed))
                AND id > \(after.rawValue) AND id <= \(until.rawValue)
            ORDER BY id LIMIT \(limit)
            """,
        ])[1].map { HeldLead(id: LeadID(try $0.get("id")), epoch: Int(try $0.get("assignment_epoch", as: Int32.self))) }
    }

    /// The last lead held now; nil when none is.
    public func lastHeldLead(of tenant: TenantID, orManual: Bool = false) async throws -> LeadID? {
        try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT max(id) AS id FROM lead
            WHERE tenant_id = \(tenant.rawValue) AND (state = 'held' OR \(orManual) AND state = 'manual_queue' AND \(unescaped: isFuseClosed))
            """,
        ])[1].first?.get("id", as: Int64?.self).map(LeadID.init)
    }
}

/// Lets held leads go: each begins another epoch, for which the job that releases it enqueues another assignment.
public struct ReleaseHeldEffect: JudgedEffect, Equatable {
    public var leads: [HeldLead]

    public init(leads: [HeldLead]) { self.leads = leads }

    /// Those whose leads are no longer held as they were: someone completed one, or let it go, in the meantime.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let releases = settlements.flatMap { settlement in
            settlement.outcome.effects.compactMap { $0 as? ReleaseHeldEffect }.map { (attempt: settlement.attempt, effect: $0) }
        }
        var taken: [TenantID: Set<HeldLead>] = [:]
        return try releases.reduce(into: []) { stale, release in
            let (tenant, leads) = (release.attempt.tenant.rawValue, release.effect.leads)
            // Of two jobs that let the same lead go, the second has to look again.
            guard taken[release.attempt.tenant, default: []].isDisjoint(with: leads) else {
                stale.insert(release.attempt.id)
                return
            }
            taken[release.attempt.tenant, default: []].formUnion(leads)
            let held = try transaction.query(
                """
                SELECT FROM lead l JOIN unnest(\(leads.map(\.id.rawValue)), \(leads.map { Int32($0.epoch) })) AS n(id, epoch) ON l.id = n.id
                WHERE l.tenant_id = \(tenant) AND l.state IN ('held', 'manual_queue') AND l.assignment_epoch = n.epoch
                ORDER BY l.id FOR UPDATE OF l
                """)
            if held.count < leads.count { stale.insert(release.attempt.id) }
        }
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.flatMap { settled -> [Statement] in
            guard let release = settled.effect as? ReleaseHeldEffect, !release.leads.isEmpty else { return [] }
            return [update(release.leads, of: settled.tenant), .failedAssignmentsOver(of: settled.tenant)]
        }
    }

    private static func update(_ leads: [HeldLead], of tenant: TenantID) -> Statement {
        """
            WITH done AS (
                UPDATE lead SET state = 'awaiting_assignment', held_reason = NULL, held_detail = NULL,
                    assignment_epoch = assignment_epoch + 1, job_id = NULL, updated_at = now()
                WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(leads.map(\.id.rawValue)))
                RETURNING id)
            SELECT expect_rows(count(*), \(leads.count)) FROM done
        """
    }
}

extension NewJob {
    /// The job that has a tenant's held leads assigned again, to be enqueued when a rule set becomes live or the fuse is closed.
    ///
    /// - Parameters:
    ///   - orManual: also those that wait for a person.
    ///   - trigger: why they are assigned again; nil: the fuse was closed where those that wait for a person are meant, else the map was mended.
    ///   - after: where to go on.
    ///   - until: the last one held when it began, so that it ends although leads are held again behind it.
    public static func releaseHeld(
        of tenant: TenantID, orManual: Bool = false, for trigger: AssignmentTrigger? = nil, after: LeadID = LeadID(0),
        until: LeadID? = nil
    ) -> NewJob {
        let end = until.map { #","until":"\#($0)""# } ?? ""
        let manual = (orManual ? #","manual":true"# : "") + (trigger.map { #","trigger":"\#($0.rawValue)""# } ?? "")
        return NewJob(tenant: tenant, kind: "release_held", arguments: Array(#"{"after":"\#(after)"\#(end)\#(manual)}"#.utf8))
    }
}

extension Statement {
    /// What a newly live map puts right: the drift alarms of the outside fields it speaks of are armed again, and its own
    /// mapping errors are over, and what clocks could not read of them. The tenant must be set. Enqueue `NewJob.releaseHeld` in the same transaction.
    public static func mapBecameLive(_ map: MapRules, of tenant: TenantID, at now: Date) -> [Statement] {
        let isForAny = map.sources.contains(MapRules.anySource)
        let outside = Array(map.ignored.union(map.fields.flatMap(\.from))).sorted()
        return [
            """
            WITH mended AS (
                DELETE FROM unmapped_field
                WHERE tenant_id = \(tenant.rawValue) AND field = ANY(\(outside)) AND (\(isForAny) OR source = ANY(\(map.sources)))
                RETURNING source, field)
            UPDATE alert a SET resolved_at = \(now)
            FROM mended m
            WHERE a.tenant_id = \(tenant.rawValue) AND a.code = 'schema_drift' AND a.subject = m.source || '/' || m.field AND a.resolved_at IS NULL
            """,
            // A subject is source/field; a field's name has no slash.
            """
            UPDATE alert SET resolved_at = \(now)
            WHERE tenant_id = \(tenant.rawValue) AND code IN ('mapping_error', 'clock_unreadable') AND resolved_at IS NULL
                AND substring(subject FROM '[^/]*$') = ANY(\(map.fields.map(\.field.name)))
                AND (\(isForAny) OR code = 'clock_unreadable' OR regexp_replace(subject, '/[^/]*$', '') = ANY(\(map.sources)))
            """,
        ]
    }
}
