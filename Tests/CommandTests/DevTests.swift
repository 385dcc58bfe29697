import Foundation
import TestSupport
import Testing

@testable import kiteline

/// `kiteline dev`, started and ended in every way. One after another: each has a Postgres and a Redis of its own.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct DevTests {
    @Test func `a job runs, and SIGTERM stops all that was started`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let ready = try await ready(dev, scratch)

            #expect(try await ProgramRun.run(["tenant", "create", "acme"], in: scratch).status == 0)
            let job = try await ProgramRun.run(["job", "enqueue", "probe", "--tenant", "acme", "--json"], in: scratch)
            let id = try #require(job.output.firstMatch(of: /"id":"(\d+)"/)).1
            var state = ""
            for _ in 0..<200 where !state.contains(#""state":"completed""#) {
                state = try await ProgramRun.run(["job", "get", String(id), "--tenant", "acme"], in: scratch).output
            }
            dev.send(SIGTERM)
            let end = try await dev.end()

            #expect(state.contains(#""state":"completed""#))
            #expect(end.status == 0)
            #expect(end.output.contains(ready.url) && end.output.contains(ready.platformKey))
            #expect(![ready.pids.postgres, ready.pids.redis, ready.pids.kiteline].contains(where: isRunning))
            #expect(!FileManager.default.fileExists(atPath: scratch + "/.kiteline/ready.json"))
        }
    }

    @Test func `queues are paused and breakers opened from the command line`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            _ = try await ready(dev, scratch)
            let acme = ["--tenant", "acme"]
            #expect(try await ProgramRun.run(["tenant", "create", "acme"], in: scratch).status == 0)

            let unreasoned = try await ProgramRun.run(["queue", "pause", "probe"] + acme, in: scratch)
            let paused = try await ProgramRun.run(["queue", "pause", "probe", "--reason", "wrong rules"] + acme, in: scratch)
            let queues = try await ProgramRun.run(["queue", "list"] + acme, in: scratch)
            let resumed = try await ProgramRun.run(["queue", "resume", "probe", "--reason", "mended"] + acme, in: scratch)
            let unknown = try await ProgramRun.run(["queue", "pause", "nothing", "--reason", "x"], in: scratch)
            let opened = try await ProgramRun.run(["breaker", "open", "erp", "--reason", "on fire"], in: scratch)
            let breakers = try await ProgramRun.run(["breaker", "list"], in: scratch)
            let closed = try await ProgramRun.run(["breaker", "close", "erp", "--reason", "put out", "--json"], in: scratch)
            dev.send(SIGTERM)
            _ = try await dev.end()

            #expect(unreasoned.status == 2 && unreasoned.errors.contains("--reason"))
            #expect(paused.output == "probe is paused for the tenant\n")
            #expect(queues.output.split(separator: "\n").contains { $0.hasPrefix("probe ") && $0.hasSuffix("wrong rules") })
            #expect(resumed.output == "probe goes on for the tenant\n")
            #expect(unknown.status == 1 && unknown.errors.contains("not_found"))
            #expect(opened.output == "the breaker of erp is open for everybody\n")
            #expect(breakers.output.contains("everybody") && breakers.output.contains("on fire"))
            #expect(closed.output.contains(#""state":"closed""#))
        }
    }

    @Test func `killed, it leaves nothing running, and the next start finds everything again`() async throws {
        try await withScratch { scratch in
            let first = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let before = try await ready(first, scratch)
            #expect(try await ProgramRun.run(["tenant", "create", "acme"], in: scratch).status == 0)

            first.send(SIGKILL)
            #expect(try await first.end().status == -SIGKILL)
            #expect(try await soon { ![before.pids.postgres, before.pids.redis].contains(where: isRunning) })

            let second = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let after = try await ready(second, scratch, not: before)
            let tenants = try await ProgramRun.run(["tenant", "list", "--json"], in: scratch)
            second.send(SIGINT)

            #expect(try await second.end().status == 0)
            #expect(after.platformKey == before.platformKey)
            #expect(after.postgresURL == before.postgresURL)
            #expect(tenants.output.contains(#""slug":"acme""#))
        }
    }

    @Test func `a second one in the same folder, or on the same port, is refused and harms nothing`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let ready = try await ready(dev, scratch)
            let port = try #require(URL(string: ready.url)?.port)

            let sameFolder = try await ProgramRun.run(["dev", "--port", "0"], in: scratch)
            let samePort = try await ProgramRun.run(["dev", "--data-dir", "other", "--port", "\(port)"], in: scratch)

            #expect(sameFolder.status == 2)
            #expect(sameFolder.errors.contains("is in use by process \(dev.pid)"))
            #expect(samePort.status == 2)
            #expect(samePort.errors.contains("cannot listen on 127.0.0.1 port \(port)"))
            #expect(try await ProgramRun.run(["doctor"], in: scratch).status == 0)
            dev.send(SIGTERM)
            #expect(try await dev.end().status == 0)
        }
    }

    @Test func `a server that ends is started again, and ready_json says so`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let before = try await ready(dev, scratch)

            kill(before.pids.postgres, SIGKILL)
            kill(before.pids.redis, SIGKILL)

            #expect(
                try await soon {
                    guard let now = ReadyFile.running(in: scratch + "/.kiteline") else { return false }
                    return now.pids.postgres != before.pids.postgres && now.pids.redis != before.pids.redis
                })
            #expect(try await ProgramRun.run(["doctor"], in: scratch).status == 0)
            dev.send(SIGTERM)
            #expect(try await dev.end().status == 0)
        }
    }

    private func ready(_ dev: ProgramRun, _ scratch: String, not old: ReadyFile? = nil) async throws -> ReadyFile {
        while true {
            let file = try JSONDecoder().decode(ReadyFile.self, from: try await dev.file(scratch + "/.kiteline/ready.json"))
            if file.pids.kiteline != old?.pids.kiteline { return file }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
