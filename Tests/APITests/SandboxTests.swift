import Foundation
import Jobs
import Ledger
import PostgresClient
import Records
import Rules
import SalesModel
import Tenancy
import Testing

@Suite struct SandboxTests {
    private let everyone = "rules: [{ id: all, to: everyone }]"
    private let annaOnly = "rules: [{ id: all, to: { seller: anna } }]"

    @Test func `a round tells who would get leads instead, and counts for this content and no other`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenantWithLeads(6, everyone)
            try await house.draft(annaOnly, of: tenant)
            let round = try await house.round(2, of: tenant)
            // As an interrupted run would have left it.
            try await house.asOwner(
                "INSERT INTO replay_difference SELECT tenant_id, id, 0, 1, 1, now(), 'assigned', 'x', 'x', 'assigned', 'y', 'y' FROM sandbox_round"
            )

            try await house.workThrough()

            let ended = try #require(try await house.records.round(round, of: tenant))
            #expect(ended.state == .passed)
            #expect(ended.replayed == 6)
            #expect(ended.differing == 3)
            let result = String(decoding: try #require(ended.result).bytes, as: UTF8.self)
            #expect(result.contains(#""findings": []"#))
            #expect(result.contains(#"{"live": 3, "name": "anna", "candidate": 6}"#))
            #expect(try await house.count("job_history WHERE kind = 'replay_rules' AND outcome = 'passed'") == 1)
            let first = try await house.records.differences(of: ended, of: tenant, limit: 2)
            let rest = try await house.records.differences(of: ended, of: tenant, after: try #require(first.next), limit: 2)
            #expect(first.items.map(\.place) == [1, 2])
            #expect(rest.items.map(\.place) == [3])
            #expect(rest.next == nil)
            #expect((first.items + rest.items).allSatisfy { $0.live.seller == "bert" && $0.candidate.seller == "anna" })
            #expect(try await house.count("replay_difference") == 3)
            #expect(try await house.passedRounds(2, of: tenant) == 1)

            try await house.draft("rules: [{ id: all, to: { seller: bert } }]", of: tenant)
            try await house.draft("# the same again\n" + annaOnly, of: tenant)
            #expect(try await house.passedRounds(3, of: tenant) == 0)
            #expect(try await house.passedRounds(4, of: tenant) == 1)
            // Nothing of it was real.
            #expect(try await house.count("assignment") == 6)
            #expect(try await house.count("decision_log") == 6)
        }
    }

    @Test func `a round that leaves more leads without an owner is not passed`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenantWithLeads(12, everyone)
            try await house.draft(annaOnly, of: tenant)
            let round = try await house.round(2, of: tenant)

            try await house.workThrough()

            let ended = try #require(try await house.records.round(round, of: tenant))
            #expect(ended.state == .failed)
            let result = String(decoding: try #require(ended.result).bytes, as: UTF8.self)
            #expect(result.contains("3 of 12 decisions would have left a lead without an owner, against 0 of 12."))
            #expect(try await house.passedRounds(2, of: tenant) == 0)
            #expect(try await house.count("job_history WHERE kind = 'replay_rules' AND outcome = 'failed' AND state = 'completed'") == 1)
        }
    }

    @Test func `a candidate that reads a field nobody maps is not passed`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenantWithLeads(2, everyone)
            try await house.draft(
                "rules: [{ id: north, when: { field: region, contains: north }, to: everyone }, { id: rest, to: everyone }]", of: tenant)
            let round = try await house.round(2, of: tenant)

            try await house.workThrough()

            let result = String(decoding: try #require(try await house.records.round(round, of: tenant)?.result).bytes, as: UTF8.self)
            #expect(result.contains(#""code": "more_unknown""#))
            #expect(result.contains(#""assigned → held_mapping_error": 2"#))
        }
    }

    @Test func `a round whose job is set aside has failed, and says why`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenantWithLeads(1, everyone)
            try await house.draft(annaOnly, of: tenant)
            try await house.asOwner("UPDATE ruleset_version SET source = 'rules: 5' WHERE version = 2")
            let round = try await house.round(2, of: tenant)

            try await house.workThrough()

            let ended = try #require(try await house.records.round(round, of: tenant))
            #expect(ended.state == .failed)
            #expect(ended.finishedAt != nil)
            #expect(String(decoding: try #require(ended.result).bytes, as: UTF8.self).contains("route/main@2"))
        }
    }

    @Test func `a replay is asked for, looked at and repeated over HTTP`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("POST", "/v1/rulesets/route/main/versions", everyone, type: "application/yaml")
            let body = #"{"from":"2026-01-01T00:00:00Z","to":"2026-03-01T00:00:00Z"}"#
            let path = "/v1/rulesets/route/main/versions/1"

            let begun = try await api.send("POST", path + "/replay", body, headers: ["Idempotency-Key": "r1"])
            let again = try await api.send("POST", path + "/replay", body, headers: ["Idempotency-Key": "r1"])
            let id = try #require(try begun.json["round_id"].string)
            let job = try #require(try begun.json["job_id"].string)
            let rounds = try await api.send("GET", path + "/rounds").json
            let round = try await api.send("GET", "/v1/rounds/\(id)").json
            let differences = try await api.send("GET", "/v1/rounds/\(id)/differences").json

            #expect(begun.status == 202)
            #expect(again.status == 202)
            #expect(again.bytes == begun.bytes)
            #expect(try await api.count("job WHERE kind = 'replay_rules'") == 1)
            #expect(rounds["passed"].int == 0)
            #expect(rounds["required"].int == 0)
            #expect(rounds["items"][0]["round_id"].string == id)
            #expect(round["state"].string == "running")
            #expect(round["job_id"].string == job)
            #expect(round["rule_version"].string == "route/main@1")
            #expect(differences["items"].array?.isEmpty == true)
            for path in ["/v1/rounds/\(id)", "/v1/rounds/\(id)/differences", path + "/rounds"] {
                #expect(try await api.send("GET", path, as: api.globex.operatorKey).status == 404)
            }
            #expect(try await api.send("POST", "/v1/rulesets/route/main/versions/9/replay", body).status == 404)
        }
    }

    @Test(arguments: [
        (
            #"{"passed":false,"findings":[{"code":"more_unmatched","message":"3 of 12"},{"code":"over_capacity","message":"2 over"}]}"#,
            ["3 of 12", "2 over"]
        ),
        (#"{"error":"route/main@2 cannot be read","error_class":"permanent"}"#, ["route/main@2 cannot be read"]),
    ])
    func `the list of rounds says why one failed`(result: String, reasons: [String]) async throws {
        try await TestAPI.with { api in
            _ = try await api.send("POST", "/v1/rulesets/route/main/versions", everyone, type: "application/yaml")
            let path = "/v1/rulesets/route/main/versions/1"
            _ = try await api.send("POST", path + "/replay", #"{"from":"2026-01-01T00:00:00Z","to":"2026-03-01T00:00:00Z"}"#)
            let running = try await api.send("GET", path + "/rounds").json

            _ = try await api.owner.query("UPDATE sandbox_round SET state = 'failed', result = \(JSONBytes(result))")

            let failed = try await api.send("GET", path + "/rounds").json
            #expect(running["items"][0]["reasons"].array?.isEmpty == true)
            #expect(failed["items"][0]["reasons"].array?.compactMap { $0.string } == reasons)
        }
    }

    @Test func `every wrong field of a replay is named`() async throws {
        let cases: [(body: String, faults: [String])] = [
            ("{}", ["from missing", "to missing"]),
            (
                #"{"from":"yesterday","to":5,"touch_within_s":0,"x":1}"#,
                ["from bad_format", "to wrong_type", "touch_within_s out_of_range", "x unknown_field"]
            ),
            (#"{"from":"2026-03-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}"#, ["to out_of_range"]),
            (#"{"from":"2999-01-01T00:00:00Z","to":"2999-02-01T00:00:00Z"}"#, ["from out_of_range"]),
            (#"{"from":"2020-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}"#, ["from out_of_range"]),
        ]
        try await TestAPI.with { api in
            _ = try await api.send("POST", "/v1/rulesets/route/main/versions", everyone, type: "application/yaml")
            for (body, faults) in cases {
                let reply = try await api.send("POST", "/v1/rulesets/route/main/versions/1/replay", body)
                #expect(reply.status == 422, "\(body)")
                #expect(Set(reply.faults) == Set(faults), "\(body)")
            }
            #expect(try await api.count("sandbox_round") == 0)
        }
    }

    @Test func `a version without its rounds is not published where the tenant asks for them`() async throws {
        try await TestAPI.with { api in
            let tenant = try await api.send("PUT", "/v1/tenants/acme", #"{"sandbox_rounds":1}"#, as: api.platformKey)
            for source in [everyone, annaOnly] {
                _ = try await api.send("POST", "/v1/rulesets/route/main/versions", source, type: "application/yaml")
            }
            let publish = "/v1/rulesets/route/main/versions/2/publish"

            let refused = try await api.send("POST", publish, #"{"reason":"better"}"#, as: api.acme.operatorKey)
            let rollout = try await api.send(
                "POST", "/v1/rollouts", #"{"kind":"route","name":"main","version":2,"percent":5}"#, as: api.acme.operatorKey)
            _ = try await api.send(
                "POST", "/v1/rulesets/route/main/versions/2/replay", #"{"from":"2026-01-01T00:00:00Z","to":"2026-03-01T00:00:00Z"}"#)
            _ = try await api.engine.pipeline([
                "SELECT set_config('kiteline.tenants', '{\(unescaped: api.acme.id.description)}', true)",
                "UPDATE sandbox_round SET state = 'passed'",
            ])
            let listed = try await api.send("GET", "/v1/rulesets").json["items"].array?.first { $0["name"].string == "main" }
            let published = try await api.send("POST", publish, #"{"reason":"better"}"#, as: api.acme.operatorKey)
            let back = try await api.send(
                "POST", "/v1/rulesets/route/main/versions/1/publish", #"{"reason":"worse"}"#, as: api.acme.operatorKey)

            #expect(try tenant.json["sandbox_rounds"].int == 1)
            #expect(refused.status == 409)
            #expect(try refused.json["code"].string == "sandbox_rounds_missing")
            #expect(rollout.status == 409)
            #expect(rollout.code == "sandbox_rounds_missing")
            #expect([listed?["rounds_passed"].int, listed?["rounds_required"].int] == [1, 1])
            #expect(published.status == 200)
            // A version that was live before needs none to be live again.
            #expect(back.status == 200)
        }
    }
}

extension SalesHouse {
    /// A tenant with two sellers, a route set and so many leads assigned by it.
    fileprivate func tenantWithLeads(_ count: Int, _ route: String) async throws -> TenantID {
        let tenant = try await tenant()
        for name in ["anna", "bert"] { try await seller(name, of: tenant) }
        try await rule(.route, route, of: tenant)
        try await leads((0..<count).map { lead("\($0)") }, of: tenant)
        try await workThrough()
        return tenant
    }

    fileprivate func draft(_ source: String, of tenant: TenantID) async throws {
        let checked = try await records.check(.route, "main", source, of: tenant).get()
        _ = try await records.save(checked, of: tenant, by: "test", key: nil) { _, _ in StoredAnswer(status: 201, body: []) }
    }

    fileprivate func passedRounds(_ version: Int, of tenant: TenantID) async throws -> Int? {
        try await records.sandboxRounds(of: .route, "main", version: version, of: tenant)?.passed
    }
}
