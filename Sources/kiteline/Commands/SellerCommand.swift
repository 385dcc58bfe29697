import ArgumentParser
import AsyncHTTPClient
import Foundation

struct SellerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seller",
        abstract: "A tenant's sellers: who they are, what they have to do, and who is frozen, over the API.",
        subcommands: [List.self, Load.self, Freeze.self, Thaw.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sellers, in the order they came in, with the leads that wait for them.")

        @OptionGroup var pages: PageOptions

        @Option(help: "Only those with this in their id or name.")
        var text: String?

        @Option(help: "Only those of this team, by its id.")
        var team: String?

        @Option(help: "active, frozen, inactive or leave.")
        var state: String?

        private struct Item: Decodable {
            struct Freeze: Decodable {
                let reason: String
                let until: String?
            }
            let externalId, name: String
            let team, status: String?
            let pending, capacity, assigned: Int
            let freeze: Freeze?

            var cells: [String] {
                let frozen = freeze.map { "frozen\($0.until.map { " until \($0.withWholeSeconds)" } ?? ""): \($0.reason)" }
                return [externalId, name, team ?? "", frozen ?? status ?? "not told", "\(pending) of \(capacity)", "\(assigned)"]
            }
        }

        func run() async throws {
            try await pages.list(
                "/v1/sellers", ["text": text, "team": team, "state": state], ["id", "name", "team", "state", "waiting", "leads so far"]
            ) { (seller: Item) in seller.cells }
        }
    }

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a seller has to do now, and why nothing new comes.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "The seller's external id.") var seller: String

        @Flag(help: "Print JSON.") var json = false

        private struct Answer: Decodable {
            let pending, capacity, overdue, wonThisWeek, lostThisWeek: Int
            let paused: String?
        }

        func run() async throws {
            let data = try await remote.remote().request(.get, "/v1/sellers/\(seller)/load")
            if json { return printLine(data) }
            let load = try JSON.read(Answer.self, from: data)
            print("\(load.pending) of \(load.capacity) leads wait for a first touch, \(load.overdue) of them overdue.")
            print("Closed this week: \(load.wonThisWeek) won, \(load.lostThisWeek) lost.")
            if let paused = load.paused { print("No new lead comes: \(paused).") }
        }
    }

    struct Freeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a seller no new leads, until a time or until thawed; those they have stay.")

        @OptionGroup var turn: TurnOptions

        @Option(help: "When it ends by itself, such as 2026-12-10T00:00:00Z (default: when thawed).") var until: String?

        func run() async throws {
            try await turn.apply(["frozen": true, "until": until], "\(turn.seller) gets no new lead\(until.map { " until \($0)" } ?? "").")
        }
    }

    struct Thaw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a seller new leads again.")

        @OptionGroup var turn: TurnOptions

        func run() async throws { try await turn.apply(["frozen": false], "\(turn.seller) gets new leads again.") }
    }

    struct TurnOptions: ParsableArguments {
        @OptionGroup var remote: RemoteOptions

        @Argument(help: "The seller's external id.") var seller: String

        @Option(help: "The manager who decided it; needed with a tenant's key.") var by: String?

        @Option(help: "Why; kept in the audit log and told to the seller.") var reason: String

        @Flag(help: "Print JSON.") var json = false

        func apply(_ wish: [String: Any?], _ said: String) async throws {
            let body = wish.merging(["by": by, "reason": reason]) { $1 }.compactMapValues(\.self)
            let bytes = try JSONSerialization.data(withJSONObject: body, options: [.sortedKeys])
            let data = try await remote.remote().request(.put, "/v1/sellers/\(seller)/freeze", body: .bytes(Array(bytes)))
            if json { return printLine(data) }
            print(said)
        }
    }
}
