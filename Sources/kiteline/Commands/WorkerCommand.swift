import ArgumentParser
import AsyncHTTPClient
import Foundation

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Processes that run jobs, over the API, with a platform key. To start one: kiteline work.",
        subcommands: [List.self, Drain.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Processes at work, and what each has done.",
            discussion: """
                One that ended in order is gone at once. One that was lost is struck off by another that works, about a minute after its last sign of life; \
                while none does it stands here as silent, for an hour.
                """)

        @OptionGroup var remote: PlatformOptions

        @Flag(help: "Print JSON.")
        var json = false

        struct Page: Decodable {
            struct Item: Decodable {
                let id, host, startedAt, beatAt: String
                let pid, running: Int
                let concurrency, settled: Int?
                let drainAskedAt: String?

                /// A process that said nothing for a minute may be dead; its jobs go to others when their leases end.
                func state(now: Date) -> String {
                    if let beat = try? Date(beatAt, strategy: .iso8601), now.timeIntervalSince(beat) >= 60 { return "silent" }
                    return drainAskedAt.map { "drains since \($0.withWholeSeconds)" } ?? "works"
                }
            }
            let items: [Item]
        }

        func run() async throws {
            let data = try await remote.remote().request(.get, "/v1/workers")
            if json { return printLine(data) }
            let items = try JSON.read(Page.self, from: data).items
            guard !items.isEmpty else { return print("Nobody works: kiteline work") }
            print(
                Table(
                    ["id", "host", "pid", "runs", "of", "settled", "since", "last heard of", "state"],
                    items.map { worker in
                        [
                            worker.id, worker.host, "\(worker.pid)", "\(worker.running)", worker.concurrency.map(String.init) ?? "",
                            worker.settled.map(String.init) ?? "", worker.startedAt, worker.beatAt, worker.state(now: Date()),
                        ]
                    }))
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drain a process: it takes nothing new, finishes what it runs or gives it back, and ends. No job is lost.")

        @OptionGroup var remote: PlatformOptions

        @Argument(help: "Its number, as `kiteline worker list` shows it.")
        var id: String

        @Option(help: "Why; kept in the audit log.")
        var reason: String

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard id.isID else { throw ValidationError("\"\(id)\" is no worker's number: see kiteline worker list") }
        }

        func run() async throws {
            let body = try JSONSerialization.data(withJSONObject: ["reason": reason])
            let data: Data
            do {
                data = try await remote.remote().request(.post, "/v1/workers/\(id)/drain", body: .bytes(Array(body)))
            } catch let refusal as Refusal where refusal.code == "not_found" {
                throw Failure("there is no worker \(id); kiteline worker list shows them")
            }
            if json { return printLine(data) }
            print("worker \(id) is asked to drain; it ends when nothing of it runs any more")
        }
    }
}
