import Foundation
import Rollouts
import Rules
import Sampling
import Testing

@testable import Routing

/// Arms of leads that two versions take for different customers.
@Suite struct IdentityArmTests {
    private static let route = "rules: [{ id: all, to: everyone, by: round_robin }]"

    private func roster(
        percent: Double = 50, arms: [String: Arm] = [:], plan: RolloutPlan = RolloutPlan(guards: []), shadow: Bool = false
    ) throws -> RolloutRoster {
        let variants = [try rules(route: Self.route), try rules(route: Self.route)]
        let rollout = RunningRollout(
            id: 1, tenant: 1, lineage: "match/test", candidate: 2, stable: 1, judge: RolloutJudge(plan),
            stages: shadow ? [] : [.init(number: 1, percent: Percent(percent)!)])
        let exposures = Dictionary(uniqueKeysWithValues: arms.map { (RolloutRoster.Exposure(rollout: 1, customer: $0.key), $0.value) })
        return RolloutRoster(
            roster: Roster(sellers: (1...3).map { seller(Int64($0), capacity: 1_000_000) }, deals: [:], cursors: [], variants: variants),
            rollouts: [rollout], exposures: exposures)
    }

    private func who(_ live: Identity, _ tried: Identity, own: String = "c9") -> Identities {
        Identities([live, tried], own: own, places: [0, 1])
    }

    /// What became of a lead: its arm, whose answer held, and the arms that are kept from then on.
    private struct End: Equatable {
        var arm: Arm?
        var identity: Int
        var kept: [String: Arm]
        var taken: [String: String] = [:]
    }

    private func end(_ who: Identities, _ arms: [String: Arm]) throws -> End {
        var world = try roster(arms: arms)
        let tried = world.decision(for: lead(9), as: who, at: now)
        let exposed = tried.trials[0].exposed
        return End(
            arm: tried.trials[0].arm, identity: tried.identity,
            kept: Dictionary(uniqueKeysWithValues: exposed.map { ($0.customer, $0.arm) }),
            taken: Dictionary(uniqueKeysWithValues: exposed.compactMap { one in one.after.map { (one.customer, $0) } }))
    }

    @Test func `the live version's customer is asked first, then the candidate's, then the lead's own number`() throws {
        let (known, found) = (Identity("c1", .joined), Identity("c2", .joined))
        let (alone, asked) = (Identity("c9", .own), Identity("c9", .asked, suspect: "c2"))
        let arms: [String: Arm] = ["c1": .canary, "c2": .stable]

        // Known live: a canary that takes it for a customer of its own makes that one in its arm.
        #expect(try end(who(known, alone), arms) == End(arm: .canary, identity: 1, kept: ["c9": .canary], taken: ["c9": "c1"]))
        #expect(try end(who(known, asked), arms) == End(arm: .canary, identity: 1, kept: ["c9": .canary], taken: ["c9": "c1"]))
        // Known by the candidate only, in the stable arm: it stands alone, in that arm too.
        #expect(try end(who(alone, found), arms) == End(arm: .stable, identity: 0, kept: ["c9": .stable], taken: ["c9": "c2"]))
        #expect(try end(who(alone, found), ["c2": .canary]) == End(arm: .canary, identity: 1, kept: [:]))
        // By neither: its own place.
        let own = Bucket.arm(tenant: 1, lineage: "match/test", customer: "c9", percent: Percent(50)!)
        #expect(try end(who(alone, asked), [:]) == End(arm: own, identity: own == .canary ? 1 : 0, kept: ["c9": own]))
    }

    @Test func `two customers of different arms are not mixed, the live answer holds`() throws {
        let (known, found, alone) = (Identity("c1", .joined), Identity("c2", .joined), Identity("c9", .own))

        #expect(try end(who(known, found), ["c1": .canary, "c2": .stable]) == End(arm: .canary, identity: 0, kept: [:]))
        #expect(try end(who(known, found), ["c1": .canary, "c2": .canary]) == End(arm: .canary, identity: 1, kept: [:]))
        #expect(try end(who(known, found), ["c1": .stable, "c2": .canary]) == End(arm: .stable, identity: 0, kept: [:]))
        // It was held before, in its own place, and keeps that arm.
        #expect(try end(who(known, alone), ["c1": .canary, "c9": .stable]) == End(arm: .canary, identity: 0, kept: [:]))
        #expect(try end(who(alone, found), ["c9": .canary, "c2": .stable]) == End(arm: .canary, identity: 0, kept: [:]))
    }

    /// Whatever the versions answer, and however the percentage moves: a customer has one arm, and all its leads are decided in it.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func `a customer's leads are all in its arm`(seed: UInt64) throws {
        var generator = SeededNumbers(seed: seed)
        var arms: [String: Arm] = [:]
        var customers: [String] = []
        var counted = (customers: 0, exposed: 0)
        var held: [Int64] = []
        for batch in 0..<30 {
            var world = try roster(percent: Double(Int.random(in: 1...100, using: &generator)), arms: arms)
            for n in 0..<20 {
                let isHeld = Int.random(in: 0..<6, using: &generator) == 0
                let again = Int.random(in: 0..<4, using: &generator) == 0 ? held.popLast() : nil
                let id = again ?? Int64(batch * 20 + n + 1)
                let own = "c\(id)"
                func answer() -> Identity {
                    guard let known = customers.randomElement(using: &generator) else { return Identity(own, .own) }
                    return [Identity(known, .joined), Identity(own, .asked, suspect: known), Identity(own, .own)].randomElement(
                        using: &generator)!
                }
                let who = who(answer(), Bool.random(using: &generator) ? answer() : Identity(own, .own), own: own)

                let tried = world.decision(for: lead(id), as: who, at: now)

                let trial = tried.trials[0]
                for one in trial.exposed {
                    #expect(arms.updateValue(one.arm, forKey: one.customer) == nil, "an arm is kept once")
                    if let other = one.after { #expect(arms[other] == one.arm) } else { counted.customers += 1 }
                }
                let taken = who.answers[tried.identity].customer
                #expect(arms[taken] == trial.arm, "seed \(seed), lead \(id)")
                if isHeld { held.append(id) } else if taken == own { customers.append(own) }
            }
            counted.exposed += world.rollouts[0].stages[0].stableExposed + world.rollouts[0].stages[0].canaryExposed
        }
        #expect(counted.customers == counted.exposed)
        #expect(Set(arms.values) == [.stable, .canary])
    }

    @Test(arguments: [
        (RunningRollout.asked, Identity("c1", .joined), Identity("c9", .asked, suspect: "c1")),
        (RunningRollout.joined, Identity("c9", .own), Identity("c1", .joined)),
    ])
    func `a version that asks, or joins, where the live one would not is stopped within twelve canary leads`(
        guardName: String, live: Identity, tried: Identity
    ) throws {
        let plan = RolloutPlan(guards: [Guard(guardName, .limit(rate: 0.2, margin: 0.05))])
        var world = try roster(percent: 100, plan: plan)
        var served = 0
        while world.rollouts[0].isCanary, served < 100 {
            served += 1
            _ = world.decision(for: lead(Int64(served)), as: who(live, tried), at: now)
        }

        #expect(served <= 12)
        #expect(world.rollouts[0].state == .aborted)
    }

    @Test func `what the live version says as well is never held against the canary`() throws {
        let plan = RolloutPlan(
            guards: [RunningRollout.asked, RunningRollout.joined].map { Guard($0, .limit(rate: 0.01, margin: 0.05)) })
        var world = try roster(percent: 100, plan: plan)
        let asked = Identity("c9", .asked, suspect: "c1")

        for n in 1...200 {
            _ = world.decision(for: lead(Int64(n)), as: who(asked, asked), at: now)
            _ = world.decision(for: lead(Int64(n)), as: who(Identity("c1", .joined), Identity("c1", .joined)), at: now)
        }

        #expect(world.rollouts[0].isCanary)
        #expect(world.rollouts[0].stages[0].canaryAsked + world.rollouts[0].stages[0].canaryJoined == 0)
    }

    @Test func `in the shadow nobody is taken for another, and what would have been is told`() throws {
        var world = try roster(shadow: true)
        let claim = OwnerClaim(seller: .init(2), customer: "c1")

        let tried = world.decision(
            for: lead(9), as: who(Identity("c9", .own), Identity("c1", .joined, claim: claim)), at: now)

        #expect(tried.identity == 0)
        #expect(tried.routed.decision.outcome == .assigned)
        #expect(tried.trials[0].difference?.decided == "assigned s1, a new customer")
        #expect(tried.trials[0].difference?.otherwise == "assigned_existing_owner s2, customer c1")
        #expect(tried.trials[0].exposed.isEmpty)
    }
}
