import ArgumentParser
import AsyncHTTPClient
import Foundation

struct DeadLetterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlq", abstract: "Jobs that failed for good, over the API.", subcommands: [List.self, Redrive.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Dead letters that nobody has redriven, the newest job first.")

        @OptionGroup var pages: PageOptions
        @OptionGroup var filter: DeadLetterOptions

        func run() async throws {
            let filters = ["kind": filter.kind, "error_class": filter.errorClass, "since": filter.since]
            try await pages.list("/v1/dlq", filters, Letter.columns) { (letter: Letter) in letter.cells }
        }
    }

    struct Redrive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Run dead letters again, a few at a time.")

        @OptionGroup var remote: RemoteOptions
        @OptionGroup var filter: DeadLetterOptions

        @Option(name: .customLong("id"), help: "Only these jobs; may be repeated.")
        var ids: [String] = []

        @Option(help: "Jobs a second (1 to 1000; default: 50).")
        var perSecond: Int?

        @Option(help: "Why; kept in the audit log.")
        var reason: String?

        @Flag(help: "Only say what would be run.")
        var dryRun = false

        @Flag(help: "Print JSON.")
        var json = false

        private struct Plan: Decodable {
            let count: Int
            let redriveId: String?
            let perSecond: Int
            let first: [Letter]
        }

        func run() async throws {
            let body = try JSONSerialization.data(withJSONObject: body, options: [.sortedKeys])
            let data = try await remote.remote().request(.post, "/v1/dlq:redrive", body: .bytes(Array(body)))
            if json { return printLine(data) }
            let plan = try JSON.read(Plan.self, from: data)
            guard plan.count > 0 else { return print("No dead letter is like that, so nothing runs again: see kiteline dlq list.") }
            let jobs = plan.count == 1 ? "1 job" : "\(plan.count) jobs"
            if let id = plan.redriveId { return print("redrive \(id): \(jobs), \(plan.perSecond) a second") }
            print("\(jobs) would run again")
            if !plan.first.isEmpty { print(Table(Letter.columns, plan.first.map(\.cells))) }
        }

        private var body: [String: Any] {
            var body: [String: Any] = ["dry_run": dryRun]
            body["kind"] = filter.kind
            body["error_class"] = filter.errorClass
            body["since"] = filter.since
            if !ids.isEmpty { body["ids"] = ids }
            body["per_second"] = perSecond
            body["reason"] = reason
            return body
        }
    }

    struct DeadLetterOptions: ParsableArguments {
        @Option(help: "Only this kind.")
        var kind: String?

        @Option(help: "transient, rate_limited, dependency, permanent or poison.")
        var errorClass: String?

        @Option(help: ArgumentHelp("Only those set aside at this time or later.", valueName: "time"))
        var since: String?
    }

    fileprivate struct Letter: Decodable {
        struct Fault: Decodable {
            let `class`: String
            let message: String
        }
        let id: String
        let kind: String
        let error: Fault
        let attempts: Int
        let lastAt: String

        static let columns = ["id", "kind", "class", "attempts", "last", "error"]
        var cells: [String] { [id, kind, error.class, "\(attempts)", lastAt, error.message] }
    }
}
