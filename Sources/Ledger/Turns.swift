import PostgresClient

extension Ledger {
    /// Whether it is this process's turn to do what only one needs to do; if so, nobody's again before `interval` has passed.
    public func hasTurn(for chore: String, every interval: Duration) async throws -> Bool {
        let rows = try await postgres.query(
            """
            INSERT INTO chore (name, next_at) VALUES (\(chore), clock_timestamp() + make_interval(secs => \(interval.seconds)))
            ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE chore.next_at <= clock_timestamp()
            RETURNING name
            """)
        return !rows.isEmpty
    }

    /// Remembers what a chore had to mend.
    public func noteRepairs(_ count: Int, by chore: String) async throws {
        _ = try await postgres.query("UPDATE chore SET repairs = repairs + \(Int64(count)) WHERE name = \(chore)")
    }

    /// How much a chore has mended since the beginning.
    public func repairs(by chore: String) async throws -> Int {
        Int(try await postgres.query("SELECT repairs FROM chore WHERE name = \(chore)").first?.get("repairs", as: Int64.self) ?? 0)
    }

    /// Of these jobs, those that wait and are due within the horizon.
    public func stillWaiting(_ ids: [Int64]) async throws -> [WaitingJob] {
        let rows = try await postgres.query(
            """
            SELECT id, tenant_id, flow, priority, enqueued_at, run_at FROM job_live
            WHERE id = ANY(\(ids)) AND state <> 'running' AND run_at <= clock_timestamp() + make_interval(secs => \(horizon))
            """)
        return try rows.map(WaitingJob.init)
    }
}
