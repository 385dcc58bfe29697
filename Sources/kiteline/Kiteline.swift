import ArgumentParser
import Foundation
import LocalServers
import Schema

/// The executable: settings in, everything built, one command run.
@main
struct Kiteline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kiteline",
        abstract: "A job service that keeps every sales lead moving.",
        discussion: """
            Settings come from flags, then from the environment (KITELINE_…), then from a file (--config, or /etc/kiteline.conf), \
            then from the kiteline dev that runs here. `kiteline doctor` shows them.

            Exit status: 0 done, 1 failed, 2 usage or set-up. `kiteline --version` prints the version.
            """,
        subcommands: [
            DevCommand.self, ServeCommand.self, WorkCommand.self, MigrateCommand.self, TenantCommand.self, KeyCommand.self, JobCommand.self,
            QueueCommand.self, WorkerCommand.self, ScheduleCommand.self, RulesCommand.self, RolloutCommand.self, FuseCommand.self,
            BreakerCommand.self, DeadLetterCommand.self, ImportCommand.self, LeadCommand.self, AlertCommand.self, ConnectorCommand.self,
            SellerCommand.self, IdentityCommand.self, ForecastCommand.self, ProcessHealthCommand.self, AuditCommand.self,
            BackupCommand.self, RestoreCommand.self, ConsoleCommand.self, DoctorCommand.self, BenchCommand.self,
        ])

    static let version = "0.1.0"

    static func main() async {
        // Told of it, the parser would answer so to every wrong command line that has a `--version N` of its own, with status 0.
        if Array(CommandLine.arguments.dropFirst()) == ["--version"] { return print(version) }
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        if exitCode(for: error) == .success {
            print(fullMessage(for: error))
            Foundation.exit(ExitStatus.done)
        }
        let status = status(of: error)
        // An exit code alone means: everything was said.
        if !(error is ExitCode) { complain(isParsers(error) ? fullMessage(for: error) : "Error: \(error)") }
        Foundation.exit(status)
    }

    private static func status(of error: any Error) -> Int32 {
        switch error {
        case let code as ExitCode: code.rawValue
        case is SettingError, is SetUpError: ExitStatus.usage
        case let error as LocalServersError: error.isSetUp ? ExitStatus.usage : ExitStatus.failed
        case is MigrationError, is BackupError: ExitStatus.usage
        default: isParsers(error) ? ExitStatus.usage : ExitStatus.failed
        }
    }

    /// Whether the argument parser refused the command line, and says so best itself.
    private static func isParsers(_ error: any Error) -> Bool { exitCode(for: error) == .validationFailure }
}

enum ExitStatus {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    static let usage: Int32 = 2
}

/// Something about the set-up that the user can put right: exit 2.
struct SetUpError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Of a file somebody named.
    static func unreadable(_ path: String) -> SetUpError {
        SetUpError(FileManager.default.fileExists(atPath: path) ? "the file \(path) cannot be read" : "there is no file \(path)")
    }
}

func complain(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
