import Foundation
import ProcessHealth
import Testing

@Suite struct EvaluationTests {
    private static func report(signal: Double, _ change: (inout GeneratedTenants) -> Void = { _ in }) -> WarningReport {
        var tenants = GeneratedTenants()
        tenants.tenants = 3
        tenants.signal = signal
        change(&tenants)
        return RollingEvaluation().report("generated", tenants.series())
    }

    private static let planted = report(signal: 1)

    @Test func `planted signals are found, and better than by any simple rule`() {
        let report = Self.planted

        #expect(report.verdict.passes)
        #expect(report.verdict.reasons == [])
        #expect(report.f1.value >= 0.55)
        #expect(max(report.alwaysF1, report.levelF1) <= 0.5)
        #expect(report.advantage.low! > 0)
        #expect(report.allWeeksF1 > report.persistenceF1)
        #expect(report.calibrationError! <= 0.05)
        #expect(report.medianLeadDays! >= 9)
        #expect(report.alertsPerManagerWeek <= 3)
    }

    @Test func `absent signals leave the model silent, and it says why`() {
        let report = Self.report(signal: 0)

        #expect(!report.verdict.passes)
        #expect(report.verdict.reasons.contains { $0.contains("best simple rule") })
        #expect(report.onsets > 500)
    }

    @Test func `with shuffled labels nothing is found beyond warning always`() {
        let report = Self.planted

        #expect(report.shuffledF1! <= report.shuffledAlwaysF1! + 0.02)
    }

    @Test func `half a year and fifty onsets are needed before anything is said`() {
        let short = Self.report(signal: 1) { $0.weeks = 20 }
        let few = Self.report(signal: 1) { ($0.tenants, $0.teamsEach, $0.sellersEach) = (1, 1, 3) }

        #expect(short.verdict.reasons == ["insufficient data: 20 weeks of history, 26 are needed"])
        #expect(few.verdict.reasons.count == 1)
        #expect(few.verdict.reasons[0].hasPrefix("insufficient data: "))
    }

    @Test func `warning always has the F1 that its prevalence gives`() {
        let report = Self.planted
        let prevalence = Double(report.judgedOnsets) / Double(report.judged)

        #expect(abs(report.alwaysF1 - 2 * prevalence / (1 + prevalence)) < 1e-9)
    }

    @Test func `an evaluation can be repeated`() {
        #expect(Self.report(signal: 0.5) { $0.tenants = 1 } == Self.report(signal: 0.5) { $0.tenants = 1 })
    }
}
