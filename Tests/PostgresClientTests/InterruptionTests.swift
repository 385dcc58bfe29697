import Foundation
import PostgresClient
import TestSupport
import Testing

@Suite struct InterruptionTests {
    @Test func `a cancelled statement leaves its connection usable`() async throws {
        let (error, before, after) = try await Server.withLastingLinks { pool in
            let backend = try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self)
            let sleeper = Task { try await pool.query("SELECT pg_sleep(20)") }
            try await untilBusy(backend)
            sleeper.cancel()
            let error = await #expect(throws: PostgresError.self) { try await sleeper.value }
            return (error, backend, try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self))
        }

        #expect(error?.code == .cancelled && error?.sqlState == "57014" && error?.mayHaveRun == false)
        #expect(before == after)
    }

    @Test func `a deadline ends a statement and leaves its connection usable`() async throws {
        let clock = ContinuousClock.now
        let (error, before, after) = try await Server.withLastingLinks { pool in
            let backend = try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self)
            let error = await #expect(throws: PostgresError.self) {
                try await pool.query("SELECT pg_sleep(20)", deadline: .milliseconds(200))
            }
            return (error, backend, try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self))
        }

        #expect(error?.code == .deadline && error?.mayHaveRun == false)
        #expect(ContinuousClock.now - clock >= .milliseconds(200))
        #expect(before == after)
    }

    @Test func `a task cancelled from the start sends nothing`() async throws {
        let pool = try await Server.pool()

        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await pool.query("CREATE TABLE never (n int8)")
        }

        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == .cancelled && error?.mayHaveRun == false)
        #expect(try await pool.query("SELECT to_regclass('never') IS NULL")[0].get(0, as: Bool.self))
        await pool.close()
    }

    @Test func `callers waiting for a link are let go when cancelled or late`() async throws {
        let pool = try await Server.pool()
        let backend = try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self)
        let holder = Task { try await pool.transaction { try $0.query("SELECT pg_sleep(20)") } }
        try await untilBusy(backend)

        let cancelled = Task { try await pool.query("SELECT 1") }
        try await eventually { pool.statistics.waiting == 1 }
        let late = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1", deadline: .milliseconds(100)) }
        cancelled.cancel()
        let error = await #expect(throws: PostgresError.self) { try await cancelled.value }

        #expect(late?.code == .deadline && late?.mayHaveRun == false)
        #expect(error?.code == .cancelled)
        // Counted a moment after the caller is told.
        try await eventually { pool.statistics.waiting == 0 }
        holder.cancel()
        await #expect(throws: PostgresError.self) { try await holder.value }
        await pool.close()
    }

    @Test func `callers behind a slow neighbour are not kept from their deadline`() async throws {
        let pool = try await Server.pool()
        let gate = try await Gate(pool)
        let slow = Task { try await pool.query("SELECT pg_sleep(20)") }
        try await eventually { pool.statistics.waiting == 1 }
        let quick = Task { try await pool.query("SELECT 2", deadline: .milliseconds(300)) }
        let cancelled = Task { try await pool.query("SELECT 3") }
        try await eventually { pool.statistics.waiting == 3 }

        gate.open()
        let late = await #expect(throws: PostgresError.self) { try await quick.value }
        cancelled.cancel()
        let given = await #expect(throws: PostgresError.self) { try await cancelled.value }

        #expect(late?.code == .deadline && given?.code == .cancelled)
        #expect(late?.mayHaveRun == given?.mayHaveRun, "both were sent, or neither")
        #expect(pool.statistics.busy == 1, "the neighbour is still at it")
        slow.cancel()
        await #expect(throws: PostgresError.self) { try await slow.value }
        #expect(try await pool.query("SELECT 4")[0].get(0, as: Int.self) == 4)
        await pool.close()
    }

    @Test func `cancelling one of many pipelined statements never fails another`() async throws {
        try await Server.withLastingLinks(size: 2) { pool in
            for _ in 0..<20 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    let doomed = (0..<20).map { _ in Task { try await pool.query("SELECT pg_sleep(0.01)") } }
                    for n in 0..<100 {
                        group.addTask {
                            let value = try await pool.query("SELECT \(n) FROM pg_sleep(0.0002)")[0].get(0, as: Int.self)
                            #expect(value == n)
                        }
                    }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<10)))
                    for task in doomed { task.cancel() }
                    try await group.waitForAll()
                    for task in doomed { _ = try? await task.value }
                }
            }
        }
    }

    @Test func `a server that hangs does not hold a caller beyond its deadline`() async throws {
        try await TestServers.own { servers in
            let pool = PostgresPool(
                PostgresConfiguration(url: servers.postgresURL, connectTimeout: .seconds(1)), size: 1, logger: Server.logger)
            let backend = pid_t(try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self))
            kill(servers.postgresPID, SIGSTOP)  // the whole server: even a cancel request finds no answer
            kill(backend, SIGSTOP)

            let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1", deadline: .milliseconds(300)) }
            let second = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1", deadline: .milliseconds(300)) }
            let third = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }

            #expect(error?.code == .deadline && error?.mayHaveRun == true)
            #expect(second?.code == .deadline && second?.mayHaveRun == false)
            #expect(third?.code == .connectionLost && third?.mayHaveRun == false)
            kill(servers.postgresPID, SIGCONT)
            kill(backend, SIGCONT)
            try await eventually { (try? await pool.query("SELECT 1").count) == 1 }
            await pool.close()
        }
    }

    @Test func `a hung backend is left for a new one`() async throws {
        // On a server of its own: while a backend is stopped, nobody can create or drop a database.
        try await TestServers.own { servers in
            let pool = PostgresPool(PostgresConfiguration(url: servers.postgresURL), size: 1, logger: Server.logger)
            let backend = pid_t(try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self))
            kill(backend, SIGSTOP)

            let error = await #expect(throws: PostgresError.self) { try await pool.pipeline(["SELECT 1"], deadline: .milliseconds(200)) }
            let next = try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self)

            #expect(error?.commitUnknown == true)
            #expect(next != Int(backend))
            #expect(pool.statistics.reconnects == 1)
            kill(backend, SIGCONT)
            await pool.close()
        }
    }

    private func untilBusy(_ backend: Int) async throws {
        let watcher = try await Server.pool()
        try await eventually {
            try await watcher.query("SELECT 1 FROM pg_stat_activity WHERE pid = \(backend) AND wait_event = 'PgSleep'").count == 1
        }
        await watcher.close()
    }
}
