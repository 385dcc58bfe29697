import Foundation
import JSONEnvelope
import Jobs
import ProcessHealth
import Records

extension RunProcessHealth {
    /// Trains a model on what is known, and judges the way it is trained on the weeks before. One that may warn is a draft, to be rolled out.
    func train(_ run: Run) async throws -> Outcome {
        let report = try await evaluated(run)
        let isInsufficient = !ReleaseGate().tooLittle(weeks: report.report.weeks, onsets: report.report.onsets).isEmpty
        let model = isInsufficient ? nil : WarningModel.trained(on: report.rows, at: run.last)
        let standing = try await records.standing(of: run.tenant)
        let passes = report.report.verdict.passes && model != nil
        let effect = try HealthModelEffect(
            week: run.last, verdict: report.report.verdict, isInsufficient: isInsufficient, model: model, report: report.report.json)
        let version = (standing.last?.version ?? 0) + 1
        let result = JSONWriter.object(capacity: 1_024) { object in
            object.member("mode", "train")
            object.member("status", isInsufficient ? "insufficient_data" : "ok")
            object.member("model_version", version)
            // Never by its training alone: it goes the way of every change.
            object.member("promoted", false)
            object.member("passes_gate", passes)
            object.member("live_version", standing.live?.version)
            object.member("reasons", report.report.verdict.reasons)
            object.member("rows", model?.rows)
            object.member("positives", model?.onsets)
            report.report.describe(&object)
        }
        return Outcome(
            .completed(isInsufficient ? "insufficient_data" : passes ? "passed" : "silent"), effects: [effect],
            followUps: run.isChained ? [.runHealth("predict", of: run.tenant, asOf: run.asOf, isChained: true)] : [], result: result)
    }

    /// Judges without keeping anything.
    func backtest(_ run: Run) async throws -> Outcome {
        let report = try await evaluated(run).report
        let result = JSONWriter.object(capacity: 1_024) { object in
            object.member("mode", "backtest")
            object.member("origins", report.origins)
            object.member("reasons", report.verdict.reasons)
            report.describe(&object)
        }
        return Outcome(.completed(report.verdict.passes ? "passes" : "silent"), result: result)
    }

    private func evaluated(_ run: Run) async throws -> (report: WarningReport, rows: [OnsetRow]) {
        let series = try await records.series(through: run.last, weeks: Self.span, of: run.tenant)
        return (RollingEvaluation().report("tenant", series), OnsetRow.rows(of: series))
    }
}

extension WarningReport {
    /// Everything in it.
    var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.sortedKeys]
            return Array(try encoder.encode(self))
        }
    }

    /// What J4 asks of it.
    func describe(_ object: inout JSONWriter) {
        object.member("onsets", onsets)
        object.member("prevalence", prevalence)
        object.member("f1", f1.value)
        object.array("ci95") { list in for end in [f1.low, f1.high] { list.element(json: Array((end?.description ?? "null").utf8)) } }
        object.member("precision", confusion.precision)
        object.member("recall", confusion.recall)
        object.object("confusion") { inner in
            inner.member("hits", confusion.hits)
            inner.member("false_alarms", confusion.falseAlarms)
            inner.member("misses", confusion.misses)
            inner.member("rest", confusion.rest)
        }
        object.member("baseline_f1", max(alwaysF1, levelF1, twoConditionsF1))
        object.member("always_f1", alwaysF1)
        object.member("level_f1", levelF1)
        object.member("two_conditions_f1", twoConditionsF1)
        object.member("all_weeks_f1", allWeeksF1)
        object.member("persistence_f1", persistenceF1)
        object.member("calibration_error", calibrationError)
        object.member("median_lead_days", medianLeadDays)
    }
}
