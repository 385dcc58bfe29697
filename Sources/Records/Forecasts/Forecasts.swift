import Foundation
import PostgresClient
import Tenancy

/// A forecast as it was published.
public struct PublishedForecast: Sendable {
    public let id: Int64
    public let scope: String
    /// Days, such as `2026-01-01`.
    public let from: String
    public let to: String
    public let asOf: Date
    public let watermark: Int64
    public let modelVersion: String
    public let reason: String
    public let previous: Int64?
    public let isCurrent: Bool
    public let createdAt: Date
    /// A JSON object; in lists its totals only.
    public let body: JSONBytes

    init(_ row: Row) throws {
        id = try row.get("id")
        scope = try row.get("scope")
        from = try row.get("period_from")
        to = try row.get("period_to")
        asOf = try row.get("as_of")
        watermark = try row.get("watermark")
        modelVersion = try row.get("model_version")
        reason = try row.get("reason")
        previous = try row.get("previous")
        isCurrent = try row.get("is_current")
        createdAt = try row.get("created_at")
        body = try row.get("body")
    }

    fileprivate static func select(_ body: String) -> String {
        """
        SELECT f.id, f.scope, f.period_from::text, f.period_to::text, f.as_of, f.watermark, f.model_version, f.reason, f.previous, f.created_at,
            \(body) AS body,
            EXISTS (SELECT FROM forecast_head h WHERE h.tenant_id = f.tenant_id AND h.scope = f.scope AND h.period_from = f.period_from
                AND h.period_to = f.period_to AND h.forecast_id = f.id) AS is_current
        FROM forecast f
        """
    }
}

extension Records {
    /// The forecast in force: of this period where one is given, else of the period that was forecast last; nil: none yet.
    public func latestForecast(of tenant: TenantID, scope: ForecastScope, period: (from: String, to: String)?) async throws
        -> PublishedForecast?
    {
        try await read(
            tenant,
            """
            \(unescaped: PublishedForecast.select("f.body")) WHERE f.tenant_id = \(tenant.rawValue) AND f.id = (
                SELECT h.forecast_id FROM forecast_head h
                WHERE h.tenant_id = \(tenant.rawValue) AND h.scope = \(scope.key) AND h.forecast_id IS NOT NULL
                    AND (\(period?.from)::text IS NULL OR h.period_from = \(period?.from)::text::date AND h.period_to = \(period?.to)::text::date)
                ORDER BY h.moved_at DESC LIMIT 1)
            """
        ).first.map(PublishedForecast.init)
    }

    public func forecast(_ id: Int64, of tenant: TenantID) async throws -> PublishedForecast? {
        try await read(
            tenant, "\(unescaped: PublishedForecast.select("f.body")) WHERE f.tenant_id = \(tenant.rawValue) AND f.id = \(id)"
        ).first.map(PublishedForecast.init)
    }

    /// Everything that was published, the newest first; nothing of it is ever changed.
    public func forecasts(of tenant: TenantID, before cursor: Int64 = .max, limit: Int) async throws -> Page<PublishedForecast> {
        let rows = try await read(
            tenant,
            """
            \(unescaped: PublishedForecast.select("jsonb_build_object('totals', f.body->'totals')"))
            WHERE f.tenant_id = \(tenant.rawValue) AND f.id < \(cursor) ORDER BY f.id DESC LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(PublishedForecast.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }
}

/// What a forecast says of one opportunity, by its names.
public struct ForecastEntry: Sendable {
    public let opportunity: String
    public let seller: String?
    /// Among the forecast's own stages; of one in none of them what was told of it last.
    public let stage: String?
    /// A class, or why it is in none.
    public let standing: String
    public let amountMinor: Int64
    public let currency: String
    public let odds: Double
    public let contribution: Int64
    public let stalledDays: Int?
    /// When the deal itself began, as it was told.
    public let openedAt: Date?
}

/// In what order the opportunities behind a forecast are read.
public enum ForecastOrder: String, Sendable, CaseIterable {
    /// In which we heard of them.
    case told
    /// By their amounts, whatever their currency; without one they come last.
    case largest
}

extension Records {
    /// The opportunities behind the figures of a forecast; every count of a forecast is a count of
    /// these. Nil when there is no such forecast; kept are those of the forecast in force and of the one before.
    ///
    /// - Parameters:
    ///   - standing: only of this class, or with this reason.
    ///   - cursor: the last one's number; of the largest first how many there were, which stays so: a forecast is never changed.
    public func entries(
        of forecast: Int64, standing: String?, order: ForecastOrder = .told, of tenant: TenantID, after cursor: Int64 = 0, limit: Int
    ) async throws -> Page<ForecastEntry>? {
        guard let published = try await self.forecast(forecast, of: tenant) else { return nil }
        let code = standing.map(ForecastChunk.code)
        let isByAmount = order == .largest
        let (after, before) = isByAmount ? (0, cursor) : (cursor, 0)
        // A place below zero is nobody's, or no stage of the rules; to Postgres -1 is a list's last.
        let rows = try await read(
            tenant,
            """
            SELECT n.deal, o.external_id, CASE WHEN n.seller >= 0 THEN b.body->'sellers'->>n.seller END AS seller,
                CASE WHEN n.stage >= 0 THEN b.body->'stages'->>(n.stage::integer) ELSE o.stage END AS stage, n.standing,
                n.amount, b.body->'currencies'->>(n.currency::integer) AS currency, n.odds, n.contribution, n.stall, o.opened_at
            FROM forecast b JOIN forecast_line l ON l.tenant_id = b.tenant_id AND l.job_id = b.job_id AND l.run = b.run
                CROSS JOIN LATERAL unnest(l.deals, l.sellers, l.stages, l.currencies, l.standings, l.amounts, l.odds, l.contributions, l.stalls)
                    AS n(deal, seller, stage, currency, standing, amount, odds, contribution, stall)
                JOIN opportunity o ON o.tenant_id = b.tenant_id AND o.id = n.deal
            WHERE b.tenant_id = \(tenant.rawValue) AND b.id = \(published.id) AND l.deals[cardinality(l.deals)] > \(after) AND n.deal > \(after)
                AND (\(code)::smallint IS NULL OR n.standing = \(code))
            ORDER BY CASE WHEN \(isByAmount) AND n.standing <> \(ForecastChunk.code("amount_missing")) THEN n.amount END DESC NULLS LAST, n.deal
            OFFSET \(before) LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map { row in
            let (seller, stage): (String?, String?) = (try row.get("seller"), try row.get("stage"))
            let stall: Int32 = try row.get("stall")
            return ForecastEntry(
                opportunity: try row.get("external_id"), seller: seller, stage: stage,
                standing: ForecastChunk.name(try row.get("standing")),
                amountMinor: try row.get("amount"), currency: try row.get("currency", as: String?.self) ?? "",
                odds: Double(try row.get("odds", as: Float.self)),
                contribution: try row.get("contribution"), stalledDays: stall == 0 ? nil : Int(abs(stall)),
                openedAt: try row.get("opened_at"))
        }
        guard rows.count > limit else { return Page(items: items, next: nil) }
        return Page(items: items, next: isByAmount ? cursor + Int64(limit) : try rows[limit - 1].get("deal"))
    }
}
