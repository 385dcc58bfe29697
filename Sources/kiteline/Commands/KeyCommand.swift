import ArgumentParser
import Foundation
import Records
import Tenancy

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Keys to the API: made, listed, revoked.", subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key. It is shown once and stored hashed.",
            discussion: """
                tenant: its own data and jobs. operator: also its rollouts, fuse, breakers and pauses. platform: every tenant; belongs to none.
                """)

        @OptionGroup var options: ServerOptions

        @Option(help: ArgumentHelp("The tenant it is for; left out for a platform key.", valueName: "slug"))
        var tenant: String?

        @Option(help: "tenant, operator or platform.")
        var role: Role

        @Option(help: "The seller or manager a tenant's key is for: it does only what the permissions let them do.")
        var user: String?

        @Option(help: "A name for people, such as what it is for; the audit log shows it beside the number.")
        var name: String?

        @Option(help: "Why, for the audit log.")
        var reason: String?

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            if let name, !APIKey.isName(name) { throw ValidationError("--name says something in 1 to 100 characters, on one line") }
            guard user == nil || role == .tenant else { throw ValidationError("--user is for a key of the role tenant") }
            guard (role == .platform) == (tenant == nil) else {
                throw ValidationError(
                    role == .platform ? "a platform key belongs to no tenant: leave --tenant out" : "whose key? --tenant SLUG")
            }
        }

        private struct Answer: Encodable {
            let id: String
            let role: String
            let key: String
        }

        func run() async throws {
            let answer = try await Engine.onSchema(try options.settings()) { engine in
                let tenant = try await engine.tenant(named: tenant)
                if let user, let tenant, try await !engine.records.isPerson(user, of: tenant.id) {
                    throw Failure("\(user) is no seller of \(tenant.slug) and leads no team there")
                }
                let (key, id) = try await engine.records.createKey(
                    role, for: tenant?.id, user: user, name: name, by: commandLine, reason: reason)
                return Answer(id: "\(id)", role: role.rawValue, key: key.secret)
            }
            if json { return print(try JSON.text(answer)) }
            // Alone on standard output, so that KEY=$(kiteline key create …) holds the key and nothing else.
            print(answer.key)
            complain("Its number is \(answer.id). It is not shown again.")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A tenant's keys, or the platform's; the newest first.")

        @OptionGroup var options: ServerOptions

        @Option(help: ArgumentHelp("The tenant they are for; left out for platform keys.", valueName: "slug"))
        var tenant: String?

        @Flag(help: "Print JSON.")
        var json = false

        private struct Item: Encodable {
            let id: String
            let role: String
            let user: String?
            let name: String?
            let hint: String
            let createdAt: Date
            let revokedAt: Date?
        }

        func run() async throws {
            let keys = try await Engine.onSchema(try options.settings()) { engine in
                try await engine.records.keys(of: try await engine.tenant(named: tenant)?.id)
            }
            let items = keys.map {
                Item(
                    id: "\($0.id)", role: $0.role.rawValue, user: $0.user, name: $0.name, hint: $0.hint, createdAt: $0.createdAt,
                    revokedAt: $0.revokedAt)
            }
            if json { return print(try JSON.text(["items": items])) }
            print(
                Table(
                    ["id", "role", "user", "name", "key", "created", "revoked"],
                    items.map {
                        [
                            $0.id, $0.role, $0.user ?? "", $0.name ?? "", $0.hint, $0.createdAt.ISO8601Format(),
                            $0.revokedAt?.ISO8601Format() ?? "",
                        ]
                    }))
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a key. It stops working within 3 seconds.")

        @OptionGroup var options: ServerOptions

        @Argument(help: "Its number, as `kiteline key list` shows it.")
        var id: Int64

        @Option(help: ArgumentHelp("Only if it is this tenant's.", valueName: "slug"))
        var tenant: String?

        @Option(help: "Why, for the audit log.")
        var reason: String?

        func run() async throws {
            let isRevoked = try await Engine.onSchema(try options.settings()) { engine in
                try await engine.records.revokeKey(id, of: try await engine.tenant(named: tenant)?.id, by: commandLine, reason: reason)
            }
            guard isRevoked else { throw Failure("there is no key \(id)\(tenant.map { " of \($0)" } ?? "") that works") }
            print("key \(id) is revoked")
        }
    }
}

extension Role: ExpressibleByArgument {}

extension Engine {
    /// The tenant of a slug; nil for nil.
    func tenant(named text: String?) async throws -> Tenant? {
        guard let text else { return nil }
        guard let slug = Slug(text), let tenant = try await records.tenant(slug) else { throw Failure("there is no tenant \(text)") }
        return tenant
    }
}
