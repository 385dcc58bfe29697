import Foundation
import Jobs
import Logging
import Synchronization
import Telemetry
import Tenancy
import Testing

/// Lines for machines: one object each, whatever a value holds.
@Suite struct JSONLogTests {
    private final class Lines: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        func add(_ line: [UInt8]) { bytes.withLock { $0 += line } }
        var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
        var objects: [[String: Any]] {
            text.split(separator: "\n").compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        }
    }

    private func logger(_ lines: Lines) -> Logger {
        var logger = Logger(label: "test")
        logger.handler = JSONLogHandler(label: "test") { lines.add($0) }
        return logger
    }

    @Test func `a line is one object with its message, level, time and values`() throws {
        let lines = Lines()
        logger(lines).warning("took jobs back", metadata: ["jobs": "3", "reason": "say \"no\"\nand go", "list": ["a", "b"]])
        logger(lines).debug("not asked for")

        let line = try #require(lines.objects.first)
        #expect(lines.text.filter { $0 == "\n" }.count == 1)
        #expect(line["message"] as? String == "took jobs back")
        #expect(line["level"] as? String == "warning")
        #expect((line["time"] as? String)?.hasSuffix("Z") == true)
        #expect(line["reason"] as? String == "say \"no\"\nand go")
        #expect(line["list"] as? [String] == ["a", "b"])
    }

    @Test func `a value cannot pass itself off as the line's own`() throws {
        let lines = Lines()
        logger(lines).info("real", metadata: ["message": "forged", "level": "critical"])

        let line = try #require(lines.objects.first)
        #expect(line["message"] as? String == "real")
        #expect(line["message_"] as? String == "forged")
        #expect(line["level"] as? String == "info")
    }

    @Test func `a line of a job names tenant, job, kind, attempt and trace`() throws {
        let lines = Lines()
        let attempt = Attempt(
            id: JobID(7), tenant: TenantID(3), kind: "probe", arguments: [], number: 2, maxAttempts: 5, lost: 0, fence: 2, token: 1,
            priority: 5, enqueuedAt: Date(), startedAt: Date(),
            traceContext: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        logger(lines).notice("job set aside", metadata: .of(attempt, [.errorClass: "poison"]))

        let line = try #require(lines.objects.first)
        #expect(line["tenant"] as? String == "3" && line["job"] as? String == "7" && line["kind"] as? String == "probe")
        #expect(line["attempt"] as? String == "2" && line["class"] as? String == "poison")
        #expect(line["trace_id"] as? String == "4bf92f3577b34da6a3ce929d0e0e4736")
    }
}
