import ArgumentParser
import Foundation

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show the effective settings and check the servers.",
        discussion: "Secrets are masked. Exits 1 when something would keep Kiteline from keeping its promises.")

    @OptionGroup var options: ServerOptions

    @Flag(help: "Print JSON.")
    var json = false

    private struct Answer: Encodable {
        struct Line: Encodable {
            let name: String
            let value: String?
            let source: String?
            let summary: String
        }
        let version: String
        let settings: [Line]
        let checks: [Finding]
    }

    func run() async throws {
        let settings = try options.settingsToLookAt()
        let lines = Setting.allCases.map { setting in
            let value = settings.faults[setting]?.value ?? settings.value(of: setting)
            return Answer.Line(
                name: setting.rawValue, value: value.map { setting.masked($0.text) }, source: value?.source.description,
                summary: setting.summary)
        }
        let environment = ProcessInfo.processInfo.environment.keys
        let findings =
            await SettingsCheckUp(settings, environment: environment).findings + PostgresCheckUp(settings).findings()
            + RedisCheckUp(settings).findings()

        if json {
            print(try JSON.text(Answer(version: Kiteline.version, settings: lines, checks: findings)))
        } else {
            print(
                Table(
                    ["setting", "value", "from", "what it is"],
                    lines.map { [$0.name, $0.value ?? "(not set)", $0.source ?? "", $0.summary] }))
            print("")
            print(Table(["", "check", "found", "advice"], findings.map { [$0.verdict.rawValue, $0.check, $0.found, $0.advice ?? ""] }))
        }
        if findings.contains(where: { $0.verdict == .wrong }) { throw ExitCode(ExitStatus.failed) }
    }
}
