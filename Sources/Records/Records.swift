import Foundation
import Ledger
import Logging
import PostgresClient
import Tenancy

/// Tenants and what they tell us of their sales, in Postgres. One file for each thing kept.
///
/// Every transaction on tenant tables first sets its tenant, and row security holds it there. Reading, and writing
/// that enqueues nothing, is done as `kiteline_app`; what also writes the ledger or the audit log, as `kiteline_engine`.
public struct Records: Sendable {
    let app: BoundedPool
    let engine: BoundedPool
    let ledger: Ledger
    let intake: GroupCommit<IntakeRequest, LeadReceipt>
    let logger: Logger
    /// Of all tenants, read when first asked.
    let gates = GateShelf()
    let flows = FlowShelf()

    /// - Parameters:
    ///   - app: a pool under the role `kiteline_app`.
    ///   - engine: a pool under the role `kiteline_engine`.
    ///   - patience: how long one question may take, since somebody waits for the answer.
    public init(app: PostgresPool, engine: PostgresPool, ledger: Ledger, patience: Duration = .seconds(8), logger: Logger) {
        self.app = BoundedPool(app, patience: patience)
        self.engine = BoundedPool(engine, patience: patience)
        self.ledger = ledger
        let group = IntakeGroup(engine: self.engine, ledger: ledger)
        intake = GroupCommit(writers: 2, batch: 200, limit: 20_000) { await group.commit($0) }
        self.logger = logger
    }

    /// Whether Postgres answers, asked with little patience.
    public func isReachable() async -> Bool { (try? await app.query("SELECT 1", deadline: .seconds(2))) != nil }

    /// The answer of one statement that reads a tenant's rows.
    func read(_ tenant: TenantID, _ statement: Statement) async throws -> Rows {
        try await app.pipeline([.tenants([tenant]), statement])[1]
    }

    /// The same of one that puts many rows together: in 32 MB of memory instead of Postgres' usual 4, which 100,000 leads do not fit into.
    ///
    /// - Parameter byNestedLoops: whether the planner may join so, which is best while one side is few rows.
    func readMany(_ tenant: TenantID, byNestedLoops: Bool = true, _ statement: Statement) async throws -> Rows {
        let means: Statement = """
            SELECT set_config('work_mem', '32MB', true), set_config('enable_nestloop', \(byNestedLoops ? "on" : "off"), true)
            """
        return try await app.pipeline([.tenants([tenant]), means, statement])[2]
    }

    /// A transaction on a tenant's rows, as `kiteline_app` unless told otherwise.
    func write<R: Sendable>(
        _ tenant: TenantID, on pool: BoundedPool? = nil, _ body: @Sendable @escaping (PostgresTransaction) throws -> R
    ) async throws -> R {
        try await (pool ?? app).write(tenant, body)
    }
}

extension BoundedPool {
    /// A transaction on a tenant's rows. One that loses a deadlock is run again: the winner has moved on by then.
    func write<R: Sendable>(
        _ tenant: TenantID, deadline: Duration? = nil, _ body: @Sendable @escaping (PostgresTransaction) throws -> R
    ) async throws -> R {
        try await againAfterConflict(deadline: deadline) { left in
            try await transaction(deadline: left) { transaction in
                _ = try transaction.query(.tenants([tenant]))
                return try body(transaction)
            }
        }
    }
}

/// A part of a list, and how to ask for the next.
public struct Page<Item: Sendable>: Sendable {
    public var items: [Item]
    /// Nil: there is no more. A page may be short, even empty, while there is more.
    public var next: Int64?

    public init(items: [Item], next: Int64?) {
        self.items = items
        self.next = next
    }
}
