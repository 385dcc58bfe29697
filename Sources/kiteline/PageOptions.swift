import ArgumentParser
import Foundation

/// The flags of commands that list something over the API, a page at a time.
struct PageOptions: ParsableArguments {
    @OptionGroup var remote: RemoteOptions

    @Option(help: "Items at most (default: 50).")
    var limit: Int?

    @Option(help: ArgumentHelp("Where to go on, as the page before printed it.", valueName: "cursor"))
    var cursor: String?

    @Flag(help: "Print JSON.")
    var json = false

    private struct Page<Item: Decodable>: Decodable {
        let items: [Item]
        let nextCursor: String?
    }

    /// Asks for a page and prints it: as it came, or as a table, with what to add to go on.
    func list<Item: Decodable>(
        _ path: String, _ filters: [String: String?] = [:], _ columns: [String], cells: (Item) -> [String]
    ) async throws {
        try await table(path, filters, columns) { (items: [Item]) in items.map(cells) }
    }

    /// The same where the rows are made of all items together.
    func table<Item: Decodable>(
        _ path: String, _ filters: [String: String?] = [:], _ columns: [String], rows: ([Item]) -> [[String]]
    ) async throws {
        let query = filters.merging(["limit": "\(limit ?? 50)", "cursor": cursor]) { $1 }
        let data = try await remote.remote().request(.get, path, query: query)
        if json { return printLine(data) }
        let page = try JSON.read(Page<Item>.self, from: data)
        print(Table(columns, rows(page.items)))
        if page.items.isEmpty { complain(cursor == nil && page.nextCursor == nil ? "There are none." : "None on this page.") }
        if let cursor = page.nextCursor { print("more: --cursor \(cursor)") }
    }
}
