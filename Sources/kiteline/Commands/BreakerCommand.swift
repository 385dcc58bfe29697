import ArgumentParser
import AsyncHTTPClient
import Foundation

struct BreakerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker", abstract: "The breakers of what jobs depend on, over the API.",
        subcommands: [List.self, Open.self, Close.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Breakers that have ever been open: the tenant's and everybody's, or all with a platform key and no --tenant.")

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
                let changedAt: String
                let reason: String
            }
            let items: [Item]
        }

        func run() async throws {
            let remote = try remote.remote()
            let data = try await remote.request(.get, "/v1/breakers")
            if json { return printLine(data) }
            let page = try JSON.read(Page.self, from: data)
            let slugs = page.items.contains { $0.tenantId != nil } ? await slugs(remote) : [:]
            func tenant(_ id: String) -> String { slugs[id] ?? "tenant \(id)" }
            print(
                Table(
                    ["key", "of", "state", "since", "until", "reason"],
                    page.items.map { item in
                        [
                            item.key, item.scope == "all" ? "everybody" : item.tenantId.map(tenant) ?? "",
                            item.forced ? "\(item.state) by hand" : item.state, item.changedAt, item.until ?? "",
                            item.reason,
                        ]
                    }))
        }

        private struct Tenants: Decodable {
            struct Item: Decodable { let tenantId, slug: String }
            let items: [Item]
        }

        /// By id; none for a key that may not ask, which sees its own tenant's breakers only.
        private func slugs(_ remote: Remote) async -> [String: String] {
            guard
                let data = try? await Remote(url: remote.url, key: remote.key, tenant: nil).request(
                    .get, "/v1/tenants", query: ["limit": "500"]),
                let page = try? JSON.read(Tenants.self, from: data)
            else { return [:] }
            return Dictionary(page.items.map { ($0.tenantId, $0.slug) }) { first, _ in first }
        }
    }

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Open the breaker of a dependency until somebody closes it: the tenant's, or with a platform key and no --tenant everybody's."
        )

        @OptionGroup var control: ControlOptions

        @Argument(
            help: ArgumentHelp("Its name, as jobs and connectors tell it; one that nothing uses is opened too.", valueName: "dependency"))
        var key: String

        func run() async throws {
            try await control.apply("/v1/breakers/\(key)/open") { "the breaker of \(key) is open for \($0)" }
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Close the breaker of a dependency; it judges anew.")

        @OptionGroup var control: ControlOptions

        @Argument(help: ArgumentHelp("Its name, as kiteline breaker list shows it.", valueName: "dependency"))
        var key: String

        func run() async throws {
            try await control.apply("/v1/breakers/\(key)/close") { "the breaker of \(key) is closed for \($0)" }
        }
    }
}
