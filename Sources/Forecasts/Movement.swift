import SalesModel

/// Why a forecast is not what the last one was.
public enum Movement: String, Sendable, Hashable, CaseIterable {
    /// Not open then.
    case new
    case won
    case lost
    /// Has become stalled.
    case stalled
    /// Stalled then, and moving again.
    case recovered
    /// Was committed and counts at its odds now: it went back.
    case slipped
    /// Came into a late stage.
    case committed
    /// Has another amount.
    case amount
    /// The same opportunity in the same class with the same amount, at other odds.
    case rescored
    /// In no class any more, or an amount without proof.
    case excluded
    /// No longer there, and neither won nor lost: taken back by who told of it.
    case gone
}

/// What moved between two forecasts of the same period, in one currency: it sums to the difference, to the last minor unit.
public struct Movements: Sendable, Hashable {
    public struct Part: Sendable, Hashable {
        public var count = 0
        public var amountMinor: Int64 = 0
    }

    /// By currency's place, then by kind.
    public private(set) var byCurrency: [Int: [Movement: Part]] = [:]

    /// - Parameters:
    ///   - before, after: in the order of their opportunities' ids; currencies have the same places in both.
    ///   - ends: how opportunities that are open no more ended.
    public init(from before: [ForecastLine], to after: [ForecastLine], ends: (Int64) -> Exit?) {
        var (i, j) = (0, 0)
        while i < before.count || j < after.count {
            if j == after.count || (i < before.count && before[i].deal < after[j].deal) {
                let kind: Movement =
                    switch ends(before[i].deal) {
                    case .won: .won
                    case .lost: .lost
                    case .moved, nil: .gone
                    }
                add(kind, -before[i].contribution, before[i].currency)
                i += 1
            } else if i == before.count || after[j].deal < before[i].deal {
                add(.new, after[j].contribution, after[j].currency)
                j += 1
            } else {
                add(before[i], after[j])
                (i, j) = (i + 1, j + 1)
            }
        }
    }

    private mutating func add(_ before: ForecastLine, _ after: ForecastLine) {
        guard before.currency == after.currency else {
            add(.amount, -before.contribution, before.currency)
            add(.amount, after.contribution, after.currency)
            return
        }
        guard before.contribution != after.contribution || before.standing != after.standing else { return }
        add(Self.kind(before, after), after.contribution.adding(-before.contribution), after.currency)
    }

    private static func kind(_ before: ForecastLine, _ after: ForecastLine) -> Movement {
        switch (before.counted, after.counted) {
        case (_, nil), (_, .selfEntered): .excluded
        case (.atRisk, .committed), (.atRisk, .weighted): .recovered
        case (_, .atRisk): .stalled
        case (.committed, .weighted): .slipped
        case (.weighted, .committed): .committed
        case (nil, _), (.selfEntered, _): .new
        case _ where before.amountMinor != after.amountMinor: .amount
        default: .rescored
        }
    }

    private mutating func add(_ kind: Movement, _ change: Int64, _ currency: Int) {
        byCurrency[currency, default: [:]][kind, default: Part()].count += 1
        byCurrency[currency]![kind]!.amountMinor.add(change)
    }

    public func sum(_ currency: Int) -> Int64 { (byCurrency[currency] ?? [:]).values.reduce(0) { $0.adding($1.amountMinor) } }
}

extension Movements {
    /// Where the movements do not sum to the difference.
    public func faults(from before: [ForecastLine], to after: [ForecastLine]) -> [String] {
        var differences: [Int: Int64] = [:]
        for line in after { differences[line.currency, default: 0].add(line.contribution) }
        for line in before { differences[line.currency, default: 0].add(-line.contribution) }
        return differences.filter { sum($0.key) != $0.value }.keys.sorted().map { "what moved in currency \($0) is not the difference" }
    }
}
