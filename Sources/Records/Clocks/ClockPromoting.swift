import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import SalesModel
import Tenancy

extension NewJob {
    /// The kind of the jobs that look at clocks.
    public static let escalateOverdueKind = "escalate_overdue"

    /// The job that looks at a subject's clocks when the first of them is due.
    ///
    /// - Parameter fence: of the subject when the job was made; it shows that the job is its timer.
    static func escalateOverdue(_ subject: ClockKey, of tenant: TenantID, at due: Date, fence: Int64) -> NewJob {
        let arguments = JSONWriter.object { body in
            body.member("as_of", due)
            body.member("subject_type", subject.type.rawValue)
            body.member("subject_id", String(subject.id))
            body.member("fence", fence)
        }
        return NewJob(tenant: tenant, kind: escalateOverdueKind, arguments: arguments, priority: 7, runAt: due)
    }

    /// The job that looks at many subjects once more, as the timer of each: those from one key up to another that are noted with it.
    fileprivate static func escalateOverdue(_ subjects: ArraySlice<ClockKey>, of tenant: TenantID, at now: Date) -> NewJob {
        let before = subjects.first.map { ClockKey($0.type, $0.id - 1) }
        let arguments = JSONWriter.object { body in
            body.member("as_of", now)
            body.member("limit", subjects.count)
            body.member("cursor", before?.description)
            body.member("until", subjects.last?.description)
        }
        return NewJob(tenant: tenant, kind: escalateOverdueKind, arguments: arguments, priority: 7)
    }

    /// The job that goes on where another ended that looks at all that is due.
    public static func escalateOverdue(asOf: Date, clock: String?, limit: Int, after: ClockKey, of tenant: TenantID) -> NewJob {
        let arguments = JSONWriter.object { body in
            body.member("as_of", asOf)
            body.member("clock", clock ?? "all")
            body.member("limit", limit)
            body.member("cursor", after.description)
        }
        return NewJob(tenant: tenant, kind: escalateOverdueKind, arguments: arguments, priority: 7)
    }
}

extension Records {
    /// Makes the jobs of clocks that are due within the horizon, each in the transaction that notes it with its subject. Any number of
    /// processes may do so: they pass over rows that another has in hand.
    ///
    /// - Parameter horizon: seconds, as the ledger's: such jobs wait in the index.
    /// - Returns: whether there may be more at once.
    public func promoteClocks(now: Date, horizon: TimeInterval = 600, limit: Int = 2_000) async throws -> Bool {
        if try await rearmPage(now: now) { return true }
        let edge = now.addingTimeInterval(horizon)
        let owed: Int = try await engine.query(
            "SELECT count(*) AS n FROM (SELECT FROM clock_subject WHERE job_id IS NULL AND next_at <= \(edge) LIMIT \(limit)) c"
        ).first!.get("n")
        guard owed > 0 else { return false }
        let ids = try await ledger.reserve(owed)
        let ledger = ledger
        let (count, enqueued) = try await engine.transaction { transaction in
            let rows = try transaction.query(
                """
                SELECT tenant_id, subject_type, subject_id, fence, next_at FROM clock_subject WHERE job_id IS NULL AND next_at <= \(edge)
                ORDER BY next_at LIMIT \(owed) FOR UPDATE SKIP LOCKED
                """)
            guard !rows.isEmpty else { return (0, Enqueued?.none) }
            let timers = try rows.map(Timer.init)
            let used = Array(ids.prefix(timers.count))
            let (statements, enqueued) = ledger.statements(enqueueing: timers.map(\.job), as: used, at: now)
            let noted: Statement = """
                UPDATE clock_subject c SET job_id = n.job
                FROM unnest(\(timers.map(\.tenant.rawValue)), \(timers.map(\.key.type.rawValue)), \(timers.map(\.key.id)), \(used.map(\.rawValue)))
                    AS n(tenant, type, id, job)
                WHERE c.tenant_id = n.tenant AND c.subject_type = n.type AND c.subject_id = n.id
                """
            return (rows.count, enqueued(try transaction.pipeline([noted] + statements).last!.first!.get("id")))
        }
        if let enqueued { ledger.announce(enqueued) }
        ledger.giveBack(ids.dropFirst(count))
        return count == limit
    }

    /// Subjects one job looks at once more. A job for each costs a whole life of a job for a look; of more, one that something happens to would have
    /// too many looked at again with it.
    private static let lookedAtTogether = 100

    /// Moves a page of the clocks on that are all to be looked at again, and makes the jobs that look; false: no tenant's are.
    private func rearmPage(now: Date, limit: Int = 5_000) async throws -> Bool {
        guard try await engine.query("SELECT FROM clock_rearm LIMIT 1").count > 0 else { return false }
        let ids = try await ledger.reserve((limit + Self.lookedAtTogether - 1) / Self.lookedAtTogether)
        let ledger = ledger
        let (isAsked, enqueued) = try await engine.transaction { transaction in
            guard let (tenant, subjects) = try Self.nextPage(limit, in: transaction) else { return (false, Enqueued?.none) }
            guard !subjects.isEmpty else { return (true, nil) }
            let (jobs, noted) = Self.lookAgain(at: subjects, ids, of: tenant, now: now)
            let (statements, enqueued) = ledger.statements(enqueueing: jobs, as: Array(ids.prefix(jobs.count)), at: now)
            return (true, enqueued(try transaction.pipeline([noted] + statements).last!.first!.get("id")))
        }
        if let enqueued { ledger.announce(enqueued) } else { ledger.giveBack(ids) }
        return isAsked
    }

    /// The next subjects of a tenant whose clocks are all to be looked at again, locked: those of a page that still run. Nil: there is no such tenant.
    private static func nextPage(_ limit: Int, in transaction: PostgresTransaction) throws -> (tenant: TenantID, running: [ClockKey])? {
        let asked = try transaction.query(
            "SELECT tenant_id, after_type, after_id FROM clock_rearm ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED")
        guard let row = asked.first else { return nil }
        let (tenant, type, id): (Int64, String, Int64) = (try row.get("tenant_id"), try row.get("after_type"), try row.get("after_id"))
        let page = try transaction.query(
            """
            SELECT subject_type, subject_id, next_at IS NOT NULL AS runs FROM clock_subject
            WHERE tenant_id = \(tenant) AND (subject_type, subject_id) > (\(type), \(id))
            ORDER BY subject_type, subject_id LIMIT \(limit) FOR UPDATE
            """)
        if page.count == limit, let last = try page.last.map(ClockKey.init) {
            _ = try transaction.query(
                "UPDATE clock_rearm SET after_type = \(last.type.rawValue), after_id = \(last.id) WHERE tenant_id = \(tenant)")
        } else {
            _ = try transaction.query("DELETE FROM clock_rearm WHERE tenant_id = \(tenant)")
        }
        return (TenantID(tenant), try page.filter { try $0.get("runs") }.map(ClockKey.init))
    }

    /// The jobs that look at these, and the statement that notes each with its subjects.
    private static func lookAgain(
        at subjects: [ClockKey], _ ids: [JobID], of tenant: TenantID, now: Date
    ) -> (jobs: [NewJob], noted: Statement) {
        let starts = Array(stride(from: 0, to: subjects.count, by: lookedAtTogether))
        let jobs = starts.map { start in
            NewJob.escalateOverdue(subjects[start..<min(start + lookedAtTogether, subjects.count)], of: tenant, at: now)
        }
        let timers = subjects.indices.map { ids[$0 / lookedAtTogether].rawValue }
        return (
            jobs,
            """
            UPDATE clock_subject c SET fence = c.fence + 1, next_at = \(now), job_id = n.job
            FROM unnest(\(subjects.map(\.type.rawValue)), \(subjects.map(\.id)), \(timers)) AS n(type, id, job)
            WHERE c.tenant_id = \(tenant.rawValue) AND c.subject_type = n.type AND c.subject_id = n.id
            """
        )
    }

    /// Clocks whose job is gone without having looked get another: nothing of the kind should happen, and nobody should have to notice.
    public func reconcileClocks(now: Date, patience: TimeInterval = 300) async throws {
        _ = try await engine.query(
            """
            UPDATE clock_subject c SET job_id = NULL
            FROM (SELECT tenant_id, subject_type, subject_id FROM clock_subject
                WHERE job_id IS NOT NULL AND next_at < \(now.addingTimeInterval(-patience))
                    AND NOT EXISTS (SELECT FROM job_live j WHERE j.id = job_id)
                ORDER BY next_at LIMIT 1000 FOR UPDATE SKIP LOCKED) lost
            WHERE c.tenant_id = lost.tenant_id AND c.subject_type = lost.subject_type AND c.subject_id = lost.subject_id
            """)
    }
}

/// A subject whose job is to be made.
private struct Timer {
    let tenant: TenantID
    let key: ClockKey
    let fence: Int64
    let due: Date

    init(_ row: Row) throws {
        tenant = TenantID(try row.get("tenant_id"))
        // A check in the table allows no other.
        key = ClockKey(SubjectType(rawValue: try row.get("subject_type"))!, try row.get("subject_id"))
        fence = try row.get("fence")
        due = try row.get("next_at")
    }

    var job: NewJob { .escalateOverdue(key, of: tenant, at: due, fence: fence) }
}
