import Foundation
import Testing

@Suite struct RolloutRouteTests {
    private let route = "/v1/rulesets/route/main/versions"

    private func ready(_ api: TestAPI) async throws {
        #expect(try await api.send("POST", route, "rules: [{ id: all, to: everyone }]", type: "application/yaml").status == 201)
        #expect(
            try await api.send("POST", route, "rules: [{ id: all, to: everyone, by: round_robin }]", type: "application/yaml").status == 201
        )
    }

    private func start(_ api: TestAPI, _ body: String? = nil, headers: [String: String] = [:]) async throws -> Reply {
        try await api.send(
            "POST", "/v1/rollouts", body ?? #"{"kind":"route","name":"main","version":2,"percent":5}"#, as: api.acme.operatorKey,
            headers: headers)
    }

    @Test func `a version is rolled out, turned and promoted, and every step is in its history`() async throws {
        try await TestAPI.with { api in
            try await ready(api)

            let started = try await start(
                api,
                #"{"kind":"route","name":"main","version":2,"percent":12.5,"reason":"south","guards":{"least_leads":100,"first_touch_minutes":null}}"#
            )
            let id = try #require(try started.json["id"].string)
            let raised = try await api.send(
                "PATCH", "/v1/rollouts/\(id)", #"{"percent":50,"reason":"nothing bad yet"}"#, as: api.acme.operatorKey)
            let same = try await api.send(
                "PATCH", "/v1/rollouts/\(id)", #"{"percent":50,"reason":"for the record"}"#, as: api.acme.operatorKey)
            #expect(try await api.count("audit_log WHERE action = 'rollout.percent' AND reason = 'for the record'") == 1)
            #expect(same.status == 200)
            let promoted = try await api.send(
                "POST", "/v1/rollouts/\(id)/promote", #"{"reason":"it is small"}"#, as: api.acme.operatorKey)
            let again = try await api.send("POST", "/v1/rollouts/\(id)/abort", #"{"reason":"too late"}"#, as: api.acme.operatorKey)

            #expect([started, raised, promoted, again].map(\.status) == [201, 200, 200, 409])
            #expect(try started.json["percent"].double == 12.5)
            #expect(try started.json["arms"]["stable"]["version"].int == 1)
            #expect(try started.json["guards"].array?.map { $0["name"].string } == ["technical", "success", "sample_ratio"])
            #expect(again.code == "rollout_ended")
            let shown = try await api.send("GET", "/v1/rollouts/\(id)").json
            #expect(shown["state"].string == "live")
            #expect(shown["history"].array?.compactMap { $0["action"].string } == ["start", "percent", "promote"])
            #expect(shown["end_reason"].string?.hasPrefix("it is small (before the evidence:") == true)
            #expect(try await api.send("GET", "\(route)/2").json["state"].string == "live")
            #expect(
                try await api.count("audit_log WHERE action IN ('rollout.start', 'rollout.percent', 'rollout.promote') AND reason <> ''")
                    == 4)
            #expect(try await api.send("GET", "/v1/notifications?recipient=role:seller").json["items"].array?.count == 1)
        }
    }

    @Test func `0 % begins in the shadow, leaves it as it is, and takes a canary back`() async throws {
        try await TestAPI.with { api in
            try await ready(api)

            let shadow = try await start(api, #"{"kind":"route","name":"main","version":2,"percent":0}"#)
            let id = try #require(try shadow.json["id"].string)
            let still = try await api.send("PATCH", "/v1/rollouts/\(id)", #"{"percent":0,"reason":"nobody yet"}"#, as: api.acme.operatorKey)
            let canary = try await api.send("PATCH", "/v1/rollouts/\(id)", #"{"percent":0.01,"reason":"try"}"#, as: api.acme.operatorKey)
            let back = try await api.send("PATCH", "/v1/rollouts/\(id)", #"{"percent":0,"reason":"no"}"#, as: api.acme.operatorKey)

            #expect(try await api.count("job_live WHERE kind = 'make_whole'") == 1, "who was decided by it is decided again")
            #expect(try [shadow, still, canary, back].map { try $0.json["state"].string } == ["shadow", "shadow", "canary", "aborted"])
            #expect(try await api.send("GET", "\(route)/1").json["state"].string == "live")
            #expect(try await api.count("audit_log WHERE action = 'rollout.abort' AND reason = 'no'") == 1)
            #expect(
                try await api.count("audit_log WHERE action = 'rollout.start' AND reason IS NULL") == 1, "none was given, none is made up")
            let history = try await api.send("GET", "/v1/rollouts/\(id)").json["history"].array ?? []
            #expect(history.map { $0["reason"].string } == [nil, "try", "no"])
        }
    }

    @Test func `an open fuse names what is being tried, which may be why it opened`() async throws {
        try await TestAPI.with { api in
            try await ready(api)
            try #require(try await start(api).status == 201)
            let before = try await api.send("GET", "/v1/fuses/assignment").json
            let opened = try await api.send(
                "PUT", "/v1/fuses/assignment", #"{"state":"open","reason":"too many fail"}"#, as: api.acme.operatorKey)
            try #require(opened.status == 200)

            let after = try await api.send("GET", "/v1/fuses/assignment").json

            #expect(before["canaries"].array == nil)
            #expect(after["canaries"].array?.map { $0["rule_version"].string } == ["route/main@2"])
        }
    }

    @Test func `a rollout whose guard can notice nothing warns of it while it runs`() async throws {
        try await TestAPI.with { api in
            try await ready(api)
            let started = try await start(api)
            let id = try #require(try started.json["id"].string)
            #expect(try started.json["warnings"].array?.isEmpty == true)

            // As after a bad import.
            _ = try await api.owner.query("UPDATE rollout SET before_n = 1000, before_failures = 1000")

            let shown = try await api.send("GET", "/v1/rollouts/\(id)").json
            #expect(shown["warnings"].array?.count == 1)
            #expect(shown["warnings"][0].string?.hasPrefix("technical: it can notice no harm as long as 1000 of 1000 leads fail") == true)
            let ended = try await api.send("POST", "/v1/rollouts/\(id)/abort", #"{"reason":"later"}"#, as: api.acme.operatorKey).json
            #expect(ended["warnings"].array?.isEmpty == true)
        }
    }

    @Test func `rules that say who a lead is go the same way, with guards of their own`() async throws {
        try await TestAPI.with { api in
            let match = "/v1/rulesets/match/main/versions"
            for version in ["method: fellegi_sunter", "method: card"] {
                #expect(try await api.send("POST", match, version, type: "application/yaml").status == 201)
            }

            let wrong = try await start(
                api, #"{"kind":"match","name":"main","version":2,"percent":5,"guards":{"asked":0,"joined":100}}"#)
            let elsewhere = try await start(api, #"{"kind":"route","name":"main","version":2,"percent":5,"guards":{"asked":5}}"#)
            let started = try await start(
                api, #"{"kind":"match","name":"main","version":2,"percent":5,"guards":{"asked":2.5,"first_touch_minutes":null}}"#)

            #expect(wrong.status == 422)
            #expect(wrong.faults.sorted() == ["guards.asked out_of_range", "guards.joined out_of_range"])
            #expect(elsewhere.faults == ["guards.asked unknown_field"])
            #expect(started.status == 201)
            let guards = try started.json["guards"].array ?? []
            #expect(guards.map { $0["name"].string } == ["technical", "success", "asked", "joined", "sample_ratio"])
            #expect(guards.map { $0["words"].string ?? "" }[2].contains("at most 2.50 % may"))
            #expect(guards.map { $0["words"].string ?? "" }[3].contains("at most 20.00 % may"))
            // What the words say in numbers.
            #expect(guards.map { $0["rate_percent"].double } == [0.5, nil, 2.5, 20, nil])
            #expect(guards.map { $0["margin_points"].double.map { ($0 * 10).rounded() / 10 } } == [nil, 0.5, 5, 5, nil])
            #expect(guards.map { $0["failures"].int } == [0, 0, 0, 0, nil])
            #expect(guards.map { $0["stable_failures"].int } == [nil, 0, nil, nil, nil])
            #expect(guards.map { $0["expected"].double } == [nil, nil, nil, nil, 0])
            let sets = try await api.send("GET", "/v1/rulesets").json["items"].array ?? []
            #expect(sets.first { $0["kind"].string == "match" }?["can_be_rolled_out"].bool == true)
            #expect(sets.allSatisfy { $0["rounds_passed"].int == 0 && $0["rounds_required"].int == 0 })
        }
    }

    @Test func `what cannot be rolled out is refused with the reason`() async throws {
        try await TestAPI.with { api in
            try await ready(api)
            let operatorKey = api.acme.operatorKey

            #expect(try await start(api, #"{"kind":"route","name":"main","version":9,"percent":5}"#).status == 404)
            #expect(try await start(api, #"{"kind":"route","name":"main","version":1,"percent":5}"#).code == "already_live")
            #expect(try await start(api, #"{"kind":"route","name":"none","version":1,"percent":5}"#).status == 404)
            let started = try await start(api)
            let id = try #require(try started.json["id"].string)
            #expect(try await start(api).code == "rollout_running")
            let published = try await api.send("POST", "\(route)/2/publish", #"{"reason":"now"}"#, as: operatorKey)
            #expect(published.code == "rollout_running")
            #expect(try await api.send("PATCH", "/v1/rollouts/\(id)", #"{"percent":10,"reason":"x"}"#).code == "forbidden")
            #expect(try await api.send("GET", "/v1/rollouts/999999", as: operatorKey).status == 404)
            #expect(try await api.send("GET", "/v1/rollouts/\(id)", as: api.globex.tenantKey).status == 404)
            #expect(
                try await api.send("POST", "/v1/rollouts/\(id)/abort", #"{"reason":"theirs"}"#, as: api.globex.operatorKey).status == 404)
            #expect(try await api.count("rollout WHERE state = 'canary'") == 1)
        }
    }

    @Test(arguments: [
        (#"{"kind":"route","name":"main","version":2,"percent":101}"#, ["percent out_of_range"]),
        (#"{"kind":"route","name":"main","version":2,"percent":-1}"#, ["percent out_of_range"]),
        (#"{"kind":"route","name":"main","version":2,"percent":5.001}"#, ["percent out_of_range"]),
        (#"{"kind":"route","name":"main","version":2,"percent":"5"}"#, ["percent wrong_type"]),
        (#"{"kind":"blend","version":0}"#, ["kind not_allowed", "name missing", "percent missing", "version out_of_range"]),
        (
            #"{"kind":"route","name":"main","version":2,"percent":5,"guards":{"least_leads":0,"promotion":"maybe","x":1}}"#,
            ["guards.least_leads out_of_range", "guards.promotion not_allowed", "guards.x unknown_field"]
        ),
    ]) func `every wrong field of a rollout is named`(body: String, faults: [String]) async throws {
        try await TestAPI.with { api in
            try await ready(api)

            let answer = try await start(api, body)

            #expect(answer.status == 422)
            #expect(answer.faults.sorted() == faults)
            #expect(try await api.count("rollout") == 0)
        }
    }

    @Test func `a start that is repeated with its key is one rollout`() async throws {
        try await TestAPI.with { api in
            try await ready(api)

            let first = try await start(api, headers: ["Idempotency-Key": "one"])
            let second = try await start(api, headers: ["Idempotency-Key": "one"])

            #expect(second.status == 201)
            #expect(second.headers["idempotency-replayed"] == "true")
            #expect(second.bytes == first.bytes)
            #expect(try await api.count("rollout") == 1)
        }
    }
}
