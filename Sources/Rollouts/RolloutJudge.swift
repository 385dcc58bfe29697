import Foundation

/// All that has been seen of a rollout.
public struct RolloutEvidence: Sendable, Hashable {
    /// Customers first seen while the percentage stood at one value.
    public struct Exposures: Sendable, Hashable {
        public let percent: Percent
        public let stable: Int
        public let canary: Int

        public init(percent: Percent, stable: Int, canary: Int) {
            self.percent = percent
            self.stable = stable
            self.canary = canary
        }
    }

    public var exposures: [Exposures]
    /// By the guard's name: one entry for each time the percentage was set, in that order. A guard without an entry has seen nothing.
    public var guards: [String: [StageCounts]]

    public init(exposures: [Exposures] = [], guards: [String: [StageCounts]] = [:]) {
        self.exposures = exposures
        self.guards = guards
    }
}

/// What is to be done about a rollout, and every guard's reading.
public struct Verdict: Sendable, Hashable {
    public let decision: RolloutDecision
    public let readings: [GuardReading]
    /// The reading that decided, or the one that is farthest behind.
    public let words: String
}

/// Judges a rollout by its plan. It may be asked after every lead: the bounds hold at all looks together.
public struct RolloutJudge: Sendable {
    public static let sampleRatioName = "sample_ratio"

    public let plan: RolloutPlan
    private let rateGuards: [String: TechnicalGuard]

    public init(_ plan: RolloutPlan) {
        self.plan = plan
        rateGuards = plan.guards.reduce(into: [:]) { guards, one in
            switch one.test {
            case .technical(let before):
                guards[one.name] = TechnicalGuard(stable: before, alpha: plan.technicalAlpha, estimationError: plan.estimationError)
            case .limit(let rate, _): guards[one.name] = TechnicalGuard(rate: rate, alpha: plan.technicalAlpha)
            case .comparison: break
            }
        }
    }

    /// What whoever lets the change out should know: a guard that can notice nothing, since so many of stable's leads failed before.
    public var warnings: [String] {
        plan.guards.compactMap { one in
            guard case .technical(let before) = one.test, before.leads > 0,
                rateGuards[one.name]?.isBlind(whereFailing: Double(before.failures) / Double(before.leads)) == true
            else { return nil }
            let anyhow = "\(before.failures) of \(before.leads) leads fail anyhow, as before it began"
            return "\(one.name): it can notice no harm as long as \(anyhow): a change can fail the others only, and those are too few"
        }
    }

    /// One guard's harm is enough to abort; promotable is what every guard finds promotable. No evidence is no promotion.
    public func verdict(of evidence: RolloutEvidence) -> Verdict {
        let readings = plan.guards.map { reading(of: $0, evidence.guards[$0.name] ?? []) }
        let ratio = sampleRatio(evidence.exposures)
        if let harm = (readings + [ratio]).first(where: { $0.decision == .abort }) {
            return Verdict(decision: .abort, readings: readings + [ratio], words: "\(harm.name): \(harm.words)")
        }
        if let behind = readings.first(where: { $0.decision != .promotable }) {
            return Verdict(decision: .continue, readings: readings + [ratio], words: "\(behind.name): \(behind.words)")
        }
        let words = readings.isEmpty ? "no guard, so nothing to promote it by" : "every guard finds it good enough"
        return Verdict(decision: readings.isEmpty ? .continue : .promotable, readings: readings + [ratio], words: words)
    }

    /// The first reading that asks for an abort, if one does. Cheap enough to be asked after every lead: no bounds are worked out.
    public func harm(of evidence: RolloutEvidence) -> GuardReading? {
        for one in plan.guards {
            let stages = evidence.guards[one.name] ?? []
            switch one.test {
            case .technical:
                let reading = technical(one.name, stages)
                if reading.decision == .abort { return reading }
            case .limit(_, let margin):
                let seen = stages.reduce(Counts()) { $0 + $1.canary }
                guard rateGuards[one.name]?.isHarm(leads: seen.leads, failures: seen.failures) == true else { continue }
                return limit(one.name, stages, margin: margin)
            case .comparison(let margin):
                guard TwoSampleEvidence.log(stages) >= -log(plan.comparisonAlpha) else { continue }
                return comparison(one.name, stages, margin: margin)
            }
        }
        let ratio = sampleRatio(evidence.exposures)
        return ratio.decision == .abort ? ratio : nil
    }

    private func reading(of one: Guard, _ stages: [StageCounts]) -> GuardReading {
        switch one.test {
        case .technical: technical(one.name, stages)
        case .comparison(let margin): comparison(one.name, stages, margin: margin)
        case .limit(_, let margin): limit(one.name, stages, margin: margin)
        }
    }

    /// One arm against a rate that is given: nothing of the other arm is in it, so stages may be added up.
    private func limit(_ name: String, _ stages: [StageCounts], margin: Double) -> GuardReading {
        guard let own = rateGuards[name] else { preconditionFailure("every guard with a rate is built with the plan") }
        let seen = stages.reduce(Counts()) { $0 + $1.canary }
        let isHarm = own.isHarm(leads: seen.leads, failures: seen.failures)
        let good = ConfidenceSequence.bounds(of: seen.asFailures, error: plan.promotionError).lowerBound
        let bound = good - (1 - own.rate)
        let isEnough = seen.leads >= plan.leastLeads && bound > -margin
        let failed = "\(seen.failures) of \(seen.leads) canary \(plan.words.unit) failed, at most \(own.rate.percentWords) may"
        let bounds = "lower bound \((bound * 100).words(decimals: 1)) points, needs \((-margin * 100).words(decimals: 1))"
        return GuardReading(
            name: name, logEvidence: own.logEvidence(leads: seen.leads, failures: seen.failures), threshold: 1 / own.alpha,
            decision: isHarm ? .abort : isEnough ? .promotable : .continue, n: seen.leads, failures: seen.failures, stable: 0,
            stableFailures: nil, missing: seen.missing, expected: nil, rate: own.rate, margin: margin, lowerBound: bound,
            words: (isHarm ? failed : "\(progress(seen)); \(failed); \(bounds)") + missingWords(seen))
    }

    private func technical(_ name: String, _ stages: [StageCounts]) -> GuardReading {
        guard let technicalGuard = rateGuards[name] else { preconditionFailure("every technical guard of the plan is built with it") }
        let seen = stages.reduce(Counts()) { $0 + $1.canary }
        let log = technicalGuard.logEvidence(leads: seen.leads, failures: seen.failures)
        let isHarm = technicalGuard.isHarm(leads: seen.leads, failures: seen.failures)
        let failed = "\(seen.failures) of \(seen.leads) canary \(plan.words.unit) failed, held against \(technicalGuard.rate.percentWords)"
        let decision: RolloutDecision = isHarm ? .abort : seen.leads >= plan.leastLeads ? .promotable : .continue
        let words = decision == .continue ? "\(progress(seen)); \(failed)" : failed
        return GuardReading(
            name: name, logEvidence: log, threshold: 1 / technicalGuard.alpha, decision: decision, n: seen.leads, failures: seen.failures,
            stable: 0, stableFailures: nil, missing: seen.missing, expected: nil, rate: technicalGuard.rate, margin: nil, lowerBound: nil,
            words: words + missingWords(seen))
    }

    private func comparison(_ name: String, _ stages: [StageCounts], margin: Double) -> GuardReading {
        let (beside, seen) = sums(stages)
        let evidence = TwoSampleEvidence.log(stages)
        // The worst that what is missing may hide: the canary's leads failed, and stable's went well.
        let bound = ConfidenceSequence.lowerBound(
            of: stages.map { ($0.stable.asSuccesses, $0.canary.asFailures) }, error: plan.promotionError)
        let isEnough = seen.leads >= plan.leastLeads && bound > -margin
        let decision: RolloutDecision = evidence >= -log(plan.comparisonAlpha) ? .abort : isEnough ? .promotable : .continue
        let bounds = "lower bound \((bound * 100).words(decimals: 1)) points, needs \((-margin * 100).words(decimals: 1))"
        let words = decision == .abort ? "\(comparing(stages)); worse beyond chance" : "\(progress(seen)); \(bounds)"
        return GuardReading(
            name: name, logEvidence: evidence, threshold: 1 / plan.comparisonAlpha, decision: decision, n: seen.leads,
            failures: seen.failures, stable: beside.leads, stableFailures: beside.failures, missing: seen.missing, expected: nil, rate: nil,
            margin: margin, lowerBound: bound, words: words + missingWords(seen))
    }

    private func sampleRatio(_ exposures: [RolloutEvidence.Exposures]) -> GuardReading {
        let log = exposures.reduce(0) { $0 + SampleRatio.logEvidence(stable: $1.stable, canary: $1.canary, percent: $1.percent) }
        let alpha = plan.budget.sampleRatio
        let (canary, all) = exposures.reduce((0, 0)) { ($0.0 + $1.canary, $0.1 + $1.canary + $1.stable) }
        let expected = exposures.reduce(0) { $0 + $1.percent.share * Double($1.canary + $1.stable) }
        return GuardReading(
            name: Self.sampleRatioName, logEvidence: log, threshold: 1 / alpha,
            decision: log >= -Foundation.log(alpha) ? .abort : .continue,
            n: canary, failures: nil, stable: all - canary, stableFailures: nil, missing: 0, expected: expected, rate: nil, margin: nil,
            lowerBound: nil,
            words: "\(canary) of \(all) \(plan.words.members) in the canary arm, \(expected.words(decimals: 0)) expected")
    }

    private func progress(_ seen: Counts) -> String { "\(seen.leads) of \(plan.leastLeads) \(plan.words.unit)" }

    private func sums(_ stages: [StageCounts]) -> (stable: Counts, canary: Counts) {
        stages.reduce((Counts(), Counts())) { ($0.0 + $1.stable, $0.1 + $1.canary) }
    }

    private func comparing(_ stages: [StageCounts]) -> String {
        let (stable, canary) = sums(stages)
        return
            "\(canary.good) of \(canary.leads) canary \(plan.words.unit) good, \(stable.good) of \(stable.leads) stable \(plan.words.unit)"
    }

    private func missingWords(_ seen: Counts) -> String {
        seen.missing == 0 ? "" : "; of \(seen.missing) nothing is known, which counts as not good"
    }
}
