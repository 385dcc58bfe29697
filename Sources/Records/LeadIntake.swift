import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// A lead as an outside system sends it.
public struct NewLead: Sendable, Hashable {
    public var source: String
    public var externalID: String
    public var receivedAt: Date
    /// Whether its source says when it came; if not, a lead told of before keeps its time.
    public var isDated: Bool
    /// A JSON object, by outside field name.
    public var fields: JSONBytes
    /// W3C traceparent the job that assigns it is below.
    public var traceContext: String?

    public init(source: String, externalID: String, receivedAt: Date, isDated: Bool = true, fields: [UInt8]) {
        self.source = source
        self.externalID = externalID
        self.receivedAt = receivedAt
        self.isDated = isDated
        self.fields = JSONBytes(fields)
    }

    public func traced(by context: String?) -> NewLead {
        var lead = self
        lead.traceContext = context
        return lead
    }
}

/// What a lead became: its number, and the job that assigns it.
public struct LeadReceipt: Sendable, Hashable {
    public let lead: Int64
    public let job: JobID?
    /// Whether it was told of for the first time; what comes twice in one call is new once.
    public let isNew: Bool
}

extension Records {
    /// Takes leads in, each with the job that will assign it, in one transaction. A receipt for each, in order.
    ///
    /// A lead told of before keeps its number and has its fields replaced; one that was held, or sent back to
    /// marketing, is to be assigned anew, under its next epoch. Of a lead that comes twice in `leads` the last counts.
    public func takeIn(_ leads: [NewLead], of tenant: TenantID, trigger: AssignmentTrigger) async throws -> [LeadReceipt] {
        try await engine.takeIn(leads, of: tenant, trigger: trigger, ledger)
    }

    /// Takes one lead in, once per idempotency key. Without a key it shares its commit with whoever else comes at that moment.
    ///
    /// - Parameter user: the person who tells of it, if they may; nil: nobody in particular.
    /// - Throws: `AccessRefusal`.
    public func takeIn(
        _ lead: NewLead, of tenant: TenantID, by user: String? = nil, key: IdempotencyKey?,
        answer: @Sendable @escaping (LeadReceipt) -> StoredAnswer
    ) async throws -> Once {
        guard key != nil || user != nil else {
            return .done(answer(try await intake.submit(IntakeRequest(lead: lead, tenant: tenant), weight: 1)))
        }
        let ledger = ledger
        let ids = try await ledger.reserve(1)
        let (once, enqueued) = try await write(tenant, on: engine) { transaction in
            var enqueued: Enqueued?
            let once = try transaction.once(key) {
                if let user { try transaction.admit(lead, by: user, of: tenant) }
                let taken = try LeadIntake([lead], of: tenant, trigger: .created, ledger: ledger, ids: ids).run(in: transaction)
                enqueued = taken.enqueued
                return answer(taken.receipts[0])
            }
            return (once, enqueued)
        }
        if let enqueued { ledger.announce(enqueued) }
        return once
    }
}

/// One transaction's leads.
struct LeadIntake {
    private struct Name: Hashable {
        var source: String
        var externalID: String

        init(source: String, externalID: String) { (self.source, self.externalID) = (source, externalID) }
        init(_ lead: NewLead) { self.init(source: lead.source, externalID: lead.externalID) }
    }

    private struct Stored {
        let id: Int64
        let epoch: Int
        let job: JobID?
        /// How often it was told of anew.
        let told: Int

        init(_ row: Row) throws {
            id = try row.get("id")
            epoch = Int(try row.get("assignment_epoch", as: Int32.self))
            job = try row.get("job_id", as: Int64?.self).map(JobID.init)
            told = Int(try row.get("told", as: Int32.self))
        }
    }

    private let leads: [NewLead]
    /// Each lead once, in the order rows are locked.
    private let distinct: [NewLead]
    private let tenant: TenantID
    private let trigger: AssignmentTrigger
    private let ledger: Ledger
    /// The job each gets if it needs one, numbered in the order they came.
    private let offered: [Name: JobID]

    init(_ leads: [NewLead], of tenant: TenantID, trigger: AssignmentTrigger, ledger: Ledger, ids: [JobID]) {
        self.leads = leads
        self.tenant = tenant
        self.trigger = trigger
        self.ledger = ledger
        offered = Dictionary(zip(leads.map { Name($0) }, ids), uniquingKeysWith: { first, _ in first })
        let last = Dictionary(leads.map { (Name($0), $0) }, uniquingKeysWith: { $1 })
        distinct = last.values.sorted { ($0.source, $0.externalID) < ($1.source, $1.externalID) }
    }

    func run(in transaction: PostgresTransaction) throws -> (receipts: [LeadReceipt], enqueued: Enqueued?) {
        let results = try transaction.pipeline([statesBefore, upsert])
        let before = try Dictionary(
            results[0].map {
                (Name(source: try $0.get("source"), externalID: try $0.get("external_id")), try $0.get("state", as: String.self))
            },
            uniquingKeysWith: { $1 })
        let stored = try Dictionary(
            results[1].map { row in
                (Name(source: try row.get("source"), externalID: try row.get("external_id")), try Stored(row))
            }, uniquingKeysWith: { $1 })
        var jobs: [NewJob] = []
        var used: [JobID] = []
        var seen: Set<Name> = []
        // In the order they came, not in that of the rows: jobs of one import run in the file's order.
        for lead in leads {
            let name = Name(lead)
            guard seen.insert(name).inserted, let row = stored[name], let job = row.job, job == offered[name] else { continue }
            var new = NewJob.assignLead(row.id, of: tenant, trigger: reason(before[name]), epoch: row.epoch)
            new.traceContext = lead.traceContext
            jobs.append(new)
            used.append(job)
        }
        if before.values.contains("held") { _ = try transaction.query(.failedAssignmentsOver(of: tenant)) }
        // What a lead says now may be of another grade: its deadlines count anew from its creation.
        if !before.isEmpty {
            _ = try transaction.query(.rearmClocks(of: .lead, before.keys.compactMap { stored[$0]?.id }, of: tenant, at: Date()))
        }
        var named: Set<Name> = []
        let receipts = leads.map { lead in
            let stored = stored[Name(lead)]!  // the upsert returns every row it was given
            return LeadReceipt(lead: stored.id, job: stored.job, isNew: named.insert(Name(lead)).inserted && stored.told == 0)
        }
        guard !jobs.isEmpty else { return (receipts, nil) }
        let (statements, enqueued) = ledger.statements(enqueueing: jobs, as: used, at: Date())
        return (receipts, enqueued(try transaction.pipeline(statements).last!.first!.get("id")))
    }

    private func reason(_ stateBefore: String?) -> AssignmentTrigger {
        switch stateBefore {
        case "held": .mappingFixed
        case "with_marketing": .marketingCompleted
        default: trigger
        }
    }

    /// What the known ones were doing until now, locked in the order settling locks them. What they said until now is kept, since
    /// decisions may rest on it.
    private var statesBefore: Statement {
        """
        WITH found AS MATERIALIZED (
            -- Each by its whole key: against a list, all leads of the tenant are read as long as nobody has analyzed the table.
            SELECT l.id
            FROM unnest(\(distinct.map(\.source)), \(distinct.map(\.externalID))) AS n(source, external_id)
                CROSS JOIN LATERAL (
                    SELECT id FROM lead
                    WHERE tenant_id = \(tenant.rawValue) AND source = n.source AND external_id = n.external_id LIMIT 1) l),
        known AS (
            SELECT l.* FROM (SELECT id FROM found ORDER BY id) f
                CROSS JOIN LATERAL (
                    SELECT id, source, external_id, state, told, received_at, fields FROM lead
                    WHERE tenant_id = \(tenant.rawValue) AND id = f.id FOR UPDATE) l),
        kept AS (
            INSERT INTO lead_past (tenant_id, lead_id, told, received_at, fields)
            SELECT \(tenant.rawValue), id, told, received_at, fields FROM known)
        SELECT source, external_id, state FROM known
        """
    }

    /// A row that has the job it was offered is one that needed one: it is new, or begins another epoch.
    private var upsert: Statement {
        let undated = distinct.filter { !$0.isDated }
        return """
            INSERT INTO lead AS l (tenant_id, source, external_id, received_at, fields, job_id)
            SELECT \(tenant.rawValue), n.source, n.external_id, n.received_at, n.fields, n.job
            FROM unnest(\(distinct.map(\.source)), \(distinct.map(\.externalID)), \(distinct.map(\.receivedAt)), \(distinct.map(\.fields)),
                \(distinct.map { offered[Name($0)]?.rawValue })) AS n(source, external_id, received_at, fields, job)
            ON CONFLICT (tenant_id, source, external_id) DO UPDATE
                SET fields = excluded.fields, updated_at = now(), told = l.told + 1,
                    received_at = CASE WHEN (l.source, l.external_id) IN (SELECT * FROM unnest(\(undated.map(\.source)), \(undated.map(\.externalID))))
                        THEN l.received_at ELSE excluded.received_at END,
                    state = CASE WHEN l.state IN ('held', 'with_marketing') THEN 'awaiting_assignment' ELSE l.state END,
                    held_reason = CASE WHEN l.state IN ('held', 'with_marketing') THEN NULL ELSE l.held_reason END,
                    held_detail = CASE WHEN l.state IN ('held', 'with_marketing') THEN NULL ELSE l.held_detail END,
                    -- Whom marketing has called is new to whoever gets it now.
                    touched_at = CASE WHEN l.state <> 'with_marketing' THEN l.touched_at END,
                    first_touched_at = CASE WHEN l.state <> 'with_marketing' THEN COALESCE(l.first_touched_at, l.touched_at) END,
                    assignment_epoch = l.assignment_epoch + CASE WHEN l.state IN ('held', 'with_marketing') THEN 1 ELSE 0 END,
                    job_id = CASE WHEN l.state IN ('held', 'with_marketing') THEN excluded.job_id ELSE l.job_id END
            RETURNING l.id, l.source, l.external_id, l.assignment_epoch, l.job_id, l.told
            """
    }
}
