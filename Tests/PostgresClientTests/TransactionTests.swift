import Foundation
import PostgresClient
import TestSupport
import Testing

@Suite struct TransactionTests {
    struct Mishap: Error, Equatable {}

    @Test func `a transaction keeps what its body did`() async throws {
        let pool = try await tablePool()

        let seen = try await pool.transaction { transaction in
            try transaction.execute("INSERT INTO kept VALUES (1); INSERT INTO kept VALUES (2)")
            let rows = try transaction.pipeline(["INSERT INTO kept VALUES (3)", "INSERT INTO kept VALUES (4) RETURNING n"])
            #expect(try rows[1][0].get("n", as: Int.self) == 4)
            return try transaction.query("SELECT count(*) FROM kept")[0].get(0, as: Int.self)
        }

        #expect(seen == 4)
        #expect(try await count(pool) == 4)
        await pool.close()
    }

    @Test func `a body that throws keeps nothing`() async throws {
        let pool = try await tablePool()

        await #expect(throws: Mishap()) {
            try await pool.transaction { transaction in
                _ = try transaction.query("INSERT INTO kept VALUES (1)")
                throw Mishap()
            }
        }

        #expect(try await count(pool) == 0)
        await pool.close()
    }

    @Test func `a failed statement cannot be swallowed and committed over`() async throws {
        let pool = try await tablePool()

        let error = await #expect(throws: PostgresError.self) {
            try await pool.transaction { transaction in
                _ = try transaction.query("INSERT INTO kept VALUES (1)")
                _ = try? transaction.query("SELECT 1 / 0")
            }
        }

        #expect(error?.sqlState == "22012")
        #expect(try await count(pool) == 0)
        await pool.close()
    }

    @Test func `a savepoint takes back one failure`() async throws {
        let pool = try await tablePool()

        try await pool.transaction { transaction in
            try transaction.execute("INSERT INTO kept VALUES (1); SAVEPOINT before")
            _ = try? transaction.query("SELECT 1 / 0")
            try transaction.execute("ROLLBACK TO before")
            _ = try transaction.query("INSERT INTO kept VALUES (2)")
        }

        #expect(try await count(pool) == 2)
        await pool.close()
    }

    @Test func `a cancelled caller's transaction is rolled back`() async throws {
        let (error, kept) = try await Server.withLastingLinks { pool in
            _ = try await pool.query("CREATE TEMP TABLE kept (n int8)")
            let isIn = Locked(false)
            let task = Task {
                try await pool.transaction { transaction in
                    _ = try transaction.query("INSERT INTO kept VALUES (1)")
                    isIn.value = true
                    _ = try transaction.query("SELECT pg_sleep(20)")
                }
            }
            try await eventually { isIn.value }
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            return (error, try await count(pool))
        }

        #expect(error?.code == .cancelled && error?.mayHaveRun == false)
        #expect(kept == 0)
    }

    @Test func `a caller cancelled between statements commits nothing`() async throws {
        let pool = try await tablePool()
        let isIn = Locked(false)
        let mayGo = DispatchSemaphore(value: 0)

        let task = Task {
            try await pool.transaction { transaction in
                _ = try transaction.query("INSERT INTO kept VALUES (1)")
                isIn.value = true
                _ = mayGo.wait(timeout: .now() + 60)  // the link's own thread: it may wait
            }
        }
        try await eventually { isIn.value }
        task.cancel()
        mayGo.signal()
        let error = await #expect(throws: PostgresError.self) { try await task.value }

        #expect(error?.code == .cancelled)
        #expect(try await count(pool) == 0)
        await pool.close()
    }

    @Test func `a deadline is for the whole transaction`() async throws {
        let pool = try await tablePool()

        let error = await #expect(throws: PostgresError.self) {
            try await pool.transaction(deadline: .milliseconds(300)) { transaction in
                _ = try transaction.query("INSERT INTO kept VALUES (1)")
                while true { _ = try transaction.query("SELECT pg_sleep(0.05)") }
            }
        }

        #expect(error?.code == .deadline && error?.mayHaveRun == false)
        #expect(try await count(pool) == 0)
        await pool.close()
    }

    @Test func `two transactions run at the same time`() async throws {
        let pool = try await Server.pool(size: 2)
        let arrived = Locked(0)
        // Each goes on only when the other is in as well.
        let meet: @Sendable (PostgresTransaction) throws -> Int = { transaction in
            let backend = try transaction.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self)
            arrived.update { $0 += 1 }
            while arrived.value < 2 { _ = try transaction.query("SELECT pg_sleep(0.001)") }
            return backend
        }

        async let one = pool.transaction(deadline: .seconds(10), meet)
        async let other = pool.transaction(deadline: .seconds(10), meet)

        #expect(try await one != other)
        await pool.close()
    }

    @Test func `a transaction without statements costs nothing`() async throws {
        let pool = try await tablePool()

        #expect(try await pool.transaction { _ in 7 } == 7)
        await #expect(throws: Mishap()) { try await pool.transaction { _ in throw Mishap() } }

        #expect(try await count(pool) == 0)
        await pool.close()
    }

    @Test func `what a body leaves open does not reach the next caller`() async throws {
        let pool = try await tablePool()

        await #expect(throws: PostgresError.self) {
            try await pool.transaction { try $0.execute("COMMIT; BEGIN; INSERT INTO kept VALUES (1); SELECT 1 / 0") }
        }
        _ = try await pool.query("INSERT INTO kept VALUES (2)")

        #expect(try await count(pool) == 1)
        await pool.close()
    }

    @Test func `a transaction opened by a query takes no neighbour in`() async throws {
        let pool = try await Server.pool()
        let table = "neighbours_\(UInt32.random(in: 0 ... .max))"
        _ = try await pool.query("CREATE TABLE \(unescaped: table) (n int8)")
        let gate = try await Gate(pool)

        let opener = Task { try await pool.query("BEGIN") }
        try await eventually { pool.statistics.waiting == 1 }
        let writer = Task { try await pool.query("INSERT INTO \(unescaped: table) VALUES (1)") }
        try await eventually { pool.statistics.waiting == 2 }
        gate.open()
        let refused = await #expect(throws: PostgresError.self) { try await opener.value }
        let wasAcknowledged = (try? await writer.value) != nil

        #expect(refused?.code == .invalidRequest)
        #expect(try await pool.query("SELECT count(*) FROM \(unescaped: table)")[0].get(0, as: Int.self) == (wasAcknowledged ? 1 : 0))
        await pool.close()
    }

    /// A pool of one link, with a table of its own.
    private func tablePool() async throws -> PostgresPool {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE kept (n int8)")
        return pool
    }

    private func count(_ pool: PostgresPool) async throws -> Int {
        try await pool.query("SELECT count(*) FROM kept")[0].get(0)
    }

    @Test func `a pipeline that loses a deadlock is run again when the other has ended`() async throws {
        let pool = try await Server.pool(size: 2)
        _ = try await pool.query("CREATE TABLE lost_deadlock AS SELECT n AS id, 0 AS turns FROM generate_series(1, 2) n")
        let isHeld = Locked(false)
        let winner = Task {
            try await pool.transaction { transaction in
                _ = try transaction.pipeline([
                    "SET LOCAL deadlock_timeout = '5min'", "UPDATE lost_deadlock SET turns = turns + 1 WHERE id = 1",
                ])
                isHeld.value = true
                // The other has the second row, and waits for the first.
                while try transaction.query("SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))").isEmpty {
                    _ = try transaction.query("SELECT pg_sleep(0.01)")
                }
                _ = try transaction.query("UPDATE lost_deadlock SET turns = turns + 1 WHERE id = 2")
                return true
            }
        }
        try await eventually { isHeld.value }

        // Postgres looks for a deadlock once a wait: by then the winner has to be waiting, however busy the machine is.
        let rows = try await BoundedPool(pool, patience: .seconds(180)).pipeline([
            "SET LOCAL deadlock_timeout = '20s'", "UPDATE lost_deadlock SET turns = turns + 10 WHERE id = 2",
            "UPDATE lost_deadlock SET turns = turns + 10 WHERE id = 1 RETURNING turns",
        ])

        #expect(try await winner.value)
        #expect(try rows[2].first?.get("turns", as: Int32.self) == 11)
        #expect(try await pool.query("SELECT sum(turns) AS turns FROM lost_deadlock").first?.get("turns", as: Int64.self) == 22)
        await pool.close()
    }
}
