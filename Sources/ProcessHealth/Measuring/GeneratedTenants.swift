import Foundation
import Sampling

/// Invented tenants whose truth is known: sellers fall below the base line for some weeks, now and then.
///
/// With a planted signal, customers grow silent and proposals are revised less two or three weeks before, for most of the falls; some falls
/// come without a sign, some signs without a fall. Without it falls come just as often, and nothing tells of them before.
public struct GeneratedTenants: Sendable, Hashable {
    public var tenants = 6
    public var teamsEach = 6
    public var sellersEach = 10
    public var weeks = 52
    /// 1: as planted; 0: absent.
    public var signal = 1.0
    /// How much weekly life covers the sign: the standard deviation of the logarithm of what is counted.
    public var noise = 0.15
    /// Chance of a week to begin the way to a fall.
    public var episodes = 0.07
    /// Falls without a sign, and signs without a fall, among all.
    public var surprises = 0.1
    public var feints = 0.1
    public var seed: UInt64 = 1
    public var first = Week(number: 2_900)

    public init() {}

    public func series() -> [SellerSeries] {
        (0..<tenants).flatMap { tenant in
            var random = SeededNumbers(seed: seed &* 1_000_003 &+ UInt64(tenant))
            let busy = 0.9 + 0.2 * random.uniform()
            return (0..<teamsEach * sellersEach).map { number in
                let identity = SellerSeries.Identity(
                    tenant: tenant, team: tenant * 1_000 + number / sellersEach, seller: tenant * 100_000 + number)
                var seller = GeneratedSeller(random.next(), busy: busy, plan: self)
                return SellerSeries(identity, first: first, published: (0..<weeks).map { _ in seller.nextWeek() })
            }
        }
    }
}

/// One invented seller, week after week.
struct GeneratedSeller {
    private enum Phase {
        case healthy
        /// So many weeks until the fall, or until nothing comes of it.
        case before(Int, shows: Bool, falls: Bool)
        case below(Int)
    }

    private var random: SeededNumbers
    private var phase = Phase.healthy
    private let plan: GeneratedTenants
    private let busy: Double
    private let conversion: Double
    private let rhythm: Double
    private let silence: Double
    private let revisions: Double

    init(_ seed: UInt64, busy: Double, plan: GeneratedTenants) {
        random = SeededNumbers(seed: seed)
        self.plan = plan
        self.busy = busy
        conversion = min(0.97, 0.9 + 0.02 * random.normal())
        rhythm = min(0.98, 0.93 + 0.015 * random.normal())
        silence = max(0.05, 0.12 + 0.03 * random.normal())
        revisions = max(4, 8 + 2 * random.normal())
    }

    mutating func nextWeek() -> WeekCounts {
        step()
        var (isBelow, shows) = (false, false)
        switch phase {
        case .healthy: break
        case .before(_, let visible, _): shows = visible
        case .below: (isBelow, shows) = (true, true)
        }
        let strength = shows ? plan.signal : 0
        func jitter() -> Double { exp(plan.noise * random.normal()) }
        var week = WeekCounts()
        week.conversion = tally(busy * 18, isBelow ? 0.55 : conversion)
        week.rhythm = tally(busy * 35, isBelow ? 0.66 : rhythm - 0.02 * strength)
        week.keyActions = tally(busy * 2.5, isBelow ? 0.9 : 0.998)
        week.touches = tally(busy * 14, 0.9 - 0.1 * strength)
        week.communications = random.poisson(busy * 45)
        week.silences = random.hits(min(0.9, silence * (1 + 1.6 * strength) * jitter()), of: week.communications)
        week.revisions = random.poisson(busy * revisions * (1 - 0.5 * strength) * jitter())
        week.emptyRecords = random.hits(min(0.9, 0.05 * (1 + strength) * jitter()), of: week.communications)
        week.offHours = random.hits(0.1, of: week.communications)
        week.waiting = random.poisson(1.5)
        return week
    }

    private mutating func tally(_ mean: Double, _ rate: Double) -> Tally {
        let cases = random.poisson(mean)
        return Tally(cases: cases, hits: random.hits(rate, of: cases))
    }

    private mutating func step() {
        switch phase {
        case .healthy:
            guard random.isHit(plan.episodes) else { return }
            let kind = random.uniform()
            let weeks = 2 + Int(random.next() % 2)
            if kind < plan.surprises {
                phase = .before(weeks, shows: false, falls: true)
            } else {
                phase = .before(weeks, shows: true, falls: kind >= plan.surprises + plan.feints)
            }
        case .before(let weeks, let shows, let falls):
            if weeks > 1 {
                phase = .before(weeks - 1, shows: shows, falls: falls)
            } else {
                phase = falls ? .below(2 + Int(random.next() % 3)) : .healthy
            }
        case .below(let weeks): phase = weeks > 1 ? .below(weeks - 1) : .healthy
        }
    }
}
