import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import SalesModel
import Tenancy

/// A report on a seller who stayed below the base line, once for each time.
public struct HealthDiagnosisEffect: WrittenEffect {
    let seller: HealthSeller
    let week: Week
    let since: Week
    let asOf: Date
    let body: JSONBytes
    let message: (english: String, chinese: String)

    /// - Parameter body: a JSON object.
    public init(
        seller: HealthSeller, week: Week, since: Week, asOf: Date, body: [UInt8], message: (english: String, chinese: String)
    ) {
        self.seller = seller
        self.week = week
        self.since = since
        self.asOf = asOf
        self.body = JSONBytes(body)
        self.message = message
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.compactMap { settled in (settled.effect as? HealthDiagnosisEffect).map { (settled, $0) } }
            .sorted { ($0.0.tenant.rawValue, $0.1.seller.id) < ($1.0.tenant.rawValue, $1.1.seller.id) }
            .flatMap { settled, report -> [Statement] in
                [
                    """
                    INSERT INTO health_diagnosis (tenant_id, seller_id, week, since, as_of, body, job_id)
                    VALUES (\(settled.tenant.rawValue), \(report.seller.id), \(Int32(report.week.number)), \(Int32(report.since.number)), \(report.asOf),
                        \(report.body), \(settled.job.rawValue))
                    ON CONFLICT (tenant_id, seller_id, since) DO NOTHING
                    """,
                    .notify(
                        report.seller.manager, "health_diagnosis", "seller/\(report.seller.externalID)", of: settled.tenant,
                        english: report.message.english, chinese: report.message.chinese,
                        key: "health_diagnosis/\(report.seller.id)/\(report.since)"),
                ]
            }
    }
}

extension NewJob {
    /// The kind of the jobs that work out process health.
    public static let runHealthKind = "run_spi_model"
    /// The kind of the jobs that write a report.
    public static let diagnoseHealthKind = "diagnose_spi"

    /// - Parameter isChained: whether training and prediction follow where they are due.
    public static func scoreHealth(of tenant: TenantID, weeks: Int, asOf: Date? = nil, after: Int64? = nil, isChained: Bool) -> NewJob {
        var members = [#""mode":"score","weeks":\#(weeks)"#]
        if let asOf { members.append(#""as_of":"\#(text(asOf))""#) }
        if let after { members.append(#""after":"\#(after)""#) }
        if isChained { members.append(#""chain":true"#) }
        return NewJob(
            tenant: tenant, kind: runHealthKind, arguments: Array("{\(members.joined(separator: ","))}".utf8), priority: 3,
            uniqueKey: isChained ? "chain:\(after ?? 0)" : nil)
    }

    public static func runHealth(_ mode: String, of tenant: TenantID, asOf: Date? = nil, isChained: Bool) -> NewJob {
        let moment = asOf.map { #","as_of":"\#(text($0))""# } ?? ""
        return NewJob(
            tenant: tenant, kind: runHealthKind,
            arguments: Array(#"{"mode":"\#(mode)"\#(moment)\#(isChained ? #","chain":true"# : "")}"#.utf8),
            priority: 3, uniqueKey: isChained ? "chain:\(mode)" : nil)
    }

    public static func diagnoseHealth(_ seller: Int64, week: Week, since: Week, asOf: Date, of tenant: TenantID) -> NewJob {
        NewJob(
            tenant: tenant, kind: diagnoseHealthKind,
            arguments: Array(#"{"seller":"\#(seller)","week":"\#(week)","since":"\#(since)","as_of":"\#(text(asOf))"}"#.utf8), priority: 3,
            uniqueKey: "\(seller):\(since)")
    }

    private static func text(_ moment: Date) -> String { RFC3339.text(moment) }
}

extension HealthReader {
    /// Which of these sellers' low times have a report already, by seller and their first week.
    public func diagnosed(_ sellers: [HealthSeller], of tenant: TenantID) async throws -> [Int64: Set<Week>] {
        try await read(
            tenant,
            ["SELECT seller_id, since FROM health_diagnosis WHERE tenant_id = \(tenant.rawValue) AND seller_id = ANY(\(sellers.map(\.id)))"]
        )[0]
        .reduce(into: [:]) { known, row in
            known[try row.get("seller_id"), default: []].insert(Week(number: Int(try row.get("since", as: Int32.self))))
        }
    }
}
