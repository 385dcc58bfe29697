import ArgumentParser
import AsyncHTTPClient
import Console
import Foundation

struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "What went wrong and should be looked at, over the API.",
        subcommands: [List.self, Resolve.self])

    struct Item: Decodable {
        struct Detail: Decodable {
            let message, reason, cause, code, subject: String?
            let ended, failed: Int?

            var why: String? {
                if let ended, let failed { return "\(failed) of \(ended) failed within five minutes" }
                return message ?? reason ?? cause ?? code ?? subject
            }
        }
        let id, code, subject, firstAt: String
        let detail: Detail
        let count: Int
        let resolvedAt: String?

        fileprivate var why: String { code == AlertGroups.drift ? "no map names it: name it, or list it under ignore" : detail.why ?? "" }

        fileprivate var cells: [String] {
            [id, code, name, subject, "\(count)", firstAt, resolvedAt ?? "", why]
        }

        fileprivate var name: String { Words.of(.english).known("alert", code) }
    }

    /// Of alerts that are one row so many are named.
    private static let named = 3

    /// Rows of a table: as *Now* has them, many open alerts of one code as one, at the place of the newest.
    ///
    /// - Parameter alerts: the newest first.
    static func rows(_ alerts: [Item]) -> [[String]] {
        let open = Dictionary(grouping: alerts.filter { $0.resolvedAt == nil }, by: \.code)
        var told: Set<String> = []
        return alerts.compactMap { alert in
            let same = alert.resolvedAt == nil ? open[alert.code] ?? [] : []
            guard AlertGroups.isOne(alert.code, of: same.count) else { return alert.cells }
            return told.insert(alert.code).inserted ? row(of: same, like: alert) : nil
        }
    }

    private static func row(of alerts: [Item], like newest: Item) -> [String] {
        let more = alerts.count - named
        let subjects = alerts.prefix(named).map(\.subject).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        let reasons = Set(alerts.map(\.why))
        return [
            "\(alerts.count) alerts", newest.code, newest.name, subjects, "\(alerts.reduce(0) { $0 + $1.count })",
            alerts.map(\.firstAt).min() ?? "", "", reasons.count == 1 ? newest.why : "",
        ]
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open alerts, the newest first; with --all also those that are over.",
            discussion:
                "“raised” says how often: an alert about leads once for each decision, so a lead that was decided twice counts twice. Many of one code are one line, unless --ungrouped."
        )

        @OptionGroup var pages: PageOptions

        @Flag(help: "Also those that are over.")
        var all = false

        @Flag(help: "A line for each, however many there are of one code.")
        var ungrouped = false

        func run() async throws {
            try await pages.table(
                "/v1/alerts", ["open": all ? nil : "true"], ["id", "code", "what", "of", "raised", "since", "over", "why"]
            ) { (alerts: [Item]) in ungrouped ? alerts.map(\.cells) : AlertCommand.rows(alerts) }
        }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End an alert by hand, or all of one code.",
            discussion: "What it is about is not touched: when it happens again, it is raised again.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "Its number, as `kiteline alert list` shows it.")
        var id: String?

        @Option(help: "All alerts of this code instead, such as schema_drift.")
        var code: String?

        @Option(help: "Why; kept in the audit log.")
        var reason: String

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard (id == nil) != (code == nil) else { throw ValidationError("name an alert by its number, or all of a code with --code") }
            if let id, !id.isID { throw ValidationError("\"\(id)\" is no alert's number; all of a code: --code CODE") }
        }

        func run() async throws {
            guard let id else { return try await resolveAll(of: code ?? "") }
            let body = try JSONSerialization.data(withJSONObject: ["reason": reason])
            let data = try await remote.remote().request(.post, "/v1/alerts/\(id)/resolve", body: .bytes(Array(body)))
            if json { return printLine(data) }
            let alert = try JSON.read(Item.self, from: data)
            print("alert \(alert.id) (\(alert.code) of \(alert.subject)) is over")
        }

        private func resolveAll(of code: String) async throws {
            let remote = try remote.remote()
            // What begins from now on has been seen by nobody.
            let list = try await remote.request(.get, "/v1/alerts", query: ["open": "true", "limit": "1"])
            let known = try JSON.read(Known.self, from: list)
            var wish = ["code": code, "reason": reason]
            wish["up_to"] = known.codes.first { $0.code == code }?.newestId
            let body = try JSONSerialization.data(withJSONObject: wish)
            let data = try await remote.request(.post, "/v1/alerts:resolve", body: .bytes(Array(body)))
            if json { return printLine(data) }
            let count = try JSON.read(Count.self, from: data).count
            switch count {
            case 0:
                let others = known.codes.map(\.code).joined(separator: ", ")
                print("no alert of \(code) lasts" + (others.isEmpty ? "" : "; there are alerts of \(others)"))
            case 1: print("1 alert of \(code) is over")
            default: print("\(count) alerts of \(code) are over")
            }
        }

        private struct Known: Decodable {
            struct Code: Decodable {
                let code, newestId: String
            }
            let codes: [Code]
        }

        private struct Count: Decodable {
            let count: Int
        }
    }
}
