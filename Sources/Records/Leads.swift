import Foundation
import Identity
import Jobs
import PostgresClient
import Tenancy

public enum LeadState: String, Sendable, CaseIterable {
    case awaitingAssignment = "awaiting_assignment"
    case held
    case assigned
    case pooled
    case withMarketing = "with_marketing"
    case manualQueue = "manual_queue"
}

/// A lead with what became of it.
public struct LeadRecord: Sendable, Hashable {
    public let id: Int64
    public let externalID: String
    public let source: String
    public let receivedAt: Date
    /// A JSON object, as it came.
    public let fields: JSONBytes
    public let state: LeadState
    public let heldReason: String?
    /// The reasons of a lead that is held without a decision, a JSON array; nil beside a decision that was asked for.
    public internal(set) var heldDetail: JSONBytes?
    /// The owner's external id.
    public let owner: String?
    public let pool: String?
    /// Whom it comes from, `c12`; nil until that is found out.
    public let customer: String?
    public let score: Int?
    public let intent: String?
    public let epoch: Int
    public let job: JobID?
    public let touchedAt: Date?
    public let createdAt: Date
    public let updatedAt: Date
    /// The newest decision about it, or the one asked for, a JSON object, as it was recorded.
    public internal(set) var decision: JSONBytes?
    /// Its clocks as they were read last, a JSON array; nil: none are kept.
    public let clocks: JSONBytes?
}

extension Records {
    public func lead(_ id: Int64, of tenant: TenantID) async throws -> LeadRecord? {
        try await read(tenant, LeadRecord.one(id, of: tenant)).first.map(LeadRecord.init)
    }

    /// The lead with one of its decisions in place of the newest; nil: there is no such lead or decision.
    ///
    /// - Parameter decision: counted from 1, the oldest.
    public func lead(_ id: Int64, decision: Int, of tenant: TenantID) async throws -> LeadRecord? {
        let row = try await read(
            tenant,
            """
            SELECT body FROM decision_log WHERE tenant_id = \(tenant.rawValue) AND lead_id = \(id)
            ORDER BY epoch, decided_at, job_id OFFSET \(max(1, decision) - 1) LIMIT 1
            """
        ).first
        guard let row, var lead = try await lead(id, of: tenant) else { return nil }
        lead.decision = try row.get("body", as: JSONBytes.self)
        lead.heldDetail = nil
        return lead
    }
}

/// What was decided of a lead, and when.
public struct DecisionSummary: Sendable, Hashable {
    /// Counted from 1, the oldest.
    public let number: Int
    public let decidedAt: Date
    public let outcome: String
    public let owner: String?
    public let pool: String?
    /// As they were recorded, a JSON array.
    public let recorded: JSONBytes?
    /// The job that decided it, or in whose place people did.
    public let job: JobID
}

extension Records {
    /// The decisions about it, the present one first.
    public func decisions(of lead: Int64, of tenant: TenantID, limit: Int = 21) async throws -> [DecisionSummary] {
        try await read(
            tenant,
            """
            SELECT row_number() OVER (ORDER BY d.epoch, d.decided_at, d.job_id) AS number, d.decided_at, d.outcome, d.body->>'seller_id' AS owner, d.body->>'pool' AS pool,
                d.body->'reasons' AS reasons, d.job_id
            FROM decision_log d
            WHERE d.tenant_id = \(tenant.rawValue) AND d.lead_id = \(lead)
            ORDER BY number DESC LIMIT \(limit)
            """
        ).map { row in
            DecisionSummary(
                number: Int(try row.get("number", as: Int64.self)), decidedAt: try row.get("decided_at"), outcome: try row.get("outcome"),
                owner: try row.get("owner"),
                pool: try row.get("pool"), recorded: try row.get("reasons"),
                job: JobID(try row.get("job_id")))
        }
    }
}

extension LeadRecord {
    static let select = """
        SELECT l.id, l.external_id, l.source, l.received_at, l.fields, l.state, l.held_reason, l.held_detail, s.external_id AS owner, l.pool, l.customer_id, l.score, l.intent,
            l.assignment_epoch, l.job_id, l.touched_at, l.created_at, l.updated_at,
            (SELECT d.body FROM decision_log d WHERE d.tenant_id = l.tenant_id AND d.lead_id = l.id ORDER BY d.epoch DESC, d.decided_at DESC, d.job_id DESC LIMIT 1)
                AS decision,
            (SELECT c.clocks FROM clock_subject c WHERE c.tenant_id = l.tenant_id AND c.subject_type = 'lead' AND c.subject_id = l.id) AS clocks
        FROM lead l LEFT JOIN seller s ON s.tenant_id = l.tenant_id AND s.id = l.owner_id
        """

    static func one(_ id: Int64, of tenant: TenantID) -> Statement {
        "\(unescaped: select) WHERE l.tenant_id = \(tenant.rawValue) AND l.id = \(id)"
    }

    init(_ row: Row) throws {
        id = try row.get("id")
        externalID = try row.get("external_id")
        source = try row.get("source")
        receivedAt = try row.get("received_at")
        fields = try row.get("fields")
        state = LeadState(rawValue: try row.get("state"))!  // a check in the table allows no other
        heldReason = try row.get("held_reason")
        heldDetail = try row.get("held_detail")
        owner = try row.get("owner")
        pool = try row.get("pool")
        customer = try row.get("customer_id", as: Int64?.self).map { CustomerID($0).name }
        score = try row.get("score", as: Int32?.self).map(Int.init)
        intent = try row.get("intent")
        epoch = Int(try row.get("assignment_epoch", as: Int32.self))
        job = try row.get("job_id", as: Int64?.self).map(JobID.init)
        touchedAt = try row.get("touched_at")
        createdAt = try row.get("created_at")
        updatedAt = try row.get("updated_at")
        decision = try row.get("decision")
        clocks = try row.get("clocks")
    }
}
