import API
import ArgumentParser
import ConsoleServer
import Foundation
import NIOCore
import ServiceLifecycle

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answer HTTP: the API and the console.",
        discussion: "Run as many of these as you like, anywhere. SIGTERM ends it after the requests under way.")

    @OptionGroup var options: ServerOptions
    @OptionGroup var listening: ListenOptions

    func run() async throws {
        let settings = try options.settings(listening.flags)
        try await Engine.with(settings, role: "serve") { engine in
            try await checkSchema(settings)
            let server = try engine.server { port in engine.logger.notice("The API answers", metadata: ["port": "\(port)"]) }
            try await listening.explaining(settings) {
                try await ServiceGroup(
                    services: engine.exporting + [try engine.maintenance(.pushing), server], gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: engine.logger
                ).run()
            }
        }
    }
}

/// Where the API listens.
struct ListenOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The address to listen on (default: 127.0.0.1).", valueName: "address"))
    var host: String?

    @Option(help: ArgumentHelp("The port to listen on (default: 8080); 0 takes a free one.", valueName: "number"))
    var port: String?

    var flags: [Setting: String?] { [.host: host, .port: port] }

    /// Says in our words what is wrong with the address: that is for the user to put right.
    func explaining(_ settings: Settings, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as IOError where [EADDRINUSE, EACCES, EADDRNOTAVAIL].contains(error.errnoCode) {
            let (host, port) = (try settings.text(.host), try settings.text(.port))
            throw SetUpError(
                "cannot listen on \(host) port \(port): \(String(cString: strerror(error.errnoCode))). Choose another with --port; 0 takes a free one"
            )
        }
    }
}

extension Engine {
    /// - Parameter onRunning: told the port, once connections are accepted.
    func server(onRunning: @escaping @Sendable (_ port: Int) async -> Void) throws -> APIServer {
        let api = try self.api()
        return APIServer(
            api, host: try settings.text(.host), port: try settings.count(.port), site: ConsoleSite(api, logger: logger),
            onRunning: onRunning)
    }
}
