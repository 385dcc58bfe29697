import Foundation
import JSONEnvelope

/// What came of a rebuild that somebody asked for on the page of the forecast.
struct ForecastRebuild {
    private let job: JSONNode
    private let earlier: EarlierForecasts
    private let clerk: Clerk

    /// - Parameters:
    ///   - job: `GET /v1/jobs/{id}`; nil where there was none, or it was another's.
    ///   - earlier: the forecasts before the one that is shown.
    init?(_ job: JSONNode?, _ earlier: EarlierForecasts, _ clerk: Clerk) {
        guard let job, job["kind"]?.string == "rebuild_forecast" else { return nil }
        self.job = job
        self.earlier = earlier
        self.clerk = clerk
    }

    private var words: Words { clerk.words }
    private var state: String { job["state"]?.string ?? "" }
    private var id: String { job["id"]?.string ?? "" }

    /// Whether the page's figures may still change by it.
    var isUnderWay: Bool { !["completed", "cancelled", "discarded"].contains(state) }

    var view: View {
        [
            "rebuiltTone": .text((isUnderWay ? Tone.info : state == "completed" ? .good : .bad).rawValue), "rebuiltWords": .text(said),
            "rebuiltHref": .text(Layout.path("jobs/\(id)")), "rebuiltJob": .text(words["lead_step_job", ["id": id]]),
        ]
    }

    private var said: String {
        guard !isUnderWay else { return words["forecast_rebuilding"] }
        guard state == "completed" else {
            let why = JobWords.outcome(job, clerk)
            return words["forecast_not_rebuilt", ["reason": why.isEmpty ? words.known("state", state) : why]]
        }
        return words["forecast_rebuilt", ["ago": job["finished_at"]?.date.map { clerk.ago($0) } ?? "", "result": result]]
    }

    /// Whether the forecast that is shown is the one it made, to the second.
    private var isShown: Bool {
        guard let made = earlier.madeAt, let began = job["started_at"]?.date, let ended = job["finished_at"]?.date else { return true }
        return began.addingTimeInterval(-1) <= made && made <= ended.addingTimeInterval(1)
    }

    /// Whether the figures moved.
    private var result: String {
        guard job["outcome"]?.string != "unchanged" else { return words["forecast_rebuilt_unchanged"] }
        guard isShown else { return words["forecast_rebuilt_other"] }
        guard let now = earlier.total else { return words["forecast_rebuilt_new"] }
        guard let before = earlier.totalBefore else { return words["forecast_rebuilt_first", ["now": now]] }
        return words[before == now ? "forecast_rebuilt_same" : "forecast_rebuilt_moved", ["before": before, "now": now]]
    }
}
