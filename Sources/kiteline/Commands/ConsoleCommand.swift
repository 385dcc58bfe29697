import ArgumentParser
import ConsoleServer
import Foundation
import Records
import Tenancy

struct ConsoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Print a link that signs you in to the console, once.",
        discussion: """
            It signs in whoever the key belongs to and is good for ten minutes; it is written to Postgres, which this needs. The platform chooses a tenant on the page, \
            or here with --tenant; --key kl_o_… signs in an operator of one tenant.
            """)

    @Option(help: ArgumentHelp("Where the console is (KITELINE_URL, or the kiteline dev that runs here).", valueName: "url"))
    var url: String?

    @Option(help: ArgumentHelp("A key (KITELINE_KEY, or the platform key of the kiteline dev that runs here).", valueName: "key"))
    var key: String?

    @Option(help: ArgumentHelp("The tenant the console opens with; a tenant's own key opens with its own.", valueName: "slug"))
    var tenant: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard let tenant, Slug(tenant) == nil else { return }
        throw ValidationError("\"\(tenant)\" is no tenant's name: see kiteline tenant list")
    }

    func run() async throws {
        let settings = try options.settings([.apiURL: url, .key: key])
        try await Engine.onSchema(settings) { engine in
            let link = try await ConsoleLink.make(
                engine.records, key: try settings.text(.key), tenant: tenant.flatMap { Slug($0) }, at: try settings.text(.apiURL),
                for: ConsoleLink.shortly)
            print(json ? try JSON.text(["console_url": link]) : link)
        }
    }
}

/// Links that sign in whoever bears a key.
enum ConsoleLink {
    /// A link that was just asked for is used at once.
    static let shortly: TimeInterval = 600
    /// One that stands in a file waits for its reader.
    static let aDay: TimeInterval = 86_400

    static func make(
        _ records: Records, key: String, tenant: Slug? = nil, at url: String, for time: TimeInterval
    ) async throws -> String {
        guard let key = APIKey(key), let bearer = try await KeyRing(records).principal(key) else {
            throw SetUpError("the key is not valid: give one that is with KITELINE_KEY or --key")
        }
        if let tenant {
            if let own = bearer.tenant?.slug, own != tenant.description { throw SetUpError("the key is of \(own), not of \(tenant)") }
            guard try await records.tenant(tenant) != nil else {
                throw SetUpError("there is no tenant \(tenant): see kiteline tenant list")
            }
        }
        return try await SignInLink.make(
            records, for: bearer, actingFor: bearer.tenant == nil ? tenant : nil, at: url, until: Date().addingTimeInterval(time))
    }
}
