import Calendars
import Clocks
import Foundation
import PostgresClient
import Rules
import SalesModel
import Synchronization
import Tenancy

/// Reads what clocks are judged by, in few trips for a batch; rules and calendars are kept for the next batch as long as they hold.
public final class ClockReader: Sendable {
    private struct Known: Sendable {
        var live: [LiveRule]
        /// Of each running canary its candidate.
        var candidates: [Int64: LiveRule]
        var zone: String
        var library = RuleLibrary()
        /// By the canaries that serve a subject.
        var rules: [[Int64]: ClockRulesRead] = [:]
        var calendars: CalendarShelf?
    }

    let postgres: PostgresPool
    private let known = Mutex<[TenantID: Known]>([:])
    /// Tenants remembered; beyond it everything is forgotten and read again.
    private let capacity = 2_000

    /// - Parameter postgres: a pool under the role `kiteline_app`.
    public init(postgres: PostgresPool) { self.postgres = postgres }

    /// Subjects with their facts, and the pages of what is due.
    ///
    /// Where live rules cannot be read, subjects wait and the operators hear of it.
    public func facts(for keys: some Sequence<ClockKey>, pages: some Sequence<ClockFacts.Page>, of tenant: TenantID) async throws
        -> ClockFacts
    {
        var due: [ClockFacts.Page: [ClockKey]] = [:]
        for page in pages { due[page] = try await self.due(page, of: tenant) }
        let wanted = Set(keys).union(due.values.joined())
        // The fences are read first: what happens later moves them on, and the settle will see that.
        let heads = try await postgres.pipeline(
            [
                .tenants([tenant]),
                "SELECT time_zone FROM tenant WHERE id = \(tenant.rawValue)",
                """
                SELECT kind, name, version, hash FROM ruleset_version
                WHERE tenant_id = \(tenant.rawValue) AND state = 'live' AND kind IN ('map', 'score', 'clock', 'message')
                """, .calendarVersion(of: tenant), Self.timers(of: wanted, tenant),
            ] + LineReading.statements(of: tenant) + [
                Self.recorded(of: wanted, tenant), Self.arms(of: wanted, tenant), Self.canaries(of: tenant),
            ])
        let zone = try heads[1].first?.get("time_zone", as: String.self) ?? "UTC"
        let arms = try heads[8].reduce(into: [ClockKey: [Int64]]()) { $0[try ClockKey($1), default: []].append(try $1.get("rollout_id")) }
        let canaries = try heads[9].reduce(into: [Int64: LiveRule]()) { $0[try $1.get("id")] = try LiveRule($1) }
        let rules = try await rules(
            for: Set(arms.values).union([[]]), live: try heads[2].compactMap(LiveRule.init), canaries, zone, of: tenant)
        // Whose candidate cannot be read is served by what is live, until it is taken back.
        func serving(_ key: ClockKey) -> [Int64] { arms[key].flatMap { rules[$0] == nil ? nil : $0 } ?? [] }
        let calendars = try await calendars(CalendarVersion(heads[3]), zone, of: tenant)
        let lines = try LineReading(heads[5], heads[6])
        var timers: [ClockKey: (fence: Int64, job: Int64?)] = [:]
        for row in heads[4] { timers[try ClockKey(row)] = (try row.get("fence"), try row.get("job_id")) }
        var recorded: [ClockKey: [RecordedLevel]] = [:]
        for row in heads[7] { recorded[try ClockKey(row), default: []].append(try RecordedLevel(row)) }

        var found: [SubjectReading] = []
        for type in Set(timers.keys.map(\.type)).sorted(by: { $0.rawValue < $1.rawValue }) {
            let ids = timers.keys.filter { $0.type == type }.map(\.id).sorted()
            found += try await subjects(type, ids, of: tenant) { rules[serving(ClockKey(type, $0))]!.rules }
        }
        let now = Date()
        let subjects = found.map { reading in
            let (fence, job) = timers[reading.key]!  // only those were asked for
            let (line, holding) = lines.line(of: reading)
            return WatchedSubject(
                key: reading.key, fence: fence, job: job, facts: reading.facts, recorded: recorded[reading.key] ?? [],
                hours: calendars.hours(of: reading.owner, in: reading.team, around: now), line: line, names: lines.names,
                team: reading.team,
                lead: holding, canaries: serving(reading.key))
        }
        return ClockFacts(
            subjects: Dictionary(subjects.map { ($0.key, $0) }, uniquingKeysWith: { $1 }), pages: due, rules: rules)
    }

    private func due(_ page: ClockFacts.Page, of tenant: TenantID) async throws -> [ClockKey] {
        let after = (type: page.after?.type.rawValue ?? "", id: page.after?.id ?? 0)
        let keys: Statement
        if let timer = page.timer {
            keys = """
                SELECT subject_type, subject_id FROM clock_subject
                WHERE tenant_id = \(tenant.rawValue) AND job_id = \(timer.job.rawValue) AND (subject_type, subject_id) > (\(after.type), \(after.id))
                    AND (subject_type, subject_id) <= (\(timer.until.type.rawValue), \(timer.until.id))
                ORDER BY subject_type, subject_id LIMIT \(page.limit)
                """
        } else {
            keys = """
                SELECT subject_type, subject_id FROM clock_subject
                WHERE tenant_id = \(tenant.rawValue) AND next_at <= \(page.asOf) AND (subject_type, subject_id) > (\(after.type), \(after.id))
                ORDER BY subject_type, subject_id LIMIT \(page.limit)
                """
        }
        return try await postgres.pipeline([.tenants([tenant]), keys])[1].map(ClockKey.init)
    }

    private static func timers(of keys: Set<ClockKey>, _ tenant: TenantID) -> Statement {
        let keys = keys.sorted()
        return """
            SELECT c.subject_type, c.subject_id, c.fence, c.job_id
            FROM clock_subject c JOIN unnest(\(keys.map(\.type.rawValue)), \(keys.map(\.id))) AS n(type, id)
                ON c.subject_type = n.type AND c.subject_id = n.id
            WHERE c.tenant_id = \(tenant.rawValue)
            """
    }

    /// Candidates of changes of what clocks go by.
    private static func canaries(of tenant: TenantID) -> Statement {
        """
        SELECT r.id, v.kind, v.name, v.version, v.hash
        FROM rollout r JOIN ruleset_version v
            ON v.tenant_id = r.tenant_id AND v.kind = r.kind AND v.name = r.name AND v.version = r.version
        WHERE r.tenant_id = \(tenant.rawValue) AND r.state = 'canary' AND r.kind IN ('map', 'score', 'clock', 'message')
        """
    }

    /// Which canaries serve the subjects: a lead is in the arm that it was decided under, a customer in its own. What was there before the change
    /// came, and whoever brought no lead since, stays with what is live.
    private static func arms(of keys: Set<ClockKey>, _ tenant: TenantID) -> Statement {
        let leads = keys.filter { $0.type == .lead }.map(\.id).sorted()
        let customers = keys.filter { $0.type == .customer }.map(\.id).sorted()
        return """
            WITH running AS (
                SELECT id FROM rollout
                WHERE tenant_id = \(tenant.rawValue) AND state = 'canary' AND kind IN ('map', 'score', 'clock', 'message'))
            SELECT 'lead' AS subject_type, c.lead_id AS subject_id, r.id AS rollout_id
            FROM running r CROSS JOIN unnest(\(leads)) AS n(id) CROSS JOIN LATERAL (
                SELECT c.lead_id, c.arm FROM rollout_case c
                WHERE c.tenant_id = \(tenant.rawValue) AND c.rollout_id = r.id AND c.lead_id = n.id ORDER BY c.epoch DESC LIMIT 1) c
            WHERE c.arm = 'canary'
            UNION ALL
            SELECT 'customer', n.id, r.id
            FROM running r CROSS JOIN unnest(\(customers)) AS n(id)
                JOIN exposure e ON e.tenant_id = \(tenant.rawValue) AND e.rollout_id = r.id AND e.customer = 'c' || n.id
            WHERE e.arm = 'canary'
            ORDER BY 1, 2, 3
            """
    }

    private static func recorded(of keys: Set<ClockKey>, _ tenant: TenantID) -> Statement {
        let keys = keys.sorted()
        return """
            SELECT e.subject_type, e.subject_id, e.clock, e.level, NULLIF(e.episode, '-infinity') AS episode, e.due_at, e.told, e.held_until
            FROM escalation e JOIN unnest(\(keys.map(\.type.rawValue)), \(keys.map(\.id))) AS n(type, id)
                ON e.subject_type = n.type AND e.subject_id = n.id
            WHERE e.tenant_id = \(tenant.rawValue)
            """
    }
}

// MARK: - Rules and calendars

extension ClockReader {
    /// The rules for each set of canaries that serves a subject, the empty one being what is live. Sets whose candidates cannot be read are left out.
    private func rules(
        for sets: Set<[Int64]>, live: [LiveRule], _ candidates: [Int64: LiveRule], _ zone: String, of tenant: TenantID
    ) async throws -> [[Int64]: ClockRulesRead] {
        let live = live.inOrder()
        var known = known.withLock { $0[tenant] } ?? Known(live: live, candidates: candidates, zone: zone)
        if known.live != live || known.candidates != candidates || known.zone != zone {
            (known.live, known.candidates, known.zone, known.rules) = (live, candidates, zone, [:])
        }
        let lacking = sets.filter { known.rules[$0] == nil }
        guard !lacking.isEmpty else { return known.rules }
        let lists = sets.union(known.rules.keys).reduce(into: [[Int64]: [LiveRule]]()) { lists, set in
            let tried = set.compactMap { candidates[$0] }
            let replaced = Set(tried.map(\.lineage))
            lists[set] = live.filter { !replaced.contains($0.lineage) } + tried
        }
        try await known.library.read(Array(lists.values), of: tenant, in: postgres)
        let timeZone = TimeZone(identifier: zone) ?? .gmt
        let alone = known.library.rules(live, timeZone: timeZone)
        for set in lacking where set.isEmpty || known.library.unreadable(lists[set]!, besides: alone.unreadable) == nil {
            known.rules[set] = ClockRulesRead(lists[set]!, of: known.library, timeZone: timeZone)
        }
        let read = known
        self.known.withLock { all in
            if all.count >= capacity, all[tenant] == nil { all = [:] }
            let calendars = all[tenant]?.calendars
            all[tenant] = read
            all[tenant]?.calendars = calendars
        }
        return read.rules
    }

    /// Those of the version asked for, compiled as far as they were asked for before.
    private func calendars(_ version: CalendarVersion, _ zone: String, of tenant: TenantID) async throws -> CalendarShelf {
        if let shelf = known.withLock({ $0[tenant]?.calendars }), shelf.version == version, shelf.zone == zone { return shelf }
        let shelf = try CalendarShelf(
            version, zone: zone, version.isEmpty ? nil : try await postgres.pipeline(CalendarShelf.statements(reading: tenant)))
        known.withLock { $0[tenant]?.calendars = shelf }
        return shelf
    }
}

// MARK: - Rows

extension ClockKey {
    init(_ row: Row) throws {
        // A check in the table allows no other.
        self.init(SubjectType(rawValue: try row.get("subject_type"))!, try row.get("subject_id"))
    }
}

extension RecordedLevel {
    fileprivate init(_ row: Row) throws {
        let told: Told =
            switch try row.get("told", as: String.self) {
            case "told": .told
            case "held": .held(until: try row.get("held_until"))
            default: .untold
            }
        self.init(
            clock: try row.get("clock"), level: try row.get("level"), episode: try row.get("episode"), dueAt: try row.get("due_at"),
            told: told)
    }
}
