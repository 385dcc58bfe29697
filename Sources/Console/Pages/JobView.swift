import Foundation
import JSONEnvelope
import Tenancy

/// One job's story, why it waits, and what can be done about it.
public enum JobView {
    /// - Parameters:
    ///   - job: `GET /v1/jobs/{id}`.
    ///   - once: lets each form be done once.
    public static func page(_ layout: Layout, _ clerk: Clerk, job: JSONNode, once: String, refusal: Refusal? = nil) -> View {
        let words = layout.words
        let (id, kind) = (job["id"]?.string ?? "", job["kind"]?.string ?? "")
        let state = job["state"]?.string ?? ""
        return layout.page(
            words["job_heading", ["kind": words.known("kind", kind), "id": id]],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(words) } ?? .nothing,
                "listHref": .text(Layout.path("jobs")), "number": .text(id), "heading": .text(words.known("kind", kind)),
                "state": JobWords.chip(job, words), "summary": .text(summary(job, clerk)), "waiting": waiting(job, clerk),
                "failure": failure(job, words), "progress": progress(job, clerk), "spans": spans(job, clerk),
                "story": .list(story(job, clerk)),
                "arguments": job["args"]?.members.isEmpty == false ? .text(pretty(job["args"])) : .nothing,
                "result": job["result"].flatMap { $0.type == .null ? nil : ["resultText": .text(pretty($0))] } ?? .nothing,
                "facts": .list(facts(job, clerk)), "retry": retry(layout, job, once: once, refusal),
                "cancel": cancel(layout, job, once: once, refusal),
                "noControls": mayRetry(state) || mayCancel(state)
                    ? .nothing
                    : .text(
                        words[JobWords.isInVain(job["outcome"]?.string) ? "job_no_controls_in_vain" : "job_no_controls"]),
            ])
    }

    private static func mayRetry(_ state: String) -> Bool { ["discarded", "cancelled", "scheduled", "retryable"].contains(state) }
    private static func mayCancel(_ state: String) -> Bool {
        ["scheduled", "available", "running", "retryable", "parked"].contains(state)
    }

    private static func summary(_ job: JSONNode, _ clerk: Clerk) -> String {
        let words = clerk.words
        let created = date(job, "created_at").map { clerk.ago($0) } ?? ""
        switch job["state"]?.string {
        case "completed", "cancelled", "discarded":
            guard let finished = date(job, "finished_at") else { return "" }
            let isInVain = job["state"]?.string == "completed" && JobWords.isInVain(job["outcome"]?.string)
            let name = isInVain ? "job_summary_in_vain" : "job_summary_\(job["state"]?.string ?? "")"
            return words[name, ["ago": clerk.ago(finished), "span": clerk.span(milliseconds: job["run_ms"]?.double) ?? "–"]]
        case "running":
            guard let started = date(job, "started_at") else { return "" }
            return words["job_summary_running", ["span": clerk.span(max(0, clerk.now.timeIntervalSince(started)))]]
        default: return words["job_summary_waiting", ["ago": created]]
        }
    }

    private static func waiting(_ job: JSONNode, _ clerk: Clerk) -> View {
        guard let text = JobWords.waiting(job, clerk) else { return .nothing }
        let code = job["waiting_code"]?.string ?? ""
        let isHeld = ["breaker_forced", "breaker_open", "kind_paused", "dependency_paused", "tenant_paused", "index_away", "index_full"]
            .contains(code)
        let place: String? = code.hasPrefix("breaker_") || code.hasSuffix("_paused") ? "breakers" : nil
        return [
            "waitTone": .text((isHeld ? Tone.warn : .info).rawValue), "waitText": .text(text),
            "waitDrain": .text(
                job["estimated_drain_seconds"]?.double.map { clerk.words["job_drain", ["span": clerk.span(max(1, $0))]] }),
            "waitHref": .text(place.map(Layout.path)), "waitLinkLabel": .text(place.map { _ in clerk.words["job_see_breakers"] }),
        ]
    }

    private static func failure(_ job: JSONNode, _ words: Words) -> View {
        guard let error = job["error"], error.type == .object else { return .nothing }
        let kind = error["class"]?.string ?? "unknown"
        let aside = job["state"]?.string == "discarded" ? words.all["class_\(kind)_aside"] : nil
        return [
            "failureTitle": .text(words.known("class", kind)),
            "failureMessage": .text(error["message"]?.string.map { Sentences.relayed($0, words) }),
            "failureAdvice": .text(aside ?? words.all["class_\(kind)_advice"]),
        ]
    }

    private static func progress(_ job: JSONNode, _ clerk: Clerk) -> View {
        guard let progress = job["progress"], progress.type == .object else { return .nothing }
        let fraction = progress["fraction"]?.double
        return [
            "progressNote": .text(progress["note"]?.string),
            "progressPercent": .text(fraction.map { clerk.percent($0, decimals: 0) } ?? ""),
            "progressX": .text(Picture.length(fraction ?? 0)), "progressAt": clerk.when(progress["at"]),
        ]
    }

    // MARK: How its time went

    /// One bar from when it was enqueued until its end, or until now.
    private static func spans(_ job: JSONNode, _ clerk: Clerk) -> View {
        guard let created = date(job, "run_at") ?? date(job, "created_at"), let started = date(job, "started_at"), started >= created else {
            return .nothing
        }
        let end = date(job, "finished_at") ?? clerk.now
        let whole = end.timeIntervalSince(created)
        guard whole > 0 else { return .nothing }
        let (waited, ran) = (started.timeIntervalSince(created), end.timeIntervalSince(started))
        let words = clerk.words
        let hasFailed = job["error"]?.type == .object
        let parts: [(tone: String, from: Double, seconds: Double, name: String)] = [
            ("idle", 0, waited, "job_span_waited"),
            (hasFailed ? "bad" : "one", waited, ran, hasFailed ? "job_span_failed" : "job_span_ran"),
        ]
        return [
            "spansWords": .text(words["job_spans", ["waited": clerk.span(waited), "ran": clerk.span(ran)]]),
            "parts": .list(
                parts.map { part in
                    [
                        "partTone": .text(part.tone), "x": .text(Picture.length(part.from / whole)),
                        "width": .text(Picture.length(part.seconds / whole)),
                        "partWords": .text("\(words[part.name])\(words["colon"])\(clerk.span(part.seconds))"),
                    ]
                }),
        ]
    }

    private static func story(_ job: JSONNode, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        let state = job["state"]?.string ?? ""
        var story = Story(clerk)
        let run = job["run"]?.integer ?? 1
        story.add(
            date(job, "created_at"), .info, words["job_step_created"], detail: run > 1 ? words["job_step_run", ["n": String(run)]] : nil)
        if let due = date(job, "run_at"), due != date(job, "created_at") {
            story.add(due, .plain, words[due > clerk.now ? "job_step_will_be_due" : "job_step_due"])
        }
        let tries = job["attempts"]?.elements ?? []
        for one in tries { add(one, to: &story, isOfManyRuns: run > 1, clerk) }
        if tries.isEmpty {
            let lost = job["lost"]?.integer ?? 0
            story.add(
                date(job, "started_at"), .info, words["job_step_started", ["attempts": JobWords.attempts(job, clerk)]],
                detail: lost > 0 ? words["job_step_lost", ["n": String(lost)]] : nil)
        }
        story.add(date(job, "cancel_requested_at"), .warn, words["job_step_cancel_asked"])
        story.add(
            date(job, "finished_at"), JobWords.endTone(job), words["job_step_\(state)"],
            detail: JobWords.outcome(job, clerk))
        return story.views
    }

    /// An attempt is a step where it began.
    private static func add(_ attempt: JSONNode, to story: inout Story, isOfManyRuns: Bool, _ clerk: Clerk) {
        let words = clerk.words
        let outcome = attempt["outcome"]?.string ?? ""
        let tone: Tone =
            switch outcome {
            case "completed": .good
            case "failed", "lost": .bad
            case "put_back", "cancelled": .warn
            default: .info
            }
        let (began, ended) = (date(attempt, "started_at"), date(attempt, "ended_at"))
        let number = String(attempt["attempt"]?.integer ?? 0)
        let error = attempt["error"]?.string.map { Sentences.relayed($0, words) }.map { message in
            attempt["error_class"]?.string.map { "\(words.known("class", $0))\(words["colon"])\(message)" } ?? message
        }
        let span = began.flatMap { began in ended.map { clerk.span(max(0, $0.timeIntervalSince(began))) } }
        let details = [
            isOfManyRuns ? words["job_step_run", ["n": String(attempt["run"]?.integer ?? 1)]] : nil, error,
            span.map { words["job_try_ran", ["span": $0]] }, attempt["worker"]?.string.map { words["job_try_worker", ["n": $0]] },
            date(attempt, "next_at").map { words["job_try_next", ["at": clerk.full($0)]] },
        ].compactMap(\.self)
        story.add(began, tone, words["job_try_\(outcome)", ["n": number]], detail: details.isEmpty ? nil : details.joined(separator: " · "))
    }

    // MARK: Facts and forms

    private static func facts(_ job: JSONNode, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        let lead = job["kind"]?.string == "assign_lead" ? job["args"]?["lead_id"] : nil
        let leadID = lead?.string ?? lead?.integer.map(String.init)
        return [
            View.fact(words["jobs_number"], job["id"]?.string),
            View.fact(words["word_kind"], job["kind"]?.string.map { words.known("kind", $0) }),
            View.fact(words["word_lead"], leadID, href: leadID.map { Layout.path("leads/\($0)") }),
            View.fact(words["job_shown"], shown(job, words)?.name, href: shown(job, words)?.path),
            View.fact(words["jobs_attempts"], JobWords.attempts(job, clerk)),
            View.fact(words["jobs_queued"], clerk.span(milliseconds: job["queue_ms"]?.double)),
            View.fact(words["jobs_ran"], clerk.span(milliseconds: job["run_ms"]?.double)),
            View.fact(words["job_rule_version"], job["rule_version"]?.string),
            View.fact(words["job_arm"], job["arm"]?.string.map { words.known("arm", $0) }),
            View.fact(words["job_outcome"], job["outcome"]?.string.map { words.known("outcome", $0) }),
            View.fact(words["job_batch"], job["batch_id"]?.string), View.fact(words["job_trace"], job["trace_id"]?.string),
        ].compactMap(\.self)
    }

    /// The page on which what it makes is looked at; nil: it makes nothing that has one.
    private static func shown(_ job: JSONNode, _ words: Words) -> (name: String, path: String)? {
        switch job["kind"]?.string {
        case "rebuild_forecast": (words["forecast_title"], Layout.path("forecast"))
        case "run_spi_model", "diagnose_spi": (words["health_title"], Layout.path("process-health"))
        case "replay_rules": job["args"]?["round_id"]?.string.map { (words["rollout_replay"], Layout.path("rounds/\($0)")) }
        default: nil
        }
    }

    private static func retry(_ layout: Layout, _ job: JSONNode, once: String, _ refusal: Refusal?) -> View {
        let (id, state) = (job["id"]?.string ?? "", job["state"]?.string ?? "")
        guard mayRetry(state) else { return .nothing }
        let name = ["discarded", "cancelled"].contains(state) ? "job_retry_again" : "job_retry_now"
        return Control("retry", action: Layout.path("jobs/\(id)/retry"), once: once, refusal: refusal).view([
            "retryTitle": .text(layout.words[name]), "retryConsequence": .text(layout.words["\(name)_consequence"]),
        ])
    }

    private static func cancel(_ layout: Layout, _ job: JSONNode, once: String, _ refusal: Refusal?) -> View {
        let (id, state) = (job["id"]?.string ?? "", job["state"]?.string ?? "")
        guard mayCancel(state) else { return .nothing }
        let consequence = layout.words[state == "running" ? "job_cancel_running" : "job_cancel_waiting"]
        return Control("cancel", action: Layout.path("jobs/\(id)/cancel"), once: once, refusal: refusal).view([
            "cancelConsequence": .text(consequence)
        ])
    }

    private static func date(_ job: JSONNode, _ name: String) -> Date? { job[name]?.date }

    /// JSON over several lines.
    static func pretty(_ node: JSONNode?) -> String { node.map { Indented.text($0) } ?? "" }
}
