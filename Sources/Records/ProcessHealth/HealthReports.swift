import Foundation
import PostgresClient
import ProcessHealth
import Tenancy

/// One version of one seller's week, as the outside sees it.
public struct HealthWeekRecord: Sendable, Hashable {
    public let sellerID: Int64
    public let seller: String
    public let team: String?
    public let week: Week
    public let version: Int
    public let asOf: Date
    public let isComplete: Bool
    public let streak: Streak
    public let reading: HealthReading
    /// Where the next page goes on behind it.
    let place: Int64
}

/// In which order sellers are listed.
public enum HealthOrder: String, Sendable, CaseIterable {
    /// As they were told of.
    case seller
    /// Who is below the base line, the lowest index first; then the others, as they were told of.
    case worst
}

/// A report on a seller, as the outside sees it.
public struct HealthDiagnosisRecord: Sendable, Hashable {
    public let id: Int64
    public let seller: String
    public let week: Week
    public let since: Week
    public let asOf: Date
    /// A JSON object.
    public let body: JSONBytes
}

/// A prediction, as the outside sees it.
public struct HealthPredictionRecord: Sendable, Hashable {
    public let id: Int64
    public let seller: String
    public let week: Week
    public let asOf: Date
    public let modelVersion: Int?
    public let probability: Double?
    public let isWarned: Bool
    public let state: String
    public let outcome: String
    public let outcomeAt: Date?
    /// A JSON object.
    public let body: JSONBytes
}

/// Whether anybody is warned now, and how well it went.
public struct HealthQuality: Sendable {
    public let live: HealthModel?
    public let last: HealthModel?
    /// Of predictions of models whose two weeks are over: how warnings and falls met.
    public let confusion: Confusion
    public let pending: Int

    /// Why nobody is warned by a live model, where nobody is.
    public var silence: [String] { HealthStanding(live: live, last: last, trial: nil).silence }
}

extension Records {
    /// The last week that is over and was worked out; nil: none was.
    public func lastHealthWeek(of tenant: TenantID) async throws -> Week? {
        let row = try await read(tenant, "SELECT max(week) AS week FROM health_week WHERE tenant_id = \(tenant.rawValue) AND complete")
            .first
        return try row?.get("week", as: Int32?.self).map { Week(number: Int($0)) }
    }

    /// Sellers' weeks as known now.
    ///
    /// - Parameter cursor: in the order of the worst the last one's place, which another may have when the next page is asked for.
    public func healthWeeks(
        of tenant: TenantID, in week: Week, order: HealthOrder = .seller, seller: String? = nil, team: String? = nil,
        after cursor: Int64 = 0, limit: Int
    ) async throws -> Page<HealthWeekRecord> {
        let place =
            switch order {
            case .seller: "s.id"
            case .worst: "row_number() OVER (ORDER BY h.below IS TRUE DESC, CASE WHEN h.below THEN h.spi END, s.id)"
            }
        let rows = try await read(
            tenant,
            """
            SELECT * FROM (
                SELECT \(unescaped: place) AS place, s.id, s.external_id, s.team, h.week, h.version, h.as_of, h.complete, h.streak, h.since, h.counts
                FROM seller s
                    CROSS JOIN LATERAL (
                        SELECT * FROM health_week w WHERE w.tenant_id = s.tenant_id AND w.seller_id = s.id AND w.week = \(Int32(week.number))
                        ORDER BY w.version DESC LIMIT 1) h
                WHERE s.tenant_id = \(tenant.rawValue) AND (\(seller)::text IS NULL OR s.external_id = \(seller)::text)
                    AND (\(team)::text IS NULL OR s.team = \(team)::text)) n
            WHERE place > \(cursor) ORDER BY place LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(HealthWeekRecord.init)
        return Page(items: items, next: rows.count > limit ? items.last?.place : nil)
    }

    /// The weeks before one of these sellers as known now, by seller, the newest first.
    public func healthWeeks(of tenant: TenantID, sellers: [Int64], before week: Week, count: Int) async throws
        -> [Int64: [HealthWeekRecord]]
    {
        guard count > 0, !sellers.isEmpty else { return [:] }
        let records = try await read(
            tenant,
            """
            SELECT DISTINCT ON (s.id, h.week)
                s.id AS place, s.id, s.external_id, s.team, h.week, h.version, h.as_of, h.complete, h.streak, h.since, h.counts
            FROM seller s JOIN health_week h ON h.tenant_id = s.tenant_id AND h.seller_id = s.id
            WHERE s.tenant_id = \(tenant.rawValue) AND s.id = ANY(\(sellers))
                AND h.week BETWEEN \(Int32((week - count).number)) AND \(Int32((week - 1).number))
            ORDER BY s.id, h.week DESC, h.version DESC
            """
        ).map(HealthWeekRecord.init)
        return Dictionary(grouping: records, by: \.sellerID)
    }

    /// Sellers at the base line among those with an index in a week (SPI-05), and how many have been below it for two weeks or more.
    public func healthAttainment(of tenant: TenantID, in week: Week, team: String? = nil) async throws
        -> (tally: Tally, lasting: Int)
    {
        let row = try await read(
            tenant,
            """
            SELECT count(h.below) AS cases, count(*) FILTER (WHERE NOT h.below) AS hits,
                count(*) FILTER (WHERE h.below AND h.streak >= 2) AS lasting
            FROM seller s
                CROSS JOIN LATERAL (
                    SELECT w.below, w.streak FROM health_week w WHERE w.tenant_id = s.tenant_id AND w.seller_id = s.id AND w.week = \(Int32(week.number))
                    ORDER BY w.version DESC LIMIT 1) h
            WHERE s.tenant_id = \(tenant.rawValue) AND (\(team)::text IS NULL OR s.team = \(team)::text)
            """
        ).first
        func count(_ name: String) throws -> Int { Int(try row?.get(name, as: Int64.self) ?? 0) }
        return (Tally(cases: try count("cases"), hits: try count("hits")), try count("lasting"))
    }

    /// Every version of one seller's week, the newest first: what was published, and what late facts made of it.
    public func healthVersions(of tenant: TenantID, seller: String, week: Week) async throws -> [HealthWeekRecord] {
        try await read(
            tenant,
            """
            SELECT s.id AS place, s.id, s.external_id, s.team, h.week, h.version, h.as_of, h.complete, h.streak, h.since, h.counts
            FROM seller s JOIN health_week h ON h.tenant_id = s.tenant_id AND h.seller_id = s.id
            WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(seller) AND h.week = \(Int32(week.number))
            ORDER BY h.version DESC LIMIT 1000
            """
        ).map(HealthWeekRecord.init)
    }

    /// Reports, the newest first.
    public func healthDiagnoses(
        of tenant: TenantID, seller: String? = nil, before cursor: Int64 = .max, limit: Int
    ) async throws -> Page<HealthDiagnosisRecord> {
        let rows = try await read(
            tenant,
            """
            SELECT d.id, s.external_id, d.week, d.since, d.as_of, d.body
            FROM health_diagnosis d JOIN seller s ON s.tenant_id = d.tenant_id AND s.id = d.seller_id
            WHERE d.tenant_id = \(tenant.rawValue) AND d.id < \(cursor) AND (\(seller)::text IS NULL OR s.external_id = \(seller)::text)
            ORDER BY d.id DESC LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map { row in
            HealthDiagnosisRecord(
                id: try row.get("id"), seller: try row.get("external_id"), week: Week(number: Int(try row.get("week", as: Int32.self))),
                since: Week(number: Int(try row.get("since", as: Int32.self))), asOf: try row.get("as_of"), body: try row.get("body"))
        }
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }

    /// Predictions, the newest first.
    ///
    /// - Parameter warned: only those that warned, or only those that did not; nil: both.
    public func healthPredictions(
        of tenant: TenantID, week: Week? = nil, seller: String? = nil, warned: Bool? = nil, before cursor: Int64 = .max, limit: Int
    ) async throws -> Page<HealthPredictionRecord> {
        let number = week.map { Int32($0.number) }
        let rows = try await read(
            tenant,
            """
            SELECT p.id, s.external_id, p.week, p.as_of, p.model_version, p.probability, p.warned, p.state, p.outcome, p.outcome_at, p.body
            FROM health_prediction p JOIN seller s ON s.tenant_id = p.tenant_id AND s.id = p.seller_id
            WHERE p.tenant_id = \(tenant.rawValue) AND p.id < \(cursor) AND (\(number)::integer IS NULL OR p.week = \(number)::integer)
                AND (\(seller)::text IS NULL OR s.external_id = \(seller)::text) AND (\(warned)::boolean IS NULL OR p.warned = \(warned)::boolean)
            ORDER BY p.id DESC LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(HealthPredictionRecord.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }

    /// Which model warns, and what came of what was said so far.
    public func healthQuality(of tenant: TenantID) async throws -> HealthQuality {
        let rows = try await app.pipeline([
            .tenants([tenant]),
            "\(unescaped: HealthModel.select) WHERE m.tenant_id = \(tenant.rawValue) AND r.state = 'live'",
            "\(unescaped: HealthModel.select) WHERE m.tenant_id = \(tenant.rawValue) ORDER BY m.version DESC LIMIT 1",
            """
            SELECT warned, outcome, count(*) AS n FROM health_prediction
            WHERE tenant_id = \(tenant.rawValue) AND model_version IS NOT NULL GROUP BY 1, 2
            """,
        ])
        var (confusion, pending) = (Confusion(), 0)
        for row in rows[3] {
            let (isWarned, outcome, count): (Bool, String, Int64) = (try row.get("warned"), try row.get("outcome"), try row.get("n"))
            if outcome == "pending" { pending += Int(count) }
            switch (isWarned, outcome) {
            case (true, "fell"): confusion.hits = Int(count)
            case (true, "stayed"): confusion.falseAlarms = Int(count)
            case (false, "fell"): confusion.misses = Int(count)
            case (false, "stayed"): confusion.rest = Int(count)
            default: break
            }
        }
        return HealthQuality(
            live: try rows[1].first.map(HealthModel.init), last: try rows[2].first.map(HealthModel.init), confusion: confusion,
            pending: pending)
    }
}

extension HealthWeekRecord {
    init(_ row: Row) throws {
        place = try row.get("place")
        sellerID = try row.get("id")
        seller = try row.get("external_id")
        team = try row.get("team")
        week = Week(number: Int(try row.get("week", as: Int32.self)))
        version = Int(try row.get("version", as: Int32.self))
        asOf = try row.get("as_of")
        isComplete = try row.get("complete")
        let since: Int32? = try row.get("since")
        streak = Streak(weeks: Int(try row.get("streak", as: Int32.self)), since: since.map { Week(number: Int($0)) })
        reading = HealthReading(WeekCounts(numbers: try row.get("counts")) ?? WeekCounts())
    }
}

extension HealthPredictionRecord {
    init(_ row: Row) throws {
        id = try row.get("id")
        seller = try row.get("external_id")
        week = Week(number: Int(try row.get("week", as: Int32.self)))
        asOf = try row.get("as_of")
        modelVersion = try row.get("model_version", as: Int32?.self).map { Int($0) }
        probability = try row.get("probability")
        isWarned = try row.get("warned")
        state = try row.get("state")
        outcome = try row.get("outcome")
        outcomeAt = try row.get("outcome_at")
        body = try row.get("body")
    }
}
