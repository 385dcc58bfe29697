import Foundation
import Jobs
import Logging
import Telemetry
import Tenancy
import TestSupport
import Testing

/// Log lines on their way to a collector, beside standard error.
@Suite struct LogExportTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    private var attempt: Attempt {
        Attempt(
            id: JobID(7), tenant: TenantID(3), kind: "probe", arguments: [], number: 2, maxAttempts: 5, lost: 0, fence: 2, token: 1,
            priority: 5, enqueuedAt: Date(), startedAt: Date(), traceContext: "00-\(Self.trace)-00f067aa0ba902b7-01")
    }

    /// Writes nowhere.
    private func silent(_ level: Logger.Level = .info) -> Logger {
        var logger = Logger(label: "kiteline") { JSONLogHandler(label: $0) { _ in } }
        logger.logLevel = level
        return logger
    }

    /// A logger that writes nothing here and sends from `level` on, and its exporter while it runs.
    private func sending(
        to address: String, level: Logger.Level = .info, _ body: (Logger, LogExporter) async throws -> Void
    ) async throws {
        let exporter = LogExporter(endpoint: address, role: "work", version: "1", interval: .milliseconds(20), logger: silent())
        let running = Task { try await exporter.run() }
        try await body(exporter.joining(silent(level)), exporter)
        running.cancel()
        try await running.value
    }

    @Test func `a line comes with its message, level, time, values and trace`() async throws {
        try await Collector.with { collector, address in
            let before = UInt64(Date().timeIntervalSince1970 * 1e9)
            try await sending(to: address) { logger, exporter in
                logger.warning("took jobs back", metadata: ["jobs": "3", "reason": "say \"no\"\nand go"])
                logger.notice("job set aside", metadata: .of(attempt, [.errorClass: "poison"]))
                logger.debug("not asked for")
                // Counted when the collector has answered, which is after it has them.
                try await expectSoon { exporter.counts == ExportCounts(exported: 2, dropped: 0) }
            }

            let lines = collector.lines
            #expect(lines.map(\.message) == ["took jobs back", "job set aside"])
            #expect(lines.map(\.severity) == ["WARNING", "NOTICE"] && lines.map(\.number) == [13, 10])
            #expect(lines[0].attributes == ["logger": "kiteline", "jobs": "3", "reason": "say \"no\"\nand go"])
            #expect(lines[0].trace == nil && lines[1].trace == Self.trace)
            #expect(lines[1].attributes["tenant"] == "3" && lines[1].attributes["job"] == "7" && lines[1].attributes["class"] == "poison")
            #expect(lines.allSatisfy { $0.role == "work" && $0.at >= before })
        }
    }

    @Test func `the address of traces will do for log lines`() async throws {
        try await Collector.with { collector, address in
            try await sending(to: address + "/v1/traces") { logger, _ in
                logger.error("here")
                try await expectSoon { collector.lines.map(\.message) == ["here"] }
            }
        }
    }

    @Test func `what waits at a process' end is sent`() async throws {
        try await Collector.with { collector, address in
            try await sending(to: address) { logger, _ in logger.notice("the last word") }
            #expect(collector.lines.map(\.message) == ["the last word"])
        }
    }

    @Test func `lines a collector refuses are dropped and counted, and tell of themselves once, not in a circle`() async throws {
        try await Collector.with(answering: .badRequest) { collector, address in
            let exporter = LogExporter(endpoint: address, role: "work", version: "1", interval: .milliseconds(5), logger: silent())
            let logger = exporter.joining(silent())
            let running = Task { try await exporter.run() }
            for number in 0..<3 {
                logger.critical("again and again")
                try await expectSoon { exporter.counts.dropped == number + 1 }
            }
            running.cancel()
            try await running.value
            #expect(exporter.counts == ExportCounts(exported: 0, dropped: 3))
        }
    }

    @Test func `whoever logs while nobody sends fills the queue to its bound and goes on`() {
        // Nobody listens there, and nothing is sent: run was not called.
        let exporter = LogExporter(endpoint: "http://127.0.0.1:1", role: "work", version: "1", capacity: 3, logger: silent())
        let logger = exporter.joining(silent())
        for _ in 0..<10 { logger.critical("x") }
        #expect(exporter.counts == ExportCounts(exported: 0, dropped: 7))
    }
}
