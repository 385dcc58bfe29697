import Foundation
import Ledger
import Records
import SalesModel
import Tenancy
import Testing

/// One touch is one for everything that waits for it: a seller's load, the lead's clocks, and who takes leads away.
@Suite struct TouchStories {
    private static let clocks = """
        clocks:
          - { id: first, subject: lead, starts: { on: created }, stops: { on: contact }, levels: [{ id: a, after: 4m, to: owner }] }
          - { id: untouched, subject: lead, starts: { on: assigned, which: latest }, stops: { on: contact },
              levels: [{ id: recycle, after: 15d, to: manager, do: recycle }] }
        """

    /// - Parameter isReplayed: whether all was decided as it is told.
    private func house(isReplayed: Bool = true, _ body: (SalesHouse, TenantID) async throws -> Void) async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(.route, "rules: [{ id: everyone, to: everyone, by: fewest_pending }]", of: tenant)
            try await house.rule(.clock, Self.clocks, of: tenant)
            try await house.workThrough()
            try await body(house, tenant)
            try await house.expectSound()
            if isReplayed {
                let replay = try await house.replay(tenant)
                #expect(replay.summary.notReproduced == 0)
            }
        }
    }

    private func call(_ lead: String, at: Date = Date(), _ house: SalesHouse, of tenant: TenantID) async throws {
        let call = NewActivity(subjectType: .lead, subject: lead, type: "call", at: at)
        _ = try await house.records.record([call], of: tenant, key: nil) { _ in StoredAnswer(status: 201, body: []) }
    }

    /// Has the leads that wait decided on, and nobody look at their clocks.
    private func assign(_ house: SalesHouse) async throws {
        let attempts = try await house.begin()
        _ = try await house.ledger.settle(try await house.decide(attempts))
        try await house.acknowledge(attempts)
    }

    private func expectTouched(_ lead: Int64, _ house: SalesHouse, of tenant: TenantID) async throws {
        try await house.working { try await soon { try await house.count("clock_subject WHERE next_at IS NULL") == 1 } }
        #expect(try await house.records.lead(lead, of: tenant)?.touchedAt != nil)
        #expect(try await house.records.seller("anna", of: tenant)?.pending == 0)
        #expect(try await house.count("assignment WHERE active AND touched_at IS NOT NULL") == 1)
        #expect(try await house.count("clock_subject WHERE jsonb_path_query_array(clocks, '$[*].state') = '[\"met\", \"met\"]'") == 1)
        #expect(try await house.count("escalation") == 0)
    }

    @Test(arguments: [-86_400.0, -1, 240]) func `a touch is one whatever it says of when it was`(seconds: Double) async throws {
        try await house { house, tenant in
            let lead = try await house.leads([house.lead("1")], of: tenant)[0]
            try await assign(house)
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 1)

            try await call("1", at: Date().addingTimeInterval(seconds), house, of: tenant)

            try await expectTouched(lead, house, of: tenant)
            #expect(try await house.count("activity WHERE at > recorded_at + interval '1 second'") == 0, "nothing has yet to happen")
        }
    }

    @Test(arguments: [-86_400.0, 0]) func `whoever is given a lead that was touched owes no touch`(seconds: Double) async throws {
        try await house { house, tenant in
            let lead = try await house.leads([house.lead("1")], of: tenant)[0]
            try await call("1", at: Date().addingTimeInterval(seconds), house, of: tenant)
            #expect(try await house.records.lead(lead, of: tenant)?.touchedAt != nil)
            try await assign(house)

            #expect(try await house.records.seller("anna", of: tenant)?.pending == 0)
            try await expectTouched(lead, house, of: tenant)
            try await house.leads([house.lead("2")], of: tenant)
            try await assign(house)
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 1)
        }
    }

    @Test func `a touch of one source's lead is none of another's with the same id`() async throws {
        try await house { house, tenant in
            var (ours, theirs) = (house.lead("1"), house.lead("1"))
            (ours.source, theirs.source) = ("website", "fair")
            let ids = try await house.leads([ours, theirs], of: tenant)
            try await assign(house)

            let call = NewActivity(subjectType: .lead, subject: "1", source: "fair", type: "call", at: Date())
            _ = try await house.records.record([call], of: tenant, key: nil) { _ in StoredAnswer(status: 201, body: []) }

            func states(_ lead: Int64) -> String {
                "clock_subject WHERE subject_id = \(lead) AND jsonb_path_query_array(clocks, '$[*].state')"
            }
            try await house.working { try await soon { try await house.count("\(states(ids[1])) = '[\"met\", \"met\"]'") == 1 } }
            #expect(try await house.records.lead(ids[1], of: tenant)?.touchedAt != nil)
            #expect(try await house.records.lead(ids[0], of: tenant)?.touchedAt == nil)
            // Looked at anew for another reason it is still untouched.
            // The job that waits for its time, if there is one already, is not waited for.
            try await house.asOwner(
                "UPDATE clock_subject SET fence = fence + 1, job_id = NULL, next_at = now(), looked_at = NULL WHERE subject_id = \(ids[0])")
            let anew = "clock_subject WHERE subject_id = \(ids[0]) AND looked_at IS NOT NULL"
            try await house.working { try await soon { try await house.count(anew) == 1 } }
            #expect(try await house.count("\(states(ids[0])) = '[\"running\", \"running\"]'") == 1)
        }
    }

    @Test func `a touch while its lead is decided on has it decided on again`() async throws {
        try await house { house, tenant in
            let lead = try await house.leads([house.lead("1")], of: tenant)[0]
            let attempts = try await house.begin()
            let settlements = try await house.decide(attempts)

            try await call("1", house, of: tenant)
            let settled = try await house.ledger.settle(settlements)
            #expect(settled.stale == attempts.map(\.id))
            _ = try await house.ledger.settle(try await house.decide(attempts))
            try await house.acknowledge(attempts)

            try await expectTouched(lead, house, of: tenant)
        }
    }

    @Test func `a touch from before anybody had a lead holds for whoever is given it by hand, and not for the next`() async throws {
        try await house { house, tenant in
            try await house.seller("bert", of: tenant)
            try await house.fuse(.open, of: tenant)
            let lead = try await house.leads([house.lead("1")], of: tenant)[0]
            try await house.workThrough()
            try await call("1", house, of: tenant)
            func pending(_ seller: String) async throws -> Int? { try await house.records.seller(seller, of: tenant)?.pending }

            try await house.give(lead, to: "anna", of: tenant)
            #expect(try await pending("anna") == 0)
            #expect(try await house.records.lead(lead, of: tenant)?.touchedAt != nil)
            try await house.give(lead, to: "bert", of: tenant, isOverride: true)
            #expect(try await pending("bert") == 1)
            #expect(try await house.records.lead(lead, of: tenant)?.touchedAt == nil)
        }
    }

    @Test(arguments: [false, true])
    func `whom marketing has called waits for a first touch once it is completed, or given by hand`(byHand: Bool) async throws {
        // Its stay with marketing was never decided.
        try await house(isReplayed: false) { house, tenant in
            let lead = try await house.leads([house.lead("1")], of: tenant)[0]
            try await house.workThrough()
            try await house.asOwner("UPDATE assignment SET active = false")
            try await house.asOwner("UPDATE lead SET state = 'with_marketing', owner_id = NULL")
            try await house.asOwner("UPDATE seller_load SET pending = 0, assigned = 0")
            try await house.asOwner("DELETE FROM assignment")
            try await call("1", house, of: tenant)
            #expect(try await house.records.lead(lead, of: tenant)?.touchedAt != nil)

            if byHand {
                try await house.fuse(.open, of: tenant)
                try await house.give(lead, to: "anna", of: tenant)
            } else {
                try await house.leads([house.lead("1", #"{"budget":1}"#)], of: tenant)
            }

            #expect(try await house.records.lead(lead, of: tenant)?.touchedAt == nil)
            try await house.workThrough()
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 1)
        }
    }
}
