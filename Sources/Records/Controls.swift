import Breakers
import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// A person's wish to hold jobs back, or to let them go again.
public struct Control: Sendable {
    /// Why a gate has a limit.
    public enum Source: String, Sendable {
        case pause, limit
    }

    /// As the index spells it.
    public let gate: String
    public let source: Source
    /// Most at once; nil: no limit of this source.
    public let limit: Int?
    /// As the audit log names it.
    public let action: String
    public let subject: String
    public let reason: String

    public init(gate: String, source: Source, limit: Int?, action: String, subject: String, reason: String) {
        self.gate = gate
        self.source = source
        self.limit = limit
        self.action = action
        self.subject = subject
        self.reason = reason
    }
}

/// What the audit log keeps of a gate.
private struct GateNote: Encodable {
    let limit: Int?
    let reason: String?
}

/// What the audit log keeps of a breaker.
private struct BreakerNote: Encodable {
    let state: String
    let limit: Int?
    let forced: Bool
    let reason: String

    init(_ breaker: Breaker) {
        (state, limit, forced, reason) = (breaker.state.rawValue, breaker.limit, breaker.isForced, breaker.reason)
    }
}

extension Records {
    /// Sets or takes away a gate's limit. Asked for what it is already, it stays as it was, with its first reason; that it was asked for is in the
    /// audit log.
    /// - Parameters:
    ///   - tenant: whose gate it is; nil: everybody's.
    ///   - key: of a request within a tenant.
    ///   - answer: made of the reason that holds.
    public func apply(
        _ control: Control, of tenant: TenantID?, by actor: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (_ reason: String) -> StoredAnswer
    ) async throws -> Once {
        try await changing(tenant) { transaction in
            try transaction.once(key) {
                // A gate that has no limit yet has no row to lock.
                let found = try transaction.pipeline([
                    "SELECT pg_advisory_xact_lock(hashtextextended(\(control.gate), 0))",
                    """
                    SELECT "limit", reason FROM gate_limit WHERE gate = \(control.gate) AND source = \(control.source.rawValue) FOR UPDATE
                    """,
                ])[1]
                let before = try found.first.map { GateNote(limit: Int(try $0.get("limit", as: Int32.self)), reason: try $0.get("reason")) }
                let isSo = before?.limit == control.limit
                let change = isSo ? [] : [Statement.set(control, of: tenant, by: actor)]
                _ = try transaction.pipeline(
                    change + [
                        .audit(
                            tenant, by: actor, control.action, control.subject, before: before.map { .encoding($0) },
                            after: .encoding(GateNote(limit: control.limit, reason: nil)), reason: control.reason)
                    ])
                return answer((isSo ? before?.reason : nil) ?? control.reason)
            }
        }
    }

    /// Opens or closes a breaker by hand.
    /// - Returns: nil where a breaker is to be closed that never was open.
    public func force(
        _ breaker: BreakerKey, open: Bool, reason: String, by actor: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (Breaker) -> StoredAnswer
    ) async throws -> Once? {
        do {
            return try await changing(breaker.tenant) { transaction in
                try transaction.once(key) {
                    let (before, after) = try transaction.force(breaker, open: open, reason: reason, by: actor)
                    if before == nil, !open { throw NoSuchBreaker() }
                    _ = try transaction.query(
                        .audit(
                            breaker.tenant, by: actor, open ? "breaker.open" : "breaker.close", breaker.dependency,
                            before: before.map { .encoding(BreakerNote($0)) }, after: .encoding(BreakerNote(after)), reason: reason))
                    return answer(after)
                }
            }
        } catch is NoSuchBreaker {
            return nil
        }
    }

    /// Holds back everything of a tenant, or lets it go again; nil when there is no such tenant. Asked for what is so already, the first reason
    /// stays; that it was asked for is in the audit log.
    public func pause(_ slug: Slug, _ isPaused: Bool, reason: String, by actor: String) async throws -> Tenant? {
        try await engine.transaction { transaction in
            let found = try transaction.query(
                "SELECT \(unescaped: Tenant.columns) FROM tenant WHERE slug = \(slug.description) FOR UPDATE")
            guard let before = try found.first.map(Tenant.init) else { return nil }
            _ = try transaction.query(
                .audit(
                    before.id, by: actor, isPaused ? "tenant.pause" : "tenant.resume", before.slug,
                    before: .encoding(["paused": before.paused != nil]), after: .encoding(["paused": isPaused]), reason: reason))
            guard (before.paused != nil) != isPaused else { return before }
            return try transaction.query(
                """
                UPDATE tenant SET paused_at = CASE WHEN \(isPaused) THEN clock_timestamp() END, paused_reason = \(isPaused ? reason : nil)
                WHERE id = \(before.id.rawValue)
                RETURNING \(unescaped: Tenant.columns)
                """
            ).first.map(Tenant.init)
        }
    }

    /// When jobs became claimable, of those that still wait.
    public func claimableSince(_ jobs: [JobID], of tenant: TenantID) async throws -> [JobID: Date] {
        try await read(
            tenant,
            """
            SELECT id, greatest(enqueued_at, run_at) AS since FROM job_live
            WHERE id = ANY(\(jobs.map(\.rawValue))) AND tenant_id = \(tenant.rawValue) AND state <> 'running'
            """
        ).reduce(into: [:]) { $0[JobID(try $1.get("id"))] = try $1.get("since") }
    }

    /// The same, whoever's they are.
    public func claimableSince(_ jobs: [JobID]) async throws -> [JobID: Date] {
        try await engine.query(
            """
            SELECT id, greatest(enqueued_at, run_at) AS since FROM job_live
            WHERE id = ANY(\(jobs.map(\.rawValue))) AND state <> 'running'
            """
        ).reduce(into: [:]) { $0[JobID(try $1.get("id"))] = try $1.get("since") }
    }

    /// A transaction of the engine, on a tenant's rows if one is named.
    private func changing<R: Sendable>(_ tenant: TenantID?, _ body: @Sendable @escaping (PostgresTransaction) throws -> R) async throws -> R
    {
        guard let tenant else { return try await engine.transaction(body) }
        return try await write(tenant, on: engine, body)
    }
}

private struct NoSuchBreaker: Error {}

extension Statement {
    fileprivate static func set(_ control: Control, of tenant: TenantID?, by actor: String) -> Statement {
        guard let limit = control.limit else {
            return "DELETE FROM gate_limit WHERE gate = \(control.gate) AND source = \(control.source.rawValue)"
        }
        return """
            INSERT INTO gate_limit (gate, source, tenant_id, "limit", reason, set_by)
            VALUES (\(control.gate), \(control.source.rawValue), \(tenant?.rawValue), \(Int32(limit)), \(control.reason), \(actor))
            ON CONFLICT (gate, source) DO UPDATE
                SET "limit" = excluded."limit", reason = excluded.reason, set_by = excluded.set_by, since = now()
            """
    }
}
