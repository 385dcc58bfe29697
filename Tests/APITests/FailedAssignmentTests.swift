import Foundation
import Jobs
import Ledger
import Records
import SalesModel
import Tenancy
import Testing

/// P10: no lead is forgotten because its job was set aside.
@Suite struct FailedAssignmentTests {
    private let everyone = "rules: [{ id: everyone, to: everyone, by: round_robin }]"

    @Test(arguments: [ErrorClass.permanent, .transient])
    func `a lead whose assignment was given up is held, with the reason and an alarm`(_ errorClass: ErrorClass) async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let ids = try await house.leads([house.lead("1"), house.lead("2"), house.lead("3")], of: tenant)
            let attempts = try await house.begin()

            let settled = try await house.ledger.settle(attempts.prefix(2).map { giveUp($0, Failure(errorClass, "the map is torn")) })

            #expect(settled.done == attempts.prefix(2).map(\.id))
            let lead = try #require(try await house.records.lead(ids[0], of: tenant))
            #expect(lead.state == .held)
            #expect(lead.heldReason == "held_failed")
            #expect(lead.reasons(in: .english) == ["Its assignment failed for good (\(errorClass.rawValue)): the map is torn."])
            #expect(try await house.records.lead(ids[2], of: tenant)?.state == .awaitingAssignment)
            let alerts = try await house.records.alerts(of: tenant, open: true).items
            #expect(alerts.map(\.code) == ["assignment_failed"])
            #expect(alerts.map(\.subject) == ["website/\(errorClass.rawValue)"])
            #expect(alerts.map(\.count) == [2])
        }
    }

    @Test func `a lead whose assignment was cancelled is held, and says so`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let id = try await house.leads([house.lead("1")], of: tenant)[0]
            let job = try await house.engine.query("SELECT id FROM job_live").first!.get("id", as: Int64.self)

            _ = try await house.engine.transaction { [ledger = house.ledger] in
                try ledger.cancel(JobID(job), of: tenant, reason: "not yet", in: $0)
            }

            let lead = try #require(try await house.records.lead(id, of: tenant))
            #expect(lead.heldReason == "held_failed")
            #expect(lead.reasons(in: .english) == ["Its assignment failed for good (cancelled): not yet."])
        }
    }

    @Test func `a lead whose job killed its workers is held as poison`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let id = try await house.leads([house.lead("1")], of: tenant)[0]
            for _ in 1...Ledger.lossLimit {
                let attempt = try #require(try await house.begin().first)
                _ = try await house.ledger.rescue([ClaimedJob(id: attempt.id, token: attempt.token)])
                try await house.acknowledge([attempt])
            }

            let lead = try #require(try await house.records.lead(id, of: tenant))
            #expect(lead.heldReason == "held_failed")
            #expect(lead.reasons(in: .english) == ["Its assignment failed for good (poison): its worker died 3 times while running it."])
            #expect(try await house.count("alert WHERE code = 'assignment_failed' AND subject = 'website/poison'") == 1)
        }
    }

    @Test func `a lead whose decision the database refuses is held, its neighbours are assigned, and new rules let it go`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            let ids = try await house.leads((1...4).map { house.lead("\($0)") }, of: tenant)
            let owner = house.database.pool(size: 1)
            _ = try await owner.query("ALTER TABLE decision_log ADD CONSTRAINT torn CHECK (lead_id <> \(unescaped: String(ids[1])))")

            try await house.workThrough()
            var search = LeadSearch()
            search.state = .held
            let held = try await house.records.leads(search, of: tenant, limit: 10).items
            _ = try await owner.query("ALTER TABLE decision_log DROP CONSTRAINT torn")
            await owner.close()
            try await house.rule(.route, everyone.replacing("id: everyone", with: "id: all"), of: tenant)
            try await house.workThrough()

            #expect(held.map(\.id) == [ids[1]])
            #expect(held.map(\.heldReason) == ["held_failed"])
            #expect(try await house.records.lead(ids[1], of: tenant)?.state == .assigned)
            #expect(try await house.count("alert WHERE code = 'assignment_failed' AND resolved_at IS NOT NULL") == 1)
            try await house.expectSound()
        }
    }

    @Test func `a held lead whose job is run again is assigned, and the alarm ends`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            let id = try await house.leads([house.lead("1")], of: tenant)[0]
            _ = try await house.ledger.settle(try await house.begin().map { giveUp($0, Failure(.permanent, "no")) })

            _ = try await house.ledger.enqueue([.assignLead(id, of: tenant, trigger: .manualRequeue, epoch: 0)])
            try await house.workThrough()

            let lead = try #require(try await house.records.lead(id, of: tenant))
            #expect(lead.state == .assigned)
            #expect(lead.heldDetail == nil)
            #expect(try await house.records.alerts(of: tenant, open: true).items.isEmpty)
            try await house.expectSound()
        }
    }

    @Test func `a failed job of an earlier assignment, or of no lead, holds nothing`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let id = try await house.leads([house.lead("1")], of: tenant)[0]
            let strays = [
                NewJob.assignLead(id, of: tenant, trigger: .manualRequeue, epoch: 7),
                NewJob.assignLead(id + 1, of: tenant, trigger: .manualRequeue, epoch: 0),
                NewJob(tenant: tenant, kind: "assign_lead", arguments: Array(#"{"lead_id":"nobody"}"#.utf8)),
            ]
            let jobs = Set(try await house.ledger.enqueue(strays))
            let attempts = try await house.begin().filter { jobs.contains($0.id) }

            let settled = try await house.ledger.settle(attempts.map { giveUp($0, Failure(.permanent, "no")) })

            #expect(settled.done.count == 3)
            #expect(try await house.records.lead(id, of: tenant)?.state == .awaitingAssignment)
            #expect(try await house.count("alert") == 0)
        }
    }

    private func giveUp(_ attempt: Attempt, _ failure: Failure) -> Settlement {
        Settlement(attempt: attempt, outcome: Outcome(.failed(failure)), disposition: .end(.discarded, outcome: nil, failure))
    }
}
