import PostgresClient
import TestSupport
import Testing

/// What every other test stands on.
@Suite struct TestSupportTests {
    @Test func `every test has a migrated database of its own`() async throws {
        try await TestDatabase.with { one in
            try await TestDatabase.with { two in
                let (first, second) = (one.pool(), two.pool())

                _ = try await first.query("INSERT INTO tenant (slug) VALUES ('mine')")
                let counts = try await [first, second].asyncMap {
                    try await $0.query("SELECT count(*) FROM tenant")[0].get(0, as: Int.self)
                }
                await first.close()
                await second.close()

                #expect(counts == [1, 0])
                #expect(one.keyPrefix != two.keyPrefix)
            }
        }
    }

    @Test func `tests share one pair of servers, and a broken pair is another`() async throws {
        let shared = try await (TestServers.shared, TestServers.shared)
        #expect(shared.0.servers === shared.1.servers)

        try await TestServers.own { servers in
            #expect(servers !== shared.0.servers)
            await servers.killPostgres()
            try await servers.startPostgres()
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var results: [T] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
