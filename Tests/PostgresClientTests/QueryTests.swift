import Foundation
import Logging
import PostgresClient
import Testing

@Suite struct QueryTests {
    @Test func `a query binds its values and reads its columns`() async throws {
        let pool = try await Server.pool()
        let id = UUID()

        let rows = try await pool.query("SELECT \(41) + 1 AS n, \("é") AS t, \(id) AS id, \(nil as Int?) AS nothing")

        #expect(try rows[0].get("n", as: Int.self) == 42)
        #expect(try rows[0].get("t", as: String.self) == "é")
        #expect(try rows[0].get("id", as: UUID.self) == id)
        #expect(try rows[0].get("nothing", as: Int?.self) == nil)
        await pool.close()
    }

    @Test func `a pipeline is one transaction`() async throws {
        let pool = try await Server.pool()
        _ = try await pool.query("CREATE TEMP TABLE one (n int8 PRIMARY KEY)")

        await #expect(throws: PostgresError.self) {
            try await pool.pipeline(["INSERT INTO one VALUES (1)", "INSERT INTO one VALUES (2)", "INSERT INTO one VALUES (1)"])
        }
        let rows = try await pool.pipeline(["INSERT INTO one VALUES (3)", "SELECT count(*) FROM one"])

        #expect(try rows[1][0].get(0, as: Int.self) == 1)
        #expect(rows[0].affected == 1)
        await pool.close()
    }

    @Test func `a transaction keeps what its body did`() async throws {
        let pool = try await Server.pool()
        try await pool.transaction { try $0.execute("CREATE TEMP TABLE kept (n int8); INSERT INTO kept VALUES (1)") }

        let count = try await pool.transaction { transaction in
            _ = try transaction.query("INSERT INTO kept VALUES (\(2))")
            return try transaction.query("SELECT count(*) FROM kept")[0].get(0, as: Int.self)
        }

        #expect(count == 2)
        await pool.close()
    }
}

/// The server most tests share.
enum Server {
    private static let shared = Task { try await PrivateServer() }

    static func pool(size: Int = 1, waiting: Int = 10_000) async throws -> PostgresPool {
        PostgresPool(PostgresConfiguration(url: try await shared.value.url), size: size, waiting: waiting, logger: Logger(label: "test"))
    }
}
