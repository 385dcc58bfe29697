import AsyncHTTPClient
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import kiteline

/// Secrets stay where they belong: in no log line, whatever its level, and readable in no backup.
@Suite(.timeLimit(.minutes(10)))
struct SecretsTests {
    @Test func `keys, passwords and connectors' secrets are in no log and in no backup`() async throws {
        try await withScratch { scratch in
            let settings = ["KITELINE_LOG_LEVEL": "trace", "KITELINE_LOG_FORMAT": "json", "KITELINE_LOCAL_TARGETS": "yes"]
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch, environment: settings)
            let ready = try JSONDecoder().decode(ReadyFile.self, from: await dev.file(scratch + "/.kiteline/ready.json"))
            let made = try await ProgramRun.run(["tenant", "create", "acme", "--json"], in: scratch)
            let tenantKey = String(try #require(made.output.firstMatch(of: /kl_t_[\w-]{43}/)).output)
            let operatorKey = String(try #require(made.output.firstMatch(of: /kl_o_[\w-]{43}/)).output)
            let secretKey = try String(contentsOfFile: scratch + "/.kiteline/secret.key", encoding: .utf8).trimmingCharacters(in: .newlines)

            // Each where it could be quoted: in a header, in a body that is refused, in one that is taken, to an address that fails.
            let robot =
                #"{"kind":"dingtalk_robot","place":1,"secrets":{"access_token":"token-of-robot","secret":"SECof-robot"},"reason":"x"}"#
            #expect(try await ready.send(.put, "/v1/connectors/robot", robot, key: operatorKey) < 300)
            let hook =
                #"{"kind":"webhook","place":2,"settings":{"url":"http://127.0.0.1:9/hook","#
                + #""events":["job"]},"secrets":{"secret":"whsec_c2VjcmV0LW9mLXdlYmhvb2stMzItYnl0ZXMtbG9uZyE="},"reason":"x"}"#
            _ = try await ready.send(.put, "/v1/connectors/hook", hook, key: operatorKey)
            #expect(
                try await ready.send(
                    .post, "/v1/jobs", #"{"kind":"probe","args":{"payload":"personal-phone-13800000000"}}"#, key: tenantKey)
                    == 202)
            #expect(try await ready.send(.post, "/v1/jobs", #"{"kind":"probe","personal-phone-13800000000":"#, key: tenantKey) == 400)
            #expect(try await ready.send(.post, "/v1/jobs", "{}", key: "kl_t_" + String(repeating: "W", count: 43)) == 401)
            let backup = try await ProgramRun.run(["backup", "backups", "--json"], in: scratch)
            try #require(backup.status == 0, "\(backup.errors)")
            dev.send(SIGTERM)
            let end = try await dev.end()

            let secrets = [
                tenantKey, operatorKey, secretKey, "token-of-robot", "SECof-robot", "c2VjcmV0LW9mLXdlYmhvb2st",
                String(repeating: "W", count: 43),
            ]
            var logs = ["standard output": end.output, "standard error": end.errors]
            for file in FileManager.default.enumerator(atPath: scratch + "/.kiteline")?.compactMap({ $0 as? String }) ?? []
            where file.hasSuffix(".log") {
                logs[file] = try String(contentsOfFile: scratch + "/.kiteline/" + file, encoding: .utf8)
            }
            #expect(end.errors.contains(#""level":"#), "something was logged")
            #expect(logs.count > 2, "the servers' logs were read too: \(logs.keys)")
            for (name, text) in logs {
                for secret in secrets + ["personal-phone"] { #expect(!text.contains(secret), "\(secret) in \(name)") }
            }
            // The platform's key is shown once, on the terminal of whoever started it.
            #expect(!end.errors.contains(ready.platformKey))

            let folder = String(try #require(backup.output.firstMatch(of: /"folder":"([^"]+)"/)).1)
            var text: [UInt8] = []
            try PostgresTool.find("pg_restore").run(["--file=-", "\(scratch)/\(folder)/data.dump"], [:]) { text += $0 }
            let restored = String(decoding: text, as: UTF8.self)
            #expect(restored.contains("personal-phone"), "what was backed up was read")
            for secret in secrets + [ready.platformKey] { #expect(!restored.contains(secret), "\(secret) in the backup") }
        }
    }

    @Test func `Redis is told which jobs there are but no argument and no lead, and the link that waits for its reader does so for a day`()
        async throws
    {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let ready = try JSONDecoder().decode(ReadyFile.self, from: await dev.file(scratch + "/.kiteline/ready.json"))
            let asked = try await ProgramRun.run(["console", "--json"], in: scratch)
            try #require(asked.status == 0, "\(asked.errors)")
            var minutes: [UInt8] = []
            let left = "SELECT round(extract(epoch FROM expires_at - now()) / 60) FROM console_link ORDER BY 1"
            try PostgresTool.find("psql").run([ready.postgresURL, "-Atc", left], [:]) { minutes += $0 }
            #expect(String(decoding: minutes, as: UTF8.self).firstMatch(of: /^(9|10)\n14(39|40)\n$/) != nil, "\(minutes)")
            let rights = try FileManager.default.attributesOfItem(atPath: scratch + "/.kiteline/ready.json")[.posixPermissions] as? Int
            #expect(rights == 0o600)

            let heard = scratch + "/heard"
            let monitor = try Monitor(of: ready.redisURL, to: heard)
            try await expectSoon { try monitor.text.hasPrefix("OK") }
            let made = try await ProgramRun.run(["tenant", "create", "acme", "--json"], in: scratch)
            let tenantKey = String(try #require(made.output.firstMatch(of: /kl_t_[\w-]{43}/)).output)
            let job = #"{"kind":"probe","unique_key":"personal-key","args":{"payload":"personal-phone-13800000000"}}"#
            #expect(try await ready.send(.post, "/v1/jobs", job, key: tenantKey) == 202)
            let lead = #"{"external_id":"personal-id","source":"personal-source","fields":{"company":"personal-company"}}"#
            #expect(try await ready.send(.post, "/v1/leads", lead, key: tenantKey) == 202)
            var ended: [UInt8] = []
            try await expectSoon {
                ended = []
                try PostgresTool.find("psql").run(
                    [ready.postgresURL, "-Atc", "SELECT count(*) FROM job_history WHERE kind IN ('probe', 'assign_lead')"], [:]
                ) {
                    ended += $0
                }
                return String(decoding: ended, as: UTF8.self) == "2\n"
            }
            monitor.stop()
            dev.send(SIGTERM)
            _ = try await dev.end()

            let text = try monitor.text
            #expect(text.contains("probe") && text.contains("assign_lead"), "what Redis was told was heard")
            #expect(!text.contains("personal"))
        }
    }

    @Test func `the doctor says that connectors were sealed with another key`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let ready = try JSONDecoder().decode(ReadyFile.self, from: await dev.file(scratch + "/.kiteline/ready.json"))
            let made = try await ProgramRun.run(["tenant", "create", "acme", "--json"], in: scratch)
            let operatorKey = String(try #require(made.output.firstMatch(of: /kl_o_[\w-]{43}/)).output)
            let robot = #"{"kind":"dingtalk_robot","place":1,"secrets":{"access_token":"token","secret":"SECret"},"reason":"x"}"#
            try #require(try await ready.send(.put, "/v1/connectors/robot", robot, key: operatorKey) < 300)

            let right = try await ProgramRun.run(["doctor", "--json"], in: scratch)
            let other = ["KITELINE_SECRET_KEY": String(repeating: "A", count: 43) + "="]
            let wrong = try await ProgramRun.run(["doctor", "--json"], in: scratch, environment: other)
            dev.send(SIGTERM)
            _ = try await dev.end()

            #expect(right.status == 0 && right.output.contains("all 1 are opened by this key"), "\(right)")
            #expect(wrong.status == 1 && wrong.output.contains("1 of 1 connectors were sealed with another key, such as acme/robot"))
        }
    }

    /// Hears every command that a Redis is sent.
    private final class Monitor: Sendable {
        private let process: Process
        private let path: String

        init(of url: String, to path: String) throws {
            self.path = path
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["--default-signal", "redis-cli", "-s", String(url.dropFirst("unix://".count)), "MONITOR"]
            process.standardOutput = try FileHandle(forWritingTo: URL(filePath: path))
            try process.run()
        }

        var text: String { get throws { try String(contentsOfFile: path, encoding: .utf8) } }

        func stop() {
            process.terminate()
            process.waitUntilExit()
        }
    }
}

private enum HTTPMethodName: String {
    case post = "POST"
    case put = "PUT"
}

extension ReadyFile {
    /// Asks the API; answers with the status.
    fileprivate func send(_ method: HTTPMethodName, _ path: String, _ body: String, key: String) async throws -> Int {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method.rawValue)
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        _ = try await response.body.collect(upTo: 1 << 20)
        return Int(response.status.code)
    }
}
