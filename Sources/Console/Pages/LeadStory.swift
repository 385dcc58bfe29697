import Foundation
import JSONEnvelope

/// What happened to a lead, in order: from what is recorded with it, its job and its missed times.
struct LeadStory {
    let facts: LeadView.Facts
    let owner: String?
    let clerk: Clerk

    var steps: [View] {
        let (lead, words) = (facts.lead, clerk.words)
        var steps: [(Date, View)] = []
        func step(_ time: JSONNode?, _ tone: Tone, _ title: String, detail: String? = nil, href: String? = nil, label: String? = nil) {
            guard let at = time?.string.flatMap(RFC3339.date) else { return }
            steps.append(
                (
                    at,
                    [
                        "stepTone": .text(tone.rawValue), "stepTitle": .text(title), "stepIso": .text(RFC3339.text(at)),
                        "stepClock": .text(clerk.full(at)), "stepDetail": .text(detail), "stepHref": .text(href),
                        "stepLinkLabel": .text(label),
                    ]
                ))
        }
        step(
            lead["received_at"], .info, words["lead_step_received"],
            detail: words["lead_step_from", ["source": lead["source"]?.string ?? "–", "id": lead["external_id"]?.string ?? "–"]])
        if let job = facts.job {
            let id = job["id"]?.string ?? ""
            let link = (Layout.path("jobs/\(id)"), words["lead_step_job", ["id": id]])
            let state = lead["state"]?.string ?? ""
            if job["finished_at"]?.string != nil {
                let title = owner.map { words["lead_step_assigned", ["owner": $0]] } ?? words.known("lead_state", state)
                step(
                    job["finished_at"], state == "assigned" ? .good : ["held", "manual_queue"].contains(state) ? .warn : .idle, title,
                    detail: JobWords.outcome(job, words), href: link.0, label: link.1)
            } else {
                step(job["created_at"], .info, words["job_step_created"], detail: JobWords.waiting(job, words), href: link.0, label: link.1)
            }
        }
        for missed in facts.escalations["items"]?.elements ?? [] {
            let clock = words.known("clock", missed["clock"]?.string ?? "")
            let told = missed["recipients"]?.elements.compactMap(\.string).joined(separator: words["list_separator"])
            step(
                missed["due_at"], missed["state"]?.string == "open" ? .bad : .warn,
                words["lead_step_missed", ["clock": clock, "level": missed["level"]?.string ?? ""]],
                detail: told.flatMap { $0.isEmpty ? nil : words["lead_step_told", ["people": $0]] })
        }
        step(lead["touched_at"], .good, words["lead_step_touched"])
        return steps.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element.1)
    }
}
