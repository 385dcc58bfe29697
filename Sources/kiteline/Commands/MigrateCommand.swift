import ArgumentParser
import PostgresClient
import Schema

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the database to this version's schema.",
        discussion: "Several may run at once. The Postgres user must own the schema and be allowed to create roles.")

    @OptionGroup var options: ServerOptions

    @Option(help: ArgumentHelp("Stop after the migration of this number (default: the last one).", valueName: "number"))
    var to: Int?

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    @Flag(help: "Print JSON.")
    var json = false

    private struct Answer: Encodable {
        struct Step: Encodable {
            let number: Int
            let name: String
        }
        let applied: [Step]
        let dryRun: Bool
    }

    func run() async throws {
        let steps = try await withOwner(try options.settings()) { try await Migrator($0).migrate(to: to, dryRun: dryRun) }
        if json {
            return print(try JSON.text(Answer(applied: steps.map { .init(number: $0.number, name: $0.name) }, dryRun: dryRun)))
        }
        for step in steps { print("\(dryRun ? "would apply" : "applied") \(step.number) \(step.name)") }
        if steps.isEmpty { print("nothing to do: the schema is this version's") }
    }
}

/// Refuses to start on a database that is not migrated: exit 2, and what to do.
func checkSchema(_ settings: Settings) async throws {
    let missing = try await withOwner(settings) { try await Migrator($0).migrate(dryRun: true) }
    guard missing.isEmpty else {
        throw SetUpError(
            "the database lacks \(missing.count) migrations, the first is \(missing[0].number) \(missing[0].name). Run: kiteline migrate")
    }
}
