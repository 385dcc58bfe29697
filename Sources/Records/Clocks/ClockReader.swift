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
        var zone: String
        var library: RuleLibrary
        var rules: ClockRulesRead
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
            ] + LineReading.statements(of: tenant) + [Self.recorded(of: wanted, tenant)])
        let zone = try heads[1].first?.get("time_zone", as: String.self) ?? "UTC"
        let read = try await rules(try heads[2].compactMap(LiveRule.init), zone, of: tenant)
        let calendars = try await calendars(CalendarVersion(heads[3]), zone, of: tenant)
        let lines = try LineReading(heads[5], heads[6])
        var timers: [ClockKey: (fence: Int64, job: Int64?)] = [:]
        for row in heads[4] { timers[try ClockKey(row)] = (try row.get("fence"), try row.get("job_id")) }
        var recorded: [ClockKey: [RecordedLevel]] = [:]
        for row in heads[7] { recorded[try ClockKey(row), default: []].append(try RecordedLevel(row)) }

        var found: [SubjectReading] = []
        for type in Set(timers.keys.map(\.type)).sorted(by: { $0.rawValue < $1.rawValue }) {
            let ids = timers.keys.filter { $0.type == type }.map(\.id).sorted()
            found += try await subjects(type, ids, read.rules, of: tenant)
        }
        let now = Date()
        let subjects = found.map { reading in
            let (fence, job) = timers[reading.key]!  // only those were asked for
            let (line, holding) = lines.line(of: reading)
            return WatchedSubject(
                key: reading.key, fence: fence, job: job, facts: reading.facts, recorded: recorded[reading.key] ?? [],
                hours: calendars.hours(of: reading.owner, in: reading.team, around: now), line: line, names: lines.names,
                team: reading.team,
                lead: holding)
        }
        return ClockFacts(
            subjects: Dictionary(subjects.map { ($0.key, $0) }, uniquingKeysWith: { $1 }), pages: due, rules: read)
    }

    private func due(_ page: ClockFacts.Page, of tenant: TenantID) async throws -> [ClockKey] {
        try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT subject_type, subject_id FROM clock_subject
            WHERE tenant_id = \(tenant.rawValue) AND next_at <= \(page.asOf)
                AND (subject_type, subject_id) > (\(page.after?.type.rawValue ?? ""), \(page.after?.id ?? 0))
            ORDER BY subject_type, subject_id LIMIT \(page.limit)
            """,
        ])[1].map(ClockKey.init)
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
    private func rules(_ live: [LiveRule], _ zone: String, of tenant: TenantID) async throws -> ClockRulesRead {
        let live = live.inOrder()
        let known = known.withLock { $0[tenant] }
        if let known, known.live == live, known.zone == zone { return known.rules }
        var library = known?.library ?? RuleLibrary()
        try await library.read([live], of: tenant, in: postgres)
        let timeZone = TimeZone(identifier: zone) ?? .gmt
        let rules = ClockRulesRead(library.rules(live, timeZone: timeZone), timeZone: timeZone)
        let read = library
        self.known.withLock { known in
            if known.count >= capacity, known[tenant] == nil { known = [:] }
            known[tenant] = Known(live: live, zone: zone, library: read, rules: rules, calendars: known[tenant]?.calendars)
        }
        return rules
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
