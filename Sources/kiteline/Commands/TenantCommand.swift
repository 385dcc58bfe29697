import ArgumentParser
import AsyncHTTPClient
import Foundation
import Records
import Rules
import Tenancy

struct TenantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant", abstract: "The companies that share this Kiteline.",
        subcommands: [Create.self, List.self, Pause.self, Resume.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a tenant and its first two keys.", discussion: "The keys are shown once and stored hashed.")

        @OptionGroup var options: ServerOptions

        @Argument(help: "Its short name: at most 63 lower-case letters, digits and hyphens.")
        var slug: String

        @Option(help: "Its share of worker time against the other tenants' (1 to 1000).")
        var weight = 1

        @Option(help: "Jobs that may run at once (1 to 100000).")
        var cap = 1_000

        @Option(help: "Jobs a second in the long run (above 0; default: no limit).")
        var rate: Double?

        @Option(help: "Jobs that may start at once above the rate (1 to 1000000; default: as many as the rate).")
        var burst: Int?

        @Option(help: "Ready jobs of one kind in the index; more are accepted and deferred (1 to 100000).")
        var readyCapacity = 1_000

        @Option(
            help: ArgumentHelp("Rule sets to begin with: \(RulePack.names) (default: none, so it has no rules yet).", valueName: "name"))
        var pack: String?

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard Slug(slug) != nil else {
                throw ValidationError("\"\(slug)\" is no slug: lower-case letters, digits and hyphens, 63 at most, the first no hyphen")
            }
            guard (1...1_000).contains(weight) else { throw ValidationError("--weight is from 1 to 1000") }
            guard (1...100_000).contains(cap) else { throw ValidationError("--cap is from 1 to 100000") }
            guard (1...100_000).contains(readyCapacity) else { throw ValidationError("--ready-capacity is from 1 to 100000") }
            if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate is above 0") }
            if let burst, !(1...1_000_000).contains(burst) { throw ValidationError("--burst is from 1 to 1000000") }
            if let pack, RulePack.named(pack) == nil {
                throw ValidationError("there is no pack \"\(pack)\"; there are \(RulePack.names)")
            }
        }

        private struct Answer: Encodable {
            struct Keys: Encodable {
                let tenant: String
                let `operator`: String
            }
            let tenantID: String
            let slug: String
            let keys: Keys
        }

        func run() async throws {
            guard let slug = Slug(slug) else { return }
            let answer = try await Engine.onSchema(try options.settings()) { engine in
                var settings = TenantSettings()
                settings.weight = weight
                settings.cap = cap
                settings.rate = rate
                settings.burst = burst
                settings.readyCapacity = readyCapacity
                if pack != nil { settings.sandboxRounds = RulePack.sandboxRounds }
                guard let tenant = try await engine.records.createTenant(slug, settings, by: commandLine) else {
                    throw Failure("there is a tenant \(slug) already")
                }
                if let pack = pack.flatMap(RulePack.named) { try await engine.records.install(pack, of: tenant.id, by: commandLine) }
                let keys = Answer.Keys(
                    tenant: try await engine.records.createKey(.tenant, for: tenant.id, by: commandLine).key.secret,
                    operator: try await engine.records.createKey(.operator, for: tenant.id, by: commandLine).key.secret)
                return Answer(tenantID: "\(tenant.id)", slug: tenant.slug, keys: keys)
            }
            if json { return print(try JSON.text(answer)) }
            print(
                """
                tenant    \(answer.slug) (\(answer.tenantID))
                key       \(answer.keys.tenant)   its own data and jobs
                key       \(answer.keys.operator)   also its rollouts, fuse, breakers and pauses
                The keys are not shown again.
                """)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All tenants, by id.")

        @OptionGroup var options: ServerOptions

        @Flag(help: "Print JSON.")
        var json = false

        private struct Item: Encodable {
            let tenantID: String
            let slug: String
            let weight: Int
            let cap: Int
            let rate: Double?
            let burst: Int?
            let pausedAt: Date?
            let pausedReason: String?
            let createdAt: Date

            init(_ tenant: Tenant) {
                (tenantID, slug, createdAt) = ("\(tenant.id)", tenant.slug, tenant.createdAt)
                (weight, cap) = (tenant.settings.weight, tenant.settings.cap)
                (rate, burst) = (tenant.settings.rate, tenant.settings.burst)
                (pausedAt, pausedReason) = (tenant.paused?.since, tenant.paused?.reason)
            }

            var cells: [String] {
                [
                    tenantID, slug, "\(weight)", "\(cap)", rate.map { String(format: "%g/s", $0) } ?? "no limit", pausedReason ?? "",
                    createdAt.ISO8601Format(),
                ]
            }
        }

        func run() async throws {
            let tenants = try await Engine.onSchema(try options.settings()) { engine in
                var all: [Tenant] = []
                var next: Int64? = 0
                while let cursor = next {
                    let page = try await engine.records.tenants(after: cursor, limit: 500)
                    all += page.items
                    next = page.next
                }
                return all
            }
            let items = tenants.map(Item.init)
            if json { return print(try JSON.text(["items": items])) }
            print(Table(["id", "slug", "weight", "cap", "rate", "paused", "created"], items.map(\.cells)))
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold back everything of a tenant, over the API. What runs goes on; what comes in is kept.")

        @OptionGroup var turn: TurnOptions

        func run() async throws { try await turn.apply("pause", "\(turn.slug) is paused") }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let everything of a tenant go again.")

        @OptionGroup var turn: TurnOptions

        func run() async throws { try await turn.apply("resume", "\(turn.slug) goes on") }
    }

    struct TurnOptions: ParsableArguments {
        @OptionGroup var remote: PlatformOptions

        @Argument(help: "Its short name.")
        var slug: String

        @Option(help: "Why; kept in the audit log, and shown with each job that waits.")
        var reason: String

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard Slug(slug) != nil else { throw ValidationError("\"\(slug)\" is no slug") }
        }

        func apply(_ what: String, _ said: String) async throws {
            let body = try JSONSerialization.data(withJSONObject: ["reason": reason])
            let data = try await remote.remote().request(.post, "/v1/tenants/\(slug)/\(what)", body: .bytes(Array(body)))
            if json { return printLine(data) }
            print(said)
        }
    }
}

/// As the audit log names whoever acts through this executable: the user of the machine.
var commandLine: String { "cli:" + (ProcessInfo.processInfo.environment["SUDO_USER"] ?? NSUserName()) }

/// The command could not do what it was asked: exit 1.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
