import ArgumentParser
import Benchmarks

struct MessagesBenchCommand: BenchSuite {
    static let configuration = CommandConfiguration(
        commandName: "messages", abstract: "A burst of alerts to fakes of DingTalk, WeCom and Feishu: how long what is urgent takes.")
    static let unit = "alerts"
    static let latency = "what is urgent, from its commit until people see it"

    @Option(help: "Alerts of one tenant, all at once.")
    var alerts = 500

    @Option(help: "Percent of them that are urgent.")
    var urgent = 20

    @Option(help: "A vendor that is down: dingtalk, wecom or feishu.")
    var dead: String?

    @OptionGroup var output: BenchOptions

    func validate() throws {
        guard (1...100_000).contains(alerts) else { throw ValidationError("--alerts is from 1 to 100000") }
        guard (0...100).contains(urgent) else { throw ValidationError("--urgent is from 0 to 100") }
        guard dead.map(["dingtalk", "wecom", "feishu"].contains) ?? true else {
            throw ValidationError("--dead is dingtalk, wecom or feishu")
        }
    }

    func measure() async throws -> BenchmarkResult {
        try await MessageBenchmark(alerts: alerts, urgentPercent: urgent, dead: dead).run(executable: thisProgram)
    }
}
