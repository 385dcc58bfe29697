import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import Routing
import SalesModel
import Tenancy

/// What reports there are.
public enum ReportKind: String, Sendable, CaseIterable {
    /// How leads were spread and followed up (LOAD-03…05).
    case assignmentEffectiveness = "assignment_effectiveness"
}

/// A report as it was made.
public struct ReportRecord: Sendable {
    public let id: Int64
    public let kind: String
    public let period: Range<Date>
    public let job: JobID
    public let createdAt: Date
    /// A JSON object.
    public let body: JSONBytes
}

extension Records {
    /// Reports, the newest first.
    public func reports(
        of tenant: TenantID, kind: ReportKind? = nil, before cursor: Int64 = .max, limit: Int
    ) async throws -> Page<ReportRecord> {
        let rows = try await read(
            tenant,
            """
            \(unescaped: ReportRecord.select)
            WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor) AND (\(kind == nil) OR kind = \(kind?.rawValue ?? ""))
            ORDER BY id DESC LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(ReportRecord.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }

    /// A report; nil when there is none of that id.
    public func report(_ id: Int64, of tenant: TenantID) async throws -> ReportRecord? {
        try await read(tenant, "\(unescaped: ReportRecord.select) WHERE tenant_id = \(tenant.rawValue) AND id = \(id)").first.map(
            ReportRecord.init)
    }
}

extension ReportRecord {
    fileprivate static let select = "SELECT id, kind, from_at, to_at, job_id, created_at, body FROM report"

    fileprivate init(_ row: Row) throws {
        id = try row.get("id")
        kind = try row.get("kind")
        period = try row.get("from_at", as: Date.self)..<row.get("to_at", as: Date.self)  // a check in the table: from comes before to
        job = JobID(try row.get("job_id"))
        createdAt = try row.get("created_at")
        body = try row.get("body")
    }
}

// MARK: - What they are made of

/// Assignments, and when sellers could be given leads.
public struct AssignmentFacts: Sendable {
    public let cases: [AssignmentReport.Case]
    public let sellers: [LeadSpread.Availability]
}

extension RoutingReader {
    public func timeZone(of tenant: TenantID) async throws -> TimeZone {
        let rows = try await postgres.pipeline([.tenants([tenant]), "SELECT time_zone FROM tenant WHERE id = \(tenant.rawValue)"])[1]
        return try rows.first.flatMap { TimeZone(identifier: try $0.get("time_zone")) } ?? .gmt
    }

    /// Leads given within a time, and those given before it that still waited for a first touch in it; sellers as they were in it.
    public func assignmentFacts(of tenant: TenantID, in period: Range<Date>) async throws -> AssignmentFacts {
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT s.external_id, a.assigned_at, a.touched_at,
                (SELECT CASE
                    WHEN d.outcome = \(AssignmentOutcome.assignedExistingOwner.rawValue) THEN \(Strategy.owner.rawValue)
                    WHEN d.body->'reasons'->0->>'code' = \(Reason.Code.transferredOverdue.rawValue) THEN \(Strategy.clock.rawValue)
                    ELSE d.body->>'matched_rule' END
                 FROM decision_log d
                 WHERE d.tenant_id = a.tenant_id AND d.lead_id = a.lead_id AND d.epoch = a.epoch AND d.job_id = a.job_id) AS strategy,
                (SELECT min(x.at) FROM activity x
                 WHERE x.tenant_id = a.tenant_id AND x.subject_type = 'lead' AND x.subject = l.external_id AND (x.source IS NULL OR x.source = l.source)
                    AND x.at > a.assigned_at) AS followed_up_at
            FROM assignment a
                JOIN lead l ON l.tenant_id = a.tenant_id AND l.id = a.lead_id
                JOIN seller s ON s.tenant_id = a.tenant_id AND s.id = a.seller_id
            WHERE a.tenant_id = \(tenant.rawValue) AND a.assigned_at < \(period.upperBound)
                AND (a.assigned_at >= \(period.lowerBound) OR a.touched_at > \(period.lowerBound) OR a.active AND a.touched_at IS NULL)
            """,
            """
            SELECT s.external_id, s.capacity, h.from_at, h.status
            FROM seller s JOIN seller_status_history h ON h.tenant_id = s.tenant_id AND h.seller_id = s.id
            WHERE s.tenant_id = \(tenant.rawValue) AND h.from_at < \(period.upperBound)
            ORDER BY s.id, h.from_at
            """,
            """
            SELECT s.external_id, GREATEST(c.frozen_at, c.at) AS from_at, LEAST(c.frozen_until, c.next_at, \(period.upperBound)) AS to_at
            FROM (
                SELECT seller_id, frozen_at, frozen_until, at, lead(at) OVER (PARTITION BY seller_id ORDER BY version) AS next_at
                FROM seller_change WHERE tenant_id = \(tenant.rawValue)) c
                JOIN seller s ON s.tenant_id = \(tenant.rawValue) AND s.id = c.seller_id
            WHERE c.frozen_at < \(period.upperBound)
            ORDER BY 2
            """,
        ])
        var frozen: [String: [Range<Date>]] = [:]
        for row in rows[3] {
            let (from, to): (Date, Date) = (try row.get("from_at"), try row.get("to_at"))
            if from < to { frozen[try row.get("external_id"), default: []].append(from..<to) }
        }
        return AssignmentFacts(
            cases: try rows[1].map(AssignmentReport.Case.init),
            sellers: try Self.availability(rows[2], frozen: frozen, until: period.upperBound))
    }

    private static func availability(_ rows: Rows, frozen: [String: [Range<Date>]], until end: Date) throws -> [LeadSpread.Availability] {
        var sellers: [LeadSpread.Availability] = []
        var spans: [Range<Date>] = []
        for (index, row) in rows.enumerated() {
            let seller: String = try row.get("external_id")
            let next = index + 1 < rows.count ? rows[index + 1] : nil
            let isLast = try next?.get("external_id", as: String.self) != seller
            let until = isLast ? end : try next!.get("from_at", as: Date.self)
            let from: Date = try row.get("from_at")
            if try row.get("status", as: String?.self) == SellerStatus.active.rawValue, from < until { spans.append(from..<until) }
            guard isLast else { continue }
            if !spans.isEmpty {
                sellers.append(
                    .init(
                        seller: seller, spans: spans, frozen: frozen[seller] ?? [], capacity: Int(try row.get("capacity", as: Int32.self))))
            }
            spans = []
        }
        return sellers
    }
}

/// What a lead's giving is reported as where no rule chose its seller.
private enum Strategy: String {
    /// A person did.
    case hand = "by hand"
    /// Nobody touched it in time, and its clock gave it to the manager.
    case clock = "by a clock"
    /// Its customer had an owner.
    case owner = "customer's owner"
}

extension AssignmentReport.Case {
    fileprivate init(_ row: Row) throws {
        self.init(
            seller: try row.get("external_id"), strategy: try row.get("strategy", as: String?.self) ?? Strategy.hand.rawValue,
            assignedAt: try row.get("assigned_at"),
            touchedAt: try row.get("touched_at"), followedUpAt: try row.get("followed_up_at"))
    }
}

// MARK: - How one ends

/// Keeps a report, tells operators that it is there, and raises or ends the alarms it speaks of.
public struct ReportEffect: WrittenEffect {
    /// An alarm a report is the judge of.
    public struct Alarm: Sendable {
        let code: String
        let isRaised: Bool
        let detail: JSONBytes

        public init(_ code: String, isRaised: Bool, detail: [UInt8]) {
            self.code = code
            self.isRaised = isRaised
            self.detail = JSONBytes(detail)
        }
    }

    let kind: ReportKind
    let period: Range<Date>
    let body: JSONBytes
    let alarms: [Alarm]

    public init(_ kind: ReportKind, _ period: Range<Date>, body: [UInt8], alarms: [Alarm]) {
        self.kind = kind
        self.period = period
        self.body = JSONBytes(body)
        self.alarms = alarms
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.flatMap { settled -> [Statement] in
            guard let report = settled.effect as? ReportEffect else { return [] }
            return report.statements(of: settled.tenant, job: settled.job, at: Date())
        }
    }

    private func statements(of tenant: TenantID, job: JobID, at now: Date) -> [Statement] {
        let days = "\(RFC3339.text(period.lowerBound).prefix(10)) – \(RFC3339.text(period.upperBound).prefix(10))"
        return [
            """
            INSERT INTO report (tenant_id, kind, from_at, to_at, job_id, body)
            VALUES (\(tenant.rawValue), \(kind.rawValue), \(period.lowerBound), \(period.upperBound), \(job.rawValue), \(body))
            """,
            .notify(
                "role:operator", "report_made", kind.rawValue, of: tenant, english: "The report \(kind.rawValue) of \(days) is there.",
                chinese: "报告 \(kind.rawValue)（\(days)）已生成。", urgency: .digest),
        ]
            + alarms.map {
                $0.isRaised
                    ? .raise($0.code, kind.rawValue, detail: $0.detail, of: tenant, at: now)
                    : .resolve($0.code, kind.rawValue, of: tenant, at: now)
            }
    }
}
