import Foundation
import PostgresClient
import Tenancy

/// How jobs of one kind ended lately.
public struct FailureRate: Sendable, Hashable {
    public let tenant: TenantID
    public let kind: String
    public let ended: Int
    public let failed: Int

    public var share: Double { ended == 0 ? 0 : Double(failed) / Double(ended) }
}

/// When a kind's failures are alarming: at least `share` of at least `jobs` jobs that ended within `window`.
public struct FailureAlarm: Sendable {
    public var share = 0.2
    public var jobs = 20
    public var window: TimeInterval = 300

    public init() {}

    static let code = "failure_rate"
}

extension Records {
    /// Raises an alert for every kind that fails too often, and closes those whose kind has recovered. To be called now and then.
    ///
    /// A job fails when it is discarded, held, or left to the manual queue; one cancelled, or left to people by an open fuse, counts as neither.
    public func watchFailureRates(_ alarm: FailureAlarm = FailureAlarm(), now: Date) async throws {
        let rates = try await failureRates(alarm, now: now)
        let alarming = rates.filter { $0.ended >= alarm.jobs && $0.share >= alarm.share }
        let open = try await openFailureAlarms()
        let tenants = Set(alarming.map(\.tenant)).union(open.map(\.tenant))
        for tenant in tenants.sorted() {
            let bad = alarming.filter { $0.tenant == tenant }
            let recovered = open.filter { alert in alert.tenant == tenant && !bad.contains { $0.kind == alert.kind } }
            _ = try await engine.pipeline(
                [.tenants([tenant])] + bad.map { .raise(FailureAlarm.code, $0.kind, detail: .encoding($0), of: tenant, at: now) }
                    + recovered.map { .resolve(FailureAlarm.code, $0.kind, of: tenant, at: now) })
        }
    }

    /// How jobs of each tenant and kind ended within the alarm's window before `now`.
    public func failureRates(_ alarm: FailureAlarm = FailureAlarm(), now: Date) async throws -> [FailureRate] {
        try await engine.query(
            """
            SELECT tenant_id, kind, count(*) AS ended,
                count(*) FILTER (WHERE \(unescaped: isFailure)) AS failed
            FROM job_history
            WHERE finished_at > \(now.addingTimeInterval(-alarm.window)) AND finished_at <= \(now) AND state <> 'cancelled'
                AND outcome IS DISTINCT FROM 'manual_queue_fuse'
            GROUP BY tenant_id, kind
            ORDER BY tenant_id, kind
            """
        ).map { row in
            FailureRate(
                tenant: TenantID(try row.get("tenant_id")), kind: try row.get("kind"), ended: try row.get("ended"),
                failed: try row.get("failed"))
        }
    }

    /// Row security shows alerts of tenants that are named, so all are.
    private func openFailureAlarms() async throws -> [(tenant: TenantID, kind: String)] {
        let rows = try await engine.pipeline([
            "SELECT set_config('kiteline.tenants', (SELECT COALESCE(array_agg(id), '{}')::text FROM tenant), true)",
            "SELECT tenant_id, subject FROM alert WHERE code = \(FailureAlarm.code) AND resolved_at IS NULL",
        ])[1]
        return try rows.map { (TenantID(try $0.get("tenant_id")), try $0.get("subject")) }
    }
}

extension FailureRate: Encodable {
    private enum CodingKeys: String, CodingKey { case ended, failed, share }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(ended, forKey: .ended)
        try fields.encode(failed, forKey: .failed)
        try fields.encode(share, forKey: .share)
    }
}
