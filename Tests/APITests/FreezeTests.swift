import Foundation
import Ledger
import PostgresClient
import Records
import SalesModel
import Tenancy
import Testing

/// A seller's freeze and shift from end to end: told over HTTP, obeyed by assignment, read in receipts, made again by a replay.
@Suite struct FreezeTests {
    private func team(_ api: TestAPI) async throws {
        for (team, body) in [
            ("north", #"{"name":"North","manager":"mia","superior":"east"}"#), ("east", #"{"name":"East","manager":"otto"}"#),
            ("south", #"{"name":"South","manager":"sven"}"#),
        ] { #expect(try await api.send("PUT", "/v1/teams/\(team)", body).status == 201) }
        #expect(try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","team":"north"}"#).status == 201)
    }

    private func freeze(_ api: TestAPI, _ body: String, as key: String? = "acme", of seller: String = "anna") async throws -> Reply {
        try await api.send("PUT", "/v1/sellers/\(seller)/freeze", body, as: key)
    }

    @Test func `a manager above the seller freezes and thaws, anybody else is refused, all of it written down`() async throws {
        try await TestAPI.with { api in
            try await team(api)
            let stranger = try await freeze(api, #"{"frozen":true,"by":"sven","reason":"envy"}"#)
            let herself = try await freeze(api, #"{"frozen":true,"by":"anna","reason":"tired"}"#)
            let manager = try await freeze(api, #"{"frozen":true,"by":"mia","reason":"late proposals"}"#)
            let superior = try await freeze(
                api, #"{"frozen":true,"by":"otto","until":"2099-01-01T00:00:00Z","reason":"till the training"}"#)
            let read = try await api.send("GET", "/v1/sellers/anna").json
            let thawed = try await freeze(api, #"{"frozen":false,"reason":"passed"}"#, as: api.acme.operatorKey)
            let again = try await freeze(api, #"{"frozen":false,"by":"mia","reason":"passed"}"#)

            #expect([stranger, herself, manager, superior, thawed, again].map(\.status) == [403, 403, 200, 200, 200, 409])
            #expect(stranger.code == "not_the_manager" && again.code == "seller_not_frozen")
            #expect(read["freeze"]["by"].string == "otto" && read["freeze"]["until"].string == "2099-01-01T00:00:00Z")
            #expect(try thawed.json["freeze"].isNull)
            #expect(try await api.count("audit_log WHERE action = 'refused' AND subject LIKE '%sellers/anna/freeze by %'") == 2)
            let changes = try await api.owner.query(
                "SELECT actor, before->>'reason' AS old, after->>'reason' AS new, reason FROM audit_log WHERE subject = 'anna' AND action LIKE 'seller.%' AND action <> 'seller.put' ORDER BY id"
            )
            let old = try changes.map { try $0.get("old", as: String?.self) ?? "" }
            let new = try changes.map { try $0.get("new", as: String?.self) ?? "" }
            #expect(old == ["", "late proposals", "till the training"])
            #expect(new == ["late proposals", "till the training", ""])
            #expect(try changes.map { try $0.get("reason", as: String.self) } == ["late proposals", "till the training", "passed"])
            #expect(try changes[0].get("actor", as: String.self).hasSuffix(" for mia"))
            #expect(try await api.count("notification WHERE recipient = 'anna' AND code IN ('seller_frozen', 'seller_thawed')") == 3)
        }
    }

    /// LOAD-02.
    @Test func `a seller's load is told as of one moment: what waits, what is overdue, what was closed this week, and why nothing comes`()
        async throws
    {
        try await TestAPI.with { api in
            try await team(api)
            for number in 0..<3 { try await api.give("l\(number)", to: "anna") }
            _ = try await api.owner.query(
                """
                INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action,
                    acted, told, urgency, job_id)
                SELECT tenant_id, 'lead', id, 'first', level, '-infinity', now(), now(), now(), 0, 'notify', true, 'told', 'normal', 0
                FROM lead, unnest(ARRAY['a', 'b']) AS level WHERE external_id = 'l0'
                """)
            for (name, won, days) in [("d1", true, 0), ("d2", false, 0), ("d3", true, 9)] {
                let closed = Date(timeIntervalSinceNow: -86_400 * Double(days) - 1).ISO8601Format()
                let reply = try await api.send(
                    "PUT", "/v1/opportunities/\(name)", #"{"owner":"anna","stage":"end","won":\#(won),"closed_at":"\#(closed)"}"#)
                #expect(reply.status == 201)
            }

            let load = try await api.send("GET", "/v1/sellers/anna/load").json
            _ = try await freeze(api, #"{"frozen":true,"by":"mia","reason":"late"}"#)
            let frozen = try await api.send("GET", "/v1/sellers/anna/load").json

            #expect(load["pending"].int == 3 && load["overdue"].int == 1 && load["capacity"].int == 8)
            #expect(load["paused"].isNull && frozen["paused"].string == "frozen")
            #expect(load["as_of"].string != nil)
            // A second before the week began, on a Monday at midnight, nothing would have been closed in it.
            let monday = try Date(#require(load["week_since"].string), strategy: .iso8601)
            let isOfThisWeek = Date().timeIntervalSince(monday) > 60
            #expect(load["won_this_week"].int == (isOfThisWeek ? 1 : load["won_this_week"].int) && (load["won_this_week"].int ?? 9) <= 1)
            #expect((load["lost_this_week"].int ?? 9) <= 1)
            #expect(try await api.send("GET", "/v1/sellers/nobody/load").status == 404)
            #expect(try await api.send("GET", "/v1/sellers/anna/load", as: api.globex.tenantKey).status == 404)
        }
    }

    @Test func `what is missing or wrong is named, and nothing is changed`() async throws {
        try await TestAPI.with { api in
            try await team(api)
            let cases = [
                (#"{"frozen":true,"by":"mia"}"#, ["reason missing"]), (#"{"frozen":true,"reason":"x"}"#, ["by missing"]),
                (#"{"by":"mia","reason":"x"}"#, ["frozen missing"]),
                (#"{"frozen":true,"by":"mia","reason":"x","until":"2020-01-01T00:00:00Z"}"#, ["until out_of_range"]),
                (#"{"frozen":false,"by":"mia","reason":"x","until":"2099-01-01T00:00:00Z"}"#, ["until not_allowed"]),
            ]
            for (body, faults) in cases {
                let reply = try await freeze(api, body)
                #expect(reply.status == 422 && reply.faults == faults, "\(body)")
            }
            #expect(try await freeze(api, #"{"frozen":true,"by":"mia","reason":"x"}"#, of: "nobody").status == 404)
            #expect(try await freeze(api, #"{"frozen":true,"reason":"x"}"#, as: api.globex.operatorKey).status == 404)
            #expect(try await api.count("seller WHERE frozen_at IS NOT NULL") == 0)
            #expect(try await api.count("seller_change WHERE frozen_at IS NOT NULL") == 0)
        }
    }

    private func freeze(_ house: SalesHouse, _ seller: String, _ isFrozen: Bool, until: Date? = nil, of tenant: TenantID) async throws {
        let wish = FreezeWish(seller: seller, isFrozen: isFrozen, until: until, by: "mia", reason: "test", needsManager: false)
        _ = try await house.records.setFreeze(wish, of: tenant, by: "key:1", key: nil) { _ in StoredAnswer(status: 200, body: []) }
    }

    @Test func `a frozen seller keeps what there is, gets nothing new, not by hand either, and what is being decided is decided again`()
        async throws
    {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert"] { try await house.seller(name, of: tenant) }
            try await house.rule(.route, "rules: [{ id: one, to: { sellers: [anna] }, alternates: [{ sellers: [bert] }] }]", of: tenant)
            try await house.assign("1", of: tenant)
            let second = try await house.leads([house.lead("2")], of: tenant)[0]
            let attempts = try await house.begin()
            let decided = try await house.decide(attempts)

            try await freeze(house, "anna", true, of: tenant)
            let stale = try await house.ledger.settle(decided)
            let again = try await house.ledger.settle(try await house.decide(attempts))

            #expect(stale.done.isEmpty && again.done == attempts.map(\.id))
            let lead = try #require(try await house.records.lead(second, of: tenant))
            #expect(lead.owner == "bert")
            #expect(lead.exclusions(in: .english) == ["Left out, frozen by a manager: anna."])
            #expect(lead.exclusions(in: .chinese) == ["未参与分配（已被主管冻结）：anna。"])
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 1)
            await #expect(throws: ManualRefusal.sellerFrozen) {
                try await house.give(second, to: "anna", of: tenant, isOverride: true)
            }
            // Told again as a seller, she is as frozen as before.
            try await house.seller("anna", of: tenant) { $0.capacity = 20 }
            #expect(try await house.records.seller("anna", of: tenant)?.freeze?.reason == "test")
        }
    }

    @Test func `a replay decides by the freezes and shifts of the time, from the first day and from a snapshot`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert", "carl"] { try await house.seller(name, of: tenant) { ($0.capacity, $0.team) = (90, "t1") } }
            try await house.rule(.route, "rules: [{ id: turn, to: everyone, by: round_robin }]\nfallback: { pool: rest }", of: tenant)
            func put(_ scope: CalendarScope, _ body: String) async throws {
                _ = try await house.records.putCalendar(scope, body: Array(body.utf8), of: tenant, by: "test")
            }
            func some(_ round: Int) async throws {
                for part in 0..<3 { try await house.assign("\(round)-\(part)", of: tenant) }
            }
            try await some(0)
            try await freeze(house, "anna", true, until: Date().addingTimeInterval(3_600), of: tenant)
            try await some(1)
            try await put(.seller("bert"), Self.never)
            try await some(2)
            try await freeze(house, "anna", false, of: tenant)
            try await put(.seller("bert"), #"{"shift":false}"#)
            try await put(.team("t1"), Self.never)  // bert alone says he has none
            try await some(3)
            _ = try await house.records.keepRoutingSnapshots()
            let middle = Date()
            try await put(.seller("bert"), #"{"shift":true}"#)
            try await some(4)

            let whole = try await house.replay(tenant)
            try await house.asOwner("UPDATE routing_snapshot SET at = at - interval '1 hour'")
            try await house.asOwner("DELETE FROM seller_change WHERE version <= (SELECT max(version) FROM routing_snapshot)")
            let rest = try await house.replay(tenant, from: middle)

            func owners(_ round: Int) async throws -> Set<String> {
                Set(
                    try await house.rows(
                        "SELECT COALESCE(d.body->>'seller_id', d.outcome) AS who FROM decision_log d JOIN lead l ON l.id = d.lead_id WHERE l.external_id LIKE '\(round)-%'"
                    ).map { try $0.get("who") })
            }
            #expect(try await owners(0) == ["anna", "bert", "carl"])
            #expect(try await owners(1) == ["bert", "carl"])
            #expect(try await owners(2) == ["carl"])
            #expect(try await owners(3) == ["bert"])
            #expect(try await owners(4) == ["pooled"])
            #expect(whole.summary.reproduced == 15 && whole.summary.notReproduced == 0)
            #expect(rest.summary.reproduced == 3 && rest.summary.notReproduced == 0)

            // Without the history of shifts it would not come out the same.
            try await house.asOwner("UPDATE seller_change SET shift = NULL")
            let missed = try await house.replay(tenant, from: middle)
            #expect(missed.summary.notReproduced > 0)
        }
    }

    @Test func `a shift without a zone of its own follows the tenant's when that is changed`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send(
                "PUT", "/v1/calendar/teams/day", #"{"week":{"mon":["09:00-18:00"]},"shift":true}"#, as: api.acme.operatorKey)
            _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","team":"day"}"#)
            let before = try await api.count("shift_plan p JOIN seller s ON s.shift = p.hash WHERE p.body LIKE '%Berlin%'")

            let changed = try await api.send("PUT", "/v1/tenants/acme", #"{"time_zone":"Europe/Berlin"}"#, as: api.platformKey)

            #expect(before == 0 && changed.status == 200)
            #expect(try await api.count("shift_plan p JOIN seller s ON s.shift = p.hash WHERE p.body LIKE '%Berlin%'") == 1)
            #expect(try await api.count("seller_change WHERE shift IS NOT NULL") == 2)
        }
    }

    /// Hours that no test runs in: a minute, long ago.
    private static let never = #"{"shift":true,"observe":"none","week":{},"days":[{"from":"2026-01-01","hours":["00:00-00:01"]}]}"#

    @Test func `whoever changes teams has the new team's shift, and a notice of the state moves it`() async throws {
        try await TestAPI.with { api in
            let office = #"{"time_zone":"Asia/Shanghai","national":"CN","week":{"mon":["09:00-18:00"]}}"#
            #expect(try await api.send("PUT", "/v1/calendar", office, as: api.acme.operatorKey).status == 201)
            #expect(
                try await api.send("PUT", "/v1/calendar", #"{"week":{"mon":["09:00-18:00"]},"shift":true}"#, as: api.acme.operatorKey)
                    .faults == ["shift unknown_field"])
            let shift = try await api.send(
                "PUT", "/v1/calendar/teams/night", #"{"week":{"mon":["22:00-06:00"]},"shift":true}"#, as: api.acme.operatorKey)
            func tell(_ team: String) async throws -> Bool? {
                _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","team":"\#(team)"}"#)
                return try await api.send("GET", "/v1/sellers/anna").json["has_shift"].bool
            }
            let flags = [try await tell("day"), try await tell("night"), try await tell("day"), try await tell("night")]
            let before = try await api.count("shift_plan")
            let notice = try await api.send(
                "PUT", "/v1/national-calendars/CN/2027", #"{"papers":["https://www.gov.cn/x"],"off":["2027-01-01"],"work":["2027-01-03"]}"#,
                as: api.platformKey)

            #expect(shift.status == 201 && notice.status == 200)
            #expect(flags == [false, true, false, true])
            #expect(before == 1, "plans that say the same are one")
            #expect(try await api.count("shift_plan") == 2)
            #expect(try await api.count("seller_change WHERE shift IS NOT NULL") == 3)
        }
    }
}

extension TestAPI {
    /// Gives a seller a lead that waits for a first touch.
    fileprivate func give(_ lead: String, to seller: String) async throws {
        _ = try await engine.pipeline([
            .tenants([acme.id]),
            """
            WITH l AS (
                INSERT INTO lead (tenant_id, external_id, source, received_at, fields, state, owner_id)
                SELECT \(acme.id.rawValue), \(lead), 'website', now(), '{}', 'assigned', s.id
                FROM seller s WHERE s.tenant_id = \(acme.id.rawValue) AND s.external_id = \(seller) RETURNING owner_id)
            UPDATE seller_load x SET pending = pending + 1 FROM l WHERE x.tenant_id = \(acme.id.rawValue) AND x.seller_id = l.owner_id
            """,
        ])
    }
}
