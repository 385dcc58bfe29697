import ArgumentParser
import AsyncHTTPClient
import Foundation

struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "What waits of each kind, and pausing it, over the API.",
        subcommands: [List.self, Pause.self, Resume.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A tenant's ready, running, parked and deferred jobs, by kind.",
            discussion: """
                Deferred are ready jobs above what the tenant may have in line (--ready-capacity of tenant create). "gone in" says when they will be in \
                line, and nothing where none is deferred or it is not known.

                Below the table stands the share of all worker-time the tenant got lately, and what its weight gives it among the tenants that have work \
                now. A tenant with little to do gets less than that, and lacks nothing.
                """)

        @OptionGroup var remote: RemoteOptions

        @Flag(help: "Print JSON.")
        var json = false

        struct Page: Decodable {
            struct Item: Decodable {
                let kind: String
                let ready: Int?
                let running: Int?
                let parked: Int?
                let deferred: Int?
                let estimatedDrainSeconds: Int?
                let oldestClaimableMs: Double?
                let shareReceived: Double?
                let shareEntitled: Double?
                let pausedBy: String?
                let pausedReason: String?
            }
            let items: [Item]
            let index: String

            /// What the tenant gets of the workers, which is the same for all its kinds; nil: nothing was given lately, or it is not known.
            var share: String? {
                guard let first = items.first, let received = first.shareReceived else { return nil }
                func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
                let entitled = first.shareEntitled.map { ", and its weight gives it \(percent($0)) among those that have work now" }
                return "The tenant got \(percent(received)) of all worker-time lately\(entitled ?? "; it has no work now")."
            }
        }

        func run() async throws {
            let data = try await remote.remote().request(.get, "/v1/queues")
            if json { return printLine(data) }
            let page = try JSON.read(Page.self, from: data)
            func text(_ number: Int?) -> String { number.map(String.init) ?? "?" }
            print(
                Table(
                    ["kind", "ready", "running", "parked", "deferred", "gone in", "oldest", "paused by", "paused"],
                    page.items.map { item in
                        [
                            item.kind, text(item.ready), text(item.running), text(item.parked), text(item.deferred),
                            item.estimatedDrainSeconds.map { "\($0) s" } ?? "",
                            item.oldestClaimableMs.map { String(format: "%.1f s", $0 / 1_000) } ?? "", item.pausedBy ?? "",
                            item.pausedReason ?? "",
                        ]
                    }))
            if let share = page.share { print(share) }
            if page.index == "away" { print("Redis is away: what waits is safe, and its numbers are not known") }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold back the jobs of a kind: the tenant's, or with a platform key and no --tenant everybody's.")

        @OptionGroup var control: ControlOptions

        @Argument(help: "The kind of jobs.")
        var kind: String

        func run() async throws {
            try await control.apply("/v1/queues/\(kind)/pause") { "\(kind) is paused for \($0)" }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let the jobs of a kind go again.")

        @OptionGroup var control: ControlOptions

        @Argument(help: "The kind of jobs.")
        var kind: String

        func run() async throws {
            try await control.apply("/v1/queues/\(kind)/resume") { "\(kind) goes on for \($0)" }
        }
    }
}

/// What controls that need a reason have in common.
struct ControlOptions: ParsableArguments {
    @OptionGroup var remote: RemoteOptions

    @Option(help: "Why; kept in the audit log, and shown to those whose jobs wait.")
    var reason: String

    @Flag(help: "Print JSON.")
    var json = false

    private struct Answer: Decodable {
        let scope: String
    }

    /// - Parameter said: what is so now, for whom.
    func apply(_ path: String, _ said: (_ scope: String) -> String) async throws {
        let body = try JSONSerialization.data(withJSONObject: ["reason": reason])
        let data = try await remote.remote().request(.post, path, body: .bytes(Array(body)))
        if json { return printLine(data) }
        print(said(try JSON.read(Answer.self, from: data).scope == "all" ? "everybody" : "the tenant"))
    }
}
