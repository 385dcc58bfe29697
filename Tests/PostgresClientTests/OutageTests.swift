import Foundation
import LocalServers
import PostgresClient
import TestSupport
import Testing

@Suite struct OutageTests {
    @Test(arguments: [LocalServers.PostgresShutdown.fast, .immediate])
    func `a server restarted under load loses nothing it acknowledged`(_ how: LocalServers.PostgresShutdown) async throws {
        try await TestServers.own { servers in
            let pool = PostgresPool(PostgresConfiguration(url: servers.postgresURL), size: 3, logger: Server.logger)
            _ = try await pool.query("CREATE TABLE acknowledged (n int8 PRIMARY KEY)")
            let acknowledged = Locked<[Int]>([])
            let errors = Locked<[PostgresError]>([])
            let isOver = Locked(false)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<12 {
                    group.addTask {
                        var n = writer
                        while !isOver.value, !Task.isCancelled {
                            n += 12
                            let number = n
                            do {
                                switch writer % 3 {
                                case 0: _ = try await pool.query("INSERT INTO acknowledged VALUES (\(number))")
                                case 1: _ = try await pool.pipeline(["INSERT INTO acknowledged VALUES (\(number))"])
                                default: _ = try await pool.transaction { try $0.query("INSERT INTO acknowledged VALUES (\(number))") }
                                }
                                acknowledged.update { $0.append(number) }
                            } catch let error as PostgresError { errors.update { $0.append(error) } }
                        }
                    }
                }
                try await eventually { acknowledged.value.count > 200 }
                await servers.stopPostgres(how)
                try await servers.startPostgres()
                let before = acknowledged.value.count
                try await eventually { acknowledged.value.count > before + 200 }
                isOver.value = true
                try await group.waitForAll()
            }

            let kept = Set(try await pool.query("SELECT n FROM acknowledged").map { try $0.get(0, as: Int.self) })
            #expect(kept.isSuperset(of: acknowledged.value))
            #expect(errors.value.allSatisfy { [.connectionLost, .unknownCommit].contains($0.code) }, "\(errors.value)")
            #expect(errors.value.count <= 12, "one each at most: those who come later wait for the new connection")
            // Those that were up before come back too, though others that were slow to be made may be up before them.
            try await eventually { pool.statistics.reconnects >= 1 }
            #expect(pool.statistics.reconnects <= 6)
            await pool.close()
        }
    }

    @Test func `a terminated backend fails its statement and is replaced`() async throws {
        let pool = try await Server.pool()
        let other = try await Server.pool()
        let backend = try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self)

        let sleeper = Task { try await pool.query("SELECT pg_sleep(20)") }
        try await eventually {
            try await other.query("SELECT 1 FROM pg_stat_activity WHERE pid = \(backend) AND wait_event = 'PgSleep'").count == 1
        }
        _ = try await other.query("SELECT pg_terminate_backend(\(Int32(backend)))")
        let error = await #expect(throws: PostgresError.self) { try await sleeper.value }

        #expect(error?.code == .connectionLost && error?.sqlState == "57P01" && error?.mayHaveRun == true)
        #expect(try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self) != backend)
        await pool.close()
        await other.close()
    }

    @Test func `an idle link notices its end by itself`() async throws {
        let pool = try await Server.pool()
        let other = try await Server.pool()
        let backend = try await pool.query("SELECT pg_backend_pid()")[0].get(0, as: Int.self)

        _ = try await other.query("SELECT pg_terminate_backend(\(Int32(backend)))")
        try await eventually { pool.statistics.reconnects == 1 }

        #expect(try await pool.query("SELECT 1").count == 1, "no caller pays for it")
        await pool.close()
        await other.close()
    }

    @Test(arguments: [0, 1, 5, 100, 70_000, 1_000_000])
    func `a connection cut in the middle of a reply is lost, not misread`(_ bytes: Int) async throws {
        let proxy = try await Proxy(to: TestServers.shared.servers)
        let pool = PostgresPool(PostgresConfiguration(url: proxy.url), size: 1, logger: Server.logger)
        _ = try await pool.query("SELECT 1")
        proxy.cut(afterReplyBytes: bytes)

        let error = await #expect(throws: PostgresError.self) {
            try await pool.query("SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) n")
        }
        proxy.mend()

        #expect(error?.code == .connectionLost && error?.mayHaveRun == true)
        #expect(try await pool.query("SELECT 1").count == 1)
        await pool.close()
        proxy.close()
    }

    @Test func `a link that dies before COMMIT keeps nothing and says so`() async throws {
        let proxy = try await Proxy(to: TestServers.shared.servers)
        let pool = PostgresPool(PostgresConfiguration(url: proxy.url), size: 1, logger: Server.logger)

        let error = await #expect(throws: PostgresError.self) {
            try await pool.transaction { transaction in
                _ = try transaction.query("CREATE TABLE cut_before_commit (n int8)")
                proxy.cut(afterReplyBytes: 0)
                _ = try transaction.query("SELECT 1")
            }
        }
        proxy.mend()

        #expect(error?.code == .connectionLost && error?.mayHaveRun == false && error?.isRetryable == true)
        #expect(try await pool.query("SELECT to_regclass('cut_before_commit') IS NULL")[0].get(0, as: Bool.self))
        await pool.close()
        proxy.close()
    }

    @Test(arguments: [false, true])
    func `a link that dies between COMMIT and its answer leaves the commit unknown`(_ isPipeline: Bool) async throws {
        let table = "unknown_\(isPipeline)"
        let proxy = try await Proxy(to: TestServers.shared.servers)
        let pool = PostgresPool(PostgresConfiguration(url: proxy.url), size: 1, logger: Server.logger)
        _ = try await pool.query("SELECT 1")
        if isPipeline { proxy.cut(afterReplyBytes: 0) }

        let error = await #expect(throws: PostgresError.self) {
            if isPipeline {
                _ = try await pool.pipeline(["CREATE TABLE \(unescaped: table) (n int8)"])
            } else {
                try await pool.transaction { transaction in
                    _ = try transaction.query("CREATE TABLE \(unescaped: table) (n int8)")
                    proxy.cut(afterReplyBytes: 0)
                }
            }
        }
        proxy.mend()

        #expect(error?.code == .unknownCommit && error?.commitUnknown == true && error?.isRetryable == false)
        // It was in fact kept: the answer alone was lost.
        try await eventually { try await pool.query("SELECT to_regclass(\(table)) IS NOT NULL")[0].get(0, as: Bool.self) }
        await pool.close()
        proxy.close()
    }

}
