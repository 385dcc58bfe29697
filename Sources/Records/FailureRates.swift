import Foundation
import Jobs
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
    /// A lead that is judged again and again counts once.
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
        try await engine.pipeline([
            .everyTenant,
            """
            WITH ended AS (
                SELECT id, run, tenant_id, kind, finished_at, \(unescaped: isFailure) AS failed
                FROM job_history
                WHERE finished_at > \(now.addingTimeInterval(-alarm.window)) AND finished_at <= \(now) AND state <> 'cancelled'
                    AND outcome IS DISTINCT FROM 'manual_queue_fuse'),
            \(unescaped: overtakenFailures(alarm))
            SELECT tenant_id, kind, count(*) AS ended, count(*) FILTER (WHERE failed) AS failed
            FROM ended LEFT JOIN overtaken o USING (id, run)
            WHERE o.id IS NULL
            GROUP BY tenant_id, kind
            ORDER BY tenant_id, kind
            """,
        ])[1].map { row in
            FailureRate(
                tenant: TenantID(try row.get("tenant_id")), kind: try row.get("kind"), ended: try row.get("ended"),
                failed: try row.get("failed"))
        }
    }

    /// The table `overtaken`, behind a table `ended` with `tenant_id`, `id`, `run`, `kind`, `finished_at` and `failed`: the failed assignments (`id`,
    /// `run`) that say nothing new of their lead. It is `mended`, run again or decided well since; it failed before in this table; or the decision
    /// before it had failed as well, whenever that was: what is let go again after each publication, abort and closing of the fuse would be a new
    /// failure each time. What people decide by hand mends nothing: it is under the failed job's name. Without them a share of failures is smaller,
    /// so only tenants are gone through whose share alarms.
    func overtakenFailures(_ alarm: FailureAlarm) -> String {
        """
        overtaken AS MATERIALIZED (
            SELECT f.id, f.run, f.mended
            FROM (
                SELECT e.*, row_number() OVER (PARTITION BY e.tenant_id, COALESCE(e.lead::text, 'job ' || e.id), e.mended
                        ORDER BY e.finished_at, e.id, e.run) AS nth
                FROM (
                    SELECT e.id, e.run, e.tenant_id, e.finished_at, e.lead,
                        EXISTS (SELECT FROM job_history again WHERE again.id = e.id AND again.run > e.run)
                            OR EXISTS (SELECT FROM decision_log d
                                WHERE d.tenant_id = e.tenant_id AND d.lead_id = e.lead AND d.decided_at > e.finished_at AND d.job_id <> e.id
                                    AND \(Self.isDecidedWell)) AS mended,
                        \(Self.repeats(lead: "e.lead", of: "e")) AS repeats
                    -- Each is looked up once, whatever the planner knows of how many there are. Tenants enqueue such jobs too: what is no lead's id
                    -- is a failure of its own.
                    FROM (SELECT ended.*, \(Self.lead(of: "ended")) AS lead
                        FROM ended
                        WHERE kind = '\(NewJob.assignLeadKind)' AND failed AND tenant_id IN (
                            SELECT tenant_id FROM ended WHERE kind = '\(NewJob.assignLeadKind)' GROUP BY tenant_id
                            HAVING count(*) FILTER (WHERE failed) >= \(alarm.share) * count(*))
                        OFFSET 0) e) e) f
            WHERE f.nth > 1 OR f.mended OR f.repeats)
        """
    }

    /// Whether an end of the table `ended`, with `tenant_id`, `id`, `kind`, `state`, `finished_at` and `cause`, is no failure, or one that says
    /// something new: a lead that is held, or left to people, and judged so again and again is one failure.
    static func isNews(of ended: String) -> String {
        """
        (cause IS NULL OR kind <> '\(NewJob.assignLeadKind)' OR state = 'discarded' OR NOT \(repeats(lead: lead(of: ended), of: ended)))
        """
    }

    /// Whether the decision on the lead before an ended assignment's, of the table `ended`, had failed as well.
    static func repeats(lead: String, of ended: String) -> String {
        """
        (SELECT NOT \(isDecidedWell) AND d.outcome <> 'manual_queue_fuse'
            -- By the lead, of which there are few decisions, and not by the time, of which there are all.
            FROM (SELECT outcome, decided_at FROM decision_log
                WHERE tenant_id = \(ended).tenant_id AND lead_id = \(lead) AND decided_at < \(ended).finished_at AND job_id <> \(ended).id
                OFFSET 0) d
            ORDER BY d.decided_at DESC LIMIT 1) IS TRUE
        """
    }

    /// The lead that an assignment of the table `ended` was for; null: tenants enqueue such jobs too, and this one names none.
    static func lead(of ended: String) -> String {
        """
        (SELECT CASE WHEN args->>'lead_id' ~ '^[0-9]{1,18}$' THEN (args->>'lead_id')::bigint END FROM job WHERE job.id = \(ended).id)
        """
    }

    private static let isDecidedWell = #"(d.outcome NOT LIKE 'held\_%' AND d.outcome NOT LIKE 'manual\_queue%')"#

    /// Row security shows alerts of tenants that are named, so all are.
    private func openFailureAlarms() async throws -> [(tenant: TenantID, kind: String)] {
        let rows = try await engine.pipeline([
            .everyTenant,
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
