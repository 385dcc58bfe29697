import Foundation

/// The guards of the standard plan, asked after every lead. The same evidence as `RolloutJudge`'s without its words and its bounds for
/// promotion; `SimulationTests` holds the two together.
struct GuardWatch: RolloutWatch {
    private let technical: TechnicalGuard
    private let comparisonAlpha: Double
    private let sampleRatioAlpha: Double
    private let percent: Percent

    init(plan: RolloutPlan, before: Counts, percent: Percent) {
        technical = TechnicalGuard(stable: before, alpha: plan.technicalAlpha, estimationError: plan.estimationError)
        comparisonAlpha = plan.comparisonAlpha
        sampleRatioAlpha = plan.budget.sampleRatio
        self.percent = percent
    }

    mutating func stops(_ sums: SimulatedSums, after lead: SimulatedLead) -> String? {
        let seen = sums.success.canary
        // Only a failure can lift this evidence.
        if lead.arm == .canary, lead.hasFailed, technical.isHarm(leads: seen.leads, failures: seen.failures) { return "technical" }
        if isWorse(sums.success) { return "success" }
        if isWorse(sums.touch) { return "first_touch" }
        let ratio = SampleRatio.logEvidence(stable: sums.success.stable.leads, canary: seen.leads, percent: percent)
        return ratio >= -log(sampleRatioAlpha) ? RolloutJudge.sampleRatioName : nil
    }

    private func isWorse(_ counts: StageCounts) -> Bool {
        // Where the canary does not look worse the evidence is at most 1.
        guard counts.canary.good * counts.stable.leads < counts.stable.good * counts.canary.leads else { return false }
        return TwoSampleEvidence.log(stable: counts.stable.asFailures, canary: counts.canary.asFailures) >= -log(comparisonAlpha)
    }
}
