import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy
import Testing

@Suite struct RetentionTests {
    @Test func `partitions are made before their ids are given out`() async throws {
        let engine = try await Engine()
        try await engine.partitionsFromScratch()
        let tenant = try await engine.tenant()

        #expect(try await engine.ledger.makePartitions(of: 1_000) > 0)
        for _ in 0..<4 {
            _ = try await engine.ledger.enqueue((0..<900).map { engine.probe(tenant, key: "\($0)") })
            try await engine.ledger.makePartitions(of: 1_000)
            #expect(try await engine.count("job_partition WHERE lower > (SELECT last_value FROM job_id)") >= 1)
        }

        #expect(try await engine.ledger.makePartitions(of: 1_000) == 0, "enough lie ahead")
        #expect(try await engine.count("job") == 3_600)
        #expect(try await engine.owner("SELECT count(*) AS n FROM job_default") == 0)
    }

    @Test func `what came before its partition moves into it`() async throws {
        let engine = try await Engine()
        try await engine.partitionsFromScratch()
        let tenant = try await engine.tenant()
        _ = try await engine.ledger.enqueue((0..<50).map { engine.probe(tenant, key: "\($0)") })
        #expect(try await engine.owner("SELECT count(*) AS n FROM job_default") == 50)

        try await engine.ledger.makePartitions(of: 500)

        #expect(try await engine.owner("SELECT count(*) AS n FROM job_default") == 0)
        #expect(try await engine.count("job") == 50)
        #expect(try await engine.count("job_live l JOIN job j ON j.id = l.id") == 50)
    }

    @Test func `a partition goes when all in it is past retention, and not while anything needs it`() async throws {
        let engine = try await Engine()
        try await engine.partitionsFromScratch()
        let tenant = try await engine.tenant()
        try await engine.ledger.makePartitions(of: 2_000)
        // Ids begin at 1,000: the first partition holds these, and is given out with the next block of ids.
        let ids = try await engine.enqueue((0..<4).map { engine.probe(tenant, key: "\($0)") })
        _ = try await engine.ledger.enqueue(
            (0..<2_500).map { engine.probe(tenant, key: "\($0)", runAt: Date(timeIntervalSinceNow: 7_200)) })
        let later = Date(timeIntervalSinceNow: 91 * 86_400)
        func dropped(_ now: Date = later) async throws -> [Int64] { try await engine.ledger.dropPartitions(now: now).map(\.lower) }
        _ = try await engine.postgres.query("DELETE FROM job_live WHERE id >= 1004 AND id < 2000")

        #expect(try await dropped() == [], "four jobs are live")
        let attempts = try await engine.begin(4)
        _ = try await engine.settle(attempts) { $0.id == ids[0] ? .failed(.permanent, "no") : .completed("done") }
        try await engine.acknowledge(attempts)
        #expect(try await dropped() == [], "one is a dead letter")
        _ = try await engine.retry(ids[0], of: tenant)
        #expect(try await dropped() == [], "which has become live")
        try await engine.pushOwed()
        _ = try await engine.settle(try await engine.begin())
        #expect(try await dropped(Date(timeIntervalSinceNow: 89 * 86_400)) == [], "retention is 90 days")
        _ = try await engine.postgres.query("UPDATE tenant SET retention_days = 100")
        #expect(try await dropped() == [], "of the tenant that keeps longest")
        _ = try await engine.postgres.query("UPDATE tenant SET retention_days = 90")

        #expect(try await dropped() == [0])
        #expect(try await dropped() == [])
        #expect(try await engine.count("job_history") == 0)
        #expect(try await engine.count("job WHERE id < 2000") == 0)
        #expect(try await engine.count("job") > 0)
        #expect(try await engine.ledger.enqueue([engine.probe(tenant)]).count == 1, "life goes on")
    }

    @Test func `what a tenant no longer keeps is blanked, and only that`() async throws {
        let engine = try await Engine()
        let (short, long) = (try await engine.tenant("short"), try await engine.tenant("long"))
        _ = try await engine.postgres.query("UPDATE tenant SET retention_days = 7 WHERE slug = 'short'")
        let ids = try await engine.enqueue([
            engine.probe(short, key: "a"), engine.probe(short, key: "b"), engine.probe(short, key: "c"), engine.probe(long, key: "d"),
        ])
        let attempts = try await engine.begin()
        _ = try await engine.settle(attempts) { _ in .failed(.permanent, "of Mr Li") }
        try await engine.acknowledge(attempts)
        _ = try await engine.retry(ids[2], of: short)

        let early = try await engine.ledger.blankExpired(now: Date(timeIntervalSinceNow: 6 * 86_400))
        let untouched = try await engine.count("job WHERE args <> 'null'")
        while try await engine.ledger.blankExpired(now: Date(timeIntervalSinceNow: 8 * 86_400)) {}

        #expect(early == false)
        #expect(untouched == 4)
        #expect(try await engine.count("job WHERE tenant_id = \(short) AND args = 'null'") == 2)
        #expect(try await engine.count("job WHERE id IN (\(ids[2]), \(ids[3])) AND args <> 'null'") == 2, "live, and another tenant's")
        #expect(try await engine.count("job_history WHERE tenant_id = \(short) AND error IS NULL AND error_class = 'permanent'") == 3)
        #expect(try await engine.count("job_history WHERE tenant_id = \(long) AND error = 'of Mr Li'") == 1)
        #expect(try await engine.count("dlq WHERE tenant_id = \(short)") == 0)
        #expect(try await engine.count("dlq") == 1)
        #expect(try await engine.retry(ids[0], of: short) == .expired)
        #expect(try await engine.count("job_live") == 1)
    }

    @Test func `the engine's role may neither drop nor alter partitions by itself`() async throws {
        let engine = try await Engine()
        for sql in ["DROP TABLE job_p0", "SELECT drop_job_partition(1)", "CREATE TABLE mine (id int)", "DELETE FROM job_partition"] {
            await #expect(throws: PostgresError.self) { _ = try await engine.postgres.query(Statement(sql)) }
        }
    }
}

extension Engine {
    /// Takes the first partition away, so that a test can have small ones.
    func partitionsFromScratch() async throws {
        let pool = database.pool(size: 1)
        _ = try await pool.pipeline(["DROP TABLE job_p0, job_history_p0", "DELETE FROM job_partition"])
        await pool.close()
    }

    func owner(_ query: String) async throws -> Int {
        let pool = database.pool(size: 1)
        let n = try await pool.query(Statement(query)).first!.get("n", as: Int64.self)
        await pool.close()
        return Int(n)
    }
}
