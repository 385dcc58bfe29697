import Console
import Foundation
import SalesModel

/// A lead as the API tells of it.
struct ShownLead: Decodable {
    struct Said: Decodable {
        let en, zh: [String]

        func lines(_ words: Words) -> [String] { words.language == .chinese ? zh : en }
    }

    struct Decision: Decodable {
        struct Candidate: Decodable {
            let sellerId: String
            /// Of whatever the rule ranks by.
            let metric: Double?
            let pending: Int?
        }

        /// What a score is made of; a part of which nothing was told gives nothing.
        struct Score: Decodable {
            let industryMatch, budgetClarity, decisionChain, urgency, interaction: Double?
            let missing: [String]?

            func text(_ words: Words) -> String {
                let parts = [
                    ("industry_match", industryMatch), ("budget_clarity", budgetClarity), ("decision_chain", decisionChain),
                    ("urgency", urgency), ("interaction", interaction),
                ]
                let said: [String] = parts.compactMap { name, points in
                    guard let points else { return nil }
                    let isUnknown = missing?.contains(name) == true
                    return words.code("score", name) + String(format: " %.0f", points)
                        + (isUnknown ? words.inBrackets(words["cli_lead_nothing_known"]) : "")
                }
                return words.list(said)
            }
        }

        /// One of its reasons; nil: of a kind this program does not know.
        struct Given: Decodable {
            let reason: Reason?

            init(from decoder: any Decoder) { reason = try? Reason(from: decoder) }
        }

        let outcome: String?
        let reasons: [Given]?
        let matchedRule: String?
        let ruleVersion: String?
        let arm: String?
        let score: Score?
        /// The first of those compared.
        let candidates: [Candidate]?
        let candidateCount: Int?

        /// The rule, or the other way it came to whoever has it, as the console's list of leads says it.
        func way(_ words: Words) -> String? {
            LeadsView.way(rule: matchedRule, outcome: outcome, reason: reasons?.first?.reason?.code.rawValue, words)
        }
    }

    struct Earlier: Decodable {
        let decidedAt, outcome: String
        let owner, pool: String?
        let explanation: Said

        /// With its place, or why it has none.
        private func text(_ words: Words) -> String {
            let isSaid = AssignmentOutcome(rawValue: outcome)?.saysWhy == true
            let why = isSaid ? "" : words.passage(explanation.lines(words))
            let rest = (owner ?? pool).map { words["cli_comma"] + $0 } ?? (why.isEmpty ? "" : words["cli_colon"] + why)
            return words.code("outcome", outcome) + rest
        }

        /// A line for each, the newest first; for those that followed each other and came out alike, as those of a lead that stays
        /// held with each publication do, one for all.
        static func lines(_ decisions: [Earlier], _ words: Words) -> [String] {
            var runs: [(text: String, times: [String])] = []
            for decision in decisions {
                let text = decision.text(words)
                if runs.last?.text != text { runs.append((text, [])) }
                runs[runs.count - 1].times.append(decision.decidedAt.withWholeSeconds)
            }
            return runs.map { run in
                let (last, first) = (run.times[0], run.times[run.times.count - 1])
                let again = words.inBrackets(words["cli_lead_in_a_row", ["n": "\(run.times.count)", "time": last]])
                return "\(first) \(run.text)\(run.times.count == 1 ? "" : again)"
            }
        }
    }

    struct Clock: Decodable {
        let clock: String
        let level: String?
        let dueAt: String?
        let state: String?

        /// `first touch reminder 2026-01-31T08:04:00Z, running`; nil: nothing is due.
        func text(_ words: Words) -> String? {
            dueAt.map { due in
                let name = words.passage([words.code("clock", clock), level.map { words.code("level", $0) }].compactMap(\.self))
                return words.clauses(["\(name) \(due.withWholeSeconds)", state.map { words.code("clock_state", $0) }])
            }
        }
    }

    let id, source, externalId, state, receivedAt: String
    let name, heldReason, owner, pool, touchedAt, jobId: String?
    let score: Double?
    let assignment: Decision?
    let explanation, leftOut: Said
    /// Of one lead only.
    let earlier: [Earlier]?
    let clocks: [Clock]

    private func standing(_ words: Words) -> String {
        heldReason.map { words.code("outcome", $0) } ?? words.code("lead_state", state)
    }

    private func place(_ words: Words) -> String {
        if let owner { return words["cli_place_owner", ["owner": owner]] }
        return pool.map { words["cli_place_pool", ["pool": $0]] } ?? words["cli_place_nobody"]
    }

    /// What the columns of a table of leads are called.
    static func heads(_ words: Words) -> [String] {
        [
            "jobs_number", "leads_source", "member_external_id", "member_name", "word_state", "leads_owner", "leads_rule", "leads_score",
            "leads_received",
        ].map { words[$0].withSmallLetter }
    }

    /// Its row in a table.
    func cells(_ words: Words) -> [String] {
        [
            id, source, externalId, name ?? "", standing(words), owner ?? pool ?? "",
            assignment?.way(words) ?? "", score.map { String(format: "%.0f", $0) } ?? "", receivedAt,
        ]
    }

    /// `ben: 2 waiting, figure 0.333; got it`
    private func line(of candidate: Decision.Candidate, _ words: Words) -> String {
        let facts = words.clauses([
            candidate.pending.map { words["cli_lead_pending", ["n": "\($0)"]] },
            candidate.metric.map { words["cli_lead_figure", ["figure": String(format: "%.3g", $0)]] },
        ])
        let end = candidate.sellerId == owner ? words["clause_separator"] + words["cli_lead_got_it"] : ""
        return "\(candidate.sellerId)\(words["cli_colon"])\(facts)\(end)"
    }

    func text(_ words: Words) -> String {
        let compared = assignment?.candidates ?? []
        let sections: [(title: String, items: [String])] = [
            (words["cli_lead_why"], why(words)),
            (words["cli_lead_compared", ["n": "\(assignment?.candidateCount ?? compared.count)"]], compared.map { line(of: $0, words) }),
            (words["cli_lead_left_out"], leftOut.lines(words)),
            (words["cli_lead_decided_before"], Earlier.lines(earlier ?? [], words)),
            (words["cli_lead_due"], clocks.compactMap { $0.text(words) }),
        ]
        var lines = head(words)
        for section in sections where !section.items.isEmpty { lines += ["", section.title] + section.items.map { "  – \($0)" } }
        return lines.joined(separator: "\n")
    }

    /// Its explanation; the clock that ran out is called what the clocks below it are.
    private func why(_ words: Words) -> [String] {
        let told = explanation.lines(words)
        let late = assignment?.reasons?.compactMap(\.reason).first { $0.code == .transferredOverdue }
        guard let late, case .text(let clock)? = late.parameters["clock"] else { return told }
        let called = Reason(late.code, late.parameters.merging(["clock": .text(words.code("clock", clock))]) { $1 })
        return told.map { $0 == late.text(in: words.language) ? called.text(in: words.language) : $0 }
    }

    /// Where it is, since when, and by which rules.
    private func head(_ words: Words) -> [String] {
        let name = words.clauses(["\(source)/\(externalId)", self.name])
        var lines = [words["cli_lead", ["id": id, "name": name, "state": standing(words), "place": place(words)]]]
        lines.append(
            words.clauses([
                words["cli_lead_received", ["time": receivedAt.withWholeSeconds]],
                touchedAt.map { words["cli_lead_first_touched", ["time": $0.withWholeSeconds]] },
                score.map { words["cli_lead_score", ["points": String(format: "%.0f", $0)]] },
            ]))
        if let decision = assignment, let version = decision.ruleVersion {
            lines.append(
                words.clauses([
                    words["cli_lead_decided_by", ["version": version]],
                    decision.matchedRule.map { words["cli_lead_rule", ["rule": $0]] },
                    decision.arm.map { words["cli_lead_arm", ["arm": words.code("arm", $0)]] },
                ]))
        }
        if let parts = assignment?.score?.text(words), !parts.isEmpty { lines.append(words["cli_lead_scored", ["parts": parts]]) }
        return lines
    }
}
