import CrashPoints
import Foundation
import Jobs
import PostgresClient
import Tenancy

/// Makes a repeated request answer what the first one answered.
public struct IdempotencyKey: Sendable, Hashable {
    public var tenant: TenantID
    public var key: String
    /// Over method, path and body: the same key with another hash is a mistake of the caller.
    public var hash: [UInt8]

    public init(tenant: TenantID, key: String, hash: [UInt8]) {
        self.tenant = tenant
        self.key = key
        self.hash = hash
    }
}

/// A job that was asked for, as it stands in the ledger.
public struct PlacedJob: Sendable, Hashable {
    public let id: JobID
    /// The state of the job that holds the unique key already, in whose place none was made; nil: it was made now.
    public var standing: String?
}

public enum EnqueueAnswer: Sendable {
    /// Stored now. `ids` in the order of the jobs; for a unique key in use, the id of the job that holds it.
    case fresh(ids: [JobID], status: Int, body: [UInt8])
    /// Stored by an earlier request with this key; its answer.
    case replayed(status: Int, body: [UInt8])
    /// The key was used for another request.
    case keyReused
}

/// Jobs that were committed and are owed to Redis.
public struct Enqueued: Sendable {
    public struct Job: Sendable, Hashable {
        public let id: JobID
        public let tenant: TenantID
        public let flow: String
        public let priority: Int
        public let enqueuedAt: Date
        public let runAt: Date?
    }

    /// Those to be pushed now; jobs beyond the horizon are left to the promoter.
    public var jobs: [Job]
    /// The outbox row to be confirmed once they are pushed; 0: none.
    public var outbox: Int64
}

/// One caller's jobs on their way into a batch.
struct Enqueueing: Sendable {
    var jobs: [NewJob]
    var key: IdempotencyKey?
    var answer: @Sendable ([PlacedJob]) -> (status: Int, body: [UInt8])
    let asked = ContinuousClock.now
}

extension Ledger {
    /// Accepts jobs: durable when it returns, all or none.
    public func enqueue(_ jobs: [NewJob]) async throws -> [JobID] {
        guard case .fresh(let ids, _, _) = try await enqueue(jobs, key: nil, answer: { _ in (202, []) }) else {
            preconditionFailure("no key, no replay")
        }
        return ids
    }

    /// Accepts jobs once per idempotency key; the answer is stored with them, in the same transaction.
    public func enqueue(
        _ jobs: [NewJob], key: IdempotencyKey?, answer: @escaping @Sendable ([PlacedJob]) -> (status: Int, body: [UInt8])
    ) async throws -> EnqueueAnswer {
        try await submit(Enqueueing(jobs: jobs, key: key, answer: answer))
    }

    /// Accepts jobs without an idempotency key; `then` is told when they are committed or known not to be, on whatever thread that is.
    public func enqueue(
        _ jobs: [NewJob], answer: @escaping @Sendable ([PlacedJob]) -> (status: Int, body: [UInt8]),
        then: @escaping @Sendable (Result<EnqueueAnswer, any Error>) -> Void
    ) {
        submit(Enqueueing(jobs: jobs, key: nil, answer: answer), then)
    }

    /// Numbers jobs for somebody else's transaction: run the statements there (the last one's row is the outbox row's `id`),
    /// and `announce` what `enqueued(outbox:)` gives after the commit. Unique keys are not for this way.
    public func enqueueing(_ jobs: [NewJob], at now: Date) async throws -> (
        ids: [JobID], statements: [Statement], enqueued: @Sendable (_ outbox: Int64) -> Enqueued
    ) {
        let ids = try await reserve(jobs.count)
        let (statements, enqueued) = statements(enqueueing: jobs, as: ids, at: now)
        return (ids, statements, enqueued)
    }

    /// Sets numbers aside, for a transaction that learns only while it runs which jobs it makes. Those not used are given back, where it is known
    /// how it ended; else they are lost, of which the tables' partitions bear some, and not some every second.
    public func reserve(_ count: Int) async throws -> [JobID] {
        try await numbers.take(count, deadline: patience)
    }

    /// Numbers set aside that a transaction, which is over, left unused.
    public func giveBack(_ ids: some Sequence<JobID>) { numbers.giveBack(ids) }

    /// As `enqueueing(_:at:)`, under numbers set aside before.
    public func statements(
        enqueueing jobs: [NewJob], as ids: [JobID], at now: Date
    ) -> (statements: [Statement], enqueued: @Sendable (_ outbox: Int64) -> Enqueued) {
        let rows = JobRows(jobs: jobs, ids: ids, now: now, horizon: horizon)
        return (rows.statements, { Enqueued(jobs: rows.pushes, outbox: $0) })
    }

    /// Writes a batch of callers' jobs in one transaction. A batch that fails for what it contains is split, so that one bad
    /// job does not fail its neighbours.
    func commit(_ batch: [Enqueueing]) async -> [Result<EnqueueAnswer, any Error>] {
        // Whoever waited behind a batch that hung has waited enough; a second is plenty for a server that is well.
        let oldest = batch.map(\.asked).min() ?? .now
        let deadline = max(.seconds(1), oldest + patience - .now)
        do {
            let ids = try await numbers.take(batch.reduce(0) { $0 + $1.jobs.count }, deadline: deadline)
            let simple = batch.allSatisfy { $0.key == nil && $0.jobs.allSatisfy { $0.uniqueKey == nil } }
            return try await simple ? commitPlain(batch, ids, deadline) : commitKeyed(batch, ids, deadline)
        } catch let error as PostgresError where error.isAboutData && batch.count > 1 {
            let half = batch.count / 2
            return await commit(Array(batch[..<half])) + commit(Array(batch[half...]))
        } catch {
            return batch.map { _ in .failure(translate(error)) }
        }
    }

    private func commitPlain(_ batch: [Enqueueing], _ ids: [JobID], _ deadline: Duration) async throws -> [Result<EnqueueAnswer, any Error>]
    {
        let rows = JobRows(jobs: batch.flatMap(\.jobs), ids: ids, now: Date(), horizon: horizon)
        let results = try await postgres.pipeline(rows.statements, deadline: deadline)
        CrashPoint.afterEnqueue.reached()
        announce(Enqueued(jobs: rows.pushes, outbox: try results.last!.first!.get("id")))
        var rest = ids[...]
        return batch.map { item in
            let own = Array(rest.prefix(item.jobs.count))
            rest = rest.dropFirst(item.jobs.count)
            let (status, body) = item.answer(own.map { PlacedJob(id: $0) })
            return .success(.fresh(ids: own, status: status, body: body))
        }
    }

    /// With idempotency or unique keys: the keys are taken first, in order, and jobs made only for those that were free.
    private func commitKeyed(_ batch: [Enqueueing], _ ids: [JobID], _ deadline: Duration) async throws -> [Result<EnqueueAnswer, any Error>]
    {
        let now = Date()
        let horizon = horizon
        let (answers, rows, outbox) = try await postgres.transaction(deadline: deadline) {
            transaction -> ([Result<EnqueueAnswer, any Error>], JobRows?, Int64) in
            var keyed = KeyedBatch(batch, ids: ids)
            try keyed.takeKeys(in: transaction)
            try keyed.takeUniqueKeys(in: transaction, at: now)
            let rows = JobRows(jobs: keyed.jobs, ids: keyed.jobIDs, now: now, horizon: horizon)
            var statements = rows.isEmpty ? [] : rows.statements
            let answers = keyed.answers()
            if let store = keyed.storing(answers) { statements.insert(store, at: 0) }
            let results = statements.isEmpty ? [] : try transaction.pipeline(statements)
            return (answers, rows.isEmpty ? nil : rows, rows.isEmpty ? 0 : try results.last!.first!.get("id"))
        }
        CrashPoint.afterEnqueue.reached()
        if let rows { announce(Enqueued(jobs: rows.pushes, outbox: outbox)) }
        return answers
    }

    private func translate(_ error: any Error) -> any Error {
        guard let error = error as? PostgresError else { return error }
        if error.isAboutData { return LedgerError.invalid(error.message) }
        logger.warning("enqueue failed", metadata: ["error": "\(error)"])
        return LedgerError.unavailable
    }
}

/// The rows of a batch of new jobs.
struct JobRows: Sendable {
    var statements: [Statement] = []
    var pushes: [Enqueued.Job] = []
    var isEmpty: Bool

    /// The last statement returns the outbox row's id.
    init(jobs: [NewJob], ids: [JobID], now: Date, horizon: TimeInterval) {
        isEmpty = jobs.isEmpty
        guard !isEmpty else { return }
        let numbers = ids.map(\.rawValue)
        let tenants = jobs.map(\.tenant.rawValue)
        let kinds = jobs.map(\.kind)
        let runAt = jobs.map { $0.runAt ?? now }
        let far = jobs.map { ($0.runAt ?? now) > now.addingTimeInterval(horizon) }
        pushes = zip(zip(jobs, ids), far).compactMap { pair, far in
            let (job, id) = pair
            return far
                ? nil : Enqueued.Job(id: id, tenant: job.tenant, flow: job.flow, priority: job.priority, enqueuedAt: now, runAt: job.runAt)
        }
        statements = [
            """
            INSERT INTO job (id, tenant_id, kind, args, trace_context, created_at)
            SELECT id, tenant, kind, args, trace, \(now)
            FROM unnest(\(numbers), \(tenants), \(kinds), \(jobs.map { JSONBytes($0.arguments) }), \(jobs.map(\.traceContext)))
                AS n(id, tenant, kind, args, trace)
            """,
            """
            INSERT INTO job_live (id, tenant_id, kind, flow, priority, state, run_at, enqueued_at, max_attempts, unique_key)
            SELECT id, tenant, kind, flow, priority, CASE WHEN run_at > \(now) THEN 'scheduled' ELSE 'available' END::job_state, run_at, \(now), max_attempts, unique_key
            FROM unnest(\(numbers), \(tenants), \(kinds), \(jobs.map(\.flow)), \(jobs.map { Int16($0.priority) }), \(runAt),
                \(jobs.map { Int32($0.maxAttempts) }), \(jobs.map(\.uniqueKey)))
                AS n(id, tenant, kind, flow, priority, run_at, max_attempts, unique_key)
            """,
        ]
        if far.contains(true) {
            let later = zip(zip(numbers, runAt), far).filter(\.1).map(\.0)
            statements.append("INSERT INTO job_sched (run_at, id) SELECT * FROM unnest(\(later.map(\.1)), \(later.map(\.0)))")
        }
        statements.append("INSERT INTO outbox (ids) VALUES (\(pushes.map(\.id.rawValue))) RETURNING id")
    }
}

/// A batch in which some items carry an idempotency key and some jobs a unique key.
private struct KeyedBatch {
    private enum Fate {
        case fresh
        case replayed(status: Int, body: [UInt8])
        case keyReused
    }

    private var items: [Enqueueing]
    /// Ids item by item; replaced where a unique key is held by an older job.
    private var ids: [[JobID]]
    private var fates: [Fate]
    /// Jobs to be made, by item and place.
    private var made: [[Bool]]
    /// The states of those that hold the unique keys of others.
    private var standing: [JobID: String] = [:]

    init(_ items: [Enqueueing], ids: [JobID]) {
        self.items = items
        var rest = ids[...]
        self.ids = items.map { item in
            defer { rest = rest.dropFirst(item.jobs.count) }
            return Array(rest.prefix(item.jobs.count))
        }
        fates = items.map { _ in .fresh }
        made = items.map { $0.jobs.map { _ in true } }
    }

    var jobs: [NewJob] { items.indices.flatMap { i in zip(items[i].jobs, made[i]).filter(\.1).map(\.0) } }
    var jobIDs: [JobID] { items.indices.flatMap { i in zip(ids[i], made[i]).filter(\.1).map(\.0) } }

    /// Takes idempotency keys in (tenant, key) order; whoever finds a key taken waits for its transaction and reads its answer.
    mutating func takeKeys(in transaction: PostgresTransaction) throws {
        var first: [IdempotencyKeyName: Int] = [:]
        for (i, item) in items.enumerated() {
            if let key = item.key, first[IdempotencyKeyName(key)] == nil { first[IdempotencyKeyName(key)] = i }
        }
        guard !first.isEmpty else { return }
        let keys = first.values.compactMap { items[$0].key }.sorted { ($0.tenant, $0.key) < ($1.tenant, $1.key) }
        let tenants = Set(keys.map(\.tenant))
        let taken = try transaction.pipeline([
            .tenants(tenants),
            // A key whose answer has expired is free again.
            """
            INSERT INTO idem (tenant_id, key, hash, expires_at)
            SELECT tenant, key, hash, now() + interval '24 hours'
            FROM unnest(\(keys.map(\.tenant.rawValue)), \(keys.map(\.key)), \(keys.map(\.hash))) AS n(tenant, key, hash)
            ORDER BY tenant, key
            ON CONFLICT (tenant_id, key) DO UPDATE
                SET hash = excluded.hash, status = NULL, answer = NULL, expires_at = excluded.expires_at WHERE idem.expires_at < now()
            RETURNING tenant_id, key
            """,
        ])[1]
        let won = Set(try taken.map { IdempotencyKeyName(tenant: TenantID(try $0.get("tenant_id")), key: try $0.get("key")) })
        var stored: [IdempotencyKeyName: (hash: [UInt8], status: Int32?, answer: [UInt8]?)] = [:]
        if won.count < keys.count {
            let rows = try transaction.query(
                """
                SELECT i.tenant_id, i.key, i.hash, i.status, i.answer
                FROM idem i JOIN unnest(\(keys.map(\.tenant.rawValue)), \(keys.map(\.key))) AS n(tenant, key) ON i.tenant_id = n.tenant AND i.key = n.key
                """)
            for row in rows {
                stored[IdempotencyKeyName(tenant: TenantID(try row.get("tenant_id")), key: try row.get("key"))] =
                    (try row.get("hash"), try row.get("status"), try row.get("answer"))
            }
        }
        for (i, item) in items.enumerated() {
            guard let key = item.key else { continue }
            let name = IdempotencyKeyName(key)
            if won.contains(name) {
                guard let winner = first[name], winner != i else { continue }
                fates[i] = items[winner].key?.hash == key.hash ? .replayed(status: -winner - 1, body: []) : .keyReused
            } else if let old = stored[name], old.hash == key.hash {
                fates[i] = .replayed(status: Int(old.status ?? 202), body: old.answer ?? [])
            } else {
                fates[i] = .keyReused
            }
            made[i] = made[i].map { _ in false }
        }
    }

    /// Takes unique keys in order; a job whose key is held is not made, its caller gets the holder's id and state.
    mutating func takeUniqueKeys(in transaction: PostgresTransaction, at now: Date) throws {
        var wanted: [UniqueKey: JobID] = [:]
        for i in items.indices {
            for (j, job) in items[i].jobs.enumerated() where made[i][j] {
                guard let key = job.uniqueKey else { continue }
                let name = UniqueKey(tenant: job.tenant, kind: job.kind, key: key)
                if wanted[name] == nil { wanted[name] = ids[i][j] }
            }
        }
        guard !wanted.isEmpty else { return }
        let sorted = wanted.sorted { ($0.key.tenant, $0.key.kind, $0.key.key) < ($1.key.tenant, $1.key.kind, $1.key.key) }
        let (tenants, kinds, keys) = (sorted.map(\.key.tenant.rawValue), sorted.map(\.key.kind), sorted.map(\.key.key))
        // DO UPDATE of nothing: waits for whoever holds the row, then returns it whoever made it.
        let rows = try transaction.query(
            """
            INSERT INTO job_unique (tenant_id, kind, key, job_id)
            SELECT * FROM unnest(\(tenants), \(kinds), \(keys), \(sorted.map(\.value.rawValue))) AS n(tenant, kind, key, id) ORDER BY 1, 2, 3
            ON CONFLICT (tenant_id, kind, key) DO UPDATE SET job_id = job_unique.job_id
            RETURNING tenant_id, kind, key, job_id
            """)
        var holders: [UniqueKey: JobID] = [:]
        for row in rows {
            holders[UniqueKey(tenant: TenantID(try row.get("tenant_id")), kind: try row.get("kind"), key: try row.get("key"))] = JobID(
                try row.get("job_id"))
        }
        let own = items.indices.reduce(into: [JobID: NewJob]()) { own, i in
            for (id, job) in zip(ids[i], items[i].jobs) { own[id] = job }
        }
        let states = try Self.states(of: Set(holders.values).subtracting(own.keys), in: transaction)
        for i in items.indices {
            for (j, job) in items[i].jobs.enumerated() where made[i][j] {
                guard let key = job.uniqueKey, let holder = holders[UniqueKey(tenant: job.tenant, kind: job.kind, key: key)],
                    holder != ids[i][j]
                else { continue }
                ids[i][j] = holder
                made[i][j] = false
                standing[holder] = states[holder] ?? (own[holder]?.runAt.map { $0 > now } == true ? "scheduled" : "available")
            }
        }
    }

    /// Whoever holds a unique key has not ended, and does not while the key's row is locked.
    private static func states(of holders: Set<JobID>, in transaction: PostgresTransaction) throws -> [JobID: String] {
        guard !holders.isEmpty else { return [:] }
        let rows = try transaction.query(
            "SELECT id, state::text AS state FROM job_live WHERE id = ANY(\(holders.map(\.rawValue)))")
        return try rows.reduce(into: [:]) { $0[JobID(try $1.get("id"))] = try $1.get("state") }
    }

    private func placed(_ i: Int) -> [PlacedJob] {
        zip(ids[i], made[i]).map { id, isMade in PlacedJob(id: id, standing: isMade ? nil : standing[id]) }
    }

    func answers() -> [Result<EnqueueAnswer, any Error>] {
        items.indices.map { i in
            switch fates[i] {
            case .fresh:
                let (status, body) = items[i].answer(placed(i))
                return .success(.fresh(ids: ids[i], status: status, body: body))
            case .replayed(let status, _) where status < 0:  // of another item of this batch
                let winner = -status - 1
                let (status, body) = items[winner].answer(placed(winner))
                return .success(.replayed(status: status, body: body))
            case .replayed(let status, let body): return .success(.replayed(status: status, body: body))
            case .keyReused: return .success(.keyReused)
            }
        }
    }

    /// Keeps the fresh answers with their keys.
    func storing(_ answers: [Result<EnqueueAnswer, any Error>]) -> Statement? {
        var rows: [(key: IdempotencyKey, status: Int, body: [UInt8])] = []
        for (item, answer) in zip(items, answers) {
            if let key = item.key, case .success(.fresh(_, let status, let body)) = answer { rows.append((key, status, body)) }
        }
        guard !rows.isEmpty else { return nil }
        return """
            UPDATE idem i SET status = n.status, answer = n.answer
            FROM unnest(\(rows.map(\.key.tenant.rawValue)), \(rows.map(\.key.key)), \(rows.map { Int32($0.status) }), \(rows.map(\.body))) AS n(tenant, key, status, answer)
            WHERE i.tenant_id = n.tenant AND i.key = n.key
            """
    }
}

private struct IdempotencyKeyName: Hashable {
    var tenant: TenantID
    var key: String
    init(tenant: TenantID, key: String) { (self.tenant, self.key) = (tenant, key) }
    init(_ key: IdempotencyKey) { self.init(tenant: key.tenant, key: key.key) }
}

private struct UniqueKey: Hashable {
    var tenant: TenantID
    var kind: String
    var key: String
}

extension Statement {
    /// Holds the rest of the transaction to these tenants' rows.
    public static func tenants(_ tenants: some Sequence<TenantID>) -> Statement {
        "SELECT set_config('kiteline.tenants', \("{" + tenants.map(\.description).joined(separator: ",") + "}"), true)"
    }
}
