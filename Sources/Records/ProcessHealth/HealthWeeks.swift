import Foundation
import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import Tenancy

/// One seller's week as worked out at a moment.
public struct HealthWeek: Sendable, Hashable {
    public let seller: Int64
    public let week: Week
    public let asOf: Date
    /// The week was over by then.
    public let isComplete: Bool
    public let counts: WeekCounts
    public let streak: Streak

    public init(seller: Int64, week: Week, asOf: Date, isComplete: Bool, counts: WeekCounts, streak: Streak) {
        self.seller = seller
        self.week = week
        self.asOf = asOf
        self.isComplete = isComplete
        self.counts = counts
        self.streak = streak
    }

    public var reading: HealthReading { HealthReading(counts) }
}

/// Sellers' weeks were worked out. What is new is added as another version; what says the same is not.
public struct HealthWeeksEffect: WrittenEffect {
    /// As known when the weeks ended: kept once for each, where none was kept when they ended.
    let published: [HealthWeek]
    /// As known now.
    let known: [HealthWeek]

    public init(published: [HealthWeek], known: [HealthWeek]) {
        self.published = published
        self.known = known
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.compactMap { settled in (settled.effect as? HealthWeeksEffect).map { (settled, $0) } }
            .sorted { ($0.0.tenant.rawValue, $0.0.job.rawValue) < ($1.0.tenant.rawValue, $1.0.job.rawValue) }
            .flatMap { settled, effect in
                [
                    adding(
                        effect.published, settled,
                        where:
                            "NOT EXISTS (SELECT FROM health_week c WHERE c.tenant_id = n.tenant AND c.seller_id = n.seller AND c.week = n.week AND c.complete)"
                    ),
                    adding(
                        effect.known, settled,
                        // Facts are only added: what finds nothing where something was counted, not even a communication (the ninth), does
                        // not have them (they were never here). That a case fell away, since an end was told late, is no lack of facts.
                        where: """
                            p.version IS NULL OR (p.as_of <= n.as_of AND (p.counts <> n.counts OR (n.complete AND NOT p.complete))
                                AND (n.status <> 'no_data' OR n.counts[9] > 0 OR p.status = 'no_data'))
                            """),
                    outcomes(of: settled.tenant, at: settled.at),
                ].compactMap(\.self)
            }
    }

    private static func adding(_ weeks: [HealthWeek], _ settled: SettledEffect, where condition: String) -> Statement? {
        guard !weeks.isEmpty else { return nil }
        let weeks = weeks.sorted { ($0.seller, $0.week) < ($1.seller, $1.week) }
        let readings = weeks.map(\.reading)
        return """
            INSERT INTO health_week (tenant_id, seller_id, week, version, as_of, complete, status, spi, below, counts, streak, since, job_id)
            SELECT n.tenant, n.seller, n.week, COALESCE(p.version, 0) + 1, n.as_of, n.complete, n.status, n.spi, n.below, n.counts, n.streak, n.since,
                \(settled.job.rawValue)
            FROM (SELECT \(settled.tenant.rawValue)::bigint AS tenant, u.seller, u.week, u.as_of, u.complete, u.status, u.spi, u.below,
                    string_to_array(u.counts, ',')::integer[] AS counts, u.streak, u.since
                FROM unnest(\(weeks.map(\.seller)), \(weeks.map { Int32($0.week.number) }), \(weeks.map(\.asOf)), \(weeks.map(\.isComplete)),
                    \(readings.map(\.status.rawValue)), \(readings.map(\.index)), \(readings.map(\.isBelow)),
                    \(weeks.map { $0.counts.numbers.map(String.init).joined(separator: ",") }), \(weeks.map { Int32($0.streak.weeks) }),
                    \(weeks.map { $0.streak.since.map { Int32($0.number) } }))
                    AS u(seller, week, as_of, complete, status, spi, below, counts, streak, since)) n
                LEFT JOIN LATERAL (
                    SELECT w.version, w.as_of, w.complete, w.counts, w.status FROM health_week w
                    WHERE w.tenant_id = n.tenant AND w.seller_id = n.seller AND w.week = n.week ORDER BY w.version DESC LIMIT 1) p ON true
            WHERE \(unescaped: condition)
            -- Two runs at once would number alike: the second one's word comes with the next run.
            ON CONFLICT DO NOTHING
            """
    }

    /// What came of predictions whose two weeks are over, by what is known of those weeks now.
    private static func outcomes(of tenant: TenantID, at now: Date) -> Statement {
        """
        UPDATE health_prediction p SET outcome = o.outcome, outcome_at = \(now)
        FROM (SELECT q.id, CASE WHEN bool_or(w.below) THEN 'fell' WHEN count(w.below) = 2 THEN 'stayed' WHEN count(*) FILTER (WHERE w.complete) = 2 THEN 'unknown' END AS outcome
            FROM health_prediction q
                CROSS JOIN LATERAL (VALUES (q.week + 1), (q.week + 2)) AS ahead(week)
                LEFT JOIN LATERAL (
                    SELECT h.below, h.complete FROM health_week h
                    WHERE h.tenant_id = q.tenant_id AND h.seller_id = q.seller_id AND h.week = ahead.week AND h.complete
                    ORDER BY h.version DESC LIMIT 1) w ON true
            WHERE q.tenant_id = \(tenant.rawValue) AND q.outcome = 'pending'
            GROUP BY q.id) o
        WHERE p.tenant_id = \(tenant.rawValue) AND p.id = o.id AND o.outcome IS NOT NULL
        """
    }
}

extension HealthReader {
    /// Where each seller's streak stood before a week.
    public func streaks(of sellers: [HealthSeller], before week: Week, of tenant: TenantID) async throws -> [Int64: Streak] {
        let rows = try await read(
            tenant,
            [
                """
                SELECT s.seller, w.streak, w.since FROM unnest(\(sellers.map(\.id))) AS s(seller)
                    CROSS JOIN LATERAL (
                        SELECT streak, since FROM health_week
                        WHERE tenant_id = \(tenant.rawValue) AND seller_id = s.seller AND week < \(Int32(week.number)) AND complete
                        ORDER BY week DESC, version DESC LIMIT 1) w
                """
            ])[0]
        return try rows.reduce(into: [:]) { streaks, row in
            let since: Int32? = try row.get("since")
            streaks[try row.get("seller")] = Streak(
                weeks: Int(try row.get("streak", as: Int32.self)), since: since.map { Week(number: Int($0)) })
        }
    }

    /// Everybody's complete weeks up to one, as they were published and as they are known: what models learn from.
    ///
    /// Sellers and teams are numbered as models know them: by the seller's id, and by the team's name.
    public func series(through last: Week, weeks: Int, of tenant: TenantID) async throws -> [SellerSeries] {
        let first = last - (weeks - 1)
        let rows = try await read(
            tenant,
            [
                """
                SELECT DISTINCT ON (seller_id, week) seller_id, week, counts FROM health_week
                WHERE tenant_id = \(tenant.rawValue) AND complete AND week BETWEEN \(Int32(first.number)) AND \(Int32(last.number))
                ORDER BY seller_id, week, version
                """,
                """
                SELECT DISTINCT ON (seller_id, week) seller_id, week, counts FROM health_week
                WHERE tenant_id = \(tenant.rawValue) AND complete AND week BETWEEN \(Int32(first.number)) AND \(Int32(last.number))
                ORDER BY seller_id, week, version DESC
                """,
                "SELECT id, COALESCE(team, '') AS team FROM seller WHERE tenant_id = \(tenant.rawValue) ORDER BY id",
            ])
        let published = try Self.weeks(rows[0])
        let known = try Self.weeks(rows[1])
        return try rows[2].compactMap { row -> SellerSeries? in
            let id: Int64 = try row.get("id")
            guard let own = published[id], let began = own.keys.min() else { return nil }
            let span = began.number...last.number
            func filled(_ weeks: [Week: WeekCounts]) -> [WeekCounts] { span.map { weeks[Week(number: $0)] ?? WeekCounts() } }
            return SellerSeries(
                .init(tenant: 0, team: Self.number(ofTeam: try row.get("team")), seller: Int(id)), first: began, published: filled(own),
                known: filled(known[id] ?? own))
        }
    }

    /// A team's number in models: its name's alone (FNV-1a), so that a model that is kept still means it when teams came and went.
    static func number(ofTeam name: String) -> Int {
        Int(name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 } >> 1)
    }

    private static func weeks(_ rows: Rows) throws -> [Int64: [Week: WeekCounts]] {
        try rows.reduce(into: [:]) { weeks, row in
            guard let counts = WeekCounts(numbers: try row.get("counts")) else { return }
            weeks[try row.get("seller_id"), default: [:]][Week(number: Int(try row.get("week", as: Int32.self)))] = counts
        }
    }
}

extension HealthReader {
    /// The first week anything is known of; nil: nothing is.
    public func firstWeek(of tenant: TenantID) async throws -> Week? {
        let row = try await read(
            tenant, ["SELECT min(week) AS week FROM health_week WHERE tenant_id = \(tenant.rawValue) AND complete AND status <> 'no_data'"])[
                0
            ].first
        return try row?.get("week", as: Int32?.self).map { Week(number: Int($0)) }
    }

    /// Whether an active seller who was healthy in a week has no prediction for it yet.
    public func isToBePredicted(_ week: Week, of tenant: TenantID) async throws -> Bool {
        try await !read(
            tenant,
            [
                """
                SELECT FROM (
                    -- As it was published, which is what predictions go by.
                    SELECT DISTINCT ON (seller_id) seller_id, below FROM health_week
                    WHERE tenant_id = \(tenant.rawValue) AND week = \(Int32(week.number)) AND complete ORDER BY seller_id, version) w
                    JOIN seller s ON s.tenant_id = \(tenant.rawValue) AND s.id = w.seller_id AND s.status = 'active'
                WHERE NOT w.below AND NOT EXISTS (
                    SELECT FROM health_prediction p
                    WHERE p.tenant_id = \(tenant.rawValue) AND p.seller_id = w.seller_id AND p.week = \(Int32(week.number)))
                LIMIT 1
                """
            ])[0].isEmpty
    }
}
