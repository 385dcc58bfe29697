import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// The switch that stops automatic assignment of a tenant's leads.
public struct AssignmentFuse: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        /// Automatic assignment is stopped; people assign.
        case open
        case closed
    }

    public let state: State
    public let reason: String
    public let setBy: String
    /// Nil: it was never touched.
    public let changedAt: Date?

    static let untouched = AssignmentFuse(state: .closed, reason: "", setBy: "", changedAt: nil)
    static let alertCode = "assignment_fuse"
    static let subject = "assignment"
}

/// A wish to open or close a tenant's assignment fuse.
struct FuseTurn: Sendable {
    let state: AssignmentFuse.State
    let reason: String
    let actor: String
    /// When something was first seen to be wrong; nil: now.
    var detectedAt: Date?
    /// The error class most failures had, where they were looked at.
    var cause: String?
    var at = Date()

    /// Whether the service found by itself that too much fails.
    var isAutomatic: Bool { detectedAt != nil }
}

extension Records {
    public func assignmentFuse(of tenant: TenantID) async throws -> AssignmentFuse {
        try await read(tenant, .fuse(of: tenant)).first.map(AssignmentFuse.init) ?? .untouched
    }

    /// How many leads wait for a person.
    public func leadsForPeople(of tenant: TenantID) async throws -> Int {
        let rows = try await read(
            tenant, "SELECT count(*) AS n FROM lead WHERE tenant_id = \(tenant.rawValue) AND state = 'manual_queue'")
        return Int(try rows.first?.get("n", as: Int64.self) ?? 0)
    }

    /// Opens or closes the fuse. Asked for what it is already, it stays as it was, with its first reason; that it was asked for is in the audit log.
    ///
    /// When this has answered, no lead is assigned on what was decided before: the routing version has grown, so such decisions are made anew.
    /// Closed, every lead that waits for a person or is held is enqueued again.
    public func setFuse(
        _ state: AssignmentFuse.State, reason: String, of tenant: TenantID, by actor: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (AssignmentFuse) -> StoredAnswer
    ) async throws -> Once { try await turn(FuseTurn(state: state, reason: reason, actor: actor), of: tenant, key: key, answer: answer) }

    func turn(
        _ turn: FuseTurn, of tenant: TenantID, key: IdempotencyKey? = nil, answer: @Sendable @escaping (AssignmentFuse) -> StoredAnswer
    ) async throws -> Once {
        let ledger = ledger
        let (_, release, enqueued) = try await ledger.enqueueing([.releaseHeld(of: tenant, orManual: true)], at: turn.at)
        let (once, outbox) = try await write(tenant, on: engine) { transaction in
            var outbox: Int64?
            let once = try transaction.once(key) {
                // Waits for what is being settled; what comes later finds another version.
                let rows = try transaction.pipeline([.bumpRouting(tenant), .fuse(of: tenant)])[1]
                let before = try rows.first.map(AssignmentFuse.init) ?? .untouched
                let audit = Statement.audit(
                    tenant, by: turn.actor, "fuse.\(turn.state == .open ? "open" : "close")", AssignmentFuse.subject,
                    before: .encoding(["state": before.state.rawValue]), after: .encoding(["state": turn.state.rawValue]),
                    reason: turn.reason)
                guard before.state != turn.state else {
                    // Processes that watch see the same at once; only what somebody asked for is written down.
                    if !turn.isAutomatic { _ = try transaction.query(audit) }
                    return answer(before)
                }
                let after = AssignmentFuse(state: turn.state, reason: turn.reason, setBy: turn.actor, changedAt: turn.at)
                let results = try transaction.pipeline(
                    [.keep(after, of: tenant)] + (turn.state == .open ? opening(turn, of: tenant) : closing(turn, of: tenant) + release)
                        + [audit, .armIncidentClocks(of: tenant, at: turn.at)])
                if turn.state == .closed { outbox = try results[results.count - 3].first!.get("id") }
                return answer(after)
            }
            return (once, outbox)
        }
        if let outbox { ledger.announce(enqueued(outbox)) }
        return once
    }
}

private func opening(_ turn: FuseTurn, of tenant: TenantID) -> [Statement] {
    [
        // The alarm of the failures, where there is one, saw it first.
        """
        INSERT INTO incident (tenant_id, cause, detected_at, fuse_opened_at, opened_by, reason, due_at)
        SELECT \(tenant.rawValue), \(turn.cause), d.at, \(turn.at), \(turn.actor), \(turn.reason), d.at + interval '2 hours'
        FROM (SELECT COALESCE(\(turn.detectedAt)::timestamptz, (SELECT min(first_at) FROM alert
            WHERE tenant_id = \(tenant.rawValue) AND code = \(FailureAlarm.code) AND subject = \(NewJob.assignLeadKind) AND resolved_at IS NULL),
            \(turn.at)) AS at) d
        ON CONFLICT (tenant_id) WHERE fixed_at IS NULL DO NOTHING
        """,
        .raise(
            AssignmentFuse.alertCode, AssignmentFuse.subject,
            detail: .encoding(["cause": turn.cause, "reason": turn.reason, "by": turn.actor]), of: tenant, at: turn.at),
    ]
}

private func closing(_ turn: FuseTurn, of tenant: TenantID) -> [Statement] {
    [
        """
        UPDATE incident SET fixed_at = \(turn.at), fixed_by = \(turn.actor), fix = \(turn.reason)
        WHERE tenant_id = \(tenant.rawValue) AND fixed_at IS NULL
        """, .resolve(AssignmentFuse.alertCode, AssignmentFuse.subject, of: tenant, at: turn.at),
    ]
}

extension Statement {
    static func fuse(of tenant: TenantID) -> Statement {
        "SELECT state, reason, set_by, changed_at FROM assignment_fuse WHERE tenant_id = \(tenant.rawValue)"
    }

    fileprivate static func keep(_ fuse: AssignmentFuse, of tenant: TenantID) -> Statement {
        """
        INSERT INTO assignment_fuse (tenant_id, state, reason, set_by, changed_at)
        VALUES (\(tenant.rawValue), \(fuse.state.rawValue), \(fuse.reason), \(fuse.setBy), \(fuse.changedAt))
        ON CONFLICT (tenant_id) DO UPDATE
            SET state = excluded.state, reason = excluded.reason, set_by = excluded.set_by, changed_at = excluded.changed_at
        """
    }

    /// Row security shows rows of tenants that are named, so all are.
    static var everyTenant: Statement {
        "SELECT set_config('kiteline.tenants', (SELECT COALESCE(array_agg(id), '{}')::text FROM tenant), true)"
    }
}

extension AssignmentFuse {
    init(_ row: Row) throws {
        state = State(rawValue: try row.get("state"))!  // a check in the table allows no other
        reason = try row.get("reason")
        setBy = try row.get("set_by")
        changedAt = try row.get("changed_at")
    }
}
