import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

extension BenchServers {
    /// Has worker processes carry out all that waits. Returns the CPU time it took.
    func workOff(with workers: Int, _ executable: String) async throws -> CPUTimes {
        let fleet = self.workers(executable)
        let before = cpu(processes: [])
        for _ in 0..<workers { try fleet.start() }
        try await drained()
        let after = cpu(processes: fleet.pids)
        await fleet.stop()
        return after - before
    }

    /// Each of so many jobs left one row, and none left two.
    func mustHaveEffects(_ jobs: Int) async throws {
        let effects = try await count("SELECT count(*) FROM probe_effect")
        let distinct = try await count("SELECT count(DISTINCT effect_key) FROM probe_effect")
        guard effects == jobs, distinct == jobs else {
            throw BenchmarkError.wrong("\(jobs) jobs left \(effects) effects, \(distinct) distinct")
        }
    }

    /// How many jobs ended in one transaction, on average.
    func jobsPerSettle() async throws -> Int {
        try await count("SELECT count(*) / greatest(1, count(DISTINCT xmin::text)) FROM job_history")
    }

    /// The jobs of a kind that wait, in their order, as the first attempts at them would look.
    func attempts(of kind: String) async throws -> [Attempt] {
        try await owner.query(
            """
            SELECT l.id, l.tenant_id, l.kind, j.args, l.priority, l.enqueued_at
            FROM job_live l JOIN job j ON j.id = l.id WHERE l.kind = \(kind) ORDER BY l.id
            """
        ).map { row in
            let id: Int64 = try row.get("id")
            return Attempt(
                id: JobID(id), tenant: TenantID(try row.get("tenant_id")), kind: try row.get("kind"),
                arguments: try row.get("args", as: JSONBytes.self).bytes, number: 1, maxAttempts: 5, lost: 0, fence: 1,
                token: (dispatch.epoch ?? 0) << 32 + id, priority: Int(try row.get("priority", as: Int16.self)),
                enqueuedAt: try row.get("enqueued_at"), startedAt: try row.get("enqueued_at"))
        }
    }

    /// The transaction that grants these attempts.
    func beginning(_ attempts: [Attempt], at now: Date) -> [Statement] {
        let claims = attempts.map { ClaimedJob(id: $0.id, token: $0.token) }
        return ["BEGIN"] + Ledger.statements(granting: claims, worker: 1, epoch: dispatch.epoch ?? 0) + ["COMMIT"]
    }
}
