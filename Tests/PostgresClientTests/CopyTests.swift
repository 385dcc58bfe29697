import Foundation
import PostgresClient
import TestSupport
import Testing

@Suite struct CopyTests {
    struct Mishap: Error, Equatable {}

    @Test func `rows are copied in and out`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t (n int8, s text)")
        let next = Locked(0)
        let collected = Locked<[UInt8]>([])

        let copiedIn = try await pool.copyIn("COPY t FROM STDIN") {
            let n = next.update { n in
                n += 1
                return n
            }
            return n <= 50_000 ? Array("\(n)\té\(n)\n".utf8) : nil
        }
        let copiedOut = try await pool.copyOut("COPY (SELECT * FROM t ORDER BY n) TO STDOUT") { row in collected.update { $0 += row } }

        #expect(copiedIn == 50_000 && copiedOut == 50_000)
        #expect(String(decoding: collected.value, as: UTF8.self) == (1...50_000).map { "\($0)\té\($0)\n" }.joined())
        await pool.close()
    }

    @Test func `a copy in that is given up keeps nothing`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t (n int8)")
        let given = Locked(0)

        await #expect(throws: Mishap()) {
            try await pool.copyIn("COPY t FROM STDIN") {
                if given.value == 3 { throw Mishap() }
                given.value += 1
                return Array("1\n".utf8)
            }
        }
        let error = await #expect(throws: PostgresError.self) {
            given.value = 0
            return try await pool.copyIn("COPY t FROM STDIN") {
                given.value += 1
                return given.value == 1 ? Array("not a number\n".utf8) : nil
            }
        }

        #expect(error?.sqlState == "22P02")
        #expect(try await pool.query("SELECT count(*) FROM t")[0].get(0, as: Int.self) == 0)
        #expect(pool.statistics.reconnects == 0)
        await pool.close()
    }

    @Test func `a copy out that is given up stops, and its link goes on`() async throws {
        let pool = try await Server.pool()
        let taken = Locked(0)

        await #expect(throws: Mishap()) {
            try await pool.copyOut("COPY (SELECT repeat('x', 100), generate_series(1, 100000000)) TO STDOUT") { _ in
                taken.value += 1
                if taken.value == 1_000 { throw Mishap() }
            }
        }

        #expect(taken.value == 1_000)
        #expect(try await pool.query("SELECT 1").count == 1)
        #expect(pool.statistics.reconnects == 0)
        await pool.close()
    }

    @Test func `a copy ends when its caller is cancelled`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t (n int8)")
        let taken = Locked(0)

        let out = Task {
            try await pool.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") { _ in taken.update { $0 += 1 } }
        }
        try await eventually { taken.value > 100 }
        out.cancel()
        let outError = await #expect(throws: PostgresError.self) { try await out.value }
        let `in` = Task {
            try await pool.copyIn("COPY t FROM STDIN") {
                taken.value = -1
                return Array("1\n".utf8)
            }
        }
        try await eventually { taken.value == -1 }
        `in`.cancel()
        let inError = await #expect(throws: PostgresError.self) { try await `in`.value }

        #expect(outError?.code == .cancelled && inError?.code == .cancelled)
        #expect(try await pool.query("SELECT count(*) FROM t")[0].get(0, as: Int.self) == 0)
        await pool.close()
    }

    @Test func `a copy is part of its transaction`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE t (n int8)")

        await #expect(throws: Mishap()) {
            try await pool.transaction { transaction in
                var left = 10
                try transaction.copyIn("COPY t FROM STDIN") {
                    left -= 1
                    return left >= 0 ? Array("1\n".utf8) : nil
                }
                #expect(try transaction.query("SELECT count(*) FROM t")[0].get(0, as: Int.self) == 10)
                throw Mishap()
            }
        }
        let error = await #expect(throws: PostgresError.self) { try await pool.copyIn("SELECT 1") { nil } }

        #expect(error?.code == .invalidRequest)
        await pool.close()
    }
}
