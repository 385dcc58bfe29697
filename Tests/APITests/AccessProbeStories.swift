import Foundation
import JobKinds
import Jobs
import Ledger
import Permissions
import PostgresClient
import Records
import SalesModel
import Tenancy
import Testing

/// ACCESS-09 from end to end: somebody can create nothing any more, everything else is green, and it is heard of all the same.
@Suite struct AccessProbeStories {
    private func house(_ body: (SalesHouse, TenantID) async throws -> Void) async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            _ = try await house.records.putTeam("north", TeamProfile(name: "North", manager: "wang"), of: tenant, by: "test")
            // A region may be a province, which no record names as its city.
            for (name, cities) in [("anna", ["成都", "四川"]), ("bert", ["北京"])] {
                try await house.seller(name, of: tenant) { ($0.team, $0.regions) = ("north", cities) }
            }
            try await body(house, tenant)
        }
    }

    private func allow(_ names: [String], to actions: Set<RecordAction>, _ house: SalesHouse, _ tenant: TenantID) async throws {
        let cities = names.compactMap { City($0) }
        let book = PolicyBook(policies: [Policy("cities", .allow, actions, to: .init(role: "seller"), cities: cities)])
        // Whoever changes it has typed what it takes away.
        let words = try await house.records.preFlight(book, of: tenant).preFlight.confirmation
        _ = try await house.records.changeAccess(
            AccessChange(.book(book), confirmation: words, reason: "test"), of: tenant, by: "test", key: nil
        ) { _, _, _ in StoredAnswer(status: 200, body: []) }
    }

    private func probe(_ house: SalesHouse) async throws {
        let handler = AnyHandler(ProbeAccess(prober: AccessProber(house.records)))
        try await house.records.enqueueAccessProbes()
        try await house.working(more: [handler]) {
            try await soon { try await house.count("job_live WHERE kind = 'probe_access'") == 0 }
        }
    }

    private func alerts(_ house: SalesHouse, _ tenant: TenantID) async throws -> [String] {
        try await house.records.alerts(of: tenant, open: true).items.filter { $0.code == "access_probe_failed" }.map(\.subject).sorted()
    }

    @Test func `a city that the whitelist forgot is named with the role and the action, until it is put right`() async throws {
        try await house { house, tenant in
            let lead = NewLead(source: "web", externalID: "1", receivedAt: Date(), fields: Array(#"{"city":"成都市"}"#.utf8))
            try await house.leads([lead], of: tenant)
            try await allow(["北京"], to: [.createOpportunity], house, tenant)
            try await probe(house)

            #expect(try await alerts(house, tenant) == ["seller/成都/opportunity.create"])
            let detail = try #require(try await house.rows("SELECT detail FROM alert WHERE code = 'access_probe_failed'").first)
            let text = String(decoding: try detail.get("detail", as: JSONBytes.self).bytes, as: UTF8.self)
            #expect(text.contains(#""cause": "outside_every_domain""#) && text.contains(#""user": "anna""#), "\(text)")
            #expect(try await house.count("job_history WHERE kind = 'probe_access' AND outcome = 'failures_found'") == 1)

            try await allow(["北京", "成都"], to: [.createOpportunity], house, tenant)
            try await probe(house)
            #expect(try await alerts(house, tenant).isEmpty)
            #expect(try await house.count("job_history WHERE kind = 'probe_access' AND outcome = 'passed'") == 1)
        }
    }

    @Test func `what the probe tells of is never there, and goes to nobody`() async throws {
        try await house { house, tenant in
            try await allow(["北京", "成都"], to: Set(RecordAction.allCases), house, tenant)
            try await probe(house)

            let tried = try #require(try await house.rows("SELECT result FROM job_history WHERE kind = 'probe_access'").first)
            let text = String(decoding: try tried.get("result", as: JSONBytes.self).bytes, as: UTF8.self)
            // Sellers in two cities, and the manager; each tries everything.
            #expect(text.contains(#""tried": 21"#) && text.contains(#""failed": 0"#), "\(text)")
            for table in [
                "lead", "lead_past", "activity", "opportunity", "opportunity_fact", "stage_transition", "notification", "job_live",
            ] {
                #expect(try await house.count(table) == 0, "\(table)")
            }
            #expect(try await house.count("job_history WHERE kind <> 'probe_access'") == 0)
        }
    }

    @Test func `what breaks for those whose it is to do is told as broken`() async throws {
        try await house { house, tenant in
            try await allow(["北京", "成都", "上海", "杭州", "广州", "深圳"], to: [.createActivity], house, tenant)
            try await house.asOwner("ALTER TABLE activity ADD CONSTRAINT is_full CHECK (subject_type <> 'lead')")
            try await probe(house)

            let broken = ["manager/-/activity.create", "seller/*/activity.create"]
            let found = try await alerts(house, tenant)
            #expect(found == broken)
            let details = try await house.rows("SELECT string_agg(detail::text, ' ') AS told FROM alert WHERE detail->>'cause' = 'broken'")
            let told = try details.first?.get("told", as: String?.self) ?? ""
            #expect(told.contains("is_full") && told.contains(#""domains_failed": 6"#), "\(told)")

            try await house.asOwner("ALTER TABLE activity DROP CONSTRAINT is_full")
            try await probe(house)
            #expect(try await alerts(house, tenant).isEmpty)
        }
    }

    @Test func `once an hour it is asked of tenants that have said anything of permissions, and of no others`() async throws {
        try await house { house, tenant in
            _ = try await house.tenant("other")
            #expect(try await house.records.enqueueAccessProbes() == 0)
            try await allow(["北京"], to: [.queryLead], house, tenant)
            #expect(try await house.records.enqueueAccessProbes() == 1)
            #expect(try await house.records.enqueueAccessProbes() == 1)
            #expect(try await house.count("job_live WHERE kind = 'probe_access'") == 1, "one that waits is enough")
        }
    }

    @Test func `permissions that cannot be read are told as such, and probed until they can`() async throws {
        try await house { house, tenant in
            try await allow(["北京"], to: [.queryLead], house, tenant)
            try await house.asOwner(
                "INSERT INTO access_version (tenant_id, version, book, actor, reason) SELECT tenant_id, 2, '[]', 'x', 'x' FROM access_version"
            )
            try await probe(house)
            #expect(try await alerts(house, tenant) == ["policies"])

            try await house.asOwner(
                "INSERT INTO access_version (tenant_id, version, book, actor, reason) SELECT tenant_id, 3, book, 'x', 'x' FROM access_version WHERE version = 1"
            )
            try await probe(house)
            #expect(try await alerts(house, tenant).isEmpty)
        }
    }

    @Test func `a module that is off is not tried`() async throws {
        try await house { house, tenant in
            try await allow(["北京"], to: [.createOpportunity], house, tenant)
            try await house.asOwner("UPDATE tenant SET modules_off = '{opportunities}'")
            try await probe(house)
            let tried = try #require(try await house.rows("SELECT result::text AS text FROM job_history WHERE kind = 'probe_access'").first)
            let text: String = try tried.get("text")
            // Seller and manager, four actions each.
            #expect(text.contains(#""tried": 8"#), "\(text)")
        }
    }
}
