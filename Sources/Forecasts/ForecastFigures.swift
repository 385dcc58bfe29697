import SalesModel

/// Sums in one currency, in minor units.
public struct ClassFigures: Sendable, Hashable {
    public var count = 0
    /// As entered.
    public var amountMinor: Int64 = 0
    /// Towards the forecast's total.
    public var contribution: Int64 = 0

    public init() {}

    init(count: Int, amountMinor: Int64, contribution: Int64) {
        self.count = count
        self.amountMinor = amountMinor
        self.contribution = contribution
    }

    mutating func add(_ line: ForecastLine) {
        count += 1
        amountMinor.add(line.amountMinor)
        contribution.add(line.contribution)
    }

    mutating func add(_ other: ClassFigures) {
        count += other.count
        amountMinor.add(other.amountMinor)
        contribution.add(other.contribution)
    }
}

/// What a forecast comes to; currencies are never added.
public struct ForecastTotals: Sendable, Hashable {
    /// By currency's place, then by class.
    public private(set) var byCurrency: [Int: [ForecastClass: ClassFigures]] = [:]
    public private(set) var excluded: [Exclusion: Int] = [:]

    init(_ lines: [ForecastLine]) {
        for line in lines {
            switch line.standing {
            case .counted(let standing): byCurrency[line.currency, default: [:]][standing, default: ClassFigures()].add(line)
            case .excluded(let reason): excluded[reason, default: 0] += 1
            }
        }
    }

    public subscript(currency: Int, standing: ForecastClass) -> ClassFigures { byCurrency[currency]?[standing] ?? ClassFigures() }

    /// Committed and weighted.
    public func total(_ currency: Int) -> Int64 {
        self[currency, .committed].contribution.adding(self[currency, .weighted].contribution)
    }
}

/// What has been won of a period already: no part of its forecast, which is of what is open.
public struct WonFigures: Sendable, Hashable {
    public var count: Int
    /// Of those whose amount was told, by currency's place.
    public var byCurrency: [Int: Part] = [:]

    public struct Part: Sendable, Hashable {
        public var count = 0
        public var amountMinor: Int64 = 0
    }
}

/// A stage of the funnel. Counts are over all currencies; the amounts are one currency's.
public struct StageFigures: Sendable, Hashable {
    public var stage: Int
    public var count = 0
    public var stalled = 0
    public var byCurrency: [Int: Amounts] = [:]

    public struct Amounts: Sendable, Hashable {
        public var count = 0
        public var stalled = 0
        public var amountMinor: Int64 = 0
        public var contribution: Int64 = 0
        public var stalledMinor: Int64 = 0

        mutating func add(_ line: ForecastLine) {
            count += 1
            amountMinor.add(line.amountMinor)
            contribution.add(line.contribution)
            guard line.stall != nil else { return }
            stalled += 1
            stalledMinor.add(line.amountMinor)
        }
    }

    static func all(_ lines: [ForecastLine], stages: Int) -> [StageFigures] {
        var figures = (0..<stages).map { StageFigures(stage: $0) }
        for line in lines {
            guard let stage = line.stage else { continue }
            figures[stage].count += 1
            if line.stall != nil { figures[stage].stalled += 1 }
            guard line.counted != nil else { continue }
            figures[stage].byCurrency[line.currency, default: Amounts()].add(line)
        }
        return figures
    }
}

/// A seller's part in one currency.
public struct SellerFigures: Sendable, Hashable {
    public var seller: Int32
    public var currency: Int
    public var byClass: [ForecastClass: ClassFigures] = [:]

    static func all(_ lines: [ForecastLine]) -> [SellerFigures] {
        var figures: [SellerAndCurrency: [ForecastClass: ClassFigures]] = [:]
        for line in lines {
            guard let standing = line.counted else { continue }
            figures[SellerAndCurrency(seller: line.seller, currency: line.currency), default: [:]][standing, default: ClassFigures()].add(
                line)
        }
        return figures.map { SellerFigures(seller: $0.key.seller, currency: $0.key.currency, byClass: $0.value) }.sorted {
            ($0.seller, $0.currency) < ($1.seller, $1.currency)
        }
    }

    private struct SellerAndCurrency: Hashable {
        var seller: Int32
        var currency: Int
    }
}

extension ForecastBook {
    /// What must be true of every forecast, found untrue: with any of it nothing is published.
    ///
    /// Worked out again from the opportunities told, not from the lines' own sums.
    public func faults(against deals: some Collection<OpenDeal>) -> [String] {
        var faults: [String] = []
        if lines.count != deals.count { faults.append("\(deals.count) opportunities are open, \(lines.count) have a line") }
        var (counts, amounts) = ([Int: Int](), [Int: Int64]())
        for (deal, line) in zip(deals, lines) {
            if deal.id != line.deal { faults.append("the line of opportunity \(deal.id) is missing") }
            if line.odds < 0 || line.odds > 1 || line.odds.isNaN { faults.append("the odds of opportunity \(deal.id) are \(line.odds)") }
            if faults.count > 20 { return faults }
            guard deal.stage != nil, let amount = deal.amountMinor else { continue }
            counts[deal.currency, default: 0] += 1
            amounts[deal.currency, default: 0].add(amount)
        }
        let excluded = totals.excluded.values.reduce(0, +)
        if counts.values.reduce(0, +) + excluded != deals.count { faults.append("classes and exclusions do not make up what is open") }
        for currency in Set(counts.keys).union(totals.byCurrency.keys).sorted() {
            let classes = ForecastClass.allCases.map { totals[currency, $0] }
            if classes.reduce(0, { $0 + $1.count }) != counts[currency] ?? 0 { faults.append("a class counts twice or not at all") }
            if classes.reduce(0, { $0.adding($1.amountMinor) }) != amounts[currency] ?? 0 {
                faults.append("classes do not sum to the total open")
            }
            let idle =
                classes.filter { $0.count > 0 }.isEmpty
                ? 0 : totals[currency, .atRisk].contribution.adding(totals[currency, .selfEntered].contribution)
            if idle != 0 { faults.append("what does not count adds to the total") }
            var bySeller: [ForecastClass: ClassFigures] = [:]
            for figures in self.bySeller where figures.currency == currency {
                for (standing, sums) in figures.byClass { bySeller[standing, default: ClassFigures()].add(sums) }
            }
            if bySeller != totals.byCurrency[currency] ?? [:] { faults.append("sellers do not sum to the total") }
            let stages = byStage.reduce(Int64(0)) { $0.adding($1.byCurrency[currency]?.contribution ?? 0) }
            if stages != totals.total(currency) { faults.append("stages do not sum to the total") }
        }
        return faults
    }
}
