import ArgumentParser
import ServiceLifecycle

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Run jobs, and take care of the index.",
        discussion:
            "Run as many of these as you like, anywhere. SIGTERM drains it, as an operator can from the console: running jobs finish, or go back with their attempt restored."
    )

    @OptionGroup var options: ServerOptions

    @Option(help: ArgumentHelp("Jobs it runs at once (KITELINE_CONCURRENCY; default: 400).", valueName: "n"))
    var concurrency: String?

    @Option(help: ArgumentHelp("Only jobs of these kinds, separated by commas (default: every kind).", valueName: "kinds"))
    var kinds: String?

    func run() async throws {
        let settings = try options.settings([.concurrency: concurrency])
        try await Engine.with(settings, role: "work") { engine in
            let kinds = try engine.kinds(named: kinds)
            try await checkSchema(settings)
            let (places, named) = (try settings.text(.concurrency), kinds.map { $0.sorted().joined(separator: ",") } ?? "all")
            engine.logger.notice("at work, SIGTERM drains", metadata: ["jobs": "\(places)", "kind": "\(named)"])
            var services = (engine.exporting + [try engine.maintenance(.full)]).map {
                ServiceGroupConfiguration.ServiceConfiguration(service: $0)
            }
            // It ends by itself where somebody asked it to drain; whoever keeps the process running starts it anew.
            services.append(.init(service: try engine.worker(kinds: kinds), successTerminationBehavior: .gracefullyShutdownGroup))
            let group = ServiceGroup(
                configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: engine.logger))
            try await group.run()
        }
    }
}
