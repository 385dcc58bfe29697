import ArgumentParser
import ServiceLifecycle

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Run jobs, and take care of the index.",
        discussion: "Any number of these, anywhere. SIGTERM drains: running jobs finish or go back with their attempt restored.")

    @OptionGroup var options: ServerOptions

    @Option(help: ArgumentHelp("Jobs at once.", valueName: "n"))
    var concurrency: String?

    func run() async throws {
        let settings = try options.settings([.concurrency: concurrency])
        try await Engine.with(settings) { engine in
            try await checkSchema(settings)
            let group = ServiceGroup(
                services: [try engine.maintenance(.full), try engine.worker()], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: engine.logger)
            try await group.run()
        }
    }
}
