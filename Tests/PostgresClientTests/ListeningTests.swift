import Foundation
import PostgresClient
import TestSupport
import Testing

@Suite struct ListeningTests {
    @Test func `what is sent to a channel is heard`() async throws {
        let pool = try await Server.pool()
        let channel = "Heard \"\(UUID().uuidString)\""
        var heard = pool.listen([channel, "another"]).makeAsyncIterator()
        #expect(await heard.next() == .listening)

        _ = try await pool.pipeline(["SELECT pg_notify(\(channel), 'one')", "SELECT pg_notify(\(channel), 'é 2')"])
        _ = try await pool.query("SELECT pg_notify(\(channel), '')")

        #expect(await heard.next() == .message(channel: channel, payload: "one"))
        #expect(await heard.next() == .message(channel: channel, payload: "é 2"))
        #expect(await heard.next() == .message(channel: channel, payload: ""))
        await pool.close()
        #expect(await heard.next() == nil, "closing the pool ends the stream")
    }

    @Test func `a listener comes back after its connection was lost`() async throws {
        let configuration = PostgresConfiguration(url: try await Server.url(), applicationName: "listener-\(UUID().uuidString.prefix(8))")
        let pool = PostgresPool(configuration, size: 1, logger: Server.logger)
        let other = try await Server.pool()
        var heard = pool.listen(["comeback"]).makeAsyncIterator()
        #expect(await heard.next() == .listening)

        _ = try await other.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = \(configuration.applicationName)")
        #expect(await heard.next() == .reconnected)
        _ = try await other.query("SELECT pg_notify('comeback', 'again')")

        #expect(await heard.next() == .message(channel: "comeback", payload: "again"))
        await pool.close()
        await other.close()
    }

    @Test func `a listener nobody reads any more lets its connection go`() async throws {
        let configuration = PostgresConfiguration(url: try await Server.url(), applicationName: "unread-\(UUID().uuidString.prefix(8))")
        let pool = PostgresPool(configuration, size: 1, logger: Server.logger)
        let other = try await Server.pool()
        let reader = Task { for await _ in pool.listen(["unread"]) {} }
        func connections() async throws -> Int {
            try await other.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = \(configuration.applicationName)")[0].get(
                0)
        }
        try await eventually { try await connections() == 1 }

        reader.cancel()

        try await eventually { try await connections() == 0 }
        await pool.close()
        await other.close()
    }
}
