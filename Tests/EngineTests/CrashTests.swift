import Benchmarks
import CrashPoints
import Foundation
import Jobs
import Ledger
import PostgresClient
import Records
import RedisClient
import Tenancy
import TestSupport
import Testing

/// A process kills itself at each named point of a job's way; others go on, and an independent checker reads what is left.
@Suite struct CrashTests {
    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            CrashPoint.afterClaim, .afterBegin, .beforeSettle, .afterSettle, .inRelay, .inPromoter, .inReaper, .inRebuild, .inRefill,
        ])
    func `a worker that dies at any point of a job's way loses and doubles nothing`(point: CrashPoint) async throws {
        let scene = try await Scene()
        let jobs = try await scene.enqueue(60, runAt: point == .inPromoter ? Date().addingTimeInterval(3_600) : nil)
        try await scene.prepare(for: point)

        let victim = try scene.work(crashingAt: point)
        try await expectSoon { !scene.workers.isRunning(victim) }
        try scene.work()
        try scene.work()

        try await scene.expectAllDone(jobs)
        #expect(scene.crashes(at: point) == 1)
        await scene.close()
    }

    @Test(.timeLimit(.minutes(10)), arguments: [CrashPoint.afterEnqueue, .afterPush])
    func `an API process that dies between its commit and its answer has accepted what its caller repeats, once`(point: CrashPoint)
        async throws
    {
        let scene = try await Scene()
        func probes(_ batch: Int) -> [String] { (0..<10).map { #"{"effect_key":"e\#(batch)-\#($0)","sleep_ms":1}"# } }
        let (victim, port) = try await scene.serve(crashingAt: point)
        // Before it knows the index it accepts and does not push: such batches it survives.
        var batch = 0
        try await expectSoon {
            let isAccepted = await JobClient(port: port, key: scene.key).isAccepted(probes: probes(batch), under: "batch-\(batch)")
            guard scene.servers.isRunning(victim) else { return true }
            if isAccepted == true { batch += 1 }
            return false
        }
        let (_, second) = try await scene.serve()
        try scene.work()
        try scene.work()

        var ids: [Int64] = []
        for n in 0...batch { ids += try await JobClient(port: second, key: scene.key).enqueue(probes: probes(n), under: "batch-\(n)") }

        try await scene.expectAllDone(ids)
        #expect(scene.crashes(at: point) == 1)
        await scene.close()
    }

    @Test(.timeLimit(.minutes(10)))
    func `a poison job takes down three processes and nobody with it`() async throws {
        let scene = try await Scene()
        // It is the first in line: whoever waits beside it when it runs for the last time must not be blamed for that.
        let poison = try await scene.engine.ledger.enqueue([scene.probe("poison-1")]).map(\.rawValue)
        let jobs = try await scene.enqueue(60)

        try await expectSoon {
            while scene.workers.running < 2 { try scene.work(crashingAt: .onPoison) }
            return try await scene.engine.count("job_live") == 0
        }

        try await scene.expectAllDone(jobs + poison)
        #expect(try await scene.engine.count("dlq WHERE id = \(poison[0]) AND error_class = 'poison'") == 1)
        #expect(try await scene.engine.count("job_history WHERE state = 'completed'") == 60)
        #expect(scene.crashes(at: .onPoison) == 3)
        await scene.close()
    }
}

/// A checker that finds nothing proves nothing.
@Suite(.serialized) struct FaultCheckTests {
    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            ("INSERT INTO probe_effect SELECT * FROM probe_effect LIMIT 1", "completed jobs left none or several effects"),
            ("DELETE FROM probe_effect WHERE effect_key = 'e1'", "completed jobs left none or several effects"),
            ("UPDATE probe_effect SET effect_key = 'x' WHERE effect_key = 'e1'", "effects are not what was asked for"),
            ("UPDATE probe_effect SET attempt = 2 WHERE effect_key = 'e1'", "effects belong to no completed job"),
            ("DELETE FROM job_history WHERE id = (SELECT min(id) FROM job_history)", "accepted jobs have not ended"),
            ("UPDATE job_history SET run = 2 WHERE id = (SELECT min(id) FROM job_history)", "jobs have more or fewer ends than runs"),
            ("UPDATE job_history SET state = 'discarded' WHERE id = (SELECT min(id) FROM job_history)", "jobs were given up"),
            ("UPDATE job_history SET fence = 0 WHERE id = (SELECT min(id) FROM job_history)", "a fence that does not fit"),
            ("UPDATE job_history SET finished_at = enqueued_at - interval '1 s'", "ends come before their beginning"),
            ("INSERT INTO outbox (ids) VALUES (ARRAY[1])", "batches are still owed"),
            ("UPDATE shard_epoch SET epoch = epoch + 1", "the index is of epoch"),
            ("UPDATE tenant SET cap = 2", "tenants ran more at once than their cap"),
            ("UPDATE tenant SET rate = 1, burst = 1", "tenants began more in a second than their rate"),
            (
                """
                INSERT INTO audit_log (tenant_id, at, actor, action, subject)
                SELECT tenant_id, min(enqueued_at) - interval '1 s', 'x', 'tenant.pause', 'x' FROM job_history GROUP BY tenant_id
                """, "jobs began while their tenant was paused"
            ),
            (
                """
                INSERT INTO delivery (tenant_id, connector, event_id, state, urgent, first_planned_at)
                SELECT id, 'hook', 'evt_1', 'sent', false, now() FROM tenant
                """, "deliveries are called sent and did not arrive"
            ),
            (
                """
                INSERT INTO delivery (tenant_id, connector, event_id, state, urgent, first_planned_at)
                SELECT id, 'hook', 'evt_1', 'waiting', false, now() FROM tenant
                """, "deliveries are not sent"
            ),
            (
                "INSERT INTO connector (tenant_id, name, kind, place, enabled, settings, secrets, secret_names, dependency) SELECT id, 'hook', 'webhook', 1, true, '{}', '', '{}', 'hook' FROM tenant",
                "ends were kept from a webhook"
            ),
            ("UPDATE shard_epoch SET redis_run_id = 'other'", "the ledger believes in another Redis"),
        ])
    func `what is not as promised is found`(spoil: String, finding: String) async throws {
        let scene = try await Scene()
        let jobs = try await scene.enqueue(3)
        let attempts = try await scene.begin(3)
        _ = try await scene.engine.settle(attempts) {
            .completed("done", [ProbeEffect(key: "e\(jobs.firstIndex(of: $0.id.rawValue)!)")])
        }
        try await scene.engine.acknowledge(attempts)
        _ = try await scene.engine.postgres.query("DELETE FROM outbox")
        try #require(try await scene.findings(jobs) == [])

        let owner = scene.engine.database.pool()
        _ = try await owner.query(Statement(spoil, []))
        await owner.close()

        let found = try await scene.findings(jobs)
        #expect(found.contains { $0.contains(finding) }, "\(found)")
        await scene.close()
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            (["evt_2"], 1, "completed", "an id that the ledger does not know"), (["evt_1"], 2, "completed", "an end that did not happen"),
            (["evt_1"], 1, "discarded", "an end that did not happen"),
            (["evt_1", "evt_1"], 1, "completed", "came again with another text"),
            (["evt_1"], 1, "completed", nil),
        ] as [([String], Int, String, String?)])
    func `what was told outside is held against what happened`(ids: [String], run: Int, end: String, finding: String?) async throws {
        let scene = try await Scene()
        let jobs = try await scene.enqueue(1)
        let attempts = try await scene.begin(1)
        _ = try await scene.engine.settle(attempts) { _ in .completed("done", [ProbeEffect(key: "e0")]) }
        try await scene.engine.acknowledge(attempts)
        _ = try await scene.engine.postgres.query("DELETE FROM outbox")
        let owner = scene.engine.database.pool()
        _ = try await owner.query(
            """
            INSERT INTO delivery (tenant_id, connector, event_id, state, urgent, first_planned_at)
            SELECT id, 'hook', 'evt_1', 'sent', false, now() FROM tenant
            """)
        await owner.close()
        let received = ids.enumerated().map { place, id in
            FaultCheck.Received(
                id: id,
                body: #"{"type":"sales.job.\#(end).v1","data":{"job_id":"\#(jobs[0])","run":\#(run),"attempt":1,"place":\#(place)}}"#)
        }

        let found = try await scene.findings(jobs, received: received)

        if let finding { #expect(found.contains { $0.contains(finding) }, "\(found)") } else { #expect(found == []) }
        await scene.close()
    }

    @Test func `a claim that the index still counts is found`() async throws {
        let scene = try await Scene()
        let jobs = try await scene.enqueue(3)
        let attempts = try await scene.begin(3)
        _ = try await scene.engine.settle(attempts) {
            .completed("done", [ProbeEffect(key: "e\(jobs.firstIndex(of: $0.id.rawValue)!)")])
        }
        _ = try await scene.engine.postgres.query("DELETE FROM outbox")

        let found = try await scene.findings(jobs)
        #expect(
            found.contains { $0.hasPrefix("the index still holds run") } && found.contains { $0.contains("counts 3 claims") }, "\(found)")
        await scene.close()
    }
}

/// A fresh database and index, and processes of the program on them.
private final class Scene: Sendable {
    let engine: Engine
    let tenant: TenantID
    let key: String
    let workers: ProgramProcesses
    let servers: ProgramProcesses
    private let log: String
    private let environment: [String: String]
    private let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("kiteline").path

    init() async throws {
        engine = try await Engine(lease: .seconds(2))
        tenant = try await engine.tenant()
        let records = Records(app: engine.postgres, engine: engine.postgres, ledger: engine.ledger, logger: engine.logger)
        key = try await records.createKey(.tenant, for: tenant, by: "test").key.secret
        log = FileManager.default.temporaryDirectory.appendingPathComponent("kiteline-crash-\(UUID().uuidString).log").path
        environment = [
            "KITELINE_POSTGRES_URL": engine.database.url, "KITELINE_REDIS_URL": engine.database.redisURL,
            "KITELINE_REDIS_NAMESPACE": engine.database.keyPrefix, "KITELINE_LEASE_SECONDS": "2", "KITELINE_BEAT_SECONDS": "0.5",
            "KITELINE_SILENCE_SECONDS": "3", "KITELINE_REAP_SECONDS": "0.1", "KITELINE_ENGINE_POOL": "2", "KITELINE_APP_POOL": "1",
        ]
        workers = ProgramProcesses(executable: program, arguments: ["work"], environment: environment, log: log)
        servers = ProgramProcesses(executable: program, arguments: ["serve"], environment: environment, log: log)
    }

    func probe(_ key: String, runAt: Date? = nil) -> NewJob {
        NewJob(tenant: tenant, kind: "probe", arguments: Array(#"{"effect_key":"\#(key)","sleep_ms":1}"#.utf8), runAt: runAt)
    }

    func enqueue(_ count: Int, runAt: Date? = nil) async throws -> [Int64] {
        try await engine.ledger.enqueue((0..<count).map { probe("e\($0)", runAt: runAt) }).map(\.rawValue)
    }

    /// Makes sure that a worker comes by the point.
    func prepare(for point: CrashPoint) async throws {
        switch point {
        case .inPromoter:
            // Time passes.
            _ = try await engine.postgres.query("UPDATE job_live SET run_at = clock_timestamp()")
            _ = try await engine.postgres.query("UPDATE job_sched SET run_at = clock_timestamp()")
        case .inReaper:
            let first = try work(crashingAt: .afterBegin)
            try await expectSoon { !self.workers.isRunning(first) }
        case .inRefill:
            // A new life of the index finds a small capacity.
            _ = try await engine.postgres.query("UPDATE tenant SET ready_capacity = 10")
            try await prepare(for: .inRebuild)
        case .inRebuild:
            let key = try await engine.redis.send(["KEYS", RedisArgument("\(engine.database.keyPrefix)*:ep")]).array?.first?.string
            _ = try await engine.redis.send(["DEL", RedisArgument(try #require(key))])
        default: break
        }
    }

    @discardableResult
    func work(crashingAt point: CrashPoint? = nil) throws -> Int32 {
        try workers.start(with: point.map { ["KITELINE_CRASH_AT": $0.rawValue] } ?? [:])
    }

    func serve(crashingAt point: CrashPoint? = nil) async throws -> (pid: Int32, port: Int) {
        let port = try await JobClient.freePort()
        let plan = point.map { ["KITELINE_CRASH_AT": $0.rawValue] } ?? [:]
        return (try servers.start(with: plan.merging(["KITELINE_PORT": "\(port)"]) { $1 }), port)
    }

    func crashes(at point: CrashPoint) -> Int {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "crashed as told at \(point.rawValue)\n", omittingEmptySubsequences: false).count - 1
    }

    func expectAllDone(_ jobs: [Int64]) async throws {
        try await expectSoon { try await self.engine.count("job_live") == 0 }
        #expect(try await findings(jobs, within: .seconds(180)) == [])
    }

    /// Begins so many jobs, once they have been pushed.
    func begin(_ count: Int) async throws -> [Attempt] {
        var attempts: [Attempt] = []
        try await expectSoon {
            attempts += try await self.engine.begin()
            return attempts.count >= count
        }
        return attempts
    }

    func findings(
        _ jobs: [Int64], within limit: Duration = .zero, received: [FaultCheck.Received] = []
    ) async throws -> [String] {
        let check = FaultCheck(
            postgresURL: engine.database.url, redisURL: engine.database.redisURL, namespace: engine.database.keyPrefix)
        return try await check.findings(accepted: jobs, within: limit) { received }
    }

    func close() async {
        await workers.stop(within: .zero)
        await servers.stop(within: .zero)
        try? FileManager.default.removeItem(atPath: log)
        // The tests' servers have only so many connections.
        await engine.postgres.close()
        await engine.redis.close()
    }
}
