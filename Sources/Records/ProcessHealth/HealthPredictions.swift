import Foundation
import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import SalesModel
import Tenancy

/// What is said of one seller at the end of a week.
public struct HealthPrediction: Sendable {
    public enum State: String, Sendable {
        case mechanicalFollowUp = "mechanical_followup"
        case none
    }

    public let seller: HealthSeller
    public let week: Week
    /// Nil: the rule of two conditions.
    public let modelVersion: Int?
    public let probability: Double?
    public let isWarned: Bool
    public let state: State
    /// Silence by week, change of revisions, contributions and suggestion: a JSON object.
    public let body: JSONBytes
    /// What the manager is told; nil: nothing.
    public let message: (english: String, chinese: String)?

    public init(
        seller: HealthSeller, week: Week, modelVersion: Int?, probability: Double?, isWarned: Bool, state: State, body: [UInt8],
        message: (english: String, chinese: String)?
    ) {
        self.seller = seller
        self.week = week
        self.modelVersion = modelVersion
        self.probability = probability
        self.isWarned = isWarned
        self.state = state
        self.body = JSONBytes(body)
        self.message = message
    }
}

/// Predictions were made. Of a seller and week the first stands: nobody is warned twice of the same.
public struct HealthPredictionsEffect: JudgedEffect {
    let predictions: [HealthPrediction]
    let asOf: Date
    let basis: HealthBasis
    let trial: HealthTrial?
    let shadow: (asked: Int, different: Int)

    /// - Parameters:
    ///   - standing: what they rest on.
    ///   - shadow: of how many sellers a candidate in the shadow was asked, and how many of them it would have warned of otherwise.
    public init(_ predictions: [HealthPrediction], asOf: Date, standing: HealthStanding, shadow: (asked: Int, different: Int) = (0, 0)) {
        self.predictions = predictions
        self.asOf = asOf
        self.shadow = shadow
        basis = standing.basis
        trial = standing.trial
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.compactMap { settled in (settled.effect as? HealthPredictionsEffect).map { (settled, $0) } }
            .sorted { ($0.0.tenant.rawValue, $0.0.job.rawValue) < ($1.0.tenant.rawValue, $1.0.job.rawValue) }
            .flatMap { settled, effect in effect.statements(settled) }
    }

    private func statements(_ settled: SettledEffect) -> [Statement] {
        let predictions = predictions.sorted { $0.seller.id < $1.seller.id }
        guard !predictions.isEmpty else { return [] }
        let (rollout, stage) = (trial?.stage == nil ? nil : trial?.id, trial?.stage.map(Int32.init))
        let arms = predictions.map { one in rollout == nil ? nil : trial?.arm(one.seller.team).rawValue }
        let adding: Statement = """
            INSERT INTO health_prediction (tenant_id, seller_id, week, as_of, model_version, probability, warned, state, body, job_id, rollout_id,
                stage, arm)
            SELECT \(settled.tenant.rawValue), n.seller, n.week, \(asOf), n.model, n.probability, n.warned, n.state, n.body, \(settled.job.rawValue),
                \(rollout), \(stage), n.arm
            FROM unnest(\(predictions.map(\.seller.id)), \(predictions.map { Int32($0.week.number) }), \(predictions.map { $0.modelVersion.map(Int32.init) }),
                \(predictions.map(\.probability)), \(predictions.map(\.isWarned)), \(predictions.map(\.state.rawValue)), \(predictions.map(\.body)),
                \(arms))
                AS n(seller, week, model, probability, warned, state, body, arm)
            ON CONFLICT (tenant_id, seller_id, week) DO NOTHING
            """
        let telling = predictions.compactMap { one in
            one.message.map { message in
                Self.telling(one, message, settled)
            }
        }
        return [adding] + telling + trialStatements(settled)
    }

    /// Only of what was written by this very job: what stood before is what was told.
    private static func telling(
        _ one: HealthPrediction, _ message: (english: String, chinese: String), _ settled: SettledEffect
    ) -> Statement {
        """
        INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, key)
        SELECT \(settled.tenant.rawValue), \(one.seller.manager), 'health_warning', \("seller/\(one.seller.externalID)"), \(message.english),
            \(message.chinese), \("health_warning/\(one.seller.id)/\(one.week)")
        FROM health_prediction p
        WHERE p.tenant_id = \(settled.tenant.rawValue) AND p.seller_id = \(one.seller.id) AND p.week = \(Int32(one.week.number))
            AND p.job_id = \(settled.job.rawValue) AND p.warned
        ON CONFLICT (tenant_id, recipient, key) WHERE key IS NOT NULL DO NOTHING
        """
    }
}
