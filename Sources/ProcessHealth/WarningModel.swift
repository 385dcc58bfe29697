import Foundation

/// How likely a healthy seller is to fall below the base line within 14 days.
///
/// One model for all, with intercepts of tenants, teams and sellers drawn towards the common one: who has many weeks of their own is
/// judged by them, who has few by what holds for everybody. Probabilities are Platt's: what the fit says, stretched and shifted until it
/// meets what happened in the last weeks, which the fit had not seen.
public struct WarningModel: Sendable, Hashable, Codable {
    public let features: [Feature]
    let means: [Double]
    let scales: [Double]
    let weights: [Double]
    let intercept: Double
    let tenants: [Int: Double]
    let teams: [Int: Double]
    let sellers: [Int: Double]
    public let calibration: Calibration
    /// Warnings begin here; nil: no threshold made enough of them come true, and nobody is warned of.
    public let threshold: Double?
    /// The last week it learned from.
    public let learnedThrough: Week
    /// How many weeks of healthy sellers it learned from, and in how many of them the fall came.
    public let rows: Int
    public let onsets: Int

    /// The log-odds of a fall before calibration, and what each feature adds to it beside a usual week.
    private func logit(_ row: OnsetRow) -> (Double, [Double]) {
        let parts = features.indices.map { weights[$0] * scaled(row.values[$0], $0) }
        let groups =
            tenants[row.identity.tenant, default: 0] + teams[row.identity.team, default: 0] + sellers[row.identity.seller, default: 0]
        return (intercept + groups + parts.reduce(0, +), parts)
    }

    /// In standard deviations from the mean, at most four; what is not known is the mean.
    private func scaled(_ value: Double?, _ place: Int) -> Double { Self.scaled(value, means[place], scales[place]) }

    static func scaled(_ value: Double?, _ mean: Double, _ scale: Double) -> Double {
        guard let value, scale > 0 else { return 0 }
        return min(4, max(-4, (value - mean) / scale))
    }

    public func probability(_ row: OnsetRow) -> Double { calibration.probability(logit(row).0) }

    /// What each feature adds to the log-odds, the strongest first: signed, and exact for this model.
    public func contributions(_ row: OnsetRow) -> [Contribution] {
        let parts = logit(row).1
        return features.indices.map {
            Contribution(feature: features[$0], value: row.values[$0], logOdds: calibration.slope * parts[$0])
        }.sorted { (abs($0.logOdds), $0.feature.rawValue) > (abs($1.logOdds), $1.feature.rawValue) }
    }

    /// The three features that speak most for a fall.
    public func reasons(_ row: OnsetRow) -> [Contribution] { Array(contributions(row).filter { $0.logOdds > 0 }.prefix(3)) }
}

/// What one feature adds to the log-odds of a fall.
public struct Contribution: Sendable, Hashable, Codable {
    public let feature: Feature
    /// Nil: not known.
    public let value: Double?
    public let logOdds: Double
}

/// Platt's: log-odds stretched by a slope and shifted.
public struct Calibration: Sendable, Hashable, Codable {
    public let slope: Double
    public let shift: Double

    public static let none = Calibration(slope: 1, shift: 0)

    public func probability(_ logit: Double) -> Double { 1 / (1 + exp(-(slope * logit + shift))) }

    /// What meets the answers best; `none` where there are too few of either kind to tell, or where higher log-odds meant fewer falls.
    static func fitted(_ logits: [(logit: Double, isHit: Bool)]) -> Calibration {
        let hits = logits.count { $0.isHit }
        guard hits >= 10, logits.count - hits >= 10 else { return .none }
        let rows = logits.map { RidgeLogistic.Row(columns: [(0, $0.logit), (1, 1)], isHit: $0.isHit) }
        guard let fit = RidgeLogistic.fit(rows, columns: 2, variance: 100), fit[0] > 0 else { return .none }
        return Calibration(slope: fit[0], shift: fit[1])
    }
}
