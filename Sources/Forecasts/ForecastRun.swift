/// Everything a forecast is made of, as it was known on a day. Stages are places among the policy's open ones.
public struct ForecastFacts: Sendable {
    /// A visit of an opportunity to an open stage, and when the opportunity was won, whatever stage that was in.
    public struct Visit: Sendable {
        public var stay: Stay
        public var won: Day?

        public init(_ stay: Stay, won: Day?) {
            self.stay = stay
            self.won = won
        }
    }

    /// A won opportunity: what had been entered first, what was entered in the end.
    public struct Win: Sendable {
        public var day: Day
        public var entered: Double
        public var realised: Double
        public var segment: Int
        public var currency: Int

        public init(day: Day, entered: Double, realised: Double, segment: Int, currency: Int) {
            self.day = day
            self.entered = entered
            self.realised = realised
            self.segment = segment
            self.currency = currency
        }
    }

    public var policy: ForecastPolicy
    public var segments: Int
    public var currencies: Int
    /// Of every opportunity of the tenant, whatever the scope: more to learn from.
    public var visits: [Visit]
    public var wins: [Win]
    /// Where and when opportunities in scope began.
    public var begun: [(day: Day, stage: Int)]
    /// In scope, in the order of their ids.
    public var open: [OpenDeal]
    /// Whether anybody records verified evidence.
    public var recordsEvidence: Bool

    public init(
        policy: ForecastPolicy, segments: Int = 1, currencies: Int = 1, visits: [Visit], wins: [Win], begun: [(day: Day, stage: Int)],
        open: [OpenDeal], recordsEvidence: Bool
    ) {
        self.policy = policy
        self.segments = segments
        self.currencies = currencies
        self.visits = visits
        self.wins = wins
        self.begun = begun
        self.open = open
        self.recordsEvidence = recordsEvidence
    }
}

/// A forecast of a period: opportunity by opportunity, and how sure it is of the sum.
public struct ForecastRun: Sendable {
    /// What counts are forecast and how: a change of it makes another forecast of the same facts.
    public static let modelVersion = "hazard-1"

    public let book: ForecastBook
    public let haircut: EvidenceHaircut
    public let level: Double
    /// By open stage: whether its odds are mostly believed beforehand.
    public let isMostlyBelieved: [Bool]
    /// What is usually got of an amount entered, by currency.
    public let ratios: [Double]
    public let outlook: Outlook

    /// What may be won in the period, of all that is open (the stalled, too: some of them are won) and of what has not begun.
    public struct Outlook: Sendable {
        public var expectedOpen: Double
        public var expectedNew: Double
        public var paths: Spread
        /// Of the number of wins: adaptive, from past errors.
        public var interval: ClosedRange<Double>
        /// By currency, in minor units.
        public var amounts: [Spread]
        /// How many past errors the interval rests on.
        public var errorsLearnt: Int
    }

    /// Errors are learnt from forecasts of as many days, made for as many past weeks.
    static let replayed = (weeks: 13, days: 28)

    public init(_ facts: ForecastFacts, asOf: Day, period: ClosedRange<Day>, seed: UInt64, settings: HazardSettings = HazardSettings()) {
        let model = HazardModel(Self.counts(facts, asOf, settings), settings: settings)
        let haircut = facts.recordsEvidence ? EvidenceHaircut.believed : .none
        let effects = model.segmentEffects.isEmpty ? [1] : model.segmentEffects
        let pieces = haircut.factors.count
        let odds = WinOdds(
            model, asOf: asOf, window: period, multipliers: [1] + effects.flatMap { effect in haircut.factors.map { effect * $0 } })
        let ratios = (0..<facts.currencies).map { currency in
            AmountRatio(won: facts.wins.lazy.filter { $0.currency == currency }.map { ($0.entered, $0.realised, $0.segment) })
        }
        book = ForecastBook(
            facts.open, policy: facts.policy, asOf: asOf,
            odds: { deal in
                odds.odds(
                    stage: deal.stage ?? 0, entered: deal.entered,
                    multiplier: 1 + deal.segment * pieces + max(0, min(deal.evidence, pieces - 1)))
            }, ratio: { ratios[$0.currency][$0.segment] })
        self.haircut = haircut
        level = model.level
        isMostlyBelieved = model.isMostlyBelieved
        self.ratios = ratios.map(\.overall)
        outlook = Self.outlook(facts, book, odds, ratios, Self.learnt(facts, asOf, settings), asOf: asOf, seed: seed)
    }

    private static func counts(_ facts: ForecastFacts, _ day: Day, _ settings: HazardSettings) -> HazardCounts {
        let since = facts.visits.lazy.compactMap(\.stay.left).min() ?? day
        var counts = HazardCounts(
            stages: facts.policy.stages.count, segments: facts.segments, since: max(since, day.advanced(by: -1_095)), asOf: day,
            halfLife: settings.halfLife)
        for visit in facts.visits { counts.add(visit.stay) }
        return counts
    }

    /// Forecasts the wins of 28 days as they would have been forecast on past days, by when things happened, not by when we heard of them.
    private static func learnt(_ facts: ForecastFacts, _ asOf: Day, _ settings: HazardSettings) -> AdaptiveInterval {
        var interval = AdaptiveInterval()
        guard let first = facts.visits.lazy.compactMap(\.stay.left).min() else { return interval }
        var unlearnt: [(day: Day, forecast: Double, actual: Double, interval: ClosedRange<Double>)] = []
        let origins = (0..<replayed.weeks).map { asOf.advanced(by: -replayed.days - 7 * $0) }.filter {
            first.distance(to: $0) >= Backtest.teaching
        }
        for day in origins.reversed() {
            while let told = unlearnt.first, told.day.advanced(by: replayed.days) <= day {
                unlearnt.removeFirst()
                interval.learn(forecast: told.forecast, actual: told.actual, interval: told.interval)
            }
            let window = day.advanced(by: 1)...day.advanced(by: replayed.days)
            let odds = WinOdds(HazardModel(counts(facts, day, settings), settings: settings), asOf: day, window: window)
            var (forecast, actual) = (0.0, 0.0)
            for visit in facts.visits where visit.stay.entered <= day && visit.stay.left.map({ $0 > day }) ?? true {
                forecast += odds.odds(stage: visit.stay.stage, entered: visit.stay.entered)
                if let won = visit.won, window.contains(won) { actual += 1 }
            }
            unlearnt.append((day, forecast, actual, interval.interval(around: forecast)))
        }
        for told in unlearnt { interval.learn(forecast: told.forecast, actual: told.actual, interval: told.interval) }
        return interval
    }

    private static func outlook(
        _ facts: ForecastFacts, _ book: ForecastBook, _ odds: WinOdds, _ ratios: [AmountRatio], _ interval: AdaptiveInterval, asOf: Day,
        seed: UInt64
    ) -> Outlook {
        let since = facts.begun.lazy.map(\.day).min() ?? asOf
        let arrivals = Arrivals(begun: facts.begun, stages: facts.policy.stages.count, since: since, asOf: asOf)
        let new = facts.begun.isEmpty ? 0 : arrivals.expectedWins(odds)
        var open = 0.0
        for line in book.lines { open += line.odds }
        let paths = Paths(spread: interval.spread, seed: seed)
        let chances = zip(facts.open, book.lines).lazy.filter { $1.odds > 0 }
        let counted = paths.run(
            Prospects(
                open: chances.map { Prospects.Chance(odds: $1.odds, amount: 1) }, newWins: new, newAmount: 1,
                dispersion: arrivals.dispersion))
        let amounts = (0..<facts.currencies).map { currency -> Spread in
            let wins = facts.wins.filter { $0.currency == currency && $0.day > asOf.advanced(by: -180) }
            let recent = facts.wins.reduce(0) { $0 + ($1.day > asOf.advanced(by: -180) ? 1 : 0) }
            let mean = wins.isEmpty ? 0 : wins.reduce(0) { $0 + $1.realised } / Double(wins.count)
            return paths.run(
                Prospects(
                    open: chances.filter { $0.0.currency == currency }.map { deal, line in
                        Prospects.Chance(odds: line.odds, amount: Double(line.amountMinor) * ratios[currency][deal.segment])
                    }, newWins: recent == 0 ? 0 : new * Double(wins.count) / Double(recent), newAmount: mean,
                    dispersion: arrivals.dispersion)
            ).amount
        }
        return Outlook(
            expectedOpen: open, expectedNew: new, paths: counted.wins, interval: interval.interval(around: open + new), amounts: amounts,
            errorsLearnt: interval.learnt)
    }
}
