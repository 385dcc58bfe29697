import API
import ArgumentParser
import AsyncHTTPClient
import Console
import Foundation
import NIOCore

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Files into Kiteline, over the API.", subcommands: [Leads.self])

    struct Leads: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import leads from a CSV or NDJSON file.",
            discussion: """
                The file streams: its size does not matter. Each lead is assigned by a job of its own. A lead that is already known, \
                by source and external id, gets its fields updated and no second assignment, so a repeated import does no harm.

                --preview shows the first rows as the tenant's live rules would take them, with what would be held and why, and stores \
                nothing. --preset knows the columns of other systems' exports (\(Preset.names)) and renames them to what the packs' \
                maps read; a first and a last name become one.
                """)

        @OptionGroup var remote: RemoteOptions

        @Argument(help: ArgumentHelp("The file; its name's end tells its format: .ndjson or .jsonl, else CSV.", valueName: "file"))
        var path: String

        @Option(help: "Where these leads come from.")
        var source: String

        @Option(help: ArgumentHelp("The column with each lead's id at its source; not needed with --preset.", valueName: "column"))
        var externalID: String?

        @Option(help: ArgumentHelp("The column that says when each lead came in (default: they come in now).", valueName: "column"))
        var receivedAt: String?

        @Option(help: ArgumentHelp("The column with a person's given name; it and the family name become contact.", valueName: "column"))
        var givenName: String?

        @Option(help: ArgumentHelp("The column with a person's family name.", valueName: "column"))
        var familyName: String?

        @Option(
            help: ArgumentHelp(
                "The order in a date: ymd, mdy or dmy. Needed where the year does not come first, as in 1/31/26.", valueName: "order"))
        var dateOrder: String?

        @Option(help: ArgumentHelp("Whose export it is: \(Preset.names).", valueName: "system"))
        var preset: String?

        @Flag(help: "Show what would become of the first rows; store nothing.")
        var preview = false

        @Option(help: ArgumentHelp("Rows of a preview (1 to 50).", valueName: "n"))
        var rows = 10

        @Option(help: "The language of what is printed: en or zh.")
        var language = "en"

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            if let preset, Preset.all[preset] == nil { throw ValidationError("there is no preset \(preset); there are \(Preset.names)") }
            guard externalID != nil || preset != nil else {
                throw ValidationError("--external-id is missing: the column with each lead's id; or --preset, which knows it")
            }
            guard (givenName == nil) == (familyName == nil) else {
                throw ValidationError("--given-name and --family-name are told together: a name is joined of both")
            }
            guard preset == nil || givenName == nil else { throw ValidationError("a preset knows which columns hold names") }
            guard dateOrder.map(["ymd", "mdy", "dmy"].contains) ?? true else { throw ValidationError("--date-order is ymd, mdy or dmy") }
            guard preset == nil || isCSV else { throw ValidationError("--preset is for CSV files") }
            guard !["xlsx", "xls", "numbers", "ods"].contains(URL(filePath: path).pathExtension.lowercased()) else {
                throw ValidationError("\(path) is a spreadsheet: save it as CSV, in UTF-8, and import that")
            }
            guard (1...50).contains(rows) else { throw ValidationError("--rows is from 1 to 50") }
            guard ["en", "zh"].contains(language) else { throw ValidationError("--language is en or zh") }
        }

        private var words: Words { .of(option: language) }
        private var isCSV: Bool { !["ndjson", "jsonl"].contains(URL(filePath: path).pathExtension.lowercased()) }
        private var type: String { isCSV ? "text/csv" : "application/x-ndjson" }

        private struct Started: Decodable {
            let importId: String
        }

        private struct Summary: Decodable {
            struct Fault: Decodable {
                let line: Int?
                let field: String?
                let message: String
            }
            let state: String
            let rows: Int
            let accepted: Int
            let rejected: Int
            let updated: Int
            let errors: [Fault]
            /// Nil: of a service before that was told.
            let repeated: [Repeated]?

            struct Repeated: Decodable { let line, earlier: Int }
        }

        func run() async throws {
            let remote = try remote.remote()
            let (file, query) = try opened()
            if preview { return try await show(file, query, remote) }
            let answer = try await remote.request(
                .post, "/v1/leads:import", query: query, body: .stream(file, length: .known(file.size)), type: type, timeout: .hours(2))
            let id = try JSON.read(Started.self, from: answer).importId

            let data = try await remote.request(.get, "/v1/imports/\(id)")
            let summary = try JSON.read(Summary.self, from: data)
            json ? printLine(data) : show(summary, id)
            if !json, summary.accepted > 0, let preview = try? await previewed(try opened(quietly: true), remote) {
                showUnmapped(preview.rows)
                showHeld(preview.rows, remote)
            }
            if !json, summary.accepted > 0, try await FuseCommand.isOpen(remote) {
                print(words["cli_taken_in_fuse"])
            }
            // Nothing at all was taken in: whoever runs this from a script has to hear of it.
            if summary.state == "failed" || summary.rows > 0 && summary.accepted == 0 { throw ExitCode(ExitStatus.failed) }
        }

        /// The file, its columns renamed where a preset says so, and what the API is to be told of them.
        /// - Parameter quietly: says nothing of what is renamed.
        private func opened(quietly: Bool = false) throws -> (file: FileChunks, query: [String: String?]) {
            guard let preset = preset.flatMap({ Preset.all[$0] }) else {
                return (
                    try FileChunks(path),
                    query(externalID, receivedAt, givenName.flatMap { given in familyName.map { NameColumns(given: given, family: $0) } })
                )
            }
            let beginning = try FileChunks(path).beginning(1 << 18)
            guard let header = CSVHeader(beginning) else { throw SetUpError("the first row of \(path) does not end: is it a CSV file?") }
            let columns = try RenamedColumns(header.names, preset, externalID: externalID)
            if !json, !quietly { for line in columns.said(words) { print(line) } }
            return (
                try FileChunks(path, replacing: header.length, with: Array(columns.names.csv.utf8)),
                query(columns.externalID, receivedAt ?? columns.receivedAt, columns.personName)
            )
        }

        private func query(_ externalID: String?, _ receivedAt: String?, _ personName: NameColumns?) -> [String: String?] {
            [
                "source": source, "external_id": externalID, "received_at": receivedAt, "given_name": personName?.given,
                "family_name": personName?.family, "date_order": dateOrder,
            ]
        }

        struct Preview: Decodable {
            struct Row: Decodable {
                let line: Int
                let externalId: String?
                let verdict: String
                let rule: String?
                let goesTo: String?
                let pool: String?
                let score: Int?
                let band: String?
                let fields: [String: String]?
                let defaulted: [String]?
                let unmapped: [String]?
                let reasons: [String]

                /// Where it goes, as far as the rules say it.
                private func place(_ words: Words) -> String? {
                    switch goesTo {
                    case "seller": words["cli_preview_to_seller"]
                    case "pool": words["cli_preview_to_pool", ["pool": pool ?? ""]]
                    case "marketing": words["cli_preview_to_marketing"]
                    default: nil
                    }
                }

                /// What becomes of it: where it goes and by which rule, or why it goes nowhere.
                func end(_ words: Words) -> String {
                    if let goal = place(words), let rule { return words["cli_by_rule", ["place": goal, "rule": rule]] }
                    return switch verdict {
                    case "unrouted": words["cli_preview_unrouted"]
                    case "rejected": words["cli_preview_rejected"]
                    default: words.known("outcome", verdict)
                    }
                }

                /// `line 2, L-1: to the pool shared, by rest, score 82 (high band)`
                func text(_ words: Words) -> String {
                    let head = words.clauses([words["cli_line", ["line": "\(line)"]], externalId])
                    let score = score.map {
                        words["cli_lead_score", ["points": "\($0)"]] + (band.map { words.inBrackets(words.code("band", $0)) } ?? "")
                    }
                    return head + words["cli_colon"] + words.clauses([end(words), score])
                }

                /// Known of every lead, or worked out.
                private static let ownFields: Set = ["source", "received_at", "score", "band", "intent"]
                /// Whether a column of it says something to the rules.
                var saysSomething: Bool {
                    !Set((fields ?? [:]).keys).subtracting(Self.ownFields).subtracting(defaulted ?? []).isEmpty
                }
            }
            let rules: [String]
            let rows: [Row]
        }

        /// What the live rules make of the first rows.
        private func previewed(_ opened: (file: FileChunks, query: [String: String?]), _ remote: Remote) async throws -> Preview {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Preview.self, from: try await judged(opened.file, opened.query, remote))
        }

        private func judged(_ file: FileChunks, _ query: [String: String?], _ remote: Remote) async throws -> Data {
            try await remote.request(
                .post, "/v1/leads:preview", query: query.merging(["limit": "\(rows)", "language": language]) { $1 },
                body: .bytes(ByteBuffer(bytes: try file.beginning(1 << 20))), type: type)
        }

        private func show(_ file: FileChunks, _ query: [String: String?], _ remote: Remote) async throws {
            if json { return printLine(try await judged(file, query, remote)) }
            let preview = try await previewed((file, query), remote)
            let rules = preview.rules.isEmpty ? words["cli_preview_no_rules"] : words.list(preview.rules)
            print(words["cli_preview_rules", ["rules": rules]] + "\n")
            for row in preview.rows {
                print(row.text(words))
                for (name, value) in (row.fields ?? [:]).sorted(by: { $0.key < $1.key }) { print("  \(name) = \(value)") }
                for reason in row.reasons { print("  – \(reason)") }
            }
            showUnmapped(preview.rows)
            // The API reads the file's beginning only, so how many follow is not known.
            let more = preview.rows.count == rows && rows < 50 ? words["cli_preview_more"] : nil
            let end = words["cli_preview_end", ["n": "\(preview.rows.count)"]]
            print("\n" + words.passage([end, more].compactMap(\.self)))
        }

        /// That leads were taken in does not say that somebody gets them.
        private func showHeld(_ rows: [Preview.Row], _ remote: Remote) {
            let held = rows.filter { $0.verdict.hasPrefix("held") }.count
            guard held > 0 else { return }
            let whose = remote.tenantOption
            let commands = ["list": "kiteline lead list --state held\(whose)", "show": "kiteline lead show ID\(whose)"]
            print(words["cli_preview_held", commands.merging(["rows": "\(rows.count)", "n": "\(held)"]) { $1 }])
        }

        /// What is lost on the rules, once for all rows.
        private func showUnmapped(_ rows: [Preview.Row]) {
            let leads = rows.filter { $0.externalId != nil }
            let names = leads.flatMap { $0.unmapped ?? [] }.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            guard !names.isEmpty else { return }
            let quoted = words.list(names.map { "“\($0)”" })
            print("\n" + words["cli_preview_unmapped", ["n": "\(rows.count)", "names": quoted]])
            print(words[leads.contains(where: \.saysSomething) ? "cli_preview_unseen" : "cli_preview_unknown"])
        }

        private func show(_ summary: Summary, _ id: String) {
            // What stands in the file twice is counted as updated too.
            let before = max(0, summary.updated - (summary.repeated?.count ?? 0))
            let counts = ["rows": summary.rows, "accepted": summary.accepted, "rejected": summary.rejected].mapValues { "\($0)" }
            let said = [
                "id": id, "state": words.known("cli_taken_in", summary.state),
                "known": before == 0 ? "" : words["cli_taken_in_known", ["n": "\(before)"]],
            ]
            print(words["cli_taken_in", counts.merging(said) { $1 }])
            if before > 0 { print(words["cli_taken_in_stay"]) }
            if summary.rows == 0, summary.errors.isEmpty { complain(words["cli_taken_in_empty"]) }
            for fault in summary.errors {
                let place = words.clauses([fault.line.map { words["cli_line", ["line": "\($0)"]] }, fault.field])
                print("  \(place.isEmpty ? "" : place + words["cli_colon"])\(words.relayed(fault.message))")
            }
            for line in summary.repeated ?? [] {
                print("  " + words["cli_taken_in_repeated", ["line": "\(line.line)", "earlier": "\(line.earlier)"]])
            }
        }
    }
}

/// A file piece by piece, read on threads that may block.
struct FileChunks: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let size: Int64
    private let handle: FileHandle
    private let head: [UInt8]

    /// - Parameters:
    ///   - count: bytes of its beginning that are left out.
    ///   - head: what is read in their place.
    init(_ path: String, replacing count: Int = 0, with head: [UInt8] = []) throws {
        guard let handle = FileHandle(forReadingAtPath: path),
            let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            attributes[.type] as? FileAttributeType == .typeRegular,
            let size = attributes[.size] as? Int64 ?? (attributes[.size] as? Int).map(Int64.init)
        else { throw SetUpError.unreadable(path) }
        try handle.seek(toOffset: UInt64(count))
        self.handle = handle
        self.head = head
        self.size = size - Int64(count) + Int64(head.count)
    }

    /// Its first bytes, at most so many. Reading on begins after them.
    func beginning(_ most: Int) throws -> [UInt8] {
        Array((head + (try handle.read(upToCount: most) ?? Data())).prefix(most))
    }

    func makeAsyncIterator() -> Iterator { Iterator(handle: handle, head: head) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate let handle: FileHandle
        fileprivate var head: [UInt8]

        mutating func next() async throws -> ByteBuffer? {
            if !head.isEmpty {
                defer { head = [] }
                return ByteBuffer(bytes: head)
            }
            return try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async { [handle] in
                    continuation.resume(
                        with: Result { try handle.read(upToCount: 256 << 10).flatMap { $0.isEmpty ? nil : ByteBuffer(bytes: $0) } })
                }
            }
        }
    }
}
