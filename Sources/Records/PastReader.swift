import Foundation
import JSONEnvelope
import PostgresClient
import Replay
import Routing
import Rules
import SalesModel
import Tenancy

/// Reads a tenant's past as it was: what decisions rested on, and the decisions in their order.
///
/// Each page is a short question of its own; what it reads is never changed again, so they need not be of one moment.
public struct PastReader: Sendable {
    let postgres: PostgresPool
    let tenant: TenantID
    let shelf = RuleShelf()
    private let shifts = ShiftShelf()

    init(postgres: PostgresPool, tenant: TenantID) {
        self.postgres = postgres
        self.tenant = tenant
    }

    func read(_ statements: [Statement]) async throws -> [Rows] {
        Array(try await postgres.pipeline([.tenants([tenant])] + statements).dropFirst())
    }
}

extension RoutingReader {
    /// What a tenant's decisions rested on, as it was.
    public func past(of tenant: TenantID) -> PastReader { PastReader(postgres: postgres, tenant: tenant) }
}

// MARK: - Where to begin

/// Where a replay begins, and what of the time asked for it can tell of.
public struct PastBeginning: Sendable {
    public let state: PastState
    /// Nothing is known of decisions before this.
    public let since: Date?
    /// What was not kept, in words; nil: the past is whole.
    public let missing: String?
}

extension PastReader {
    /// How far clocks of workers and of the database may be apart: a snapshot is used for what was decided this much later.
    private static let clockSkew: TimeInterval = 600

    /// What decisions from a moment on rested on, as of a snapshot before it or of the tenant's first day.
    public func beginning(for window: Range<Date>) async throws -> PastBeginning {
        let before = window.lowerBound.addingTimeInterval(-Self.clockSkew)
        let rows = try await read([
            "SELECT version, load_seq, deal_seq, at FROM routing_snapshot WHERE tenant_id = \(tenant.rawValue) AND at <= \(before) ORDER BY at DESC LIMIT 1",
            "SELECT version, load_seq, deal_seq, at FROM routing_snapshot WHERE tenant_id = \(tenant.rawValue) ORDER BY at LIMIT 1",
            "SELECT whole_past FROM tenant WHERE id = \(tenant.rawValue)",
            """
            SELECT count(*) AS n FROM decision_log
            WHERE tenant_id = \(tenant.rawValue) AND version IS NULL
                AND COALESCE(body->'reasons'->0->>'code', '') NOT IN ('assigned_by_hand', 'transferred_overdue')
                AND decided_at >= \(window.lowerBound) AND decided_at < \(window.upperBound)
            """,
        ])
        let unordered: Int64 = try rows[3].first!.get("n")
        var missing = unordered > 0 ? "\(unordered) decisions of this time were made before what they rested on was kept." : nil
        if let row = rows[0].first { return PastBeginning(state: try await state(at: row), since: nil, missing: missing) }
        if try rows[2].first?.get("whole_past", as: Bool.self) == true {
            return PastBeginning(state: PastState(), since: nil, missing: missing)
        }
        guard let row = rows[1].first else {
            return PastBeginning(
                state: PastState(), since: window.upperBound, missing: missing ?? "Nothing of this tenant's past is kept yet.")
        }
        let at: Date = try row.get("at")
        if at < window.upperBound { missing = missing ?? "What decisions rested on is kept since \(RFC3339.text(at)), not before." }
        return PastBeginning(
            state: try await state(at: row), since: at,
            missing: missing ?? "What decisions rested on is kept since \(RFC3339.text(at)), after this time.")
    }

    private func state(at snapshot: Row) async throws -> PastState {
        let (version, loadSeq, dealSeq): (Int64, Int64, Int64) = (
            try snapshot.get("version"), try snapshot.get("load_seq"), try snapshot.get("deal_seq")
        )
        let snapshot: Statement = """
            FROM routing_snapshot s WHERE s.tenant_id = \(tenant.rawValue) AND s.version = \(version) AND s.load_seq = \(loadSeq)
                AND s.deal_seq = \(dealSeq)
            """
        let rows = try await read([
            Statement(
                "SELECT x.* FROM (SELECT s.sellers AS kept " + snapshot.sql + """
                    ) s, jsonb_to_recordset(s.kept) AS x(id bigint, external_id text, team text, status text, regions text[], industries text[],
                        capacity integer, weight integer, newcomer boolean, pending integer, last_assigned_at timestamptz,
                        frozen_at timestamptz, frozen_until timestamptz, shift text)
                    """, snapshot.parameters),
            Statement(
                "SELECT x.* FROM (SELECT s.cursors AS kept " + snapshot.sql + """
                    ) s, jsonb_to_recordset(s.kept) AS x(pool text, sellers bigint[], credits bigint[])
                    """, snapshot.parameters),
            """
            SELECT seq, id, owner, industry, won, closed_at FROM opportunity WHERE tenant_id = \(tenant.rawValue) AND seq <= \(dealSeq)
            UNION ALL
            SELECT seq, id, owner, industry, won, closed_at FROM opportunity_past
            WHERE tenant_id = \(tenant.rawValue) AND seq <= \(dealSeq) AND until_seq > \(dealSeq)
            """,
        ])
        let deals = try rows[2].map(DealChange.init)
        let shifts = try await shifts.shifts(named: rows[0], of: tenant, in: postgres, at: Date())
        return PastState(
            version: version, loadSeq: loadSeq, dealSeq: dealSeq, sellers: try rows[0].map { try Seller($0, shifts: shifts) },
            cursors: try rows[1].map(PoolCursor.init),
            deals: Dictionary(deals.compactMap { change in change.deal.map { (change.id, $0) } }, uniquingKeysWith: { $1 }))
    }
}

// MARK: - Page after page

/// A page as it was read, and from where the next one goes on.
public struct ReadPage: Sendable {
    public let page: PastPage
    /// Decisions left out because their lead's words were not kept.
    public let unreadable: Int
    public let cursor: PastCursor

    /// There is nothing after it either.
    public var isEmpty: Bool { page.decisions.isEmpty && unreadable == 0 }
}

/// How far a past has been read.
public struct PastCursor: Sendable {
    var version: Int64
    var moved = false
    var decidedAt = Date(timeIntervalSince1970: 0)
    var lead: Int64 = 0
    var sellerVersion: Int64
    var loadSeq: Int64
    var dealSeq: Int64

    public init(after state: PastState) {
        version = state.version
        sellerVersion = state.version
        loadSeq = state.loadSeq
        dealSeq = state.dealSeq
    }
}

extension PastReader {
    /// The next decisions, with everything that happened up to them; empty at the end. Those whose lead's words were not kept are
    /// left out and counted.
    public func page(after before: PastCursor, limit: Int) async throws -> ReadPage {
        let rows = try await read([decisions(after: before, limit: limit)])[0]
        var decisions: [PastDecision] = []
        decisions.reserveCapacity(rows.count)
        for row in rows { if let decision = try decision(row) { decisions.append(decision) } }
        guard let last = rows.last else { return ReadPage(page: PastPage(decisions: []), unreadable: 0, cursor: before) }
        var cursor = before
        cursor.version = try last.get("version")
        cursor.moved = try last.get("moved")
        cursor.decidedAt = try last.get("decided_at")
        cursor.lead = try last.get("lead_id")
        cursor.sellerVersion = cursor.version
        cursor.loadSeq = max(cursor.loadSeq, decisions.map(\.loadSeq).max() ?? 0)
        cursor.dealSeq = max(cursor.dealSeq, decisions.map(\.dealSeq).max() ?? 0)
        let changes = try await read(Self.changes(of: tenant, from: before, to: cursor))
        let shifts = try await shifts.shifts(named: changes[0], of: tenant, in: postgres, at: Date())
        let page = PastPage(
            decisions: decisions,
            sellers: try changes[0].map { SellerChange(version: try $0.get("version"), seller: try Seller($0, shifts: shifts)) },
            loads: try changes[1].map(LoadChange.init),
            deals: try changes[2].map(DealChange.init))
        return ReadPage(page: page, unreadable: rows.count - decisions.count, cursor: cursor)
    }

    /// A body is unpacked once, whatever is read of it: each arrow would unpack it anew.
    private func decisions(after cursor: PastCursor, limit: Int) -> Statement {
        """
        SELECT d.lead_id, d.epoch, d.job_id, d.outcome, d.decided_at, d.version, d.moved, d.load_seq, d.deal_seq, d.deals_at,
            b.seller_id AS owner, b.arm, b.rollouts, b.customer, d.claim, l.source,
            (coalesce(b.rule_sets, '[]') || coalesce(b.other_maps, '[]'))::text AS rule_sets,
            CASE WHEN l.told = d.told THEN l.received_at ELSE p.received_at END AS received_at,
            CASE WHEN l.told = d.told THEN l.fields ELSE p.fields END AS fields,
            (SELECT a.touched_at FROM assignment a WHERE a.tenant_id = \(tenant.rawValue) AND a.lead_id = d.lead_id AND a.epoch = d.epoch) AS touched_at,
            (SELECT a.seller_id FROM assignment a
             WHERE a.tenant_id = \(tenant.rawValue) AND a.lead_id = d.lead_id AND a.epoch = d.epoch - 1 AND a.recycled) AS recycled_from
        FROM (
            SELECT * FROM decision_log
            WHERE tenant_id = \(tenant.rawValue) AND version IS NOT NULL
                AND (version, moved, decided_at, lead_id) > (\(cursor.version), \(cursor.moved), \(cursor.decidedAt), \(cursor.lead))
            ORDER BY version, moved, decided_at, lead_id
            LIMIT \(limit)) d
            CROSS JOIN LATERAL jsonb_to_record(d.body)
                AS b(seller_id text, arm text, rollouts jsonb, customer jsonb, rule_sets jsonb, other_maps jsonb)
            JOIN lead l ON l.tenant_id = \(tenant.rawValue) AND l.id = d.lead_id
            LEFT JOIN lead_past p ON p.tenant_id = \(tenant.rawValue) AND p.lead_id = d.lead_id AND p.told = d.told AND l.told <> d.told
        ORDER BY d.version, d.moved, d.decided_at, d.lead_id
        """
    }

    private static func changes(of tenant: TenantID, from: PastCursor, to: PastCursor) -> [Statement] {
        [
            """
            SELECT version, seller_id AS id, external_id, team, status, regions, industries, capacity, weight, newcomer, 0 AS pending,
                NULL::timestamptz AS last_assigned_at, frozen_at, frozen_until, shift
            FROM seller_change WHERE tenant_id = \(tenant.rawValue) AND version > \(from.sellerVersion) AND version <= \(to.sellerVersion)
            ORDER BY version
            """,
            """
            SELECT seq, lead_id, seller_id, change FROM load_change
            WHERE tenant_id = \(tenant.rawValue) AND seq > \(from.loadSeq) AND seq <= \(to.loadSeq)
            ORDER BY seq
            """,
            """
            SELECT seq, id, owner, industry, won, closed_at FROM opportunity
            WHERE tenant_id = \(tenant.rawValue) AND seq > \(from.dealSeq) AND seq <= \(to.dealSeq)
            UNION ALL
            SELECT seq, id, owner, industry, won, closed_at FROM opportunity_past
            WHERE tenant_id = \(tenant.rawValue) AND seq > \(from.dealSeq) AND seq <= \(to.dealSeq)
            ORDER BY seq
            """,
        ]
    }

    /// Nil when what the lead said then is not kept.
    private func decision(_ row: Row) throws -> PastDecision? {
        guard let fields = try row.get("fields", as: JSONBytes?.self), let receivedAt = try row.get("received_at", as: Date?.self) else {
            return nil
        }
        return PastDecision(
            lead: Lead(
                id: LeadID(try row.get("lead_id")), source: try row.get("source"), receivedAt: receivedAt,
                fields: try OutsideValue.fields(fields.bytes),
                recycledFrom: try row.get("recycled_from", as: Int64?.self).map(SellerID.init)),
            epoch: Int(try row.get("epoch", as: Int32.self)), job: try row.get("job_id"), version: try row.get("version"),
            moved: try row.get("moved"), loadSeq: try row.get("load_seq"), dealSeq: try row.get("deal_seq"),
            dealsAt: try row.get("deals_at"), decidedAt: try row.get("decided_at"), outcome: try row.get("outcome"),
            owner: try row.get("owner"), rules: shelf.references(try row.get("rule_sets")),
            arm: try row.get("arm", as: String?.self) ?? "stable", rollouts: try row.get("rollouts", as: JSONBytes?.self)?.bytes,
            touchedAt: try row.get("touched_at"), customer: try row.get("customer", as: JSONBytes?.self)?.bytes,
            claim: try row.get("claim", as: JSONBytes?.self).flatMap(OwnerClaim.init(json:)))
    }

    /// How soon each seller touched leads they were given in a span of time: of each the first 200.
    public func habits(in window: Range<Date>, from state: PastState) async throws -> TouchHabits {
        let rows = try await read([
            """
            SELECT owner, delay FROM (
                SELECT s.external_id AS owner, extract(epoch FROM a.touched_at - d.decided_at)::float8 AS delay,
                    row_number() OVER (PARTITION BY s.id ORDER BY d.version, d.moved, d.decided_at) AS place
                FROM decision_log d
                    JOIN assignment a ON a.tenant_id = d.tenant_id AND a.lead_id = d.lead_id AND a.epoch = d.epoch
                    JOIN seller s ON s.tenant_id = a.tenant_id AND s.id = a.seller_id
                WHERE d.tenant_id = \(tenant.rawValue) AND d.version >= \(state.version) AND d.decided_at >= \(window.lowerBound)
                    AND d.decided_at < \(window.upperBound)) t
            WHERE place <= 200 ORDER BY owner, place
            """
        ])[0]
        var delays: [String: [TimeInterval?]] = [:]
        for row in rows {
            delays[try row.get("owner"), default: []].append(try row.get("delay", as: Double?.self).map { max(0, $0) })
        }
        return TouchHabits(delays)
    }

    /// The places of those steps whose decision is not, byte for byte, the one that was logged: compared as Postgres stores them
    /// (`*<>`), so that neither has to be written out as text.
    public func unequal(_ steps: [Replay.Step]) async throws -> [Int] {
        guard !steps.isEmpty else { return [] }
        let rows = try await read([
            """
            SELECT n.place FROM unnest(\(steps.map(\.past.lead.id.rawValue)), \(steps.map { Int32($0.past.epoch) }), \(steps.map(\.past.job)),
                    \(steps.map { DecisionBody.json($0.live, arm: $0.past.arm, rollouts: $0.past.rollouts, customer: $0.past.customer) })) WITH ORDINALITY AS n(lead, epoch, job, body, place)
                LEFT JOIN decision_log d ON d.tenant_id = \(tenant.rawValue) AND d.lead_id = n.lead AND d.epoch = n.epoch AND d.job_id = n.job
            WHERE ROW(d.body)::record *<> ROW(n.body)::record
            ORDER BY n.place
            """
        ])[0]
        return try rows.map { Int(try $0.get("place", as: Int64.self)) - 1 }
    }
}

// MARK: - Rows

extension LoadChange {
    fileprivate init(_ row: Row) throws {
        self.init(
            seq: try row.get("seq"), seller: SellerID(try row.get("seller_id")), lead: LeadID(try row.get("lead_id")),
            change: Int(try row.get("change", as: Int32.self)))
    }
}

extension DealChange {
    fileprivate init(_ row: Row) throws {
        var deal: Deal?
        if let owner = try row.get("owner", as: String?.self), let won = try row.get("won", as: Bool?.self),
            let closedAt = try row.get("closed_at", as: Date?.self)
        {
            deal = Deal(owner: owner, industry: try row.get("industry"), won: won, closedAt: closedAt)
        }
        self.init(seq: try row.get("seq"), id: try row.get("id"), deal: deal)
    }
}
