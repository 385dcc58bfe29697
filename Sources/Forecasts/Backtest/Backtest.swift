import Foundation

/// Forecasts the wins of the next days from rolling origins, each from nothing but what was known on its day, beside simpler ways.
///
/// Origins begin 28 days after the first recorded ending; they are judged from 56 days after it, the earlier ones only teach the interval.
/// An origin's error is learnt when its period is over.
public struct Backtest: Sendable {
    public var data: PastDeals
    /// Days.
    public var horizon: Int
    public var every: Int
    public var settings: HazardSettings
    public var seed: UInt64
    /// Drawn for each origin.
    public var paths: Int

    public init(
        _ data: PastDeals, horizon: Int = 28, every: Int = 7, settings: HazardSettings = HazardSettings(), seed: UInt64 = 1,
        paths: Int = 2_000
    ) {
        self.data = data
        self.horizon = horizon
        self.every = every
        self.settings = settings
        self.seed = seed
        self.paths = paths
    }

    static let teaching = 28
    static let judged = 56

    /// What was said on one day, and what came.
    public struct Origin: Sendable, Hashable {
        public var day: Day
        /// Opportunities open on the day.
        public var open: Int
        /// Wins among them within the horizon.
        public var actual: Double
        public var forecast: Double
        public var interval: ClosedRange<Double>
        public var paths: ClosedRange<Double>
        public var independent: ClosedRange<Double>
        public var naive: NaiveForecasts
        /// Amounts won among them, in minor units; nil where none are recorded.
        public var amount: Pair?
        public var naiveAmount: Double?
        /// All wins, of what began after the day, too; nil where beginnings were not recorded to the end.
        public var all: Pair?

        public struct Pair: Sendable, Hashable {
            public var actual: Double
            public var forecast: Double
        }
    }

    /// The origins that are judged.
    public func run() -> [Origin] {
        guard let first = data.firstEnding else { return [] }
        var learner = AdaptiveInterval()
        var unlearnt: [(origin: Origin, isJudged: Bool)] = []
        var origins: [Origin] = []
        for day in stride(from: first.advanced(by: Self.teaching), through: data.lastEnding.advanced(by: -horizon), by: every) {
            // Without beginnings there are fewer and fewer opportunities to say anything of.
            guard day <= data.lastBeginning else { break }
            while let told = unlearnt.first, told.origin.day.advanced(by: horizon) <= day {
                unlearnt.removeFirst()
                learner.learn(
                    forecast: told.origin.forecast, actual: told.origin.actual, interval: told.isJudged ? told.origin.interval : nil)
            }
            let origin = origin(on: day, learner)
            let isJudged = first.distance(to: day) >= Self.judged
            unlearnt.append((origin, isJudged))
            if isJudged { origins.append(origin) }
        }
        return origins
    }

    private func origin(on day: Day, _ learner: AdaptiveInterval) -> Origin {
        let window = day.advanced(by: 1)...day.advanced(by: horizon)
        let known = data.deals.filter { $0.began <= day }
        let open = known.filter { $0.ended.map { $0 > day } ?? true }
        let wonNow = open.filter { $0.won.map(window.contains) ?? false }

        let since = data.firstEnding!
        var counts = HazardCounts(stages: data.stages, segments: data.segments, since: since, asOf: day, halfLife: settings.halfLife)
        for deal in known { for stay in deal.stays { counts.add(stay) } }
        let model = HazardModel(counts, settings: settings)
        let odds = WinOdds(model, asOf: day, window: window, multipliers: [1] + model.segmentEffects)
        let won = known.filter { $0.won.map { $0 <= day } ?? false }
        let ratio = AmountRatio(
            won: won.compactMap { deal in
                guard let entered = deal.expected, let realised = deal.realised else { return nil }
                return (entered, realised, deal.segment)
            })
        let chances = open.map { deal in
            let stay = deal.stays.last { $0.entered <= day }!
            return Prospects.Chance(
                odds: odds.odds(stage: stay.stage, entered: stay.entered, multiplier: data.segments > 1 ? deal.segment + 1 : 0),
                amount: (deal.expected ?? 0) * ratio[deal.segment])
        }
        let forecast = chances.reduce(0) { $0 + $1.odds }
        let paths = Paths(count: self.paths, spread: learner.spread, seed: seed &+ UInt64(bitPattern: Int64(day.number))).run(
            Prospects(open: chances))
        let variance = chances.reduce(0) { $0 + $1.odds * (1 - $1.odds) }
        let half = 1.281_552 * variance.squareRoot()
        let recent = won.filter { $0.won! > day.advanced(by: -28) }

        var origin = Origin(
            day: day, open: open.count, actual: Double(wonNow.count), forecast: forecast, interval: learner.interval(around: forecast),
            paths: paths.wins.p10...paths.wins.p90, independent: max(0, forecast - half)...(forecast + half),
            naive: NaiveForecasts(
                open: open.count, started: known.count, won: won.count, lost: known.count - open.count - won.count, recent: recent.count,
                horizon: horizon))
        if data.hasAmounts {
            origin.amount = .init(
                actual: wonNow.reduce(0) { $0 + ($1.realised ?? 0) }, forecast: chances.reduce(0) { $0 + $1.odds * $1.amount })
            origin.naiveAmount = recent.reduce(0) { $0 + ($1.realised ?? 0) } * Double(horizon) / 28
        }
        if window.upperBound <= data.lastBeginning {
            let arrivals = Arrivals(
                begun: known.map { ($0.began, $0.stays[0].stage) }, stages: data.stages, since: known.map(\.began).min() ?? day, asOf: day)
            let all = data.deals.filter { $0.won.map(window.contains) ?? false }
            origin.all = .init(actual: Double(all.count), forecast: forecast + arrivals.expectedWins(odds))
        }
        return origin
    }
}

/// Forecasts that are often used.
public struct NaiveForecasts: Sendable, Hashable {
    /// Won ÷ (won + lost) of what has ended, times what is open.
    public var winRate: Double
    /// Won ÷ begun of everything so far, times what is open.
    public var conversion: Double
    /// What was won in the last 28 days, once more.
    public var lastPeriod: Double

    init(open: Int, started: Int, won: Int, lost: Int, recent: Int, horizon: Int) {
        winRate = Double(open * won) / Double(max(1, won + lost))
        conversion = Double(open * won) / Double(max(1, started))
        lastPeriod = Double(recent * horizon) / 28
    }
}
