import Foundation
import JSONEnvelope
import SalesModel

/// What happened to a lead, in order: from what is recorded with it, its job and its missed times.
struct LeadStory {
    let facts: LeadView.Facts
    let owner: String?
    let clerk: Clerk

    var steps: [View] {
        let (lead, words) = (facts.lead, clerk.words)
        var story = Story(clerk)
        story.add(
            lead["received_at"]?.date, .info, words["lead_step_received"],
            detail: words["lead_step_from", ["source": lead["source"]?.string ?? "–", "id": lead["external_id"]?.string ?? "–"]])
        for past in pasts.reversed() {
            story.add(past.first, .idle, title(of: past), detail: past.detail, link: decided(past.number))
        }
        if let giving = handGiving {
            story.add(
                lead["decided_at"]?.date, .good, words["lead_step_assigned", ["owner": owner ?? "–"]],
                detail: words[
                    "lead_step_by_hand",
                    ["actor": clerk.actor(giving["by"]?.string) ?? "–", "reason": giving["reason"]?.string ?? "–"]])
        } else if let job = facts.job {
            let link = link(to: job["id"]?.string)
            let state = lead["state"]?.string ?? ""
            if job["finished_at"]?.string != nil {
                let title = owner.map { words["lead_step_assigned", ["owner": $0]] } ?? words.known("lead_state", state)
                // The title says so already.
                let isTold = owner != nil && job["outcome"]?.string == "assigned"
                story.add(
                    job["finished_at"]?.date, state == "assigned" ? .good : ["held", "manual_queue"].contains(state) ? .warn : .idle, title,
                    detail: isTold ? nil : JobWords.outcome(job, clerk), link: link)
            } else {
                story.add(job["created_at"]?.date, .info, words["job_step_created"], detail: JobWords.waiting(job, clerk), link: link)
            }
        }
        for missed in facts.escalations?["items"]?.elements ?? [] {
            let clock = words.known("clock", missed["clock"]?.string ?? "")
            let isHistory = LeadWords.isHistory(missed)
            story.add(
                missed["due_at"]?.date, isHistory ? .idle : missed["state"]?.string == "open" ? .bad : .warn,
                words["lead_step_missed", ["clock": clock, "level": words.known("level", missed["level"]?.string ?? "")]],
                detail: isHistory ? words["lead_came_late"] : told(missed))
        }
        story.add(lead["touched_at"]?.date, .good, words["lead_step_touched"])
        return story.views
    }

    /// Decisions before the present one that followed each other and came out alike: a lead that stays held is decided anew with
    /// every publication, and one step tells of them all.
    private struct Past {
        let outcome: String
        /// Where it went; where it went nowhere, what was in the way.
        let detail: String?
        /// When the oldest and the newest of them were made.
        var first: Date?
        let last: Date?
        /// That of the newest.
        let number: Int64?
        var count = 1
    }

    /// The newest first.
    private var pasts: [Past] {
        (facts.lead["earlier"]?.elements ?? []).map(past).reduce(into: []) { pasts, past in
            guard let newer = pasts.last, newer.outcome == past.outcome, newer.detail == past.detail else { return pasts.append(past) }
            pasts[pasts.count - 1].first = past.first
            pasts[pasts.count - 1].count += 1
        }
    }

    private func past(_ decision: JSONNode) -> Past {
        let words = clerk.words
        let pool = decision["pool"]?.string.map { words["lead_pool", ["name": $0]] }
        let outcome = decision["outcome"]?.string ?? ""
        let isSaid = AssignmentOutcome(rawValue: outcome)?.saysWhy == true
        let why = isSaid ? "" : words.passage(LeadReasons(lead: decision, sellers: facts.sellers, clerk: clerk).sentences)
        let at = decision["decided_at"]?.date
        return Past(
            outcome: words.known("outcome", outcome),
            detail: facts.sellers.name(decision["owner"]?.string) ?? pool ?? (why.isEmpty ? nil : why), first: at, last: at,
            number: decision["number"]?.integer)
    }

    private func title(of past: Past) -> String {
        guard past.count > 1, let last = past.last else { return clerk.words["lead_step_earlier", ["outcome": past.outcome]] }
        return clerk.words["lead_step_earlier_again", ["outcome": past.outcome, "n": clerk.number(past.count), "at": clerk.full(last)]]
    }

    /// Who was told of a missed time; and when, where that was not at once.
    private func told(_ missed: JSONNode) -> String? {
        let words = clerk.words
        let names = missed["recipients"]?.elements.compactMap(\.string).map { facts.sellers.addressee($0, words) } ?? []
        guard !names.isEmpty else { return nil }
        let people = names.joined(separator: words["list_separator"])
        guard let due = missed["due_at"]?.date, let told = missed["told_at"]?.date, told.timeIntervalSince(due) > 60 else {
            return words["lead_step_told", ["people": people]]
        }
        return words["lead_step_told_at", ["people": people, "at": clerk.full(told)]]
    }

    /// By whom and why, where a person gave it to its owner: its job ended before that, and is told of as it was decided then.
    private var handGiving: JSONNode? {
        facts.lead["assignment"]?["reasons"]?.elements.first { $0["code"]?.string == "assigned_by_hand" }?["params"]
    }

    /// To the whole of a decision before the newest.
    private func decided(_ number: Int64?) -> (href: String, label: String)? {
        guard let number, let id = facts.lead["id"]?.string else { return nil }
        return (Layout.path("leads/\(id)") + query([("decision", String(number))]), clerk.words["lead_step_decision"])
    }

    private func link(to job: String?) -> (href: String, label: String)? {
        job.map { (Layout.path("jobs/\($0)"), clerk.words["lead_step_job", ["id": $0]]) }
    }
}
