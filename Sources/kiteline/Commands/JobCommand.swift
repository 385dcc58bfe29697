import ArgumentParser
import AsyncHTTPClient
import Foundation

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Jobs of a tenant, over the API.",
        subcommands: [Enqueue.self, Get.self, List.self, Cancel.self, Retry.self])

    struct Enqueue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Enqueue a job. It is never lost once this has answered.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "What kind of job, such as probe.")
        var kind: String

        @Option(help: ArgumentHelp("Its arguments, a JSON object.", valueName: "json"))
        var args = "{}"

        @Option(help: "0 to 9; 9 goes first (default: 5).")
        var priority: Int?

        @Option(help: ArgumentHelp("Not before this time, such as 2027-01-31T09:00:00Z.", valueName: "time"))
        var runAt: String?

        @Option(
            help: ArgumentHelp(
                "While an earlier job of this kind with this key is not over, nothing is enqueued and that job is answered.",
                valueName: "key"))
        var uniqueKey: String?

        @Option(help: "Attempts at most (default: as its kind has it).")
        var maxAttempts: Int?

        @Option(help: ArgumentHelp("Sent again with the same key, this request enqueues nothing more.", valueName: "key"))
        var idempotencyKey: String?

        @Flag(help: "Print JSON.")
        var json = false

        private struct Answer: Decodable {
            let id: String
            let kind: String
            let state: String
            /// Only where none was made.
            let existing: Bool?
        }

        func run() async throws {
            let headers = idempotencyKey.map { ["Idempotency-Key": $0] } ?? [:]
            let data = try await remote.remote().request(.post, "/v1/jobs", body: .bytes(Array(try body())), headers: headers)
            if json { return printLine(data) }
            let job = try JSON.read(Answer.self, from: data)
            guard job.existing == true else { return print("job \(job.id) (\(job.kind)) is \(job.state)") }
            print("nothing enqueued: job \(job.id) (\(job.kind)) has this unique key and is \(job.state)")
        }

        private func body() throws -> Data {
            guard let arguments = try? JSONSerialization.jsonObject(with: Data(args.utf8)), arguments is [String: Any] else {
                throw SetUpError("--args is no JSON object: \(args)")
            }
            var body: [String: Any] = ["kind": kind, "args": arguments]
            body["priority"] = priority
            body["run_at"] = runAt
            body["unique_key"] = uniqueKey
            body["max_attempts"] = maxAttempts
            return try JSONSerialization.data(withJSONObject: body, options: [.sortedKeys])
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One job, as JSON: its state, its attempts and what came of it.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "The job's id.")
        var id: String

        @Flag(help: "Print JSON, as it always does.")
        var json = false

        func run() async throws {
            guard id.allSatisfy(\.isWholeNumber) else { throw ValidationError("\"\(id)\" is no job's id") }
            printLine(try await remote.remote().request(.get, "/v1/jobs/\(id)"))
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancel a job: at once while it waits; a running one is asked to stop.")

        @OptionGroup var control: ControlOptions

        func run() async throws { try await control.apply("cancel") }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a discarded or cancelled job again, or a waiting one at once instead of at its time.")

        @OptionGroup var control: ControlOptions

        func run() async throws { try await control.apply("retry") }
    }

    /// What the controls of one job have in common.
    struct ControlOptions: ParsableArguments {
        @OptionGroup var remote: RemoteOptions

        @Argument(help: "The job's id.")
        var id: String

        @Option(help: "Why; kept in the audit log.")
        var reason: String?

        @Flag(help: "Print JSON.")
        var json = false

        private struct Answer: Decodable {
            let id: String
            let state: String
            let cancelRequestedAt: String?
        }

        func apply(_ control: String) async throws {
            guard id.allSatisfy(\.isWholeNumber) else { throw ValidationError("\"\(id)\" is no job's id") }
            let body = try JSONSerialization.data(withJSONObject: reason.map { ["reason": $0] } ?? [:])
            let data = try await remote.remote().request(.post, "/v1/jobs/\(id)/\(control)", body: .bytes(Array(body)))
            if json { return printLine(data) }
            let job = try JSON.read(Answer.self, from: data)
            print("job \(job.id) is \(job.state)\(job.cancelRequestedAt == nil ? "" : " and was asked to stop")")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Jobs, the highest number first.",
            discussion: "Numbers are given out in blocks, so the highest is not always the newest.")

        @OptionGroup var pages: PageOptions

        @Option(help: "scheduled, available, running, retryable, parked, completed, cancelled or discarded.")
        var state: String?

        @Option(help: "Only this kind.")
        var kind: String?

        @Option(help: ArgumentHelp("Only those that hold this key, or failed or were cancelled with it.", valueName: "key"))
        var uniqueKey: String?

        @Option(help: ArgumentHelp("Only those that decided this lead, or will decide it.", valueName: "id"))
        var lead: String?

        @Option(help: "Only those whose last attempt failed so: transient, rate_limited, dependency, permanent, poison or cancelled.")
        var errorClass: String?

        @Option(help: ArgumentHelp("Enqueued at this time or later, such as 2027-01-31T09:00:00Z.", valueName: "time"))
        var since: String?

        @Option(help: ArgumentHelp("Enqueued before this time.", valueName: "time"))
        var until: String?

        private struct Item: Decodable {
            let id, kind, state, createdAt: String
            let attempt: Int
            let outcome: String?
        }

        func run() async throws {
            try await pages.list(
                "/v1/jobs",
                [
                    "state": state, "kind": kind, "unique_key": uniqueKey, "lead": lead, "error_class": errorClass, "since": since,
                    "until": until,
                ],
                ["id", "kind", "state", "attempt", "outcome", "created"]
            ) { (job: Item) in
                [job.id, job.kind, job.state, "\(job.attempt)", job.outcome ?? "", job.createdAt]
            }
        }
    }
}

/// JSON as it came.
func printLine(_ data: Data) { print(String(decoding: data, as: UTF8.self)) }
