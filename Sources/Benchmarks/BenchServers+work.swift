import DispatchIndex
import Foundation
import Jobs
import Ledger
import Messages
import PostgresClient
import Records
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

// MARK: - Tenants

extension BenchServers {
    var records: Records { Records(app: postgres, engine: postgres, ledger: ledger, logger: logger) }

    /// Tells the index at once what a tenant is entitled to.
    func tell(_ tenant: TenantID) async throws {
        guard let limits = try await ledger.limits(of: tenant) else { return }
        let share = TenantShare(
            tenant: tenant, weight: limits.weight, cap: limits.cap, rate: limits.rate, burst: limits.burst, capacity: limits.capacity)
        try await dispatch.configure([share])
    }

    /// Connects somebody outside, as an operator does.
    ///
    /// - Parameter key: 32 bytes, which the processes are given too.
    func connect(
        _ name: String, _ kind: ConnectorKind, _ settings: ConnectorSettings, _ secrets: [String: String], of tenant: TenantID,
        key: [UInt8],
        place: Int = 1
    ) async throws {
        guard let box = SecretBox(key: key) else { throw BenchmarkError.wrong("the key has not 32 bytes") }
        let sealed = box.seal(
            Array(try JSONEncoder().encode(secrets)), place: ConnectorSecrets.place(name, of: tenant),
            nonce: (0..<12).map { _ in .random(in: 0...255) })
        let wish = ConnectorWish(
            kind: kind, place: place, isEnabled: true, settings: settings, secrets: sealed, secretNames: secrets.keys.sorted(),
            reason: "bench")
        _ = try await records.put(connector: name, of: tenant, by: "bench") { _ in wish }
    }

    /// Does it again until it does not throw, for ten seconds.
    static func persisting(_ body: () async throws -> Void) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            do { return try await body() } catch {
                guard ContinuousClock.now < end else { throw error }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}
