import Foundation
import Jobs
import Ledger
import PostgresClient
import Records
import SalesModel
import Tenancy
import Testing

/// Leads that are taken from whoever has them: of sellers who left, and those that nobody touched.
@Suite struct RebalanceTests {
    private let everyone = "rules: [{ id: all, to: everyone, by: fewest_pending }]"

    private func house(_ body: (SalesHouse, TenantID) async throws -> Void) async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert"] { try await house.seller(name, of: tenant) { $0.capacity = 100 } }
            try await house.rule(.route, everyone, of: tenant)
            try await house.workThrough()
            try await body(house, tenant)
            try await house.expectSound()
            let replay = try await house.replay(tenant)
            #expect(replay.summary.notReproduced == 0 && replay.summary.reproduced > 0, "recycled leads too are decided as they were")
        }
    }

    @Test func `who becomes inactive keeps no lead, touched or not, and each goes to somebody else once`() async throws {
        try await house { house, tenant in
            let ids = try await house.leads((0..<8).map { house.lead("\($0)") }, of: tenant)
            try await house.workThrough()
            let hers = try await ids.asyncMap { try #require(try await house.records.lead($0, of: tenant)) }.filter { $0.owner == "anna" }
            #expect(hers.count == 4)
            try await house.touch(hers[0].externalID, of: tenant)

            try await house.seller("anna", of: tenant) { ($0.capacity, $0.status) = (100, .inactive) }
            try await house.workThrough()

            for lead in ids { #expect(try await house.records.lead(lead, of: tenant)?.owner == "bert") }
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 0)
            #expect(try await house.records.seller("bert", of: tenant)?.pending == 8, "the touched one waits for its new owner")
            #expect(try await house.count("assignment") == 12)
            #expect(try await house.count("notification WHERE code = 'lead_taken_back' AND recipient = 'anna'") == 4)

            try await house.seller("anna", of: tenant) { ($0.capacity, $0.status, $0.team) = (100, .inactive, "x") }
            try await house.workThrough()
            #expect(try await house.count("job_history WHERE kind = 'rebalance_leads' AND run = 1") == 2, "pages of three, once")
        }
    }

    @Test func `a lead untouched for fifteen days goes to somebody else, once, and its owner hears of it`() async throws {
        try await house { house, tenant in
            let ids = try await house.leads((0..<4).map { house.lead("\($0)") }, of: tenant)
            try await house.workThrough()
            let before = try await ids.asyncMap { try await house.records.lead($0, of: tenant)?.owner }
            // Lead 0 has slept, 1 nearly, 2 was touched.
            try await house.asOwner(
                "UPDATE assignment SET assigned_at = now() - interval '15 days 1 minute' WHERE lead_id IN (\(ids[0]), \(ids[2]))")
            try await house.asOwner("UPDATE assignment SET assigned_at = now() - interval '14 days 23 hours' WHERE lead_id = \(ids[1])")
            try await house.touch("2", of: tenant)

            for _ in 0..<2 {
                _ = try await house.ledger.enqueue([.rebalance(untouchedFor: 15, of: tenant)])
                try await house.workThrough()
            }

            let after = try await ids.asyncMap { try await house.records.lead($0, of: tenant)?.owner }
            #expect(after[0] != before[0] && after[0] != nil)
            #expect(after.dropFirst() == before.dropFirst())
            let lead = try #require(try await house.records.lead(ids[0], of: tenant))
            #expect(lead.epoch == 1)
            #expect(try await house.count(#"decision_log WHERE epoch = 1 AND body->'excluded' @> '[{"code":"recycled"}]'"#) == 1)
            #expect(try await house.count("assignment") == 5)
            #expect(try await house.count("notification WHERE code = 'lead_taken_back' AND subject = '\(ids[0])'") == 1)
        }
    }

    @Test func `a visit, a call and a follow-up with words wake a lead as a touch does, and nothing less`() async throws {
        try await house { house, tenant in
            try await house.seller("bert", of: tenant) { ($0.capacity, $0.status) = (100, .leave) }
            let ids = try await house.leads((0..<7).map { house.lead("\($0)") }, of: tenant)
            try await house.workThrough()
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 7)
            func happen(_ lead: Int, _ type: String, _ data: String = "{}") -> NewActivity {
                NewActivity(subjectType: .lead, subject: "\(lead)", type: type, at: Date(), data: Array(data.utf8))
            }

            let told = [
                happen(0, "visit"), happen(1, "call", #"{"result":"sent a quotation"}"#), happen(2, "follow_up", #"{"our_action":"寄样品"}"#),
                happen(3, "visit", #"{"valid":false}"#), happen(4, "call", #"{"result":"not_answered"}"#),
                happen(5, "follow_up", #"{"our_action":"已联系"}"#), happen(6, "reply"),
            ]
            _ = try await house.records.record(told, of: tenant, key: nil) { _ in StoredAnswer(status: 201, body: []) }
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 4)
            try await house.seller("bert", of: tenant) { $0.capacity = 100 }
            try await house.asOwner("UPDATE assignment SET assigned_at = now() - interval '16 days'")
            _ = try await house.ledger.enqueue([.rebalance(untouchedFor: 15, of: tenant)])
            try await house.workThrough()

            let owners = try await ids.asyncMap { try await house.records.lead($0, of: tenant)?.owner }
            #expect(owners == ["anna", "anna", "anna", "bert", "bert", "bert", "bert"])
        }
    }

    @Test func `who let a lead sleep gets it back only as the owner of its customer by another lead`() async throws {
        try await house { house, tenant in
            try await house.rule(.map, "{ sources: [website], fields: { phone: { from: phone }, company: { from: company } } }", of: tenant)
            try await house.workThrough()
            let phone = #"{"phone":"13800000001","company":"Acme"}"#
            let first = try await house.leads([house.lead("1", phone)], of: tenant)[0]
            try await house.workThrough()
            let owner = try #require(try await house.records.lead(first, of: tenant)?.owner)
            let other = owner == "anna" ? "bert" : "anna"
            func recycle() async throws -> LeadRecord {
                _ = try await house.ledger.enqueue([.rebalance(untouchedFor: 15, lead: LeadID(first), of: tenant)])
                try await house.workThrough()
                return try #require(try await house.records.lead(first, of: tenant))
            }

            #expect(try await recycle().owner == other)
            // A customer is called by one seller only, whatever sleeps.
            try await house.leads([house.lead("2", phone)], of: tenant)
            try await house.workThrough()
            #expect(try await recycle().owner == other)
            #expect(try await house.count("decision_log WHERE outcome = 'assigned_existing_owner'") == 2)
        }
    }

    @Test func `a lead that only one seller could have, who let it sleep, waits for a person`() async throws {
        try await house { house, tenant in
            let id = try await house.leads([house.lead("1")], of: tenant)[0]
            try await house.workThrough()
            let owner = try await house.records.lead(id, of: tenant)?.owner
            let other = owner == "anna" ? "bert" : "anna"
            try await house.seller(other, of: tenant) { ($0.capacity, $0.status) = (100, .leave) }
            _ = try await house.ledger.enqueue([.rebalance(untouchedFor: 15, lead: LeadID(id), of: tenant)])
            try await house.workThrough()
            #expect(try await house.records.lead(id, of: tenant)?.state == .manualQueue)
        }
    }

    @Test func `a touch in the meantime keeps the lead where it is`() async throws {
        try await house { house, tenant in
            let id = try await house.leads([house.lead("1")], of: tenant)[0]
            try await house.workThrough()
            let owner = try await house.records.lead(id, of: tenant)?.owner
            let lead = try await house.reader.leads(untouchedFor: 0, nil, of: tenant, after: LeadID(0), limit: 9)
            _ = try await house.ledger.enqueue([.rebalance(untouchedFor: 15, lead: LeadID(id), of: tenant)])
            let attempt = try #require(try await house.begin(of: "rebalance_leads").first)
            let outcome = Outcome(.completed("rebalanced"), effects: [TakeBackEffect(.untouched(days: 15), lead)])
            let settlement = Settlement(
                attempt: attempt, outcome: outcome,
                disposition: outcome.disposition(of: attempt, policy: RetryPolicy(), now: Date(), chance: 0))

            try await house.touch("1", of: tenant)
            let settled = try await house.ledger.settle([settlement])

            #expect(settled.stale == [attempt.id] && settled.done.isEmpty)
            #expect(try await house.records.lead(id, of: tenant)?.owner == owner)
        }
    }

    @Test func `a settle that judges several kinds locks its tenants in one order`() async throws {
        try await house { house, one in
            let two = try await house.tenant("other")
            try await house.seller("carl", of: two)
            try await house.rule(.route, everyone, of: two)
            let id = try await house.leads([house.lead("1")], of: one)[0]
            try await house.workThrough()
            try await house.asOwner("UPDATE assignment SET assigned_at = now() - interval '16 days'")
            _ = try await house.ledger.enqueue([.rebalance(untouchedFor: 15, lead: LeadID(id), of: one)])
            let taking = try await house.decide(try await house.begin(of: "rebalance_leads"), of: "rebalance_leads")
            try await house.leads([house.lead("2")], of: two)
            let settlements = try await house.decide(try await house.begin()) + taking
            #expect(Set(settlements.map(\.attempt.tenant)) == [one, two])

            let (held, hold) = AsyncStream<Void>.makeStream()
            // Decisions come before what takes back: each kind for itself would lock the second tenant first.
            async let isOtherFree = house.engine.transaction { transaction in
                _ = try transaction.pipeline([
                    .tenants([one, two]), "SELECT FROM routing_state WHERE tenant_id = \(one.rawValue) FOR UPDATE",
                ])
                hold.yield()
                let waiting: Statement = """
                    SELECT pg_sleep(0.01) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
                    """
                while try transaction.query(waiting).isEmpty {}
                let free: Statement = "SELECT FROM routing_state WHERE tenant_id = \(two.rawValue) FOR UPDATE SKIP LOCKED"
                return try transaction.query(free).count == 1
            }
            for await _ in held { break }
            let settled = try await house.ledger.settle(settlements)

            #expect(try await isOtherFree)
            #expect(settled.done.count == 2)
            try await house.acknowledge(settlements.map(\.attempt))
            try await house.workThrough()
        }
    }

    @Test func `a settle that judges several kinds locks counters before loads, as a touch does`() async throws {
        try await house { house, tenant in
            let id = try await house.leads([house.lead("1")], of: tenant)[0]
            try await house.workThrough()
            try await house.asOwner("UPDATE assignment SET assigned_at = now() - interval '16 days'")
            _ = try await house.ledger.enqueue([.rebalance(untouchedFor: 15, lead: LeadID(id), of: tenant)])
            let taking = try await house.decide(try await house.begin(of: "rebalance_leads"), of: "rebalance_leads")
            try await house.leads([house.lead("2")], of: tenant)
            let settlements = try await house.decide(try await house.begin()) + taking
            let loads = try await house.count("seller_load")

            let (held, hold) = AsyncStream<Void>.makeStream()
            // A touch begins so.
            async let free = house.engine.transaction { transaction in
                _ = try transaction.pipeline([
                    .tenants([tenant]),
                    """
                    INSERT INTO routing_clock AS c (tenant_id) VALUES (\(tenant.rawValue))
                    ON CONFLICT (tenant_id) DO UPDATE SET load_seq = c.load_seq + 1
                    """,
                ])
                hold.yield()
                let waiting: Statement = """
                    SELECT pg_sleep(0.01) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
                    """
                while try transaction.query(waiting).isEmpty {}
                return try transaction.query("SELECT FROM seller_load FOR UPDATE SKIP LOCKED").count
            }
            for await _ in held { break }
            let settled = try await house.ledger.settle(settlements)

            #expect(try await free == loads)
            #expect(loads > 0 && settled.done.count == 2)
            try await house.acknowledge(settlements.map(\.attempt))
            try await house.workThrough()
        }
    }
}
