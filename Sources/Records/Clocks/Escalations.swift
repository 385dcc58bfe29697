import Foundation
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// A missed level as it was written down.
public struct Escalation: Sendable, Hashable {
    public enum Told: String, Sendable, CaseIterable {
        case told, held, untold
    }

    public enum State: String, Sendable, CaseIterable {
        /// Nothing has made it good.
        case open
        case met
        /// Facts that came later say that it was made good in time.
        case withdrawn
    }

    /// Why it was late, as its seller says.
    public enum Reason: String, Sendable, CaseIterable {
        case notAnswered = "not_answered"
        case busy, transferred
    }

    public let id: Int64
    public let subject: ClockKey
    public let clock: String
    public let level: String
    public let startedAt: Date
    public let dueAt: Date
    public let recordedAt: Date
    /// Seconds, when it was recorded.
    public let lateBy: Int
    public let action: String
    /// Whether the action was taken.
    public let acted: Bool
    /// Whether it was due long before the subject was known here.
    public let isHistory: Bool
    public let told: Told
    public let heldUntil: Date?
    public let toldAt: Date?
    public let urgency: String
    public let recipients: [String]
    public let channels: [String]
    /// The subject's seller and team at that moment.
    public let owner: String?
    public let team: String?
    public let reason: Reason?
    public let metAt: Date?
    public let withdrawnAt: Date?

    public var state: State { withdrawnAt != nil ? .withdrawn : metAt != nil ? .met : .open }
}

/// Which escalations are asked for.
public struct EscalationFilter: Sendable {
    public var subject: ClockKey?
    public var clock: String?
    public var action: String?
    public var owner: String?
    public var team: String?
    public var state: Escalation.State?
    public var told: Escalation.Told?
    /// Whether it was due long before the subject was known here.
    public var isHistory: Bool?

    public init() {}
}

extension Records {
    /// Missed levels, the newest first.
    public func escalations(
        of tenant: TenantID, _ filter: EscalationFilter = EscalationFilter(), before cursor: Int64 = .max, limit: Int = 100
    ) async throws -> Page<Escalation> {
        let rows = try await read(
            tenant,
            """
            SELECT \(unescaped: Escalation.columns) FROM escalation
            WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor)
                AND (\(filter.subject?.type.rawValue)::text IS NULL OR (subject_type = \(filter.subject?.type.rawValue) AND subject_id = \(filter.subject?.id)))
                AND (\(filter.clock)::text IS NULL OR clock = \(filter.clock))
                AND (\(filter.action)::text IS NULL OR action = \(filter.action))
                AND (\(filter.owner)::text IS NULL OR owner = \(filter.owner))
                AND (\(filter.team)::text IS NULL OR team = \(filter.team))
                AND (\(filter.told?.rawValue)::text IS NULL OR told = \(filter.told?.rawValue))
                AND (\(filter.isHistory)::boolean IS NULL OR history = \(filter.isHistory))
                AND (\(filter.state?.rawValue)::text IS NULL OR \(filter.state?.rawValue) =
                    CASE WHEN withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN met_at IS NOT NULL THEN 'met' ELSE 'open' END)
            ORDER BY id DESC LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(Escalation.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }

    /// Says why something was late; nil: there is no such escalation.
    public func explain(
        escalation id: Int64, _ reason: Escalation.Reason, of tenant: TenantID, by actor: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (Escalation) -> StoredAnswer
    ) async throws -> Once? {
        struct NotFound: Error {}
        do {
            return try await write(tenant, on: engine) { transaction in
                try transaction.once(key) {
                    let rows = try transaction.query(
                        """
                        UPDATE escalation SET reason = \(reason.rawValue) WHERE tenant_id = \(tenant.rawValue) AND id = \(id)
                        RETURNING \(unescaped: Escalation.columns)
                        """)
                    guard let row = rows.first else { throw NotFound() }
                    _ = try transaction.query(
                        .audit(tenant, by: actor, "escalation.explain", String(id), after: .encoding(["reason": reason.rawValue])))
                    return answer(try Escalation(row))
                }
            }
        } catch is NotFound {
            return nil
        }
    }
}

extension Escalation {
    fileprivate static let columns = """
        id, subject_type, subject_id, clock, level, started_at, due_at, recorded_at, late_by, action, acted, history, told, held_until, told_at, urgency,
        recipients, channels, owner, team, reason, met_at, withdrawn_at
        """

    fileprivate init(_ row: Row) throws {
        id = try row.get("id")
        subject = try ClockKey(row)
        clock = try row.get("clock")
        level = try row.get("level")
        startedAt = try row.get("started_at")
        dueAt = try row.get("due_at")
        recordedAt = try row.get("recorded_at")
        lateBy = Int(try row.get("late_by", as: Int32.self))
        action = try row.get("action")
        acted = try row.get("acted")
        isHistory = try row.get("history")
        told = Told(rawValue: try row.get("told"))!  // a check in the table allows no other
        heldUntil = try row.get("held_until")
        toldAt = try row.get("told_at")
        urgency = try row.get("urgency")
        recipients = try row.get("recipients")
        channels = try row.get("channels")
        owner = try row.get("owner")
        team = try row.get("team")
        reason = try row.get("reason", as: String?.self).flatMap(Reason.init)
        metAt = try row.get("met_at")
        withdrawnAt = try row.get("withdrawn_at")
    }
}
