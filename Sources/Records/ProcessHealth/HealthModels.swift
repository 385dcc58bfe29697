import Foundation
import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import Tenancy

/// A trained model as kept: a version that never changes, under the hash of what it says.
public struct HealthModel: Sendable {
    public enum State: String, Sendable, CaseIterable {
        /// The gate did not let it through: it can warn nobody.
        case silent
        /// It may warn once it is rolled out.
        case draft
        case shadow, canary, live, retired, aborted
    }

    public let version: Int
    public let state: State
    /// Of `model`; nil where there is none.
    public let hash: String?
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

/// A model was trained. It is kept as a draft with what it showed; one that may warn is for an operator to roll out.
public struct HealthModelEffect: WrittenEffect {
    let week: Week
    let verdict: GateVerdict
    let isInsufficient: Bool
    let source: String?
    let hash: String
    let report: JSONBytes

    /// - Parameter report: A JSON object.
    public init(week: Week, verdict: GateVerdict, isInsufficient: Bool, model: WarningModel?, report: [UInt8]) throws {
        self.week = week
        self.verdict = verdict
        self.isInsufficient = isInsufficient
        self.report = JSONBytes(report)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes = try model.map { Array(try encoder.encode($0)) }
        source = bytes.map { String(decoding: $0, as: UTF8.self) }
        var digest = SHA256Digest()
        digest.update(bytes ?? [])
        hash = digest.finish().hexadecimal
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.compactMap { settled in (settled.effect as? HealthModelEffect).map { (settled, $0) } }
            .sorted { $0.0.tenant.rawValue < $1.0.tenant.rawValue }
            .flatMap { settled, effect in effect.statements(settled) }
    }

    private func statements(_ settled: SettledEffect) -> [Statement] {
        let (tenant, week, job) = (settled.tenant.rawValue, Int32(week.number), settled.job.rawValue)
        // Of two that were trained at the end of the same week the first stands, and nothing of the second is done.
        var statements: [Statement] = [
            """
            INSERT INTO health_model (tenant_id, version, week, trained_at, status, reasons, report, job_id)
            SELECT \(tenant), COALESCE((SELECT max(version) FROM health_model WHERE tenant_id = \(tenant)), 0) + 1, \(week), \(settled.at),
                \(isInsufficient ? "insufficient_data" : "ok"), \(verdict.reasons), \(report), \(job)
            WHERE NOT EXISTS (SELECT FROM health_model m WHERE m.tenant_id = \(tenant) AND m.week = \(week))
            -- Two that settle at once do not see each other.
            ON CONFLICT DO NOTHING
            """
        ]
        guard let source else { return statements }
        statements.append(
            """
            INSERT INTO ruleset_version (tenant_id, kind, name, version, hash, source, state, actor, created_at)
            SELECT m.tenant_id, \(RolloutKind.modelWord), \(RolloutKind.modelName), m.version, \(hash), \(source), 'draft', 'training', \(settled.at)
            FROM health_model m WHERE m.tenant_id = \(tenant) AND m.job_id = \(job)
            """)
        if verdict.passes {
            statements.append(
                """
                INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, key)
                SELECT m.tenant_id, 'role:operator', 'warning_model_ready', 'warning_model/spi@' || m.version,
                    format('Warning model %s passed its gate. It warns nobody before it is rolled out.', m.version),
                    format('预警模型第 %s 版已通过发布门槛；灰度发布之前不会发出预警。', m.version), 'warning_model_ready/' || m.version
                FROM health_model m WHERE m.tenant_id = \(tenant) AND m.job_id = \(job)
                ON CONFLICT (tenant_id, recipient, key) WHERE key IS NOT NULL DO NOTHING
                """)
        }
        return statements
    }
}

extension HealthReader {
    /// A certain version.
    public func model(_ version: Int, of tenant: TenantID) async throws -> HealthModel? {
        try await read(
            tenant, ["\(unescaped: HealthModel.select) WHERE m.tenant_id = \(tenant.rawValue) AND m.version = \(Int32(clamping: version))"])[
                0
            ]
            .first.map(HealthModel.init)
    }
}

extension HealthModel {
    static let select = """
        SELECT m.version, m.week, m.trained_at, m.status, m.reasons, m.report, r.source, r.hash,
            CASE WHEN m.status <> 'ok' OR cardinality(m.reasons) > 0 THEN 'silent'
                WHEN r.state <> 'draft' THEN r.state
                ELSE COALESCE((
                    SELECT o.state FROM rollout o
                    WHERE o.tenant_id = m.tenant_id AND o.kind = r.kind AND o.name = r.name AND o.version = m.version
                    ORDER BY o.id DESC LIMIT 1), 'draft') END AS state
        FROM health_model m LEFT JOIN ruleset_version r
            ON r.tenant_id = m.tenant_id AND r.kind = 'warning_model' AND r.name = 'spi' AND r.version = m.version
        """

    init(_ row: Row) throws {
        version = Int(try row.get("version", as: Int32.self))
        state = State(rawValue: try row.get("state")) ?? .silent
        week = Week(number: Int(try row.get("week", as: Int32.self)))
        trainedAt = try row.get("trained_at")
        status = try row.get("status")
        reasons = try row.get("reasons")
        hash = try row.get("hash")
        let source: String? = try row.get("source")
        model = try source.map { try JSONDecoder().decode(WarningModel.self, from: Data($0.utf8)) }
        report = try row.get("report")
    }
}
