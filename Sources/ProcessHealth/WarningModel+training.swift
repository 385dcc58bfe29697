import Foundation

/// How a model is trained.
public struct TrainingSettings: Sendable, Hashable {
    /// Prior variance of a coefficient of a standardised feature.
    public var variance = 0.1
    /// Prior standard deviations of the intercepts, in log-odds.
    public var tenantSpread = 0.5
    public var teamSpread = 0.3
    public var sellerSpread = 0.3
    /// The last weeks, which calibration and threshold are found on.
    public var calibrationWeeks = 8
    /// No warning unless so many of a hundred came true in those weeks: 0.4. Nought asks for none, which only the check with shuffled
    /// labels wants.
    public var leastPrecision = 0.4

    public init() {}
}

extension WarningModel {
    /// Weeks between what a model learns from and what it is asked: a label is known two weeks later.
    public static let embargo = 2

    /// Learns from what was known when a week ended.
    ///
    /// - Returns: nil where there is too little to tell anything apart.
    public static func trained(on all: [OnsetRow], at origin: Week, settings: TrainingSettings = TrainingSettings()) -> WarningModel? {
        let rows = all.filter { !$0.isBelow && $0.falls != nil && $0.week <= origin - embargo }
        let last = origin - embargo
        let cut = last - settings.calibrationWeeks
        let early = rows.filter { $0.week <= cut - embargo }
        guard let final = Fit(rows, settings) else { return nil }
        let late = rows.filter { $0.week > cut }
        let seen = Fit(early, settings).map { fit in late.map { (logit: fit.logit($0), isHit: $0.falls == true) } } ?? []
        let calibration = Calibration.fitted(seen)
        let threshold = Threshold.best(
            seen.map { (calibration.probability($0.logit), $0.isHit) }, leastPrecision: settings.leastPrecision)
        return WarningModel(
            features: Feature.allCases, means: final.scaling.means, scales: final.scaling.scales, weights: final.weights,
            intercept: final.intercept, tenants: final.tenants, teams: final.teams, sellers: final.sellers, calibration: calibration,
            threshold: threshold, learnedThrough: last, rows: rows.count, onsets: rows.count { $0.falls == true })
    }
}

/// What the features of a training set usually are.
private struct Scaling {
    let means: [Double]
    let scales: [Double]

    init(_ rows: [OnsetRow]) {
        let moments = Feature.allCases.indices.map { place -> (Double, Double) in
            let values = rows.compactMap { $0.values[place] }
            let mean = values.mean { $0 }
            return (mean, values.mean { ($0 - mean) * ($0 - mean) }.squareRoot())
        }
        means = moments.map(\.0)
        scales = moments.map(\.1)
    }
}

/// One fit of all coefficients.
private struct Fit {
    let scaling: Scaling
    let weights: [Double]
    let intercept: Double
    let tenants: [Int: Double]
    let teams: [Int: Double]
    let sellers: [Int: Double]

    /// The common intercept is hardly drawn to nought: its column is this large.
    private static let interceptValue = 10.0

    init?(_ rows: [OnsetRow], _ settings: TrainingSettings) {
        let scaling = Scaling(rows)
        let features = Feature.allCases.count
        var columns = features + 1
        func places(_ group: (SellerSeries.Identity) -> Int) -> [Int: Int] {
            Set(rows.map { group($0.identity) }).sorted().reduce(into: [:]) { places, id in
                places[id] = columns
                columns += 1
            }
        }
        let (tenantPlaces, teamPlaces, sellerPlaces) = (places(\.tenant), places(\.team), places(\.seller))
        let unit = settings.variance.squareRoot()
        let spreads = (settings.tenantSpread / unit, settings.teamSpread / unit, settings.sellerSpread / unit)
        let encoded = rows.map { row in
            var nodes = (0..<features).map { ($0, WarningModel.scaled(row.values[$0], scaling.means[$0], scaling.scales[$0])) }
            nodes.append((features, Self.interceptValue))
            nodes.append((tenantPlaces[row.identity.tenant]!, spreads.0))
            nodes.append((teamPlaces[row.identity.team]!, spreads.1))
            nodes.append((sellerPlaces[row.identity.seller]!, spreads.2))
            return RidgeLogistic.Row(columns: nodes.filter { $0.1 != 0 }, isHit: row.falls == true)
        }
        guard let fit = RidgeLogistic.fit(encoded, columns: columns, variance: settings.variance) else { return nil }
        self.scaling = scaling
        weights = Array(fit[..<features])
        intercept = fit[features] * Self.interceptValue
        tenants = tenantPlaces.mapValues { fit[$0] * spreads.0 }
        teams = teamPlaces.mapValues { fit[$0] * spreads.1 }
        sellers = sellerPlaces.mapValues { fit[$0] * spreads.2 }
    }

    func logit(_ row: OnsetRow) -> Double {
        intercept + tenants[row.identity.tenant, default: 0] + teams[row.identity.team, default: 0]
            + sellers[row.identity.seller, default: 0]
            + weights.indices.reduce(0) { $0 + weights[$1] * WarningModel.scaled(row.values[$1], scaling.means[$1], scaling.scales[$1]) }
    }
}
