import Foundation
import PostgresClient
import TestSupport
import Testing

@Suite struct PoolTests {
    @Test func `one caller too many is refused, and none is forgotten`() async throws {
        let pool = try await Server.pool(waiting: 3)
        let gate = try await Gate(pool)
        let waiting = (0..<3).map { n in Task { try await pool.query("SELECT \(n)")[0].get(0, as: Int.self) } }
        try await eventually { pool.statistics.waiting == 3 }

        let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 9") }
        gate.open()

        #expect(error?.code == .poolExhausted && error?.isRetryable == true)
        var answers: [Int] = []
        for task in waiting { answers.append(try await task.value) }
        #expect(answers == [0, 1, 2])
        #expect(try await pool.query("SELECT 9").count == 1)
        await pool.close()
    }

    @Test func `links are made as callers come and no more than the pool's size`() async throws {
        let pool = PostgresPool(
            PostgresConfiguration(url: try await Server.url(), applicationName: "sized"), size: 3, logger: Server.logger)
        let watcher = try await Server.pool()
        func links() async throws -> Int {
            try await watcher.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sized'")[0].get(0)
        }
        #expect(try await links() == 0)

        _ = try await pool.query("SELECT 1")
        #expect(try await links() == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await pool.query("SELECT pg_sleep(0.01)") } }
            try await group.waitForAll()
        }
        #expect(try await links() == 3)

        await pool.close()
        try await eventually { try await links() == 0 }
        await watcher.close()
    }

    @Test func `statistics count statements and waiting`() async throws {
        let pool = try await Server.pool()
        for _ in 0..<5 { _ = try await pool.query("SELECT 1") }

        let statistics = pool.statistics

        #expect(statistics.statements == 5 && statistics.waiting == 0 && statistics.reconnects == 0)
        #expect(statistics.nanosecondsWaited > 0)
        await pool.close()
    }

    @Test func `closing lets what runs end and refuses the rest`() async throws {
        let pool = try await Server.pool()
        let gate = try await Gate(pool)
        let waiting = Task { try await pool.query("SELECT 1") }
        try await eventually { pool.statistics.waiting == 1 }

        let closing = Task { await pool.close() }
        let refused = await #expect(throws: PostgresError.self) { try await waiting.value }
        gate.open()
        await closing.value

        #expect(refused?.code == .closed)
        #expect(try await gate.outcome(), "the transaction under way was allowed to end")
        let late = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
        #expect(late?.code == .closed)
        await pool.close()
    }

    @Test func `a pool nobody holds any more closes its connections`() async throws {
        let watcher = try await Server.pool()
        do {
            let pool = PostgresPool(
                PostgresConfiguration(url: try await Server.url(), applicationName: "dropped"), size: 1, logger: Server.logger)
            _ = try await pool.query("SELECT 1")
        }

        try await eventually {
            try await watcher.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'dropped'").isEmpty
        }
        await watcher.close()
    }

    @Test func `a server that is not there is given up after the connect timeout`() async throws {
        let configuration = PostgresConfiguration(url: "postgres:///kiteline?host=/tmp/nowhere", connectTimeout: .milliseconds(200))
        let pool = PostgresPool(configuration, size: 2, logger: Server.logger)
        let clock = ContinuousClock.now

        let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }

        #expect(error?.code == .connectionLost && error?.mayHaveRun == false && error?.isRetryable == true)
        #expect(error?.message.contains("/tmp/nowhere") == true)
        #expect(ContinuousClock.now - clock >= .milliseconds(200), "it may be there by then")
        await pool.close()
    }

    @Test func `a database that does not exist is told at once`() async throws {
        let url = try await Server.url().replacing("/kiteline?", with: "/nothing_of_the_kind?")
        let pool = PostgresPool(PostgresConfiguration(url: url, connectTimeout: .seconds(86_400)), size: 1, logger: Server.logger)

        let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }

        #expect(error?.code == .connectionLost && error?.sqlState == "3D000")
        await pool.close()
    }

    @Test func `many callers who give up leave no trace`() async throws {
        let pool = try await Server.pool()
        let gate = try await Gate(pool)

        for _ in 0..<20 {
            let tasks = (0..<50).map { _ in Task { try await pool.query("SELECT 1") } }
            try await eventually { pool.statistics.waiting == 50 }
            for task in tasks { task.cancel() }
            for task in tasks { await #expect(throws: PostgresError.self) { try await task.value } }
            #expect(pool.statistics.waiting == 0)
        }
        gate.open()

        #expect(try await pool.query("SELECT 1").count == 1)
        await pool.close()
    }

    /// What a body holds may be the last thing that holds its pool, which then asks the queue to shut.
    @Test(arguments: [1, 200]) func `what callers who gave up held is let go where the queue may be asked again`(callers: Int) async throws
    {
        let pool = try await Server.pool()
        let gate = try await Gate(pool)
        let farewells = Locked(0)

        let tasks = (0..<callers).map { _ in
            let holding = Holding(pool, farewells)
            return Task { try await pool.transaction { _ in withExtendedLifetime(holding) { true } } }
        }
        try await eventually { pool.statistics.waiting == callers }
        for task in tasks { task.cancel() }
        for task in tasks { await #expect(throws: PostgresError.self) { try await task.value } }
        gate.open()

        #expect(try await pool.query("SELECT 1").count == 1)
        try await eventually { farewells.value == callers }
        await pool.close()
    }

    private final class Holding: Sendable {
        private let pool: PostgresPool
        private let farewells: Locked<Int>

        init(_ pool: PostgresPool, _ farewells: Locked<Int>) {
            self.pool = pool
            self.farewells = farewells
        }

        deinit {
            _ = pool.statistics
            farewells.update { $0 += 1 }
        }
    }
}
