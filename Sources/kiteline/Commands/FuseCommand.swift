import ArgumentParser
import AsyncHTTPClient
import Foundation

struct FuseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuse", abstract: "The switch that stops automatic assignment of a tenant's leads, over the API.",
        subcommands: [Show.self, Open.self, Close.self])

    private struct Answer: Decodable {
        let state: String
        let reason: String?
        let setBy: String?
        let changedAt: String?
        let waiting: Int?
        let canaries: [Canary]?

        struct Canary: Decodable { let ruleVersion: String }

        /// What to look at before it is closed; nil: no change is being tried.
        var tried: String? {
            guard let canaries, !canaries.isEmpty else { return nil }
            return
                "Being tried meanwhile: \(canaries.map(\.ruleVersion).joined(separator: ", ")). If that is the cause, abort it before the fuse is closed (kiteline rollout abort): what waits is decided by it again."
        }
    }

    /// Whether automatic assignment is stopped; false where that cannot be asked.
    static func isOpen(_ remote: Remote) async throws -> Bool {
        guard let data = try? await remote.request(.get, "/v1/fuses/assignment") else { return false }
        return try JSON.read(Answer.self, from: data).state == "open"
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Whether it is open, since when and why.")

        @OptionGroup var remote: RemoteOptions

        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let data = try await remote.remote().request(.get, "/v1/fuses/assignment")
            if json { return printLine(data) }
            let fuse = try JSON.read(Answer.self, from: data)
            guard let since = fuse.changedAt else { return print("closed: leads are assigned automatically") }
            print("\(fuse.state) since \(since.withWholeSeconds), by \(fuse.setBy ?? ""): \(fuse.reason ?? "")")
            if let waiting = fuse.waiting {
                print("\(waiting) \(waiting == 1 ? "lead waits" : "leads wait") for a person (kiteline lead list --state manual_queue).")
            }
            if let tried = fuse.tried { print(tried) }
        }
    }

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop automatic assignment: leads wait for people, who may give them by hand.")

        @OptionGroup var turn: TurnOptions

        func run() async throws { try await turn.apply("open", "Open: no lead is assigned automatically from now on.") }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let leads be assigned automatically again; those that wait are enqueued.")

        @OptionGroup var turn: TurnOptions

        func run() async throws { try await turn.apply("closed", "Closed: leads are assigned again, those that waited first.") }
    }

    struct TurnOptions: ParsableArguments {
        @OptionGroup var remote: RemoteOptions

        @Option(help: "Why; kept in the audit log and in the incident.") var reason: String

        @Flag(help: "Print JSON.") var json = false

        func apply(_ state: String, _ said: String) async throws {
            let body = try JSONSerialization.data(withJSONObject: ["state": state, "reason": reason])
            let remote = try remote.remote()
            // What cannot be asked keeps nobody from turning it.
            let before = json ? nil : try? JSON.read(Answer.self, from: try await remote.request(.get, "/v1/fuses/assignment"))
            let data = try await remote.request(.put, "/v1/fuses/assignment", body: .bytes(Array(body)))
            if json { return printLine(data) }
            guard before?.state == state else { return print(said) }
            let fuse = try JSON.read(Answer.self, from: data)
            let since = fuse.changedAt.map { " since \($0.withWholeSeconds)" } ?? ""
            print("It was \(state) already\(since), and stays as it was; that it was asked for is in the audit log.")
        }
    }
}
