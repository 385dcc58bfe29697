import Foundation
import PostgresClient
import Tenancy

/// Leads that are late now, by whoever has them, and why (SLA-10).
public struct ResponseBoard: Sendable {
    /// The clock of the first touch, as the packs and the lists of leads know it.
    public static let firstTouch = "lead_first_touch"

    public struct Line: Sendable, Hashable {
        /// The seller's external id; nil: nobody has them.
        public let owner: String?
        public let name: String?
        public let team: String?
        public let late: Int
        /// Of these, those that were late already when they came to whoever has them: given by hand, or handed on by a clock.
        public let lateBefore: Int
        /// Seconds the one that is latest is past due.
        public let latestBy: Int
    }

    public let asOf: Date
    public let clock: String
    /// Of the thousand with the most, the most late first.
    public let lines: [Line]
    /// Of every team, the most late first.
    public let teams: [(team: String, late: Int)]
    public let late: Int
    /// Seconds the one that is latest is past due; nil: none is late.
    public let latestBy: Int?
    /// Untouched leads whose time was over before they were known here; in no line.
    public let history: Int
    /// The three reasons given most often; those without one are counted apart.
    public let reasons: [(reason: String, count: Int)]
    public let unspecified: Int
}

/// How many leads that came in a quarter of an hour of a weekday were late, over a month (SLA-11).
public struct ResponseHeatMap: Sendable {
    public struct Cell: Sendable, Hashable {
        /// Monday is 1.
        public let weekday: Int
        /// Minutes since midnight, of the tenant's zone; a multiple of 15.
        public let minute: Int
        public let leads: Int
        public let late: Int
        /// Neither touched nor late, so nobody knows yet.
        public let open: Int
        /// Of the open ones those this clock does not run for, so that they will not be late by it as things stand.
        public let unclocked: Int

        /// Too few of which it is known to say anything.
        public var isGreyed: Bool { leads - open < ResponseHeatMap.fewest }
    }

    /// Cells that know fewer leads to be late or in time are greyed.
    public static let fewest = 5

    public let asOf: Date
    /// `2026-11`
    public let month: String
    public let clock: String
    public let timeZone: String
    /// Those with leads, in the order of the week.
    public let cells: [Cell]
    /// Leads whose time was over before they were known here; in no cell.
    public let history: Int
    public let reasons: [(reason: String, count: Int)]
    public let unspecified: Int
}

extension Records {
    /// The leads a clock calls late at this moment.
    ///
    /// - Parameter team: whose leads are counted, by whoever has them now; nil: everybody's, and those nobody has.
    public func responseBoard(
        _ clock: String, team: String? = nil, of tenant: TenantID, now: Date = Date()
    ) async throws -> ResponseBoard {
        // Of each late lead the first level it missed, and then their few sums. A touch counts before anybody has looked at the clock again.
        let rows = try await readMany(
            tenant,
            """
            WITH missed AS NOT MATERIALIZED (
                SELECT e.* FROM escalation e
                WHERE e.tenant_id = \(tenant.rawValue) AND e.subject_type = 'lead' AND e.clock = \(clock) AND e.met_at IS NULL
                    AND e.withdrawn_at IS NULL),
            untouched AS NOT MATERIALIZED (
                SELECT id, owner_id FROM lead
                WHERE tenant_id = \(tenant.rawValue) AND touched_at IS NULL
                    AND (\(team == nil) OR owner_id IN (
                        SELECT id FROM seller WHERE tenant_id = \(tenant.rawValue) AND team = \(team ?? "")))),
            sums AS MATERIALIZED (
                SELECT l.owner_id AS owner, e.owner AS first_owner, e.history, count(*) AS n, min(e.due_at) AS due_at
                FROM (
                    SELECT DISTINCT ON (subject_id) subject_id, owner, history, due_at FROM missed
                    ORDER BY subject_id, history, due_at, id) e
                    JOIN untouched l ON l.id = e.subject_id
                GROUP BY 1, 2, 3),
            lines AS MATERIALIZED (
                SELECT s.external_id, s.name, s.team, sum(e.n)::bigint AS n,
                    COALESCE(sum(e.n) FILTER (WHERE e.first_owner IS DISTINCT FROM s.external_id AND s.id IS NOT NULL), 0)::bigint AS late_before, extract(epoch FROM \(now)::timestamptz - min(e.due_at))::bigint AS latest_by
                FROM sums e LEFT JOIN seller s ON s.tenant_id = \(tenant.rawValue) AND s.id = e.owner
                WHERE NOT e.history
                GROUP BY s.external_id, s.name, s.team),
            longest AS (SELECT * FROM lines ORDER BY n DESC, external_id NULLS LAST LIMIT 1000)
            SELECT 'line' AS part, external_id AS owner, name, team, NULL AS reason, n, late_before, latest_by FROM longest
            UNION ALL SELECT 'team', NULL, NULL, team, NULL, sum(n)::bigint, NULL, max(latest_by) FROM lines GROUP BY team
            UNION ALL
            SELECT 'reason', NULL, NULL, NULL, e.reason, count(*), NULL, NULL
            FROM (
                SELECT subject_id, \(unescaped: Self.reason) AS reason FROM missed e
                -- Few have one; the others are not gone through lead by lead.
                WHERE NOT history AND (reason IS NOT NULL OR acted AND action = 'transfer_to_manager') GROUP BY subject_id) e
                JOIN untouched l ON l.id = e.subject_id
            GROUP BY e.reason
            UNION ALL SELECT 'history', NULL, NULL, NULL, NULL, COALESCE(sum(n), 0)::bigint, NULL, NULL FROM sums WHERE history
            ORDER BY n DESC, owner NULLS LAST, team, reason
            """)
        let parts = try Dictionary(grouping: rows) { try $0.get("part", as: String.self) }
        let lines = try (parts["line"] ?? []).map { row in
            ResponseBoard.Line(
                owner: try row.get("owner"), name: try row.get("name"), team: try row.get("team"),
                late: Int(try row.get("n", as: Int64.self)), lateBefore: Int(try row.get("late_before", as: Int64.self)),
                latestBy: Int(try row.get("latest_by", as: Int64.self)))
        }
        // Who is in no team is one of them, without a name.
        let teams = try (parts["team"] ?? []).map { row in
            (
                team: try row.get("team", as: String?.self), late: Int(try row.get("n", as: Int64.self)),
                latestBy: Int(try row.get("latest_by", as: Int64.self))
            )
        }
        let late = teams.reduce(0) { $0 + $1.late }
        let (reasons, given, _) = try Self.reasons(parts["reason"] ?? [])
        let history = try (parts["history"] ?? []).first.map { Int(try $0.get("n", as: Int64.self)) } ?? 0
        return ResponseBoard(
            asOf: now, clock: clock, lines: lines, teams: teams.compactMap { one in one.team.map { ($0, one.late) } },
            late: late, latestBy: teams.map(\.latestBy).max(), history: history, reasons: reasons, unspecified: late - given)
    }

    /// Why a lead is late, of its escalations `e` that are no history; null: nobody has said.
    private static let reason = """
        COALESCE(max(e.reason) FILTER (WHERE NOT e.history),
            CASE WHEN bool_or(e.acted AND e.action = 'transfer_to_manager' AND NOT e.history) THEN 'transferred' END)
        """

    /// - Parameters:
    ///   - month: `2026-11`, of the tenant's zone.
    ///   - team: whose leads are counted, by whoever has them now as on the board; nil: everybody's.
    public func responseHeatMap(
        _ clock: String, month: String, zone: String, team: String? = nil, of tenant: TenantID, now: Date = Date()
    ) async throws -> ResponseHeatMap {
        // Worked out here: in SQL the zone would be asked for each lead, which took a fifth of the time.
        let span = Self.span(ofMonth: month, zone: zone)
        // After an import, while its tables are unknown to the planner, a nested loop compared every lead with every escalation.
        let rows = try await readMany(
            tenant, byNestedLoops: false,
            """
            WITH arrivals AS NOT MATERIALIZED (
                -- Touched at all, whoever has it now.
                SELECT id, received_at, COALESCE(first_touched_at, touched_at) AS touched_at FROM lead
                WHERE tenant_id = \(tenant.rawValue) AND received_at >= \(span.lowerBound) AND received_at < \(span.upperBound)
                    AND (\(team == nil) OR owner_id IN (
                        SELECT id FROM seller WHERE tenant_id = \(tenant.rawValue) AND team = \(team ?? "")))),
            ends AS MATERIALIZED (SELECT min(id) AS first, max(id) AS last FROM arrivals),
            missed AS (
                SELECT subject_id, bool_and(history) AS history, \(unescaped: Self.reason) AS reason FROM escalation e
                WHERE tenant_id = \(tenant.rawValue) AND subject_type = 'lead' AND clock = \(clock) AND withdrawn_at IS NULL
                    AND subject_id BETWEEN (SELECT first FROM ends) AND (SELECT last FROM ends)
                GROUP BY subject_id),
            -- By the quarters of the month, of which there are few: what is asked of each lead would cost more than reading them. Every zone is
            -- whole quarters away from UTC.
            quarters AS MATERIALIZED (
                -- A lead stands where it came, though its clock began in another month.
                SELECT date_bin('15 minutes', l.received_at, '2000-01-01Z') AS quarter, m.history IS NULL AND l.touched_at IS NULL AS open, m.history,
                    m.reason,
                    -- Looked up for the open ones alone, each by its key.
                    CASE WHEN m.history IS NULL AND l.touched_at IS NULL THEN NOT COALESCE((
                        SELECT c.clocks @> \(ClockDocument.running(clock)) FROM clock_subject c
                        WHERE c.tenant_id = \(tenant.rawValue) AND c.subject_type = 'lead' AND c.subject_id = l.id), false)
                        ELSE false END AS unclocked,
                    count(*) AS n
                FROM arrivals l LEFT JOIN missed m ON m.subject_id = l.id
                GROUP BY 1, 2, 3, 4, 5),
            cells AS (
                SELECT extract(isodow FROM at)::integer AS weekday, (extract(hour FROM at) * 60 + extract(minute FROM at))::integer AS minute,
                    COALESCE(sum(n) FILTER (WHERE history IS NOT TRUE), 0)::bigint AS leads,
                    COALESCE(sum(n) FILTER (WHERE NOT history), 0)::bigint AS late, COALESCE(sum(n) FILTER (WHERE open), 0)::bigint AS open,
                    COALESCE(sum(n) FILTER (WHERE unclocked), 0)::bigint AS unclocked,
                    COALESCE(sum(n) FILTER (WHERE history), 0)::bigint AS history
                FROM (SELECT quarter AT TIME ZONE \(zone) AS at, open, unclocked, history, n FROM quarters) q
                GROUP BY 1, 2)
            SELECT 'cell' AS part, weekday, minute, leads, late, open, unclocked, history, NULL AS reason, 0 AS n FROM cells
            UNION ALL
            SELECT 'reason', NULL, NULL, NULL, NULL, NULL, NULL, NULL, reason, sum(n)::bigint FROM quarters WHERE NOT history GROUP BY reason
            ORDER BY weekday, minute, n DESC, reason
            """)
        let parts = try Dictionary(grouping: rows) { try $0.get("part", as: String.self) }
        let cells = try (parts["cell"] ?? []).map { row in
            ResponseHeatMap.Cell(
                weekday: Int(try row.get("weekday", as: Int32.self)), minute: Int(try row.get("minute", as: Int32.self)),
                leads: Int(try row.get("leads", as: Int64.self)), late: Int(try row.get("late", as: Int64.self)),
                open: Int(try row.get("open", as: Int64.self)), unclocked: Int(try row.get("unclocked", as: Int64.self)))
        }.filter { $0.leads > 0 }
        let history = try (parts["cell"] ?? []).reduce(0) { $0 + Int(try $1.get("history", as: Int64.self)) }
        let (reasons, _, unspecified) = try Self.reasons(parts["reason"] ?? [])
        return ResponseHeatMap(
            asOf: now, month: month, clock: clock, timeZone: zone, cells: cells, history: history, reasons: reasons,
            unspecified: unspecified)
    }

    /// From the month's first midnight, where the zone has one, to the next month's.
    private static func span(ofMonth month: String, zone: String) -> Range<Date> {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: zone) ?? .gmt
        let parts = month.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 2, let day = calendar.date(from: DateComponents(year: parts[0], month: parts[1])),
            let month = calendar.dateInterval(of: .month, for: day)
        else { return Date.distantPast..<Date.distantPast }
        return month.start..<month.end
    }

    /// The three most frequent, how many gave one, and how many none.
    private static func reasons(_ rows: [Row]) throws -> ([(reason: String, count: Int)], given: Int, unspecified: Int) {
        var named: [(reason: String, count: Int)] = []
        var unspecified = 0
        for row in rows {
            let count = Int(try row.get("n", as: Int64.self))
            if let reason = try row.get("reason", as: String?.self) { named.append((reason, count)) } else { unspecified = count }
        }
        return (Array(named.prefix(3)), named.reduce(0) { $0 + $1.count }, unspecified)
    }
}
