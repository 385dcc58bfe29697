import ArgumentParser
import AsyncHTTPClient
import Foundation

struct BreakerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker", abstract: "The breakers of what jobs depend on, over the API.",
        subcommands: [List.self, Open.self, Close.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Breakers that were ever open: the tenant's and everybody's, or with a platform key and no --tenant all.")

        @OptionGroup var remote: RemoteOptions

        @Flag(help: "Print JSON.")
        var json = false

        private struct Page: Decodable {
            struct Item: Decodable {
                let key: String
                let scope: String
                let tenantId: String?
                let state: String
                let forced: Bool
                let until: String?
                let reason: String
            }
            let items: [Item]
        }

        func run() async throws {
            let data = try await remote.remote().request(.get, "/v1/breakers")
            if json { return printLine(data) }
            let page = try JSON.read(Page.self, from: data)
            print(
                Table(
                    ["key", "of", "state", "until", "reason"],
                    page.items.map { item in
                        [
                            item.key, item.scope == "all" ? "everybody" : "tenant \(item.tenantId ?? "")",
                            item.forced ? "\(item.state) by hand" : item.state, item.until ?? "", item.reason,
                        ]
                    }))
        }
    }

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open a breaker until somebody closes it: the tenant's, or with a platform key and no --tenant everybody's.")

        @OptionGroup var control: ControlOptions

        @Argument(help: "The dependency's name.")
        var key: String

        func run() async throws {
            try await control.apply("/v1/breakers/\(key)/open") { "the breaker of \(key) is open for \($0)" }
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Close a breaker; it judges anew.")

        @OptionGroup var control: ControlOptions

        @Argument(help: "The dependency's name.")
        var key: String

        func run() async throws {
            try await control.apply("/v1/breakers/\(key)/close") { "the breaker of \(key) is closed for \($0)" }
        }
    }
}
