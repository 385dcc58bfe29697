import Foundation
import Ledger
import Records
import Rules
import SalesModel
import Tenancy
import Testing

/// `incident_sla` of J2: what went wrong with assignment is over within two hours, or the platform's owner hears of it.
@Suite struct IncidentClockStories {
    private static let clocks = """
        clocks:
          - id: incident_sla
            label: { en: recovery of an incident, zh: 事故恢复时限 }
            subject: incident
            starts: { on: incident_detected }
            stops: { on: incident_resolved }
            levels: [{ id: platform, after: 2h, to: [platform_owner], channels: [work_app], urgency: urgent }]
        """

    private func house(_ body: (SalesHouse, TenantID) async throws -> Void) async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant) { $0.capacity = 100 }
            try await house.records.putOffice(.platformOwner, people: ["olga"], of: tenant, by: "test")
            try await house.rule(.route, "rules: [{ id: all, to: everyone, by: round_robin }]", of: tenant)
            try await house.workThrough()
            try await body(house, tenant)
            try await house.expectSound()
        }
    }

    private func looked(_ house: SalesHouse, _ state: String) async throws {
        let found = "clock_subject WHERE subject_type = 'incident' AND clocks->0->>'state' = '\(state)'"
        try await house.working { try await soon { try await house.count(found) == 1 } }
    }

    private func told(_ house: SalesHouse, of tenant: TenantID) async throws -> [String] {
        try await house.records.notifications(of: tenant, to: "olga").items.map(\.code)
    }

    @Test func `an incident of more than two hours is told to the platform's owner once, and made good when the last lead is decided`()
        async throws
    {
        try await house { house, tenant in
            try await house.rule(.clock, Self.clocks, of: tenant)
            try await house.fuse(.open, of: tenant)
            try await house.leads([house.lead("1")], of: tenant)
            try await house.workThrough()
            // Its alarm was seen long before anybody opened the fuse.
            try await house.asOwner("UPDATE incident SET detected_at = now() - interval '2 hours 1 minute'")

            try await looked(house, "running")
            #expect(try await told(house, of: tenant) == ["incident_sla.platform"])
            let late = try #require(try await house.records.escalations(of: tenant).items.first)
            #expect(late.subject.type == .incident && late.told == .told && late.state == .open && !late.isHistory)
            #expect(late.lateBy >= 60 && late.lateBy < 360)

            try await house.fuse(.closed, of: tenant)
            #expect(try await house.records.escalations(of: tenant).items.first?.state == .open, "a lead still waits")
            try await house.workThrough()
            // Looked at once more, it still runs: nobody has said yet that it is over.
            try await house.working { try await soon { try await house.count("clock_subject WHERE next_at IS NOT NULL") == 0 } }
            #expect(try await house.records.escalations(of: tenant).items.map(\.state) == [.open])
            try await house.records.watchIncidents(now: Date())
            try await looked(house, "met")
            #expect(try await house.records.escalations(of: tenant).items.map(\.state) == [.met])
            #expect(try await told(house, of: tenant) == ["incident_sla.platform"])
        }
    }

    @Test func `one that is over in time is told to nobody, also where its clock was published while it lasted`() async throws {
        try await house { house, tenant in
            try await house.fuse(.open, of: tenant)
            #expect(try await house.count("clock_subject") == 0, "of subjects that no rule watches nothing is kept")
            try await house.rule(.clock, Self.clocks, of: tenant)
            try await looked(house, "running")
            let due = try await house.rows("SELECT extract(epoch FROM next_at - now())::float8 AS wait FROM clock_subject")
            #expect(try #require(due.first).get("wait", as: Double.self) > 6_900)

            try await house.fuse(.closed, of: tenant)
            try await house.workThrough()
            try await house.records.watchIncidents(now: Date())
            try await looked(house, "met")

            #expect(try await told(house, of: tenant).isEmpty)
            #expect(try await house.count("escalation") == 0)
            #expect(try await house.count("clock_subject WHERE next_at IS NOT NULL") == 0)
        }
    }
}
