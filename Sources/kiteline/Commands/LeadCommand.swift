import ArgumentParser
import AsyncHTTPClient
import Foundation
import JSONEnvelope

struct LeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lead", abstract: "A tenant's leads: where each is and why, over the API.", subcommands: [Show.self, List.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Where a lead is, why it has its owner, and who else was looked at.",
            discussion: "By its number, as `kiteline lead list` shows it, or by --source and its id there.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "Its number; with --source its id at that source.")
        var id: String

        @Option(help: "Where it came from.")
        var source: String?

        @Option(help: "The language of its reasons: en or zh. The rest of the command line is English.")
        var language = "en"

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard ["en", "zh"].contains(language) else { throw ValidationError("--language is en or zh") }
            guard source != nil || id.isID else {
                throw ValidationError("\"\(id)\" is no lead's number; for its id at a source add --source")
            }
        }

        private struct Waiting: Decodable { let whyWaiting: String? }

        private struct Found: Decodable {
            struct Item: Decodable { let id: String }
            let items: [Item]
        }

        func run() async throws {
            let remote = try remote.remote()
            let data = try await remote.request(.get, "/v1/leads/\(try await number(remote))")
            if json { return printLine(data) }
            let lead = try JSON.read(LeadView.self, from: data)
            print(lead.text(language))
            guard lead.state == "awaiting_assignment", let job = lead.jobId else { return }
            let why = try JSON.read(Waiting.self, from: try await remote.request(.get, "/v1/jobs/\(job)")).whyWaiting
            print("\nits job \(job) waits" + (why.map { ": \($0)" } ?? ""))
        }

        private func number(_ remote: Remote) async throws -> String {
            guard let source else { return id }
            let data = try await remote.request(.get, "/v1/leads", query: ["source": source, "external_id": id])
            guard let lead = try JSON.read(Found.self, from: data).items.first else {
                throw Failure("there is no lead \(id) of the source \(source)")
            }
            return lead.id
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Leads, the newest first.",
            discussion: "--csv writes all of them for a spreadsheet, page after page, whatever their number.")

        @OptionGroup var pages: PageOptions

        @Option(help: "awaiting_assignment, assigned, pooled, with_marketing, manual_queue or held.")
        var state: String?

        @Option(help: "Only those that came from there.")
        var source: String?

        @Option(help: "Only those this seller has, by their id.")
        var owner: String?

        @Option(help: "Only those with this in their id or in a field, such as part of a company's name.")
        var text: String?

        @Option(help: "late (nobody touched it in time), untouched or touched.")
        var touch: String?

        @Flag(help: "Write all of them as CSV.")
        var csv = false

        @Option(help: ArgumentHelp("With --csv a field they came with, as a column; may be repeated.", valueName: "name"))
        var field: [String] = []

        private struct Found: Decodable {
            struct Item: Decodable { let externalId: String }
            let items: [Item]
        }

        func validate() throws {
            guard !csv || (pages.limit == nil && pages.cursor == nil && !pages.json) else {
                throw ValidationError("--csv writes all of them: without --limit, --cursor and --json")
            }
            guard csv || field.isEmpty else { throw ValidationError("--field is for --csv; kiteline lead show tells all of a lead") }
        }

        func run() async throws {
            let filters = ["state": state, "source": source, "owner": owner, "text": text, "touch": touch]
            if let owner {
                let sellers = try await pages.remote.remote().request(.get, "/v1/sellers", query: ["ids": owner])
                guard try !JSON.read(Found.self, from: sellers).items.isEmpty else {
                    throw Failure("no seller has the id \(owner): GET /v1/sellers tells who there is")
                }
            }
            if csv { return try await export(filters) }
            try await pages.list(
                "/v1/leads", filters,
                ["id", "source", "external id", "name", "state", "with", "rule", "score", "received"]
            ) { (lead: LeadView) in lead.cells }
        }

        private func export(_ filters: [String: String?]) async throws {
            let remote = try pages.remote.remote()
            try await LeadExport(fields: field).write(
                to: { print($0, terminator: "") },
                page: { cursor in
                    let query = filters.merging(["limit": "100", "cursor": cursor]) { $1 }
                    return try JSONEnvelope(Array(await remote.request(.get, "/v1/leads", query: query)), levels: 4, limits: .stored).root
                })
        }
    }
}

extension String {
    /// Whether it may be the number of something.
    var isID: Bool { !isEmpty && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
}

/// A lead as the API tells of it.
private struct LeadView: Decodable {
    struct Words: Decodable {
        let en, zh: [String]

        func said(_ language: String) -> [String] { language == "zh" ? zh : en }
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

            var text: String {
                let parts = [
                    ("industry_match", industryMatch), ("budget_clarity", budgetClarity), ("decision_chain", decisionChain),
                    ("urgency", urgency), ("interaction", interaction),
                ]
                return parts.compactMap { name, points in
                    points.map { String(format: "\(name) %.0f", $0) + (missing?.contains(name) == true ? " (nothing known)" : "") }
                }.joined(separator: ", ")
            }
        }

        let matchedRule: String?
        let ruleVersion: String?
        let arm: String?
        let score: Score?
        /// The first of those compared.
        let candidates: [Candidate]?
        let candidateCount: Int?
    }

    struct Earlier: Decodable {
        let decidedAt, outcome: String
        let owner, pool: String?
        let explanation: Words

        /// With its place, or why it has none.
        private func text(_ language: String) -> String {
            let why = explanation.said(language).joined(separator: " ")
            let rest = (owner ?? pool).map { ", \($0)" } ?? (why.isEmpty ? "" : ": \(why)")
            return "\(LeadView.held(outcome))\(rest)"
        }

        /// A line for each, the newest first; for those that followed each other and came out alike, as those of a lead that stays
        /// held with each publication do, one for all.
        static func lines(_ decisions: [Earlier], _ language: String) -> [String] {
            var runs: [(text: String, times: [String])] = []
            for decision in decisions {
                let text = decision.text(language)
                if runs.last?.text != text { runs.append((text, [])) }
                runs[runs.count - 1].times.append(decision.decidedAt.withWholeSeconds)
            }
            return runs.map { run in
                run.times.count == 1
                    ? "\(run.times[0]) \(run.text)"
                    : "\(run.times[run.times.count - 1]) \(run.text) (\(run.times.count) times in a row, last \(run.times[0]))"
            }
        }
    }

    struct Clock: Decodable {
        let clock: String
        let level: String?
        let dueAt: String?
        let state: String?

        /// `lead_first_touch reminder 2026-01-31T08:04:00Z, running`; nil: nothing is due.
        var text: String? {
            dueAt.map { due in
                let name = [clock, level].compactMap(\.self).joined(separator: " ")
                return "\(name) \(due.withWholeSeconds)\(state.map { ", \($0)" } ?? "")"
            }
        }
    }

    let id, source, externalId, state, receivedAt: String
    let name, heldReason, owner, pool, touchedAt, jobId: String?
    let score: Double?
    let assignment: Decision?
    let explanation, leftOut: Words
    /// Of one lead only.
    let earlier: [Earlier]?
    let clocks: [Clock]

    private var standing: String {
        heldReason.map(Self.held) ?? state
    }

    /// An outcome in words where it held the lead, else as it is.
    private static func held(_ outcome: String) -> String {
        switch outcome {
        case "held_mapping_error": "held: a field cannot be mapped"
        case "held_missing_data": "held: a field is missing"
        case "held_failed": "held: its job failed"
        default: outcome
        }
    }

    private var place: String { owner ?? pool.map { "pool \($0)" } ?? "nobody" }

    var cells: [String] {
        [
            id, source, externalId, name ?? "", standing, owner ?? pool ?? "",
            assignment?.matchedRule ?? "", score.map { String(format: "%.0f", $0) } ?? "", receivedAt,
        ]
    }

    /// `ben: 2 waiting, figure 0.333; got it`
    private func line(of candidate: Decision.Candidate) -> String {
        let facts = [candidate.pending.map { "\($0) waiting" }, candidate.metric.map { String(format: "figure %.3g", $0) }].compactMap(
            \.self)
        return "\(candidate.sellerId): \(facts.joined(separator: ", "))\(candidate.sellerId == owner ? "; got it" : "")"
    }

    func text(_ language: String) -> String {
        let name = ["\(source)/\(externalId)", name].compactMap(\.self).joined(separator: ", ")
        var lines = ["lead \(id) (\(name)) is \(standing), with \(place)"]
        let score = score.map { String(format: ", score %.0f", $0) } ?? ""
        let touched = touchedAt.map { ", first touched \($0.withWholeSeconds)" } ?? ""
        lines.append("received \(receivedAt.withWholeSeconds)\(touched)\(score)")
        if let decision = assignment, let version = decision.ruleVersion {
            lines.append(
                "decided by \(version)\(decision.matchedRule.map { ", rule \($0)" } ?? "")\(decision.arm.map { ", arm \($0)" } ?? "")")
        }
        if let parts = assignment?.score?.text, !parts.isEmpty { lines.append("scored \(parts); 20 each at most") }
        func list(_ title: String, _ words: [String]) {
            if !words.isEmpty { lines += ["", title] + words.map { "  – \($0)" } }
        }
        list("why", explanation.said(language))
        let compared = assignment?.candidates ?? []
        list("compared (\(assignment?.candidateCount ?? compared.count))", compared.map(line(of:)))
        list("left out, not ranked, or not in turn", leftOut.said(language))
        list("decided before", Earlier.lines(earlier ?? [], language))
        list("due", clocks.compactMap(\.text))
        return lines.joined(separator: "\n")
    }
}
