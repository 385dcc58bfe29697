import Foundation
import Jobs
import Ledger
import Records
import SalesModel
import Testing

@Suite struct AssignLeadTests {
    private let everyone = "rules: [{ id: everyone, to: everyone, by: round_robin }]"

    @Test func `what was taken in can be read again, however Postgres writes it`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant) { $0.capacity = 100 }
            try await house.rule(.route, "rules: [{ id: all, to: everyone }]", of: tenant)
            try await house.workThrough()
            // A number of 301 digits, and a text that grows past a mebibyte by a space after each comma.
            let ones = Array(repeating: "1", count: 9_000).joined(separator: ",")
            let long = (0..<60).map { "\"f\($0)\":[\(ones)]" }
            let leads = [#"{"budget":1e300}"#, #"{"budget":1e-300}"#, "{\(long.joined(separator: ","))}"]
            let ids = try await house.leads(leads.enumerated().map { house.lead("\($0)", $1) } + [house.lead("good")], of: tenant)
            try await house.workThrough()

            for id in ids { #expect(try await house.records.lead(id, of: tenant)?.owner == "anna") }
            #expect(try await house.count("job_history WHERE kind = 'assign_lead' AND attempt > 1") == 0)
        }
    }

    @Test func `a lead is assigned, and what was decided can be read back`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.seller("bert", of: tenant) { $0.status = .inactive }
            try await house.rule(.route, everyone, of: tenant)
            let id = try await house.leads([house.lead("1")], of: tenant)[0]

            try await house.workThrough()

            let lead = try #require(try await house.records.lead(id, of: tenant))
            #expect(lead.state == .assigned)
            #expect(lead.owner == "anna")
            #expect(lead.reasons(in: .english) == ["Rule “everyone” applies.", "Nobody else came into question."])
            #expect(lead.reasons(in: .chinese) == ["命中规则“everyone”。", "没有其他可选的销售。"])
            let decision = String(decoding: try #require(lead.decision).bytes, as: UTF8.self)
            #expect(decision.contains(#""excluded": [{"code": "inactive", "seller_id": "bert"}]"#))
            #expect(decision.contains(#""rule_version": "route/main@1""#))
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 1)
            #expect(try await house.count("route_cursor") == 1)
            #expect(try await house.outcomes() == ["assigned": 1])
            try await house.expectSound()
        }
    }

    @Test func `a second job for an assigned lead has no effect`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            let id = try await house.leads([house.lead("1")], of: tenant)[0]
            let again = (0..<3).map { _ in NewJob.assignLead(id, of: tenant, trigger: .manualRequeue, epoch: 0) }
            _ = try await house.ledger.enqueue(again)

            try await house.workThrough()
            _ = try await house.ledger.enqueue(again)
            try await house.workThrough()

            // Those decided in one batch with the first end as it ended.
            let outcomes = try await house.outcomes()
            #expect(outcomes["already_assigned", default: 0] >= 3)
            #expect(outcomes.values.reduce(0, +) == 7)
            #expect(try await house.count("assignment") == 1)
            #expect(try await house.count("decision_log") == 1)
            try await house.expectSound()
        }
    }

    @Test func `workers deciding at once never exceed a capacity nor give a lead twice`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert", "carl"] { try await house.seller(name, of: tenant) }
            try await house.rule(.route, everyone, of: tenant)
            try await house.leads((0..<200).map { house.lead("\($0)") }, of: tenant)

            try await house.workThrough(workers: 3)

            #expect(try await house.outcomes() == ["assigned": 27, "manual_queue_fallback": 173])
            #expect(try await house.count("seller_load WHERE pending = 9") == 3)
            #expect(try await house.count("alert WHERE code = 'manual_queue' AND count = 173") == 1)
            try await house.expectSound()
        }
    }

    @Test func `a first touch frees a place`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant) { $0.capacity = 0 }
            try await house.rule(.route, everyone, of: tenant)
            try await house.leads([house.lead("1")], of: tenant)
            try await house.workThrough()

            _ = try await house.records.record(
                [NewActivity(subjectType: .lead, subject: "1", type: NewActivity.touch, at: Date())], of: tenant, key: nil
            ) { _ in StoredAnswer(status: 200, body: []) }
            try await house.leads([house.lead("2")], of: tenant)
            try await house.workThrough()

            #expect(try await house.outcomes() == ["assigned": 2])
            try await house.expectSound()
        }
    }

    // MARK: Facts that change

    @Test func `a seller who leaves between reading and settling receives nothing`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            try await house.leads([house.lead("1"), house.lead("2")], of: tenant)
            let attempts = try await house.begin()
            let decided = try await house.decide(attempts)

            try await house.seller("anna", of: tenant) { $0.status = .inactive }
            let settled = try await house.ledger.settle(decided)
            let again = try await house.ledger.settle(try await house.decide(attempts))

            #expect(settled.stale == attempts.map(\.id))
            #expect(settled.done.isEmpty)
            #expect(again.done == attempts.map(\.id))
            #expect(try await house.outcomes() == ["manual_queue_fallback": 2])
            try await house.expectSound()
        }
    }

    @Test func `a lead completed between reading and settling is judged on what it says now`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            try await house.leads((1...3).map { house.lead("\($0)") }, of: tenant)
            let attempts = try await house.begin()
            let decided = try await house.decide(attempts)

            try await house.leads([house.lead("2", #"{"company":"new"}"#)], of: tenant)
            let settled = try await house.ledger.settle(decided)

            #expect(settled.done == [attempts[0].id])
            #expect(settled.stale == [attempts[1].id, attempts[2].id])
            let again = try await house.ledger.settle(try await house.decide(Array(attempts[1...])))
            #expect(again.done.count == 2)
            try await house.expectSound()
        }
    }

    @Test func `when a job of a group was lost, what was decided upon it is decided again`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert"] { try await house.seller(name, of: tenant) }
            try await house.rule(.route, everyone, of: tenant)
            try await house.leads((1...5).map { house.lead("\($0)") }, of: tenant)
            let attempts = try await house.begin()
            let decided = try await house.decide(attempts)
            _ = try await house.engine.query("UPDATE job_live SET fence = fence + 1 WHERE id = \(attempts[2].id.rawValue)")

            let settled = try await house.ledger.settle(decided)
            #expect(settled.done == attempts[..<2].map(\.id))
            #expect(settled.stale == attempts[3...].map(\.id))
            #expect(settled.lost == [attempts[2].id])

            let again = try await house.ledger.settle(try await house.decide(Array(attempts[3...])))
            #expect(again.done == attempts[3...].map(\.id))
            // Turns went on from where the settled ones had left them: each has two.
            #expect(try await house.count("seller_load WHERE assigned = 2") == 2)
        }
    }

    @Test func `groups decided on the same version cannot both be written`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant) { $0.capacity = 0 }
            try await house.rule(.route, everyone, of: tenant)
            try await house.leads((1...2).map { house.lead("\($0)") }, of: tenant)
            let attempts = try await house.begin()
            let one = try await house.decide([attempts[0]])
            let other = try await house.decide([attempts[1]])

            let together = try await house.ledger.settle(one + other)

            #expect(together.done.count == 1)
            #expect(together.stale.count == 1)
            #expect(try await house.count("seller_load WHERE pending = 1") == 1)
        }
    }

    @Test func `a deal told of counts for the next lead`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert"] { try await house.seller(name, of: tenant) }
            let best = "{ id: best, to: everyone, by: top_n_by_close_rate, metric: deals_won, n: 1, window_months: 6, active_only: true }"
            try await house.rule(.route, "rules: [\(best)]", of: tenant)
            func tell(_ owner: String, _ count: Int) async throws {
                for n in 0..<count {
                    let facts = OpportunityFacts(owner: owner, stage: "won_confirmed", won: true, closedAt: Date().addingTimeInterval(-60))
                    _ = try await house.records.putOpportunity("\(owner)-\(n)", facts, of: tenant)
                }
            }

            try await tell("anna", 2)
            let first = try await house.leads([house.lead("1")], of: tenant)[0]
            try await house.workThrough()
            try await tell("bert", 3)
            let second = try await house.leads([house.lead("2")], of: tenant)[0]
            try await house.workThrough()

            #expect(try await house.records.lead(first, of: tenant)?.owner == "anna")
            #expect(try await house.records.lead(second, of: tenant)?.owner == "bert")
        }
    }

    // MARK: Holding and letting go

    @Test func `leads let go twice at once are assigned once`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant) { $0.capacity = 100 }
            try await house.rule(.route, "rules: [{ id: all, filters: [region], to: everyone }]", of: tenant)
            try await house.leads((0..<7).map { house.lead("\($0)", #"{"city":"杭州"}"#) }, of: tenant)
            try await house.workThrough()
            try await house.rule(.map, "{ sources: [website], fields: { region: { from: city } } }", of: tenant)
            _ = try await house.ledger.enqueue([.releaseHeld(of: tenant), .releaseHeld(of: tenant), .releaseHeld(of: tenant)])

            try await house.workThrough(workers: 2)

            #expect(try await house.outcomes() == ["held_mapping_error": 7, "assigned": 7])
            try await house.expectSound()
        }
    }

    @Test func `held leads are assigned when the map is mended, page by page`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant) { $0.capacity = 100 }
            try await house.rule(.map, "{ sources: [website], fields: { region: { from: city } } }", of: tenant)
            try await house.rule(.route, "rules: [{ id: all, filters: [region, industry], to: everyone }]", of: tenant)
            let ids = try await house.leads((0..<10).map { house.lead("\($0)", #"{"city":"杭州","trade":"medical"}"#) }, of: tenant)
            try await house.workThrough()

            let held = try #require(try await house.records.lead(ids[0], of: tenant))
            #expect(held.state == .held)
            #expect(held.heldReason == "held_mapping_error")
            #expect(try await house.outcomes() == ["held_mapping_error": 10])
            #expect(
                try await house.count(
                    "alert WHERE code = 'mapping_error' AND subject = 'website/industry' AND count = 10 AND resolved_at IS NULL") == 1)
            #expect(
                try await house.count(
                    "alert WHERE code = 'schema_drift' AND subject = 'website/trade' AND count = 1 AND resolved_at IS NULL") == 1)

            try await house.rule(.map, "{ sources: [website], fields: { region: { from: city }, industry: { from: trade } } }", of: tenant)
            try await house.workThrough()

            #expect(try await house.outcomes() == ["held_mapping_error": 10, "assigned": 10])
            #expect(try await house.records.lead(ids[9], of: tenant)?.epoch == 1)
            let earlier = try #require(try await house.records.decisions(of: ids[9], of: tenant).last)
            #expect(
                earlier.reasons(in: .english) == [
                    "The rules read “industry”, but no map says what it is for leads from “website”."
                ], "why it was held is told after it no longer is")
            #expect(try await house.count("job_history WHERE kind = 'release_held' AND outcome = 'released'") == 4)
            #expect(try await house.count("alert WHERE resolved_at IS NULL") == 0)
            #expect(try await house.count("unmapped_field") == 0)
            try await house.expectSound()
        }
    }

    @Test func `a lead without a required field is held, and assigned when it is told again`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(.map, "{ sources: [website], fields: { region: { from: city } } }", of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            // What a published route lets go again would else come after the lead, and decide it once more.
            try await house.workThrough()
            let id = try await house.leads([house.lead("1", #"{"city":" "}"#)], of: tenant)[0]
            try await house.workThrough()
            #expect(
                try await house.records.lead(id, of: tenant)?.reasons(in: .english) == [
                    "“region” is required and the lead does not have it."
                ])

            try await house.leads([house.lead("1", #"{"city":"杭州"}"#)], of: tenant)
            try await house.workThrough()

            #expect(try await house.outcomes() == ["held_missing_data": 1, "assigned": 1])
            try await house.expectSound()
        }
    }
}
