import Foundation
import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import Tenancy

/// A trained model as kept.
public struct HealthModel: Sendable {
    public enum State: String, Sendable, CaseIterable {
        /// The gate did not let it through: it warns nobody.
        case silent
        case shadow, canary, live, retired, aborted
    }

    public let version: Int
    public let state: State
    /// Trained at its end.
    public let week: Week
    public let trainedAt: Date
    /// `ok` or `insufficient_data`.
    public let status: String
    /// Why it may not warn.
    public let reasons: [String]
    /// Nil: there was too little to learn from.
    public let model: WarningModel?
    /// What it showed on weeks it had not seen, a JSON object.
    public let report: JSONBytes
}

/// A model was trained. One that may warn and does better than the live one takes its place; one that may not is kept with the reasons.
public struct HealthModelEffect: WrittenEffect {
    let week: Week
    let verdict: GateVerdict
    let isInsufficient: Bool
    let isPromoted: Bool
    let model: JSONBytes?
    let report: JSONBytes

    /// - Parameters:
    ///   - isPromoted: Whether it becomes the live one.
    ///   - report: A JSON object.
    public init(week: Week, verdict: GateVerdict, isInsufficient: Bool, isPromoted: Bool, model: WarningModel?, report: [UInt8]) throws {
        self.week = week
        self.verdict = verdict
        self.isInsufficient = isInsufficient
        self.isPromoted = isPromoted
        self.model = try model.map { JSONBytes(Array(try JSONEncoder().encode($0))) }
        self.report = JSONBytes(report)
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.compactMap { settled in (settled.effect as? HealthModelEffect).map { (settled, $0) } }
            .sorted { $0.0.tenant.rawValue < $1.0.tenant.rawValue }
            .flatMap { settled, effect -> [Statement] in
                let tenant = settled.tenant.rawValue
                // Of two that were trained at the end of the same week the first stands, and nothing of the second is done.
                let week = Int32(effect.week.number)
                let retire: [Statement] =
                    effect.isPromoted
                    ? [
                        "UPDATE health_model SET state = 'retired' WHERE tenant_id = \(tenant) AND state = 'live' AND NOT EXISTS (SELECT FROM health_model m WHERE m.tenant_id = \(tenant) AND m.week = \(week))"
                    ] : []
                return retire + [
                    """
                    INSERT INTO health_model (tenant_id, version, state, week, trained_at, status, reasons, body, report, job_id)
                    SELECT \(tenant), COALESCE((SELECT max(version) FROM health_model WHERE tenant_id = \(tenant)), 0) + 1,
                        \(effect.isPromoted ? "live" : "silent"), \(week), \(settled.at),
                        \(effect.isInsufficient ? "insufficient_data" : "ok"), \(effect.verdict.reasons), \(effect.model), \(effect.report),
                        \(settled.job.rawValue)
                    WHERE NOT EXISTS (SELECT FROM health_model m WHERE m.tenant_id = \(tenant) AND m.week = \(week))
                    """
                ]
            }
    }
}

extension HealthReader {
    /// The live model, and the one trained last, which may be the same; nil where there is none.
    public func models(of tenant: TenantID) async throws -> (live: HealthModel?, last: HealthModel?) {
        let rows = try await read(
            tenant,
            [
                "\(unescaped: HealthModel.select) WHERE tenant_id = \(tenant.rawValue) AND state = 'live'",
                "\(unescaped: HealthModel.select) WHERE tenant_id = \(tenant.rawValue) ORDER BY version DESC LIMIT 1",
            ])
        return (try rows[0].first.map(HealthModel.init), try rows[1].first.map(HealthModel.init))
    }

    /// A certain version.
    public func model(_ version: Int, of tenant: TenantID) async throws -> HealthModel? {
        try await read(
            tenant, ["\(unescaped: HealthModel.select) WHERE tenant_id = \(tenant.rawValue) AND version = \(Int32(clamping: version))"])[0]
            .first.map(HealthModel.init)
    }
}

extension HealthModel {
    static let select = "SELECT version, state, week, trained_at, status, reasons, body, report FROM health_model"

    init(_ row: Row) throws {
        version = Int(try row.get("version", as: Int32.self))
        state = State(rawValue: try row.get("state")) ?? .silent
        week = Week(number: Int(try row.get("week", as: Int32.self)))
        trainedAt = try row.get("trained_at")
        status = try row.get("status")
        reasons = try row.get("reasons")
        let body: JSONBytes? = try row.get("body")
        model = try body.map { try JSONDecoder().decode(WarningModel.self, from: Data($0.bytes)) }
        report = try row.get("report")
    }
}
