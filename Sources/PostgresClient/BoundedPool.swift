/// A pool as callers see it who wait only so long: for a link and for the answer together.
///
/// For those whom somebody waits for in turn. A server that hangs is given up on after `patience`, and what was asked may
/// then have been done or not, as after any lost connection.
public struct BoundedPool: Sendable {
    private let pool: PostgresPool
    /// What a caller who names no deadline waits.
    public let patience: Duration

    public init(_ pool: PostgresPool, patience: Duration) {
        self.pool = pool
        self.patience = patience
    }

    /// As `PostgresPool.query`.
    public func query(_ statement: Statement, deadline: Duration? = nil) async throws -> Rows {
        try await pool.query(statement, deadline: deadline ?? patience)
    }

    /// As `PostgresPool.pipeline`. One that loses a deadlock is run again.
    public func pipeline(_ statements: [Statement], deadline: Duration? = nil) async throws -> [Rows] {
        try await againAfterConflict(deadline: deadline) { try await pool.pipeline(statements, deadline: $0) }
    }

    /// As `PostgresPool.transaction`.
    public func transaction<R: Sendable>(
        deadline: Duration? = nil, _ body: @Sendable @escaping (PostgresTransaction) throws -> R
    ) async throws -> R {
        try await pool.transaction(deadline: deadline ?? patience, body)
    }

    /// Runs what is all or nothing again, twice at most, when it stood in another transaction's way: nothing of it was kept, and the winner has
    /// moved on by then. Partitions are made beside whoever reads, so even a reader may lose.
    /// - Parameter body: gets what is left of the deadline, which is for all tries together.
    public func againAfterConflict<R>(deadline: Duration?, _ body: (_ left: Duration) async throws -> R) async throws -> R {
        let end = ContinuousClock.now + (deadline ?? patience)
        for _ in 0..<2 {
            do { return try await body(end - .now) } catch let error as PostgresError where error.isConflict {}
        }
        return try await body(end - .now)
    }
}

extension PostgresError {
    /// Two transactions stood in each other's way: deadlock or serialization failure.
    fileprivate var isConflict: Bool { sqlState == "40P01" || sqlState == "40001" }
}
