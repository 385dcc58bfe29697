import ArgumentParser
import Foundation

/// The flags every command has that reaches the servers.
struct SettingsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Postgres, as libpq takes it.", valueName: "url"))
    var postgresURL: String?

    @Option(help: ArgumentHelp("Redis: redis://, rediss:// or unix:///path.", valueName: "url"))
    var redisURL: String?

    @Option(help: ArgumentHelp("A file of KITELINE_… settings.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Where a running `kiteline dev` is looked for, when nothing else names the servers.", valueName: "folder"))
    var dataDir = ".kiteline"

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel: String?

    /// - Parameter more: the command's own flags that are settings.
    func settings(_ more: [Setting: String?] = [:]) throws -> Settings {
        var flags: [Setting: String?] = [.postgresURL: postgresURL, .redisURL: redisURL, .logLevel: logLevel]
        flags.merge(more) { _, given in given }
        let environment = ProcessInfo.processInfo.environment
        return try Settings(
            flags: flags.compactMapValues(\.self), environment: environment,
            file: try SettingsFile.find(config ?? environment["KITELINE_CONFIG"]),
            dev: ReadyFile.running(in: dataDir), devPath: ReadyFile.path(in: dataDir))
    }
}
