import AsyncHTTPClient
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import kiteline

/// What deploy/ watches is there: alerts, recording rules and dashboard name only what `/metrics` prints, and every alert is explained.
@Suite(.timeLimit(.minutes(10)))
struct MonitoringTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func file(_ path: String) throws -> String { try String(contentsOf: Self.root.appending(path: path), encoding: .utf8) }

    /// The metrics a text names; those that recording rules make have a colon instead.
    private func named(in text: String) -> Set<String> {
        Set(text.matches(of: /kiteline_[a-z0-9_]+/).map { String($0.output) })
    }

    @Test func `every metric that alerts and dashboard name is printed by a fleet at work`() async throws {
        let watched = try ["prometheus/recording.yml", "prometheus/alerts.yml", "grafana/kiteline.json"].map { try file("deploy/\($0)") }
        let names = watched.map(named).reduce(Set()) { $0.union($1) }
        #expect(names.count > 30)
        try await withScratch { scratch in
            // Nobody collects: spans and lines are dropped, and counted.
            let settings = [
                "KITELINE_OTLP_ENDPOINT": "http://127.0.0.1:9", "KITELINE_OTLP_LOGS": "yes", "KITELINE_TRACE_SHARE": "1",
                "KITELINE_BEAT_SECONDS": "0.2",
            ]
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch, environment: settings)
            let ready = try JSONDecoder().decode(ReadyFile.self, from: await dev.file(scratch + "/.kiteline/ready.json"))
            func run(_ arguments: String...) async throws {
                let result = try await ProgramRun.run(arguments, in: scratch)
                #expect(result.status == 0, "\(arguments): \(result.errors)")
            }
            try await run("tenant", "create", "acme")
            try await run("job", "enqueue", "probe", "--tenant", "acme")
            try await run("job", "enqueue", "probe", "--tenant", "acme", "--args", #"{"fail_times":9,"error_class":"permanent"}"#)
            try await run("job", "enqueue", "probe", "--tenant", "acme", "--args", #"{"sleep_ms":600000}"#)
            try await run("breaker", "open", "erp", "--reason", "on fire")

            var printed: Set<String> = []
            let end = ContinuousClock.now + .seconds(180)
            while ContinuousClock.now < end, !names.isSubset(of: printed) {
                let answer = try await HTTPClient.shared.get(url: ready.url + "/metrics").get()
                let text = String(decoding: answer.body?.readableBytesView ?? .init(), as: UTF8.self)
                printed = named(in: text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n"))
                try await Task.sleep(for: .milliseconds(100))
            }
            dev.send(SIGKILL)
            _ = try await dev.end()

            #expect(names.subtracting(printed).sorted() == [])
        }
    }

    @Test func `every alert has its entry in the runbook, and every entry its alert`() throws {
        let alerts = try file("deploy/prometheus/alerts.yml").matches(of: /- alert: (\w+)/).map { String($0.1) }
        let links = try file("deploy/prometheus/alerts.yml").matches(of: /runbook: docs\/runbook\.md#(\w+)/).map { String($0.1) }
        let entries = try file("docs/runbook.md").matches(of: /(?m)^### (Kiteline\w+)$/).map { String($0.1) }

        #expect(alerts.count > 15)
        #expect(links == alerts.map { $0.lowercased() })
        #expect(entries == alerts, "in the order of the alerts")
    }

    @Test func `each of a tenant's own alerts is in the runbook's table`() throws {
        let words = try JSONDecoder().decode(
            [String: String].self, from: Data(try file("Sources/Console/Strings/said-en.json").utf8))
        let codes = Set(words.keys.filter { $0.hasPrefix("alert_") }.map { String($0.dropFirst("alert_".count)) })
            .subtracting(["end", "end_all"])
        let told = Set(try file("docs/runbook.md").matches(of: /(?m)^\| `(\w+)` \|/).map { String($0.1) })

        #expect(codes.count > 15)
        #expect(codes.symmetricDifference(told).sorted() == [])
    }

    @Test func `every alert has a test that it fires`() throws {
        let alerts = try file("deploy/prometheus/alerts.yml").matches(of: /- alert: (\w+)/).map { String($0.1) }
        let fired = try file("deploy/prometheus/tests.yml").matches(of: /alertname: (\w+)\n +exp_alerts:\n/).map { String($0.1) }

        #expect(Set(alerts).subtracting(fired).sorted() == [])
    }

    @Test func `every suite that the security page names is there`() throws {
        let named = Set(try file("docs/security.md").matches(of: /`(\w+(?:Tests|Stories))`/).map { String($0.1) })
        let folder = Self.root.appending(path: "Tests")
        let sources = try FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }.filter {
            $0.hasSuffix(".swift")
        }
        .map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
        let there = Set((sources ?? []).flatMap { $0.matches(of: /struct (\w+(?:Tests|Stories))/).map { String($0.1) } })

        #expect(named.count > 20)
        #expect(named.subtracting(there).sorted() == [])
    }
}
