/// How good forecasts were over all origins together.
public struct BacktestReport: Sendable, Hashable, Encodable {
    /// Weighted absolute percentage error: Σ|actual − forecast| ÷ Σ actual.
    public struct Errors: Sendable, Hashable, Encodable {
        public var forecast: Double
        public var lastPeriod: Double
        public var conversion: Double?
        public var winRate: Double?
    }

    /// The share of actual values inside intervals that should hold 80 %, and their mean width over the mean actual value.
    public struct Coverage: Sendable, Hashable, Encodable {
        public var covered: Double
        public var width: Double
    }

    public var data: String
    public var deals: Int
    public var origins: Int
    public var firstOrigin: String
    public var lastOrigin: String
    public var horizonDays: Int
    public var everyDays: Int
    /// Of wins among what is open on the origin's day.
    public var open: Errors
    /// Σ forecast ÷ Σ actual.
    public var bias: Double
    public var adaptive: Coverage
    public var paths: Coverage
    public var independent: Coverage
    /// Of the amounts won among what is open; nil: the data have none.
    public var amount: Errors?
    /// Of all wins, with new business; nil: beginnings are not recorded long enough.
    public var all: Errors?
    public var allOrigins: Int

    /// Nil without origins that can be judged.
    public init?(_ test: Backtest, _ origins: [Backtest.Origin]) {
        guard let first = origins.first, let last = origins.last, origins.contains(where: { $0.actual > 0 }) else { return nil }
        data = test.data.name
        deals = test.data.deals.count
        self.origins = origins.count
        (firstOrigin, lastOrigin) = (first.day.description, last.day.description)
        (horizonDays, everyDays) = (test.horizon, test.every)
        open = Errors(
            forecast: Self.error(origins) { ($0.actual, $0.forecast) },
            lastPeriod: Self.error(origins) { ($0.actual, $0.naive.lastPeriod) },
            conversion: Self.error(origins) { ($0.actual, $0.naive.conversion) },
            winRate: Self.error(origins) { ($0.actual, $0.naive.winRate) })
        bias = origins.reduce(0) { $0 + $1.forecast } / origins.reduce(0) { $0 + $1.actual }
        adaptive = Self.coverage(origins, \.interval)
        paths = Self.coverage(origins, \.paths)
        independent = Self.coverage(origins, \.independent)
        amount =
            test.data.hasAmounts
            ? Errors(
                forecast: Self.error(origins) { ($0.amount!.actual, $0.amount!.forecast) },
                lastPeriod: Self.error(origins) { ($0.amount!.actual, $0.naiveAmount!) }) : nil
        let whole = origins.filter { $0.all != nil }
        allOrigins = whole.count
        all =
            whole.isEmpty
            ? nil
            : Errors(
                forecast: Self.error(whole) { ($0.all!.actual, $0.all!.forecast) },
                lastPeriod: Self.error(whole) { ($0.all!.actual, $0.naive.lastPeriod) })
    }

    private static func error(_ origins: [Backtest.Origin], _ pair: (Backtest.Origin) -> (actual: Double, forecast: Double)) -> Double {
        let pairs = origins.map(pair)
        return pairs.reduce(0) { $0 + abs($1.actual - $1.forecast) } / pairs.reduce(0) { $0 + $1.actual }
    }

    private static func coverage(_ origins: [Backtest.Origin], _ interval: KeyPath<Backtest.Origin, ClosedRange<Double>>) -> Coverage {
        let count = Double(origins.count)
        let mean = origins.reduce(0) { $0 + $1.actual } / count
        let widths = origins.reduce(0) { $0 + $1[keyPath: interval].upperBound - $1[keyPath: interval].lowerBound }
        return Coverage(
            covered: Double(origins.filter { $0[keyPath: interval].contains($0.actual) }.count) / count, width: widths / count / mean)
    }
}
