import Foundation
import Jobs
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// How assignments' word and the leads' state are compared.
public struct AssignmentReconciling: Sendable {
    /// A lead may wait so long after its last change before its job is looked for.
    public var patience: TimeInterval = 60
    /// Jobs that ended within this are compared with their leads.
    public var window: TimeInterval = 300
    /// Leads mended in one go.
    public var limit = 1_000

    public init() {}

    static let code = "assignment_mismatch"
}

extension Records {
    /// Compares what assignments said with how their leads stand (PLAT-12, FC-08): the leads of jobs that succeeded are exactly those with an
    /// owner, in a pool or with marketing, and no lead waits for a job that has ended or never was. What differs is alarmed; leads that wait
    /// for nobody are enqueued again.
    /// - Returns: how many leads were enqueued again, and how many differed.
    @discardableResult public func reconcileAssignments(_ settings: AssignmentReconciling = AssignmentReconciling(), now: Date) async throws
        -> (enqueued: Int, differing: Int)
    {
        let stranded = try await strandedLeads(settings, now: now)
        let differing = try await differingLeads(settings, now: now)
        var enqueued = 0
        for (tenant, leads) in Dictionary(grouping: stranded, by: \.tenant).sorted(by: { $0.key < $1.key }) {
            enqueued += try await enqueueAgain(leads.map(\.lead), of: tenant, now: now)
        }
        for (tenant, leads) in Dictionary(grouping: differing, by: \.tenant).sorted(by: { $0.key < $1.key }) {
            try await alarm("success", leads.map(\.lead), of: tenant, now: now)
        }
        _ = try await engine.pipeline([
            .everyTenant,
            """
            UPDATE alert SET resolved_at = \(now)
            WHERE code = \(AssignmentReconciling.code) AND resolved_at IS NULL AND last_at < \(now.addingTimeInterval(-600))
            """,
        ])
        return (enqueued, differing.count)
    }

    private typealias Found = (tenant: TenantID, lead: HeldLead)

    /// Leads that have waited long enough and whose job is not alive: it ended, whatever it said, or there is none.
    private func strandedLeads(_ settings: AssignmentReconciling, now: Date) async throws -> [Found] {
        try await found(
            """
            SELECT l.tenant_id, l.id, l.assignment_epoch
            FROM lead l
            WHERE l.state = 'awaiting_assignment' AND l.updated_at < \(now.addingTimeInterval(-settings.patience))
                AND NOT EXISTS (SELECT FROM job_live j WHERE j.id = l.job_id)
                -- A released lead's job is not noted with it until it is decided: it may be any of the tenant's.
                AND NOT (l.job_id IS NULL AND l.tenant_id IN (SELECT tenant_id FROM job_live WHERE kind IN (\(NewJob.assignLeadKind), 'release_held')))
                AND NOT EXISTS (SELECT FROM assignment a WHERE a.tenant_id = l.tenant_id AND a.lead_id = l.id AND a.active)
            ORDER BY l.tenant_id, l.id
            LIMIT \(settings.limit)
            """)
    }

    /// Leads whose last job said one thing while they stand otherwise.
    private func differingLeads(_ settings: AssignmentReconciling, now: Date) async throws -> [Found] {
        try await found(
            """
            SELECT l.tenant_id, l.id, l.assignment_epoch
            FROM job_history h
                JOIN job b ON b.id = h.id
                JOIN lead l ON l.tenant_id = h.tenant_id AND l.id = CASE WHEN b.args->>'lead_id' ~ '^[0-9]{1,18}$' THEN (b.args->>'lead_id')::bigint END
                    AND l.job_id = h.id AND l.assignment_epoch = COALESCE((b.args->>'assignment_epoch')::integer, l.assignment_epoch)
            WHERE h.finished_at > \(now.addingTimeInterval(-settings.window)) AND h.finished_at <= \(now) AND h.kind = \(NewJob.assignLeadKind)
                AND h.state = 'completed' AND h.outcome <> 'already_assigned'
                AND (h.outcome IN ('assigned', 'assigned_existing_owner', 'pooled', 'to_marketing')) IS DISTINCT FROM
                    (l.state = 'assigned' AND l.owner_id IS NOT NULL OR l.state = 'pooled' AND l.pool IS NOT NULL OR l.state = 'with_marketing')
            UNION
            SELECT l.tenant_id, l.id, l.assignment_epoch
            FROM lead l JOIN assignment a ON a.tenant_id = l.tenant_id AND a.lead_id = l.id AND a.active
            WHERE l.state IN ('awaiting_assignment', 'manual_queue')
            ORDER BY 1, 2
            LIMIT \(settings.limit)
            """)
    }

    private func found(_ statement: Statement) async throws -> [Found] {
        try await engine.pipeline([.everyTenant, statement])[1].map {
            (
                TenantID(try $0.get("tenant_id")),
                HeldLead(id: .init(try $0.get("id")), epoch: Int(try $0.get("assignment_epoch", as: Int32.self)))
            )
        }
    }

    private func enqueueAgain(_ leads: [HeldLead], of tenant: TenantID, now: Date) async throws -> Int {
        let ledger = ledger
        let jobs = leads.map { NewJob.assignLead($0.id.rawValue, of: tenant, trigger: .manualRequeue, epoch: $0.epoch + 1) }
        let (ids, statements, enqueued) = try await ledger.enqueueing(jobs, at: now)
        let again = { @Sendable (transaction: PostgresTransaction) throws -> Int64 in
            _ = try transaction.query(
                "SELECT FROM lead WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(leads.map(\.id.rawValue))) ORDER BY id FOR UPDATE")
            let taken = try transaction.query(
                """
                UPDATE lead l SET assignment_epoch = l.assignment_epoch + 1, job_id = n.job, updated_at = now()
                FROM unnest(\(leads.map(\.id.rawValue)), \(leads.map { Int32($0.epoch) }), \(ids.map(\.rawValue))) AS n(id, epoch, job)
                WHERE l.tenant_id = \(tenant.rawValue) AND l.id = n.id AND l.assignment_epoch = n.epoch AND l.state = 'awaiting_assignment'
                RETURNING l.id
                """)
            // Somebody was quicker with one of them: nothing is kept, and the next round looks again.
            guard taken.count == leads.count else { throw Overtaken() }
            let results = try transaction.pipeline([Self.mismatch("waiting", leads, of: tenant, now: now)] + statements)
            return try results.last!.first!.get("id")
        }
        do {
            ledger.announce(enqueued(try await write(tenant, on: engine, again)))
            return leads.count
        } catch is Overtaken { return 0 }
    }

    private func alarm(_ subject: String, _ leads: [HeldLead], of tenant: TenantID, now: Date) async throws {
        try await write(tenant, on: engine) { _ = try $0.query(Self.mismatch(subject, leads, of: tenant, now: now)) }
    }

    /// Names twenty of them at most.
    private static func mismatch(_ subject: String, _ leads: [HeldLead], of tenant: TenantID, now: Date) -> Statement {
        struct Detail: Encodable {
            let leads: [String]
            let count: Int
        }
        return .raise(
            AssignmentReconciling.code, subject,
            detail: .encoding(Detail(leads: leads.prefix(20).map(\.id.description), count: leads.count)), of: tenant, at: now)
    }
}

private struct Overtaken: Error {}
