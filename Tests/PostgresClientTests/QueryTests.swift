import Foundation
import PostgresClient
import TestSupport
import Testing

@Suite struct QueryTests {
    @Test func `a query binds its values and reads its columns`() async throws {
        let pool = try await Server.pool()
        let id = UUID()

        let rows = try await pool.query(
            "SELECT \(41) + 1 AS n, \("é") AS \(unescaped: "\"Mixed Case\""), \(id) AS id, \(nil as Int?) AS nothing")

        #expect(try rows[0].get("n", as: Int.self) == 42)
        #expect(try rows[0].get("Mixed Case", as: String.self) == "é")
        #expect(try rows[0].get("id", as: UUID.self) == id)
        #expect(try rows[0].get("nothing", as: Int?.self) == nil)
        #expect(rows.columns == ["n", "Mixed Case", "id", "nothing"])
        await pool.close()
    }

    @Test func `numbered parameters may be used twice`() async throws {
        let pool = try await Server.pool()

        let rows = try await pool.query(Statement("SELECT $1 + $1 + $2", [20, 2]))

        #expect(try rows[0].get(0, as: Int.self) == 42)
        await pool.close()
    }

    @Test func `an answer without rows says how many it touched`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t AS SELECT generate_series(1, 10) AS n")

        let deleted = try await pool.query("DELETE FROM t WHERE n > 7")
        let empty = try await pool.query("")

        #expect(deleted.isEmpty && deleted.affected == 3)
        #expect(empty.isEmpty && empty.affected == 0)
        await pool.close()
    }

    @Test func `an error carries what the server said`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t (n int8 CONSTRAINT positive CHECK (n > 0))")

        let error = try await #require(throws: PostgresError.self) { try await pool.query("INSERT INTO t VALUES (-1)") }

        #expect(error.code == .server(sqlState: "23514"))
        #expect(error.sqlState == "23514" && error.constraint == "positive" && error.table == "t")
        #expect(error.message.contains("positive") && error.detail != nil)
        #expect(!error.isRetryable && !error.mayHaveRun)
        await pool.close()
    }

    @Test func `an error's description has nothing of the row, its debug description has all`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE person (mail text UNIQUE, age int8)")
        _ = try await pool.query("INSERT INTO person VALUES (\("jo@example.org"), 1)")

        let twice = await #expect(throws: PostgresError.self) { try await pool.query("INSERT INTO person VALUES (\("jo@example.org"), 2)") }
        let misfit = await #expect(throws: PostgresError.self) { try await pool.query("SELECT \("jo@example.org")::int8") }

        for error in [twice, misfit].compactMap({ $0 }) {
            #expect(!error.description.contains("jo@example.org") && error.description.contains(error.sqlState ?? "none"))
            #expect(error.debugDescription.contains("jo@example.org"))
        }
        await pool.close()
    }

    @Test func `an error in one statement leaves its neighbours alone`() async throws {
        let pool = try await Server.pool()

        let sums = try await withThrowingTaskGroup(of: Int?.self) { group in
            for n in 0..<500 {
                group.addTask { try? await pool.query("SELECT 100 / \(n % 5)")[0].get(0, as: Int.self) }
            }
            return try await group.reduce(into: [Int?]()) { $0.append($1) }
        }

        #expect(sums.count { $0 == nil } == 100)
        #expect(sums.reduce(0) { $0 + ($1 ?? 0) } == 20_800, "a hundred times 100 + 50 + 33 + 25")
        await pool.close()
    }

    @Test(arguments: [1, 4]) func `ten thousand statements at once are all answered, each with its own`(_ size: Int) async throws {
        let pool = try await Server.pool(size: size)

        let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
            for n in 0..<10_000 { group.addTask { try await pool.query("SELECT \(n)")[0].get(0, as: Int.self) != n } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }

        #expect(wrong == 0)
        #expect(pool.statistics.statements == 10_000 && pool.statistics.waiting == 0)
        await pool.close()
    }

    @Test func `ten thousand statements in one pipeline do not deadlock`() async throws {
        let pool = try await Server.pool()
        let filler = String(repeating: "x", count: 1_000)  // 10 MB each way: more than both sockets hold

        let answers = try await pool.pipeline((0..<10_000).map { "SELECT \($0), \(filler)" })

        #expect(try answers.map { try $0[0].get(0, as: Int.self) } == Array(0..<10_000))
        await pool.close()
    }

    @Test func `a constraint checked at commit fails its own statement`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t (n int8 CONSTRAINT late UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        _ = try await pool.query("INSERT INTO t VALUES (1)")

        async let first = pool.query("INSERT INTO t VALUES (2)")
        let second = Task { try await pool.query("INSERT INTO t VALUES (1)") }
        async let third = pool.query("INSERT INTO t VALUES (3)")

        _ = try await (first, third)
        let error = await #expect(throws: PostgresError.self) { try await second.value }
        #expect(error?.constraint == "late")
        let pipelined = await #expect(throws: PostgresError.self) {
            try await pool.pipeline(["INSERT INTO t VALUES (4)", "INSERT INTO t VALUES (1)"])
        }
        #expect(pipelined?.constraint == "late")
        #expect(try await pool.query("SELECT count(*) FROM t")[0].get(0, as: Int.self) == 3)
        await pool.close()
    }

    @Test func `a pipeline is one transaction`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE one (n int8 PRIMARY KEY)")

        let error = await #expect(throws: PostgresError.self) {
            try await pool.pipeline([
                "INSERT INTO one VALUES (1)", "INSERT INTO one VALUES (2)", "INSERT INTO one VALUES (1)", "SELECT 1 / 0",
            ])
        }
        let rows = try await pool.pipeline([
            "INSERT INTO one VALUES (3)", "SELECT count(*), pg_current_xact_id_if_assigned() IS NOT NULL FROM one",
        ])

        #expect(error?.sqlState == "23505", "the first error is the one told")
        #expect(rows[0].affected == 1)
        #expect(try rows[1][0].get(0, as: Int.self) == 1)
        #expect(try rows[1][0].get(1, as: Bool.self))
        #expect(try await pool.pipeline([]).isEmpty)
        await pool.close()
    }

    @Test func `a statement whose table changed is prepared again`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t AS SELECT 1 AS a")
        let statement: Statement = "SELECT * FROM t"
        #expect(try await pool.query(statement).columns == ["a"])

        _ = try await pool.query("ALTER TABLE t ADD b int8")
        #expect(try await pool.query(statement).columns == ["a", "b"])

        _ = try await pool.query("ALTER TABLE t ADD c int8")
        #expect(try await pool.pipeline([statement])[0].columns == ["a", "b", "c"])

        _ = try await pool.query("ALTER TABLE t ADD d int8")
        #expect(try await pool.transaction { try $0.query(statement).columns } == ["a", "b", "c", "d"])

        _ = try await pool.query("DEALLOCATE ALL")
        #expect(try await pool.query(statement).count == 1)
        await pool.close()
    }

    @Test func `a stale plan in the middle of a transaction may be retried`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t AS SELECT 1 AS a")
        let body: @Sendable (PostgresTransaction) throws -> [String] = {
            _ = try $0.query("SELECT 1")
            return try $0.query("SELECT * FROM t").columns
        }
        _ = try await pool.transaction(body)
        _ = try await pool.query("ALTER TABLE t ADD b int8")

        let error = await #expect(throws: PostgresError.self) { try await pool.transaction(body) }

        #expect(error?.isRetryable == true)
        #expect(try await pool.transaction(body) == ["a", "b"])
        await pool.close()
    }

    @Test func `the cache of prepared statements is bounded`() async throws {
        let pool = try await Server.pool()

        for start in stride(from: 0, to: 2_000, by: 100) {
            let answers = try await pool.pipeline((start..<start + 100).map { "SELECT \(unescaped: String($0)) AS n" })
            #expect(try answers[99][0].get("n", as: Int.self) == start + 99)
        }

        let kept = try await pool.query("SELECT count(*) FROM pg_prepared_statements")[0].get(0, as: Int.self)
        #expect(kept > 100 && kept <= 512, "\(kept)")
        await pool.close()
    }

    @Test func `a command that follows nothing is taken also when the cache of prepared statements is full`() async throws {
        let pool = try await Server.pool()
        let name = "alone_\(UInt64.random(in: 0 ... .max))"
        for number in 0..<600 {
            _ = try await pool.query("SELECT \(unescaped: String(number))")
            guard number % 40 == 0 || (500..<530).contains(number) else { continue }
            _ = try await pool.query("CREATE DATABASE \(unescaped: name)_\(unescaped: String(number))")
            _ = try await pool.query("DROP DATABASE \(unescaped: name)_\(unescaped: String(number))")
        }
        await pool.close()
    }

    @Test func `a plan made for a small table does not outlive the table's growth`() async throws {
        let pool = PostgresPool(
            PostgresConfiguration(url: try await Server.url(), planCheckInterval: .zero), size: 1, logger: Server.logger)
        _ = try await pool.query("CREATE TEMPORARY TABLE grown (id bigint PRIMARY KEY, number bigint)")
        _ = try await pool.query("INSERT INTO grown VALUES (0, 0)")
        _ = try await pool.query("ANALYZE grown")
        // From the sixth time on the server keeps one plan.
        func find() async throws {
            for _ in 0..<10 { _ = try await pool.query("SELECT number FROM grown WHERE id = ANY(\([Int64(1), 2]))") }
        }
        try await find()
        _ = try await pool.query("INSERT INTO grown SELECT n, n FROM generate_series(1, 50000) n")
        try await find()

        let name = try await pool.query("SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT number FROM grown%'")[0]
            .get(0, as: String.self)
        let plan = try await pool.query("EXPLAIN EXECUTE \(unescaped: name)('{1,2}')").map { try $0.get(0, as: String.self) }

        #expect(plan.contains { $0.contains("Index") }, "\(plan)")
        await pool.close()
    }

    @Test func `a table that somebody holds for themselves holds up no statement about others`() async throws {
        try await TestDatabase.with { database in
            let holders = database.pool(size: 1)
            let pool = PostgresPool(
                PostgresConfiguration(url: database.url, planCheckInterval: .zero), size: 1, logger: Server.logger)
            _ = try await holders.query("CREATE TABLE held (a int8)")
            let (isHeld, isDone) = (Locked(false), Locked(false))
            async let holding: Void = holders.transaction { transaction in
                try transaction.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
                isHeld.value = true
                while !isDone.value { _ = try transaction.query("SELECT pg_sleep(0.001)") }
            }
            try await eventually { isHeld.value }

            let answer = try? await pool.query("SELECT 1 AS a")

            isDone.value = true
            try await holding
            #expect(answer?.count == 1)
            await pool.close()
            await holders.close()
        }
    }

    @Test func `one text with other types is another statement`() async throws {
        let pool = try await Server.pool()

        let one = try await pool.query(Statement("SELECT pg_typeof($1)::text", [.init(1)]))
        let other = try await pool.query(Statement("SELECT pg_typeof($1)::text", [.init("1")]))

        #expect(try one[0].get(0, as: String.self) == "bigint")
        #expect(try other[0].get(0, as: String.self) == "text")
        await pool.close()
    }

    @Test func `a session speaks UTC and has a name and a limit`() async throws {
        let configuration = PostgresConfiguration(
            url: try await Server.url(), applicationName: "tested", statementTimeout: .milliseconds(150))
        let pool = PostgresPool(configuration, size: 1, logger: Server.logger)

        let row = try await pool.query("SELECT current_setting('timezone'), current_setting('application_name')")[0]
        let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT pg_sleep(5)") }

        #expect(try row.get(0, as: String.self) == "UTC")
        #expect(try row.get(1, as: String.self) == "tested")
        #expect(error?.code == .server(sqlState: "57014"))
        await pool.close()
    }

    @Test func `COPY by query is refused and the pool goes on`() async throws {
        let pool = try await Server.pool()

        let error = await #expect(throws: PostgresError.self) { try await pool.query("COPY (SELECT 1) TO STDOUT") }

        #expect(error?.code == .invalidRequest)
        #expect(try await pool.query("SELECT 1").count == 1)
        await pool.close()
    }
}
