import Foundation
import PostgresClient
import ProcessHealth
import Tenancy

/// A seller's week that was worked out elsewhere.
public struct TakenWeek: Sendable {
    public var seller: String
    public var week: Week
    public var counts: WeekCounts
    /// As it stood when the week was over.
    public var streak: Streak

    public init(seller: String, week: Week, counts: WeekCounts, streak: Streak = Streak()) {
        (self.seller, self.week, self.counts, self.streak) = (seller, week, counts, streak)
    }
}

/// A deed that was recorded elsewhere, at a time of its own.
public struct TakenDeed: Sendable {
    public var seller: String
    public var opportunity: String
    public var type: String
    public var at: Date
    /// A JSON object.
    public var data: String

    public init(seller: String, opportunity: String, type: String, at: Date, data: String) {
        (self.seller, self.opportunity, self.type, self.at, self.data) = (seller, opportunity, type, at, data)
    }
}

extension Records {
    /// Takes over sellers' weeks as they were published elsewhere when they ended. The facts behind them are not here: a run that finds nothing
    /// in such a week leaves it as it is. Weeks that are known here already, and sellers who are not, are passed over.
    public func takeOver(_ weeks: [TakenWeek], in zone: TimeZone, of tenant: TenantID) async throws {
        let readings = weeks.map { HealthReading($0.counts) }
        _ = try await engine.pipeline([
            .tenants([tenant]),
            """
            INSERT INTO health_week (tenant_id, seller_id, week, version, as_of, complete, status, spi, below, counts, streak, since, job_id)
            SELECT s.tenant_id, s.id, n.week, 1, n.at, true, n.status, n.spi, n.below, string_to_array(n.counts, ',')::integer[], n.streak,
                n.since, 0
            FROM unnest(\(weeks.map(\.seller)), \(weeks.map { Int32($0.week.number) }), \(weeks.map { $0.week.end(in: zone) }),
                \(readings.map(\.status.rawValue)), \(readings.map(\.index)), \(readings.map(\.isBelow)),
                \(weeks.map { $0.counts.numbers.map(String.init).joined(separator: ",") }), \(weeks.map { Int32($0.streak.weeks) }),
                \(weeks.map { $0.streak.since.map { Int32($0.number) } })) AS n(seller, week, at, status, spi, below, counts, streak, since)
                JOIN seller s ON s.tenant_id = \(tenant.rawValue) AND s.external_id = n.seller
            ON CONFLICT DO NOTHING
            """,
        ])
    }

    /// Takes over what sellers did, as if it had been recorded here when it happened.
    public func takeOver(_ deeds: [TakenDeed], of tenant: TenantID) async throws {
        _ = try await engine.pipeline([
            .tenants([tenant]),
            """
            INSERT INTO activity (tenant_id, subject_type, subject, type, at, recorded_at, actor, data)
            SELECT \(tenant.rawValue), 'opportunity', n.subject, n.type, n.at, n.at, n.actor, n.data::jsonb
            FROM unnest(\(deeds.map(\.opportunity)), \(deeds.map(\.type)), \(deeds.map(\.at)), \(deeds.map(\.seller)), \(deeds.map(\.data)))
                AS n(subject, type, at, actor, data)
            """,
        ])
    }
}
