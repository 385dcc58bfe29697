import Foundation
import Sampling

/// A change of rules as the world would meet it: how leads end in either arm.
struct SimulatedChange: Sendable {
    /// The share of customers in the canary arm.
    var share: Double
    /// How often assignment fails.
    var stableFailures: Double
    var canaryFailures: Double
    /// How often the first touch is in time.
    var stableTouch: Double
    var canaryTouch: Double
    /// A wave of so much up and down, one day long, in the touches of both arms alike: lunch hours, a busy Monday.
    var wave = 0.0
    static let leadsADay = 300.0

    /// What stable's last 1,000 leads look like before.
    func before(_ random: inout SeededNumbers) -> Counts {
        let failures = random.hits(stableFailures, of: 1_000)
        return Counts(good: 1_000 - failures, bad: failures)
    }

    func lead(_ number: Int, _ random: inout SeededNumbers) -> SimulatedLead {
        let isCanary = random.isHit(share)
        let tide = wave * sin(2 * .pi * Double(number) / Self.leadsADay)
        return SimulatedLead(
            arm: isCanary ? .canary : .stable, hasFailed: random.isHit(isCanary ? canaryFailures : stableFailures),
            isTouched: random.isHit((isCanary ? canaryTouch : stableTouch) + tide))
    }
}

struct SimulatedLead: Sendable {
    let arm: Arm
    let hasFailed: Bool
    let isTouched: Bool
}

/// Plain sums of both arms, as every rule below wants them.
struct SimulatedSums: Sendable {
    var success = StageCounts()
    var touch = StageCounts()

    mutating func add(_ lead: SimulatedLead) {
        let success = Counts(good: lead.hasFailed ? 0 : 1, bad: lead.hasFailed ? 1 : 0)
        let touch = Counts(good: lead.isTouched ? 1 : 0, bad: lead.isTouched ? 0 : 1)
        switch lead.arm {
        case .canary:
            self.success.canary = self.success.canary + success
            self.touch.canary = self.touch.canary + touch
        case .stable:
            self.success.stable = self.success.stable + success
            self.touch.stable = self.touch.stable + touch
        }
    }

    var leads: Int { success.canary.leads + success.stable.leads }
}

/// Whoever watches a rollout and may stop it.
protocol RolloutWatch {
    /// Called after every lead; the name of what stops the rollout, or nil.
    mutating func stops(_ sums: SimulatedSums, after lead: SimulatedLead) -> String?
}
