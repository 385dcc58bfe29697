import ArgumentParser
import AsyncHTTPClient
import Foundation

struct ScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "A tenant's schedules: jobs that are enqueued at set times, over the API.",
        subcommands: [List.self, Set.self, Remove.self])

    private struct Item: Decodable {
        let name, kind, timeZone, nextAt: String
        let cron, every: String?

        var times: String { (cron ?? every ?? "") + " (\(timeZone))" }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A tenant's schedules, and when each fires next.")

        @OptionGroup var remote: RemoteOptions

        @Flag(help: "Print JSON.")
        var json = false

        private struct Page: Decodable {
            let items: [Item]
        }

        func run() async throws {
            let data = try await remote.remote().request(.get, "/v1/schedules")
            if json { return printLine(data) }
            let items = try JSON.read(Page.self, from: data).items
            guard !items.isEmpty else { return print("Nothing is scheduled: kiteline schedule set --help") }
            print(Table(["name", "kind", "when", "next"], items.map { [$0.name, $0.kind, $0.times, $0.nextAt] }))
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a schedule, or replace one of that name.",
            discussion: "kiteline schedule set monday-brief rebuild_forecast --every \"monday 10:00\"")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "Its name, such as monday-brief.")
        var name: String

        @Argument(help: "What kind of job, such as rebuild_forecast.")
        var kind: String

        @Option(help: ArgumentHelp("The job's arguments, a JSON object.", valueName: "json"))
        var args = "{}"

        @Option(help: ArgumentHelp("In words: \"day 06:00\", \"monday,thursday 10:00\", \"last friday 17:00\".", valueName: "times"))
        var every: String?

        @Option(help: ArgumentHelp("When, as cron has it, such as \"*/15 8-18 * * mon-fri\".", valueName: "times"))
        var cron: String?

        @Option(help: ArgumentHelp("The time zone of these times, such as Europe/Paris (default: the tenant's).", valueName: "zone"))
        var timeZone: String?

        @Option(help: "What becomes of times at which Kiteline was down: one (a job for the last of them), all, or skip (default: one).")
        var missed: String?

        @Option(help: "0 to 9; 9 goes first (default: 5).")
        var priority: Int?

        @Option(help: "Attempts at most of each job (default: as its kind has it).")
        var maxAttempts: Int?

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard (every == nil) != (cron == nil) else { throw ValidationError("say when: either --every or --cron") }
        }

        func run() async throws {
            guard let arguments = try? JSONSerialization.jsonObject(with: Data(args.utf8)), arguments is [String: Any] else {
                throw SetUpError("--args is no JSON object: \(args)")
            }
            var body: [String: Any] = ["kind": kind, "args": arguments]
            for (member, value) in [("every", every), ("cron", cron), ("time_zone", timeZone), ("missed", missed)] { body[member] = value }
            body["priority"] = priority
            body["max_attempts"] = maxAttempts
            let bytes = try JSONSerialization.data(withJSONObject: body, options: [.sortedKeys])
            let data = try await remote.remote().request(.put, "/v1/schedules/\(name)", body: .bytes(Array(bytes)))
            if json { return printLine(data) }
            let schedule = try JSON.read(Item.self, from: data)
            print("\(schedule.name): \(schedule.kind), \(schedule.times); next at \(schedule.nextAt.withWholeSeconds)")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a schedule. Jobs it has enqueued stay.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "Its name.")
        var name: String

        func run() async throws {
            _ = try await remote.remote().request(.delete, "/v1/schedules/\(name)")
            print("\(name) is removed")
        }
    }
}
