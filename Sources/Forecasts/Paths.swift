import Foundation
import Sampling

/// What may be won: each opportunity with its odds and its amount, and what has not begun yet.
public struct Prospects: Sendable {
    /// An opportunity; amounts in minor units.
    public struct Chance: Sendable, Hashable {
        public var odds: Double
        public var amount: Double

        public init(odds: Double, amount: Double) {
            self.odds = odds
            self.amount = amount
        }
    }

    public var open: [Chance]
    /// Wins of opportunities that begin within the window, their mean amount, and how uneven their number is.
    public var newWins: Double
    public var newAmount: Double
    public var dispersion: Double

    public init(open: [Chance], newWins: Double = 0, newAmount: Double = 0, dispersion: Double = 1) {
        self.open = open
        self.newWins = newWins
        self.newAmount = newAmount
        self.dispersion = dispersion
    }
}

/// Quantiles over many possible periods.
public struct Spread: Sendable, Hashable {
    public var p10: Double
    public var p50: Double
    public var p90: Double
}

/// Many possible periods, drawn.
///
/// A period is good or bad for all opportunities together: each path multiplies all odds by one number, of mean 1. Without it the sum of
/// thousands of independent opportunities would be known almost exactly, which no sales period ever was. The thousand that matter most are
/// drawn one by one; the sum of the others is drawn at once, as the normal number with its mean and variance.
public struct Paths: Sendable {
    public var count: Int
    /// Of the logarithm of what a period has in common.
    public var spread: Double
    public var seed: UInt64

    static let drawnSingly = 1_000

    public init(count: Int = 2_000, spread: Double, seed: UInt64) {
        self.count = count
        self.spread = spread
        self.seed = seed
    }

    public func run(_ prospects: Prospects) -> (wins: Spread, amount: Spread) {
        var random = SeededNumbers(seed: seed)
        let sorted = prospects.open.filter { $0.odds > 0 }.sorted { ($0.weight, $0.odds) > ($1.weight, $1.odds) }
        let (single, rest) = (sorted.prefix(Self.drawnSingly), Sums(sorted.dropFirst(Self.drawnSingly)))
        var (wins, amounts) = ([Double](), [Double]())
        for _ in 0..<count {
            let common = exp(spread * random.normal() - spread * spread / 2)
            var (won, amount) = (0.0, 0.0)
            for chance in single where random.isHit(min(1, chance.odds * common)) {
                won += 1
                amount += chance.amount
            }
            let (restWon, restAmount) = rest.draw(common, &random)
            // Gamma-mixed would be exact; a rounded multiple of a Poisson number has the same mean and variance.
            let new = prospects.dispersion * Double(random.poisson(prospects.newWins * common / prospects.dispersion))
            wins.append(won + restWon + new)
            amounts.append(amount + restAmount + new * prospects.newAmount)
        }
        return (Spread(wins), Spread(amounts))
    }
}

extension Prospects.Chance {
    fileprivate var weight: Double { amount * amount * odds * (1 - odds) }
}

extension Spread {
    fileprivate init(_ values: [Double]) {
        let sorted = values.sorted()
        func quantile(_ share: Double) -> Double { sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))] }
        self.init(p10: quantile(0.1), p50: quantile(0.5), p90: quantile(0.9))
    }
}

/// Σp, Σp², and the same weighted by amounts: mean and variance of a sum for any common factor.
private struct Sums {
    private var (p, pp, ap, app, aap, aapp) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    init(_ chances: ArraySlice<Prospects.Chance>) {
        for chance in chances {
            let (odds, amount) = (chance.odds, chance.amount)
            p += odds
            pp += odds * odds
            ap += amount * odds
            app += amount * odds * odds
            aap += amount * amount * odds
            aapp += amount * amount * odds * odds
        }
    }

    /// Correlated as they are: who wins more deals wins more money.
    func draw(_ common: Double, _ random: inout SeededNumbers) -> (wins: Double, amount: Double) {
        guard p > 0 else { return (0, 0) }
        let m = min(common, p / max(pp, .leastNormalMagnitude))
        let variance = (wins: max(0, m * p - m * m * pp), amount: max(0, m * aap - m * m * aapp), both: m * ap - m * m * app)
        let (a, b) = (random.normal(), random.normal())
        let wins = variance.wins.squareRoot()
        let shared = wins > 0 ? variance.both / wins : 0
        let own = max(0, variance.amount - shared * shared).squareRoot()
        return (max(0, (m * p + wins * a).rounded()), max(0, m * ap + shared * a + own * b))
    }
}
