import Foundation
import Identity
import JSONEnvelope
import PostgresClient
import Rollouts
import Routing
import Rules
import SalesModel
import Synchronization
import Tenancy

/// What a batch of a tenant's leads is decided on: a working copy that the decisions change.
public struct RoutingFacts: Sendable {
    /// Of `routing_state`: decisions hold only as long as it is still this.
    public let version: Int64
    public var leads: [LeadID: LeadFacts]
    public var roster: RolloutRoster
    /// Automatic assignment is stopped. Whoever changes it changes the version too.
    public let isFuseOpen: Bool
    /// Who the leads may be.
    public var customers: CustomerFacts
    /// Rollouts that whoever decides first has to take back.
    var unreadable: [UnreadableRollout]
    /// Names the decisions that were made one upon another.
    public let group = Int64.random(in: .min ... .max)
    /// How many there were so far.
    public var decided = 0
    /// How far touches and deals had come when they were read.
    let basis: DecisionBasis
}

/// Which touches and deals a decision saw. `RoutingFacts.version` says the same of sellers, rules and earlier assignments.
struct DecisionBasis: Sendable, Hashable {
    /// Of `routing_clock`.
    var loadSeq: Int64
    /// Of `routing_clock`.
    var dealSeq: Int64
    /// The end of the windows that deals were counted in; nil when no rule asked for deals.
    var dealsAt: Date?
}

/// A lead as it stood when the facts were read.
public struct LeadFacts: Sendable {
    public let lead: Lead
    public let epoch: Int
    public let isAssigned: Bool
    /// Whether somebody was in touch with it, though perhaps nobody has it.
    let isTouched: Bool
    /// How often the lead had been told again.
    let told: Int32
    /// Of an earlier decision.
    let resolvedTo: CustomerID?
    /// Whether it is held since an earlier run of its assignment failed for good.
    let hadFailed: Bool
    /// How an earlier job of the same batch decided it.
    public internal(set) var decided: AssignmentOutcome?
    /// Changes with every change of the row.
    public let updatedAt: Date
}

/// Reads routing facts, in one trip for a batch; rules and rankings are kept for the next batch as long as they hold.
public final class RoutingReader: Sendable {
    private struct Known: Sendable {
        var library = RuleLibrary()
        var variants: Variants?
        /// How rollouts are judged, which does not change while they run.
        var judges: [Int64: RolloutJudge] = [:]
        var deals: (stamp: DealStamp, byWindow: [Int: DealStatistics])?
    }

    /// By what is live and which rollouts run.
    private struct Variants: Sendable {
        let live: [LiveRule]
        let rollouts: [Int64]
        let zone: String
        /// One for each set of arms, the live ones first.
        let rules: [TenantRules]
        /// What of a rollout's candidate, or of what is live beside it, cannot be read.
        let unreadable: [Int64: UnreadableRuleSet]
    }

    let postgres: PostgresPool
    private let shifts = ShiftShelf()
    private let known = Mutex<[TenantID: Known]>([:])
    /// Tenants remembered; beyond it everything is forgotten and read again.
    private let capacity = 2_000

    /// - Parameter postgres: a pool under the role `kiteline_app`.
    public init(postgres: PostgresPool) { self.postgres = postgres }

    /// A live rule set that cannot be read holds the leads; a candidate that cannot be read is left out, and taken back with what is decided.
    public func facts(for leads: [LeadID], of tenant: TenantID, at now: Date) async throws -> RoutingFacts {
        let rows = try await postgres.pipeline(Self.statements(reading: leads, of: tenant))
        let records = try RolloutRecord.records(rows[8], rows[9])
        let running = records.map { $0.running(of: tenant, judge: judge(of: $0, tenant)) }
        let zone = try rows[1].first?.get("time_zone", as: String.self) ?? "UTC"
        let read = try await rules(rows[2].map(LiveRule.init), running, of: tenant, in: zone)
        let (variants, rollouts) = (read.rules, running.filter { read.unreadable[$0.id] == nil })
        let stamp = DealStamp(seq: try rows[6].first?.get("deal_seq") ?? 0, end: DealWindow.end(at: now))
        let deals = try await deals(variants, of: tenant, stamp)
        let basis = DecisionBasis(
            loadSeq: try rows[4].first?.get("load_seq") ?? 0, dealSeq: deals?.stamp.seq ?? stamp.seq, dealsAt: deals?.stamp.end)
        let facts = try rows[3].map(LeadFacts.init)
        let customers = try await customers(
            of: facts.map(\.lead), known: facts.reduce(into: [:]) { $0[$1.lead.id] = $1.resolvedTo },
            population: Int(try rows[1].first?.get("customers", as: Int64.self) ?? 0), variants, of: tenant)
        let exposures = rollouts.isEmpty ? [:] : try await exposures(of: customers.everyone.map(\.name), to: rollouts, of: tenant)
        let shifts = try await shifts.shifts(named: rows[4], of: tenant, in: postgres, at: now)
        let roster = Roster(
            sellers: try rows[4].map { try Seller($0, shifts: shifts) }, deals: deals?.byWindow ?? [:],
            cursors: try rows[5].map(PoolCursor.init),
            variants: variants)
        return RoutingFacts(
            version: try rows[1].first?.get("version") ?? 0, leads: Dictionary(facts.map { ($0.lead.id, $0) }, uniquingKeysWith: { $1 }),
            roster: RolloutRoster(roster: roster, rollouts: rollouts, exposures: exposures), isFuseOpen: !rows[7].isEmpty,
            customers: customers, unreadable: records.compactMap { UnreadableRollout($0, read.unreadable[$0.id]) }, basis: basis)
    }

    /// By which leads are recognised now, and how many customers there are.
    func liveMatch(of tenant: TenantID) async throws -> (rules: MatchRules, population: Int) {
        let rows = try await postgres.pipeline(Self.statements(reading: [], of: tenant))
        let rollouts = try RolloutRecord.records(rows[8], rows[9]).map { $0.running(of: tenant, judge: judge(of: $0, tenant)) }
        let zone = try rows[1].first?.get("time_zone", as: String.self) ?? "UTC"
        let variants = try await rules(rows[2].map(LiveRule.init), rollouts, of: tenant, in: zone).rules
        return (variants[0].match, Int(try rows[1].first?.get("customers", as: Int64.self) ?? 0))
    }

    /// What is asked for a batch of leads, in this order.
    package static func statements(reading leads: [LeadID], of tenant: TenantID) -> [Statement] {
        let ids = Set(leads).map(\.rawValue).sorted()
        // The version is read first: what changes later changes it too, and the settle will see that.
        return [
            .tenants([tenant]),
            """
            SELECT t.time_zone, COALESCE(r.version, 0) AS version, COALESCE(r.customers, 0) AS customers
            FROM tenant t LEFT JOIN routing_state r ON r.tenant_id = t.id
            WHERE t.id = \(tenant.rawValue)
            """,
            "SELECT kind, name, version, hash FROM ruleset_version WHERE tenant_id = \(tenant.rawValue) AND state = 'live'",
            """
            SELECT l.id, l.source, l.received_at, l.fields, l.assignment_epoch, l.updated_at, l.held_reason, l.told, l.customer_id,
                l.touched_at IS NOT NULL AS is_touched,
                (SELECT a.seller_id FROM assignment a
                 WHERE a.tenant_id = l.tenant_id AND a.lead_id = l.id AND a.epoch = l.assignment_epoch - 1 AND a.recycled) AS recycled_from,
                -- A scalar sub-select is looked up by key for each lead; a join was at times planned as a scan of all assignments.
                (SELECT a.seller_id FROM assignment a WHERE a.tenant_id = l.tenant_id AND a.lead_id = l.id AND a.active) IS NOT NULL AS is_assigned
            FROM unnest(\(ids)) AS n(id)
                -- Each by its whole key: against a list, all leads of the tenant are read as long as nobody has analyzed the table.
                CROSS JOIN LATERAL (SELECT * FROM lead WHERE tenant_id = \(tenant.rawValue) AND id = n.id LIMIT 1) l
            """,
            """
            SELECT s.id, s.external_id, s.team, s.status, s.regions, s.industries, s.capacity, s.weight, s.newcomer,
                s.frozen_at, s.frozen_until, s.shift, COALESCE(l.pending, 0) AS pending, l.last_assigned_at,
                -- In the same statement, and so of the same moment as the loads.
                COALESCE((SELECT c.load_seq FROM routing_clock c WHERE c.tenant_id = \(tenant.rawValue)), 0) AS load_seq
            FROM seller s LEFT JOIN seller_load l ON l.tenant_id = s.tenant_id AND l.seller_id = s.id
            WHERE s.tenant_id = \(tenant.rawValue)
            """,
            "SELECT pool, sellers, credits FROM route_cursor WHERE tenant_id = \(tenant.rawValue)",
            "SELECT deal_seq FROM routing_clock WHERE tenant_id = \(tenant.rawValue)",
            "SELECT FROM assignment_fuse WHERE tenant_id = \(tenant.rawValue) AND state = 'open'",
        ] + Statement.rollouts(of: tenant, where: "r.state IN ('shadow', 'canary') AND r.kind <> 'warning_model'")
    }

    private func judge(of record: RolloutRecord, _ tenant: TenantID) -> RolloutJudge {
        if let known = known.withLock({ $0[tenant]?.judges[record.id] }) { return known }
        let judge = record.judge
        remember(tenant) { $0.judges[record.id] = judge }
        return judge
    }

    private func exposures(
        of customers: [String], to rollouts: [RunningRollout], of tenant: TenantID
    ) async throws -> [RolloutRoster.Exposure: Arm] {
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT rollout_id, customer, arm FROM exposure
            WHERE tenant_id = \(tenant.rawValue) AND rollout_id = ANY(\(rollouts.map(\.id))) AND customer = ANY(\(customers))
            """,
        ])[1]
        return try rows.reduce(into: [:]) { exposures, row in
            let exposure = RolloutRoster.Exposure(rollout: try row.get("rollout_id"), customer: try row.get("customer"))
            exposures[exposure] = Arm(rawValue: try row.get("arm"))
        }
    }

    private func remember(_ tenant: TenantID, _ change: @Sendable (inout Known) -> Void) {
        known.withLock { known in
            if known.count >= capacity, known[tenant] == nil { known = [:] }
            change(&known[tenant, default: Known()])
        }
    }
}

// MARK: - Rules

extension RoutingReader {
    /// The rules of each variant that the rollouts ask for; the live ones first. Rollouts whose candidate cannot be read ask for none.
    private func rules(
        _ live: [LiveRule?], _ rollouts: [RunningRollout], of tenant: TenantID, in zone: String
    ) async throws -> Variants {
        let live = live.compactMap { $0 }.inOrder()
        let running = rollouts.map { $0.isShadow ? -$0.id : $0.id }
        let known = known.withLock { $0[tenant] ?? Known() }
        if let variants = known.variants, variants.live == live, variants.rollouts == running, variants.zone == zone {
            return variants
        }
        let candidates = try await candidates(of: rollouts, of: tenant)
        func list(_ tried: [RunningRollout]) -> [LiveRule] {
            let replaced = Set(tried.map(\.lineage))
            return live.filter { !replaced.contains($0.lineage) } + tried.compactMap { candidates[$0.id] }
        }
        let sets = RolloutRoster.variants(of: rollouts)
        let lists = sets.map(list)
        var library = known.library
        try await library.read(lists, of: tenant, in: postgres)

        let timeZone = TimeZone(identifier: zone) ?? .gmt
        let alone = library.rules(lists[0], timeZone: timeZone)
        var unreadable: [Int64: UnreadableRuleSet] = [:]
        // Smaller sets stand before those they are part of, so of a set that cannot be read only together the youngest has to go.
        for (tried, list) in zip(sets, lists).dropFirst() where !tried.contains(where: { unreadable[$0.id] != nil }) {
            guard let fault = library.unreadable(list, besides: alone.unreadable), let last = tried.map(\.id).max() else { continue }
            unreadable[last] = fault
        }
        let readable = rollouts.filter { unreadable[$0.id] == nil }
        let rules = RolloutRoster.variants(of: readable).map { library.rules(list($0), timeZone: timeZone) }
        let variants = Variants(live: live, rollouts: running, zone: zone, rules: rules, unreadable: unreadable)
        let read = library
        remember(tenant) {
            $0.library = read
            $0.variants = variants
            $0.judges = $0.judges.filter { id, _ in rollouts.contains { $0.id == id } }
        }
        return variants
    }

    private func candidates(of rollouts: [RunningRollout], of tenant: TenantID) async throws -> [Int64: LiveRule] {
        guard !rollouts.isEmpty else { return [:] }
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT r.id, v.kind, v.name, v.version, v.hash
            FROM rollout r JOIN ruleset_version v
                ON v.tenant_id = r.tenant_id AND v.kind = r.kind AND v.name = r.name AND v.version = r.version
            WHERE r.tenant_id = \(tenant.rawValue) AND r.id = ANY(\(rollouts.map(\.id)))
            """,
        ])[1]
        return try rows.reduce(into: [:]) { $0[try $1.get("id")] = try LiveRule($1) }
    }
}

// MARK: - Deals

/// As of when rankings were worked out: anew when a deal changes, and each minute, because the window moves.
private struct DealStamp: Sendable, Hashable {
    /// Of `routing_clock`.
    let seq: Int64
    /// Of the windows.
    let end: Date
}

extension RoutingReader {
    private typealias Deals = (stamp: DealStamp, byWindow: [Int: DealStatistics])

    /// Nil when no rule asks for deals. The stamp in the answer is that of what was read, which may be newer than the one asked for.
    private func deals(_ variants: [TenantRules], of tenant: TenantID, _ stamp: DealStamp) async throws -> Deals? {
        let windows = Set(variants.flatMap(\.windows)).sorted()
        guard !windows.isEmpty else { return nil }
        if let known = known.withLock({ $0[tenant]?.deals }), known.stamp == stamp, windows.allSatisfy({ known.byWindow[$0] != nil }) {
            return known
        }
        let rows = try await postgres.pipeline([.tenants([tenant]), Self.closedDeals(of: tenant, windows, until: stamp.end)])[1]
        var deals: [Int: [ClosedDeals]] = [:]
        for row in rows {
            guard let months = try row.get("months", as: Int32?.self) else { continue }
            deals[Int(months), default: []].append(try ClosedDeals(row))
        }
        let byWindow = Dictionary(uniqueKeysWithValues: windows.map { ($0, DealStatistics(deals[$0] ?? [])) })
        let worked: Deals = (DealStamp(seq: try rows.first?.get("seq") ?? 0, end: stamp.end), byWindow)
        remember(tenant) { $0.deals = worked }
        return worked
    }

    /// One statement for all windows, so that they and the counter are of one moment. A row without months says: there are none.
    private static func closedDeals(of tenant: TenantID, _ windows: [Int], until end: Date) -> Statement {
        """
        SELECT c.seq, d.months, d.owner, d.industry, d.won, d.lost
        FROM (SELECT COALESCE((SELECT deal_seq FROM routing_clock WHERE tenant_id = \(tenant.rawValue)), 0) AS seq) c
            LEFT JOIN (
                SELECT w.months, o.owner, o.industry, count(*) FILTER (WHERE o.won) AS won, count(*) FILTER (WHERE NOT o.won) AS lost
                FROM unnest(\(windows.map(Int32.init)), \(windows.map { DealWindow.start($0, before: end) })) AS w(months, start)
                    JOIN opportunity o ON o.tenant_id = \(tenant.rawValue) AND o.closed_at > w.start AND o.closed_at <= \(end)
                        AND o.won IS NOT NULL AND o.owner IS NOT NULL
                GROUP BY w.months, o.owner, o.industry) d ON true
        """
    }
}

// MARK: - Rows

extension LeadFacts {
    fileprivate init(_ row: Row) throws {
        lead = Lead(
            id: LeadID(try row.get("id")), source: try row.get("source"), receivedAt: try row.get("received_at"),
            fields: try OutsideValue.fields(row.get("fields", as: JSONBytes.self).bytes),
            recycledFrom: try row.get("recycled_from", as: Int64?.self).map(SellerID.init))
        epoch = Int(try row.get("assignment_epoch", as: Int32.self))
        isAssigned = try row.get("is_assigned")
        isTouched = try row.get("is_touched")
        resolvedTo = try row.get("customer_id", as: Int64?.self).map(CustomerID.init)
        hadFailed = try row.get("held_reason", as: String?.self) == FailedAssignment.heldReason
        updatedAt = try row.get("updated_at")
        told = try row.get("told")
    }
}

extension OutsideValue {
    /// A lead's own values by outside name, as they were stored.
    static func fields(_ json: [UInt8]) throws -> [String: OutsideValue] {
        let root = try JSONEnvelope(json, levels: 6, limits: .stored).root
        return Dictionary(root.members.map { ($0.key, OutsideValue($0.value)) }, uniquingKeysWith: { $1 })
    }

    init(_ node: JSONNode) {
        switch node.type {
        case .string: self = .text(node.string ?? "")
        case .number: self = node.double.map(OutsideValue.number) ?? .text(String(decoding: node.bytes, as: UTF8.self))
        case .true: self = .boolean(true)
        case .false: self = .boolean(false)
        case .null: self = .null
        case .array: self = .list(node.elements.map(OutsideValue.init))
        case .object: self = .object(Dictionary(node.members.map { ($0.key, OutsideValue($0.value)) }, uniquingKeysWith: { $1 }))
        }
    }
}

extension Seller {
    /// - Parameter shifts: by name.
    init(_ row: Row, shifts: [String: Shift]) throws {
        let frozenUntil = try row.get("frozen_until", as: Date?.self)
        let freeze = try row.get("frozen_at", as: Date?.self).map { _ in frozenUntil.map(Freeze.until) ?? .untilThawed }
        self.init(
            id: SellerID(try row.get("id")), externalID: try row.get("external_id"), team: try row.get("team"),
            status: try row.get("status", as: String?.self).flatMap(EmploymentStatus.init) ?? .unknown, regions: try row.get("regions"),
            industries: try row.get("industries"), capacity: Int(try row.get("capacity", as: Int32.self)),
            weight: Int(try row.get("weight", as: Int32.self)), isNewcomer: try row.get("newcomer"),
            pending: Int(try row.get("pending", as: Int32.self)), lastAssignedAt: try row.get("last_assigned_at"), freeze: freeze,
            shift: try row.get("shift", as: String?.self).flatMap { shifts[$0] })
    }
}

extension PoolCursor {
    init(_ row: Row) throws {
        self.init(
            pool: try row.get("pool"), sellers: try row.get("sellers", as: [Int64].self).map(SellerID.init),
            credits: try row.get("credits", as: [Int64].self).map { Int($0) })
    }
}

extension ClosedDeals {
    fileprivate init(_ row: Row) throws {
        self.init(
            owner: try row.get("owner"), industry: try row.get("industry"), won: Int(try row.get("won", as: Int64.self)),
            lost: Int(try row.get("lost", as: Int64.self)))
    }
}
