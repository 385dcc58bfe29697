import ArgumentParser
import Foundation

/// The flags every command has.
struct CommonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file of KITELINE_… settings (KITELINE_CONFIG; default: /etc/kiteline.conf, if it is there).", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "The least level that is logged: trace, debug, info, notice, warning, error or critical (default: info).", valueName: "level"))
    var logLevel: String?

    /// - Parameters:
    ///   - flags: the command's own flags that are settings.
    ///   - folder: where a running `kiteline dev` is looked for.
    func settings(_ flags: [Setting: String?] = [:], dev folder: String? = nil) throws -> Settings {
        try settingsToLookAt(flags, dev: folder).checked()
    }

    /// The same, with what is wrong with them.
    func settingsToLookAt(_ flags: [Setting: String?], dev folder: String?) throws -> Settings {
        var flags = flags.compactMapValues(\.self)
        flags[.logLevel] = logLevel
        let environment = ProcessInfo.processInfo.environment
        return Settings(
            lookingAt: flags, environment: environment, file: try SettingsFile.find(config ?? environment["KITELINE_CONFIG"]),
            dev: folder.flatMap(ReadyFile.running), devPath: folder.map(ReadyFile.path) ?? "")
    }
}

/// The flags of commands that reach the servers.
struct ServerOptions: ParsableArguments {
    @Option(name: .customLong("postgres-url"), help: ArgumentHelp("Postgres, as libpq takes it (KITELINE_POSTGRES_URL).", valueName: "url"))
    var postgresURL: String?

    @Option(
        name: .customLong("redis-url"),
        help: ArgumentHelp("Redis: redis://, rediss:// or unix:///path (KITELINE_REDIS_URL).", valueName: "url"))
    var redisURL: String?

    @Option(help: ArgumentHelp("Where a running `kiteline dev` is looked for, when nothing else names the servers.", valueName: "folder"))
    var dataDir = ".kiteline"

    @OptionGroup var common: CommonOptions

    func settings(_ flags: [Setting: String?] = [:]) throws -> Settings {
        try common.settings(flags.merging([.postgresURL: postgresURL, .redisURL: redisURL]) { own, _ in own }, dev: dataDir)
    }

    func settingsToLookAt() throws -> Settings {
        try common.settingsToLookAt([.postgresURL: postgresURL, .redisURL: redisURL], dev: dataDir)
    }
}
