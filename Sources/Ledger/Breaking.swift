import Breakers
import Foundation
import Jobs
import PostgresClient
import Tenancy

/// Which breaker: of one tenant's dependency, or of everybody's.
public struct BreakerKey: Sendable, Hashable {
    /// Nil: everybody's.
    public let tenant: TenantID?
    public let dependency: String

    public init(tenant: TenantID?, dependency: String) {
        self.tenant = tenant
        self.dependency = dependency
    }

    /// The gate it sets the limit of, as the index spells it.
    var gate: String { tenant.map { "\($0)/d:\(dependency)" } ?? "d:\(dependency)" }
}

/// What one worker process has seen of a dependency in an epoch of its breaker.
public struct DependencyReport: Sendable, Hashable {
    public var key: BreakerKey
    public var epoch: Int64
    public var score: Double
    public var answered: Int
    public var failed: Int
    /// The latest time the dependency has named.
    public var throttledUntil: Date?

    public init(key: BreakerKey, epoch: Int64, score: Double, answered: Int, failed: Int, throttledUntil: Date?) {
        self.key = key
        self.epoch = epoch
        self.score = score
        self.answered = answered
        self.failed = failed
        self.throttledUntil = throttledUntil
    }
}

/// Where a breaker stands, for those who call.
public struct BreakerStand: Sendable, Hashable {
    public let epoch: Int64
    public let isClosed: Bool
    /// Whether single calls ask if the dependency is back.
    public let isAsking: Bool

    public init(epoch: Int64, isClosed: Bool, isAsking: Bool = false) {
        self.epoch = epoch
        self.isClosed = isClosed
        self.isAsking = isAsking
    }
}

/// A breaker as people see it.
public struct BreakerView: Sendable {
    public let key: BreakerKey
    public let breaker: Breaker
    /// Who set it by hand.
    public let setBy: String?
    public let changedAt: Date
}

/// How many breakers of a dependency are in a state.
public struct BreakerCount: Sendable, Hashable {
    public let dependency: String
    /// Everybody's, not a tenant's.
    public let isShared: Bool
    public let state: String
    public let breakers: Int
}

/// A change of a breaker's state.
public struct BreakerEvent: Sendable, Hashable {
    public let state: String
    public let reason: String
    /// Who did it by hand.
    public let setBy: String?
    public let at: Date
}

extension Ledger {
    /// What a node saw longer ago says nothing of the present.
    private static let memory: TimeInterval = 30

    /// Tells the fleet what a worker process has seen.
    /// - Returns: where those breakers stand at present.
    public func report(_ reports: [DependencyReport], by worker: Int64) async throws -> [BreakerKey: BreakerStand] {
        guard !reports.isEmpty else { return [:] }
        let gates = reports.map(\.key.gate)
        let results = try await postgres.pipeline([
            """
            INSERT INTO breaker_evidence (gate, worker_id, tenant_id, dependency, epoch, score, answered, failed, throttled_until)
            SELECT gate, \(worker), tenant, dependency, epoch, score, answered, failed, throttled_until
            FROM unnest(\(gates), \(reports.map(\.key.tenant?.rawValue)), \(reports.map(\.key.dependency)), \(reports.map(\.epoch)), \(reports.map(\.score)),
                \(reports.map { Int32(clamping: $0.answered) }), \(reports.map { Int32(clamping: $0.failed) }), \(reports.map(\.throttledUntil)))
                AS r(gate, tenant, dependency, epoch, score, answered, failed, throttled_until)
            ORDER BY gate
            ON CONFLICT (gate, worker_id) DO UPDATE SET epoch = excluded.epoch, score = excluded.score, answered = excluded.answered,
                failed = excluded.failed, throttled_until = excluded.throttled_until, at = clock_timestamp()
            """,
            "SELECT gate, epoch, state = 'closed' AS is_closed, state = 'half_open' AS is_asking FROM breaker WHERE gate = ANY(\(gates))",
        ])
        let stands = try results[1].reduce(into: [String: BreakerStand]()) {
            $0[try $1.get("gate")] = BreakerStand(
                epoch: try $1.get("epoch"), isClosed: try $1.get("is_closed"), isAsking: try $1.get("is_asking"))
        }
        return reports.reduce(into: [:]) { $0[$1.key] = stands[$1.key.gate] ?? BreakerStand(epoch: 1, isClosed: true) }
    }

    /// Lets every breaker become what the evidence and the clock make of it. One process at a time; the others leave it to that one.
    ///
    /// - Returns: the gates whose limit has changed, for the index: with what people ask for, too. What a person has paused stays paused
    ///   although its breaker lets everything go.
    public func judgeBreakers(policy: BreakerPolicy = BreakerPolicy()) async throws -> [String: Int?] {
        let isQuiet = try await postgres.query(
            """
            SELECT FROM breaker WHERE state <> 'closed' AND NOT forced
            UNION ALL (SELECT FROM breaker_evidence WHERE at > clock_timestamp() - interval '30 s' AND (score > 4 OR throttled_until > clock_timestamp()) LIMIT 1)
            LIMIT 1
            """
        ).isEmpty
        if isQuiet { return [:] }
        return try await postgres.transaction { transaction in
            guard try transaction.query("SELECT pg_try_advisory_xact_lock(7156, 0) AS mine").first!.get("mine", as: Bool.self) else {
                return [:]
            }
            let fleet = try Fleet(in: transaction, memory: Self.memory)
            var changed: [String] = []
            for (key, old) in fleet.breakers.sorted(by: { $0.key.gate < $1.key.gate }) {
                guard
                    let next = old.next(
                        fleet.evidence(on: key), throttledUntil: fleet.throttledUntil(key),
                        policy: policy,
                        now: fleet.now, chance: .random(in: 0..<1))
                else { continue }
                try transaction.store(next, as: key, changesState: next.epoch != old.epoch, by: nil)
                if (next.state == .closed) != (old.state == .closed) { try transaction.audit(key, from: old, to: next) }
                if next.limit != old.limit { changed.append(key.gate) }
            }
            return try transaction.limits(of: changed)
        }
    }

    /// Opens or closes a breaker by hand.
    /// - Returns: its gate and that gate's new limit, for the index, and what it was before.
    public func force(_ key: BreakerKey, open: Bool, reason: String, by actor: String) async throws -> (
        gates: [String: Int?], before: Breaker, after: Breaker
    ) {
        try await postgres.transaction { transaction in
            let (old, next) = try transaction.force(key, open: open, reason: reason, by: actor)
            return (try transaction.limits(of: [key.gate]), old ?? Breaker(), next)
        }
    }

    /// The latest changes of breakers' states, of each the newest first.
    public func breakerEvents(of keys: [BreakerKey], limit: Int = 10) async throws -> [BreakerKey: [BreakerEvent]] {
        let rows = try await postgres.query(
            """
            SELECT k.tenant_id, k.dependency, e.state, e.reason, e.set_by, e.at
            FROM unnest(\(keys.map(\.gate)), \(keys.map(\.tenant?.rawValue)), \(keys.map(\.dependency))) AS k(gate, tenant_id, dependency),
                LATERAL (SELECT * FROM breaker_event WHERE gate = k.gate ORDER BY id DESC LIMIT \(limit)) e
            ORDER BY e.id DESC
            """)
        return try rows.reduce(into: [:]) { events, row in
            let event = BreakerEvent(
                state: try row.get("state"), reason: try row.get("reason"), setBy: try row.get("set_by"), at: try row.get("at"))
            events[try BreakerKey(row), default: []].append(event)
        }
    }

    /// Forgets what processes saw a day ago and longer, and worker processes that are long gone.
    public func sweepWorkers() async throws {
        _ = try await postgres.pipeline([
            "DELETE FROM breaker_evidence WHERE at < clock_timestamp() - interval '1 day'",
            """
            DELETE FROM worker w WHERE stopped_at < clock_timestamp() - interval '30 days'
                AND NOT EXISTS (SELECT FROM job_live l WHERE l.worker_id = w.id)
            """,
        ])
    }

    /// How many breakers are in which state, by dependency: those most often not closed first.
    public func breakerCounts(limit: Int) async throws -> [BreakerCount] {
        let rows = try await postgres.query(
            """
            SELECT dependency, tenant_id IS NULL AS is_shared, state, count(*) AS breakers FROM breaker
            GROUP BY 1, 2, 3 ORDER BY state = 'closed', breakers DESC, dependency LIMIT \(limit)
            """)
        return try rows.map { row in
            BreakerCount(
                dependency: try row.get("dependency"), isShared: try row.get("is_shared"), state: try row.get("state"),
                breakers: try row.get("breakers"))
        }
    }

    /// The breakers most in need of eyes first, of those ever opened: one tenant's (and everybody's), or all.
    public func breakers(of tenant: TenantID?) async throws -> [BreakerView] {
        let rows = try await postgres.query(
            """
            SELECT * FROM breaker WHERE \(tenant?.rawValue)::bigint IS NULL OR tenant_id IS NULL OR tenant_id = \(tenant?.rawValue)
            ORDER BY state = 'closed', changed_at DESC LIMIT 1000
            """)
        return try rows.map { row in
            BreakerView(
                key: try BreakerKey(row), breaker: try Breaker(row), setBy: try row.get("set_by"), changedAt: try row.get("changed_at"))
        }
    }
}

/// All breakers and what the nodes say of them, as one transaction sees it.
private struct Fleet {
    var now: Date
    var breakers: [BreakerKey: Breaker] = [:]
    private var evidence: [BreakerKey: [NodeEvidence]] = [:]
    private var throttled: [BreakerKey: Date] = [:]
    private var liveNodes: Int
    private var openTenants: [String: Int] = [:]

    init(in transaction: PostgresTransaction, memory: TimeInterval) throws {
        let rows = try transaction.pipeline([
            "SELECT clock_timestamp() AS now, count(*) AS live FROM worker WHERE stopped_at IS NULL AND beat_at > clock_timestamp() - interval '1 minute'",
            "SELECT * FROM breaker",
            """
            SELECT e.*, e.at > clock_timestamp() - make_interval(secs => \(memory)) AS is_fresh
            FROM breaker_evidence e LEFT JOIN breaker b ON b.gate = e.gate WHERE e.epoch = COALESCE(b.epoch, 1)
            """,
        ])
        now = try rows[0].first!.get("now")
        liveNodes = Int(try rows[0].first!.get("live", as: Int64.self))
        for row in rows[1] {
            let (key, breaker) = (try BreakerKey(row), try Breaker(row))
            breakers[key] = breaker
            if key.tenant != nil, breaker.isDown { openTenants[key.dependency, default: 0] += 1 }
        }
        for row in rows[2] {
            let key = try BreakerKey(row)
            if let until = try row.get("throttled_until", as: Date?.self) { throttled[key] = until }
            // Verdicts on probes count however long ago they came; a suspicion fades.
            guard try row.get("is_fresh", as: Bool.self) || breakers[key].map({ $0.state != .closed }) == true else { continue }
            breakers[key] = breakers[key] ?? Breaker()
            evidence[key, default: []].append(
                NodeEvidence(
                    node: try row.get("worker_id"), score: try row.get("score"), answered: Int(try row.get("answered", as: Int32.self)),
                    failed: Int(try row.get("failed", as: Int32.self))))
        }
        for dependency in openTenants.keys {
            let shared = BreakerKey(tenant: nil, dependency: dependency)
            breakers[shared] = breakers[shared] ?? Breaker()
        }
    }

    func throttledUntil(_ key: BreakerKey) -> Date? { key.tenant == nil ? nil : throttled[key] }

    func evidence(on key: BreakerKey) -> FleetEvidence {
        let nodes = evidence[key] ?? []
        guard key.tenant == nil, breakers[key]?.state == .closed else { return FleetEvidence(nodes, liveNodes: liveNodes) }
        return SharedRule().evidence(nodes, down: openTenants[key.dependency] ?? 0)
    }
}

extension PostgresTransaction {
    /// Opens or closes a breaker by hand.
    /// - Returns: what it was before, nil if it never was anything but closed, and what it is now.
    public func force(_ key: BreakerKey, open: Bool, reason: String, by actor: String) throws -> (before: Breaker?, after: Breaker) {
        _ = try query("SELECT pg_advisory_xact_lock(7156, 0)")
        let old = try query("SELECT * FROM breaker WHERE gate = \(key.gate)").first.map(Breaker.init)
        let next = open ? (old ?? Breaker()).forcedOpen(reason: reason) : (old ?? Breaker()).forcedClosed(reason: reason)
        try store(next, as: key, changesState: true, by: actor)
        return (old, next)
    }

    /// Breakers that open and close by themselves are in the audit log like those a person sets; what they do in between is in their events.
    fileprivate func audit(_ key: BreakerKey, from old: Breaker, to new: Breaker) throws {
        func note(_ breaker: Breaker) -> JSONBytes { JSONBytes(Array(#"{"state":"\#(breaker.state.rawValue)"}"#.utf8)) }
        _ = try query(
            .audit(
                key.tenant, by: "kiteline", new.state == .closed ? "breaker.close" : "breaker.open", key.dependency, before: note(old),
                after: note(new), reason: new.reason))
    }

    fileprivate func store(_ breaker: Breaker, as key: BreakerKey, changesState: Bool, by actor: String?) throws {
        var statements: [Statement] = [
            """
            INSERT INTO breaker (gate, tenant_id, dependency, state, forced, epoch, "limit", until, openings, reason, set_by, down_since)
            VALUES (\(key.gate), \(key.tenant?.rawValue), \(key.dependency), \(breaker.state.rawValue), \(breaker.isForced), \(breaker.epoch),
                \(breaker.limit.map(Int32.init)), \(breaker.until), \(Int32(breaker.openings)), \(breaker.reason), \(actor),
                CASE WHEN \(breaker.keepsWaiting) THEN clock_timestamp() END)
            ON CONFLICT (gate) DO UPDATE SET state = excluded.state, forced = excluded.forced, epoch = excluded.epoch, "limit" = excluded."limit",
                until = excluded.until, openings = excluded.openings, reason = excluded.reason, set_by = excluded.set_by, changed_at = clock_timestamp(),
                down_since = CASE WHEN \(breaker.keepsWaiting) THEN COALESCE(breaker.down_since, excluded.down_since) END
            """
        ]
        if changesState {
            statements.append(
                """
                INSERT INTO breaker_event (gate, tenant_id, state, epoch, reason, set_by)
                VALUES (\(key.gate), \(key.tenant?.rawValue), \(breaker.state.rawValue), \(breaker.epoch), \(breaker.reason), \(actor))
                """)
        }
        _ = try pipeline(statements)
    }
}

extension BreakerKey {
    fileprivate init(_ row: Row) throws {
        self.init(tenant: try row.get("tenant_id", as: Int64?.self).map(TenantID.init), dependency: try row.get("dependency"))
    }
}

extension Breaker {
    fileprivate init(_ row: Row) throws {
        self.init(
            state: State(rawValue: try row.get("state"))!,  // the column's check holds no other
            epoch: try row.get("epoch"), limit: try row.get("limit", as: Int32?.self).map(Int.init), until: try row.get("until"),
            openings: Int(try row.get("openings", as: Int32.self)), isForced: try row.get("forced"), reason: try row.get("reason"))
    }
}
