import ArgumentParser
import AsyncHTTPClient
import Console
import Foundation
import JSONEnvelope
import SalesModel

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

        @Option(help: "The language of what is printed: en or zh. JSON has both.")
        var language = "en"

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard ["en", "zh"].contains(language) else { throw ValidationError("--language is en or zh") }
            guard source != nil || id.isID else {
                throw ValidationError("\"\(id)\" is no lead's number; for its id at a source add --source")
            }
        }

        private struct Waiting: Decodable {
            let whyWaiting, waitingCode: String?

            /// Where there are no words for the whole sentence, what its code says.
            func why(_ words: Words) -> String? {
                guard let whyWaiting, words.language != .english else { return whyWaiting }
                let said = words.relayed(whyWaiting)
                guard said == whyWaiting, let waitingCode else { return said }
                return words.code("waiting", waitingCode)
            }
        }

        private struct Found: Decodable {
            struct Item: Decodable { let id: String }
            let items: [Item]
        }

        func run() async throws {
            let remote = try remote.remote()
            let data = try await remote.request(.get, "/v1/leads/\(try await number(remote))")
            if json { return printLine(data) }
            let lead = try JSON.read(ShownLead.self, from: data)
            let words = Words.of(option: language)
            print(lead.text(words))
            guard lead.state == "awaiting_assignment", let job = lead.jobId else { return }
            let waiting = try JSON.read(Waiting.self, from: try await remote.request(.get, "/v1/jobs/\(job)"))
            print("\n" + words["cli_job_waits", ["job": job]] + (waiting.why(words).map { words["cli_colon"] + $0 } ?? ""))
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

        @Option(help: "Only those in this state: awaiting_assignment, assigned, pooled, with_marketing, manual_queue or held.")
        var state: String?

        @Option(help: "Only those that came from there.")
        var source: String?

        @Option(help: "Only those this seller has, by their id.")
        var owner: String?

        @Option(help: "Only those with this in their id or in a field, such as part of a company's name.")
        var text: String?

        @Option(help: "Only those that are late (nobody touched them in time), untouched or touched.")
        var touch: String?

        @Option(help: "The language of the table: en or zh.")
        var language = "en"

        @Flag(help: "Write all of them as CSV.")
        var csv = false

        @Option(help: ArgumentHelp("With --csv a field they came with, as a column; may be repeated.", valueName: "name"))
        var field: [String] = []

        private struct Found: Decodable {
            struct Item: Decodable { let externalId: String }
            let items: [Item]
        }

        func validate() throws {
            guard ["en", "zh"].contains(language) else { throw ValidationError("--language is en or zh") }
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
            let words = Words.of(option: language)
            try await pages.list("/v1/leads", filters, ShownLead.heads(words)) { (lead: ShownLead) in lead.cells(words) }
        }

        private func export(_ filters: [String: String?]) async throws {
            let remote = try pages.remote.remote()
            let empty = try await LeadExport(fields: field).write(
                to: { print($0, terminator: "") },
                page: { cursor in
                    let query = filters.merging(["limit": "100", "cursor": cursor]) { $1 }
                    return try JSONEnvelope(Array(await remote.request(.get, "/v1/leads", query: query)), levels: 4, limits: .stored).root
                })
            for name in empty { complain("None of these leads came with a field \(name): its column is empty.") }
        }
    }
}

extension String {
    /// Whether it may be the number of something.
    var isID: Bool { !isEmpty && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
}
