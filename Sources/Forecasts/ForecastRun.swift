/// Everything a forecast is made of, as it was known on a day. Stages are places among the policy's open ones.
public struct ForecastFacts: Sendable {
    /// A visit of an opportunity to an open stage, and whether the opportunity is one that is forecast.
    public struct Visit: Sendable {
        public var stay: Stay
        public var isInScope: Bool

        public init(_ stay: Stay, isInScope: Bool = true) {
            self.stay = stay
            self.isInScope = isInScope
        }
    }

    /// A won opportunity: what had been entered first, what was entered in the end.
    public struct Win: Sendable {
        public var day: Day
        public var entered: Double
        public var realised: Double
        public var segment: Int
        public var currency: Int
        /// Whether the opportunity is one that is forecast.
        public var isInScope: Bool

        public init(day: Day, entered: Double, realised: Double, segment: Int, currency: Int, isInScope: Bool = true) {
            self.day = day
            self.entered = entered
            self.realised = realised
            self.segment = segment
            self.currency = currency
            self.isInScope = isInScope
        }
    }

    public var policy: ForecastPolicy
    public var segments: Int
    public var currencies: Int
    /// Of every opportunity of the tenant, whatever the scope: more to learn from.
    public var visits: [Visit]
    public var wins: [Win]
    /// Where and when opportunities in scope began, and when such were won, each once.
    public var begun: [(day: Day, stage: Int)]
    public var won: [Day]
    /// In scope, in the order of their ids.
    public var open: [OpenDeal]
    /// Whether anybody records verified evidence.
    public var recordsEvidence: Bool
    /// Days on which hardly anything begins.
    public var isOff: @Sendable (Day) -> Bool

    public init(
        policy: ForecastPolicy, segments: Int = 1, currencies: Int = 1, visits: [Visit], wins: [Win], begun: [(day: Day, stage: Int)],
        won: [Day], open: [OpenDeal], recordsEvidence: Bool, isOff: @escaping @Sendable (Day) -> Bool = Arrivals.weekends
    ) {
        self.policy = policy
        self.segments = segments
        self.currencies = currencies
        self.visits = visits
        self.wins = wins
        self.begun = begun
        self.won = won
        self.open = open
        self.recordsEvidence = recordsEvidence
        self.isOff = isOff
    }
}

/// A forecast of a period: opportunity by opportunity, and how sure it is of the sum.
public struct ForecastRun: Sendable {
    /// What counts are forecast and how: a change of it makes another forecast of the same facts.
    public static let modelVersion = "hazard-2"

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
        /// Of the number of wins, open and new.
        public var interval: ClosedRange<Double>
        public var basis: IntervalBasis
        /// By currency, in minor units.
        public var amounts: [Spread]
        /// How many past errors the interval rests on.
        public var errorsLearnt: Int
    }

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
            facts.open, policy: facts.policy,
            odds: { deal in
                odds.odds(
                    stage: deal.stage ?? 0, entered: deal.entered,
                    multiplier: 1 + deal.segment * pieces + max(0, min(deal.evidence, pieces - 1)))
            }, ratio: { ratios[$0.currency][$0.segment] })
        self.haircut = haircut
        level = model.level
        isMostlyBelieved = model.isMostlyBelieved
        self.ratios = ratios.map(\.overall)
        let arrivals = facts.arrivals(asOf)
        let open = book.lines.reduce(0) { $0 + $1.odds }
        let new = facts.begun.isEmpty ? 0 : arrivals.expectedWins(odds)
        let errors = PastErrors(of: period, asOf: asOf, expected: open + new, facts, settings)
        outlook = Self.outlook(facts, book, (open, new), arrivals.dispersion, ratios, errors, asOf: asOf, seed: seed)
    }

    static func counts(_ facts: ForecastFacts, _ day: Day, _ settings: HazardSettings) -> HazardCounts {
        let since = facts.visits.lazy.compactMap(\.stay.left).min() ?? day
        var counts = HazardCounts(
            stages: facts.policy.stages.count, segments: facts.segments, since: max(since, day.advanced(by: -1_095)), asOf: day,
            halfLife: settings.halfLife)
        for visit in facts.visits { counts.add(visit.stay) }
        return counts
    }

    private static func outlook(
        _ facts: ForecastFacts, _ book: ForecastBook, _ expected: (open: Double, new: Double), _ dispersion: Double,
        _ ratios: [AmountRatio],
        _ errors: PastErrors, asOf: Day, seed: UInt64
    ) -> Outlook {
        let paths = Paths(spread: errors.spread, seed: seed)
        let chances = zip(facts.open, book.lines).lazy.filter { $1.odds > 0 }
        let counted = paths.run(
            Prospects(
                open: chances.map { Prospects.Chance(odds: $1.odds, amount: 1) }, newWins: expected.new, newAmount: 1,
                dispersion: dispersion))
        let amounts = (0..<facts.currencies).map { currency -> Spread in
            let wins = facts.wins.filter { $0.currency == currency && $0.day > asOf.advanced(by: -180) }
            let recent = facts.wins.reduce(0) { $0 + ($1.day > asOf.advanced(by: -180) ? 1 : 0) }
            let mean = wins.isEmpty ? 0 : wins.reduce(0) { $0 + $1.realised } / Double(wins.count)
            return paths.run(
                Prospects(
                    open: chances.filter { $0.0.currency == currency }.map { deal, line in
                        Prospects.Chance(odds: line.odds, amount: Double(line.amountMinor) * ratios[currency][deal.segment])
                    }, newWins: recent == 0 ? 0 : expected.new * Double(wins.count) / Double(recent), newAmount: mean,
                    dispersion: dispersion)
            ).amount
        }
        return Outlook(
            expectedOpen: expected.open, expectedNew: expected.new, paths: counted.wins,
            interval: errors.interval(around: expected.open + expected.new, paths: counted.wins), basis: errors.basis, amounts: amounts,
            errorsLearnt: errors.interval.learnt)
    }
}

extension ForecastFacts {
    /// What was won in a period so far; wins whose amount nobody told are in the count alone.
    public func won(in period: ClosedRange<Day>) -> WonFigures {
        var figures = WonFigures(count: won.count(where: period.contains))
        for win in wins where win.isInScope && period.contains(win.day) {
            figures.byCurrency[win.currency, default: WonFigures.Part()].count += 1
            figures.byCurrency[win.currency]!.amountMinor.add(Int64(nearest: win.realised))
        }
        return figures
    }

    /// How new business came up to a day.
    func arrivals(_ asOf: Day) -> Arrivals {
        Arrivals(
            begun: begun, stages: policy.stages.count, since: begun.lazy.map(\.day).min() ?? asOf, asOf: asOf, isOff: isOff)
    }
}
