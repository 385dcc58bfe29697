import Foundation
import PostgresClient
import Tenancy

/// Leads that are late now, by whoever has them, and why (SLA-10).
public struct ResponseBoard: Sendable {
    public struct Line: Sendable, Hashable {
        /// The seller's external id; nil: nobody has them.
        public let owner: String?
        public let name: String?
        public let team: String?
        public let late: Int
        /// Seconds the one that is latest is past due.
        public let latestBy: Int
    }

    public let asOf: Date
    public let clock: String
    /// The most late first.
    public let lines: [Line]
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

        /// Too few to say anything.
        public var isGreyed: Bool { leads < ResponseHeatMap.fewest }
    }

    /// Cells with fewer leads are greyed.
    public static let fewest = 5

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
    public func responseBoard(_ clock: String, of tenant: TenantID, now: Date = Date()) async throws -> ResponseBoard {
        let rows = try await app.pipeline([
            .tenants([tenant]),
            """
            SELECT s.external_id AS owner, s.name, s.team, count(*) AS late,
                max(extract(epoch FROM \(now)::timestamptz - e.due_at))::bigint AS latest_by
            FROM (
                SELECT subject_id, min(due_at) AS due_at FROM escalation
                WHERE tenant_id = \(tenant.rawValue) AND subject_type = 'lead' AND clock = \(clock) AND met_at IS NULL AND withdrawn_at IS NULL
                    AND NOT history
                GROUP BY subject_id) e
                JOIN lead l ON l.tenant_id = \(tenant.rawValue) AND l.id = e.subject_id
                LEFT JOIN seller s ON s.tenant_id = l.tenant_id AND s.id = l.owner_id
            -- A touch counts before anybody has looked at the clock again.
            WHERE l.touched_at IS NULL
            GROUP BY s.external_id, s.name, s.team
            ORDER BY count(*) DESC, s.external_id NULLS LAST LIMIT 1000
            """,
            """
            SELECT reason, count(*) AS n
            FROM (
                SELECT COALESCE(max(reason), CASE WHEN bool_or(acted AND action = 'transfer_to_manager') THEN 'transferred' END) AS reason
                FROM escalation e JOIN lead l ON l.tenant_id = e.tenant_id AND l.id = e.subject_id
                WHERE e.tenant_id = \(tenant.rawValue) AND e.subject_type = 'lead' AND e.clock = \(clock) AND e.met_at IS NULL
                    AND e.withdrawn_at IS NULL AND NOT e.history AND l.touched_at IS NULL
                GROUP BY e.subject_id) r
            GROUP BY reason ORDER BY n DESC, reason
            """,
            """
            SELECT count(*) AS n FROM (
                SELECT e.subject_id FROM escalation e JOIN lead l ON l.tenant_id = e.tenant_id AND l.id = e.subject_id
                WHERE e.tenant_id = \(tenant.rawValue) AND e.subject_type = 'lead' AND e.clock = \(clock) AND e.met_at IS NULL
                    AND e.withdrawn_at IS NULL AND l.touched_at IS NULL
                GROUP BY e.subject_id HAVING bool_and(e.history)) h
            """,
        ])
        let lines = try rows[1].map { row in
            ResponseBoard.Line(
                owner: try row.get("owner"), name: try row.get("name"), team: try row.get("team"),
                late: Int(try row.get("late", as: Int64.self)), latestBy: Int(try row.get("latest_by", as: Int64.self)))
        }
        let (reasons, unspecified) = try Self.reasons(rows[2])
        let history = Int(try rows[3].first!.get("n", as: Int64.self))
        return ResponseBoard(asOf: now, clock: clock, lines: lines, history: history, reasons: reasons, unspecified: unspecified)
    }

    /// - Parameter month: `2026-11`, of the tenant's zone.
    public func responseHeatMap(_ clock: String, month: String, zone: String, of tenant: TenantID) async throws -> ResponseHeatMap {
        let first = "\(month)-01"
        let rows = try await app.pipeline([
            .tenants([tenant]),
            """
            WITH month AS (
                SELECT \(first)::text::timestamp AT TIME ZONE \(zone) AS start, (\(first)::text::timestamp + interval '1 month') AT TIME ZONE \(zone) AS until),
            came AS (
                SELECT l.id, l.received_at AT TIME ZONE \(zone) AS at FROM lead l, month m
                WHERE l.tenant_id = \(tenant.rawValue) AND l.received_at >= m.start AND l.received_at < m.until),
            missed AS (
                SELECT e.subject_id, bool_and(e.history) AS history FROM escalation e, month m
                WHERE e.tenant_id = \(tenant.rawValue) AND e.clock = \(clock) AND e.subject_type = 'lead' AND e.withdrawn_at IS NULL
                    AND e.started_at >= m.start AND e.started_at < m.until
                GROUP BY e.subject_id)
            SELECT extract(isodow FROM c.at)::integer AS weekday,
                (extract(hour FROM c.at) * 60 + floor(extract(minute FROM c.at) / 15) * 15)::integer AS minute,
                count(*) FILTER (WHERE t.history IS NOT TRUE) AS leads, count(*) FILTER (WHERE NOT t.history) AS late,
                count(*) FILTER (WHERE t.history) AS history
            FROM came c LEFT JOIN missed t ON t.subject_id = c.id
            GROUP BY 1, 2 ORDER BY 1, 2
            """,
            """
            WITH month AS (
                SELECT \(first)::text::timestamp AT TIME ZONE \(zone) AS start, (\(first)::text::timestamp + interval '1 month') AT TIME ZONE \(zone) AS until)
            SELECT reason, count(*) AS n
            FROM (
                SELECT COALESCE(max(reason), CASE WHEN bool_or(acted AND action = 'transfer_to_manager') THEN 'transferred' END) AS reason
                FROM escalation e, month m
                WHERE e.tenant_id = \(tenant.rawValue) AND e.clock = \(clock) AND e.subject_type = 'lead' AND e.withdrawn_at IS NULL
                    AND NOT e.history AND e.started_at >= m.start AND e.started_at < m.until
                GROUP BY e.subject_id) r
            GROUP BY reason ORDER BY n DESC, reason
            """,
        ])
        let cells = try rows[1].map { row in
            ResponseHeatMap.Cell(
                weekday: Int(try row.get("weekday", as: Int32.self)), minute: Int(try row.get("minute", as: Int32.self)),
                leads: Int(try row.get("leads", as: Int64.self)), late: Int(try row.get("late", as: Int64.self)))
        }.filter { $0.leads > 0 }
        let history = try rows[1].reduce(0) { $0 + Int(try $1.get("history", as: Int64.self)) }
        let (reasons, unspecified) = try Self.reasons(rows[2])
        return ResponseHeatMap(
            month: month, clock: clock, timeZone: zone, cells: cells, history: history, reasons: reasons, unspecified: unspecified)
    }

    /// The three most frequent, and how many gave none.
    private static func reasons(_ rows: Rows) throws -> ([(reason: String, count: Int)], unspecified: Int) {
        var named: [(reason: String, count: Int)] = []
        var unspecified = 0
        for row in rows {
            let count = Int(try row.get("n", as: Int64.self))
            if let reason = try row.get("reason", as: String?.self) { named.append((reason, count)) } else { unspecified = count }
        }
        return (Array(named.prefix(3)), unspecified)
    }
}
