import ArgumentParser
import Foundation
import Records
import Tenancy

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Who changed what, when and why; and whether the log is as it was written.",
        subcommands: [List.self, Verify.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The log over the API, the newest first: the tenant's, or with a platform key and no --tenant everybody's.")

        @OptionGroup var remote: RemoteOptions

        @Option(help: "Only this action, such as ruleset.publish.")
        var action: String?

        @Option(help: "Only what was done to this; a seller by id or name.")
        var subject: String?

        @Option(help: "Only what was done by this: key:7, the key's name, or the person whose key it was.")
        var actor: String?

        @Option(help: "Only what was done at this time or later, such as 2026-01-31T08:00:00Z.")
        var since: String?

        @Option(help: "Only what was done before this time.")
        var until: String?

        @Option(help: "Lines at most (1 to 500).")
        var limit = 100

        @Option(help: "Where to go on: the next_cursor of the page before.")
        var cursor: String?

        @Flag(help: "Print JSON.")
        var json = false

        private struct Page: Decodable {
            struct Item: Decodable {
                let tenant: String?
                let at: String
                let actor: String
                let keyName: String?
                let action: String
                let subject: String
                let reason: String?

                var who: String { keyName.map { "\(actor) (\($0))" } ?? actor }
            }
            let items: [Item]
            let nextCursor: String?
        }

        func run() async throws {
            let query = [
                "action": action, "subject": subject, "actor": actor, "since": since, "until": until, "limit": "\(limit)", "cursor": cursor,
            ]
            let data = try await remote.remote().request(.get, "/v1/audit", query: query)
            if json { return printLine(data) }
            let page = try JSON.read(Page.self, from: data)
            print(
                Table(
                    ["at", "tenant", "who", "what", "of", "why"],
                    page.items.map { [$0.at, $0.tenant ?? "", $0.who, $0.action, $0.subject, $0.reason ?? ""] }))
            if page.items.isEmpty { complain("There are none.") }
            if let next = page.nextCursor { print("There is more: --cursor \(next)") }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read the log's chains through: rows changed, taken out, put in or exchanged are named.",
            discussion: """
                Every row carries the hash of the row before it. Who can write the whole log anew is found by a mark that was noted elsewhere: \
                note what this prints, and give it with --noted later. Exits 1 when something is not as it was written.
                """)

        @OptionGroup var options: ServerOptions

        @Option(help: ArgumentHelp("Only this tenant's chain (default: every chain).", valueName: "slug"))
        var tenant: String?

        @Option(help: ArgumentHelp("A mark of that tenant's chain that was noted earlier, as this prints it.", valueName: "seq:hash"))
        var noted: String?

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard let noted else { return }
            guard tenant != nil else { throw ValidationError("--noted belongs to one chain: name it with --tenant") }
            guard AuditMark(noted) != nil else { throw ValidationError("--noted is SEQ:HASH, as printed; not \"\(noted)\"") }
        }

        private struct Item: Encodable {
            let tenant: String?
            let rows: Int
            let head: String?
            let faults: [String]

            init(_ report: AuditReport) {
                tenant = report.tenant
                rows = report.rows
                head = report.head?.description
                faults = report.faults.map(\.description)
            }
        }

        private struct Answer: Encodable {
            let sound: Bool
            let chains: [Item]
        }

        func run() async throws {
            let settings = try options.settings()
            let reports = try await Engine.onSchema(settings) { engine in try await verify(engine) }
            let isSound = reports.allSatisfy(\.faults.isEmpty)
            if json {
                print(try JSON.text(Answer(sound: isSound, chains: reports.map(Item.init))))
            } else {
                print(
                    Table(
                        ["chain", "rows", "faults", "mark to note"],
                        reports.map { [$0.tenant ?? "(platform)", "\($0.rows)", "\($0.faults.count)", $0.head?.description ?? "–"] }))
                for report in reports { for fault in report.faults { print("\(report.tenant ?? "(platform)"): \(fault)") } }
            }
            if !isSound { throw ExitCode(ExitStatus.failed) }
        }

        private func verify(_ engine: Engine) async throws -> [AuditReport] {
            if let tenant = try await engine.tenant(named: tenant) {
                return [try await engine.records.verifyAudit(of: tenant, noted: noted.flatMap(AuditMark.init))]
            }
            var reports = [try await engine.records.verifyAudit(of: nil)]
            var next: Int64? = 0
            while let cursor = next {
                let page = try await engine.records.tenants(after: cursor, limit: 500)
                for tenant in page.items { reports.append(try await engine.records.verifyAudit(of: tenant)) }
                next = page.next
            }
            return reports
        }
    }
}
