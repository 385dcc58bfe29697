import API
import Jobs
import Records
import Tenancy
import Testing

@Suite struct AccessTests {
    @Test func `without a valid key nothing is answered but what is open`() async throws {
        try await TestAPI.with { api in
            let wrong = [
                nil, "", "kl_t_short", "kl_t_" + String(repeating: "A", count: 43), api.acme.tenantKey + "x",
                api.acme.tenantKey.uppercased(),
            ]
            for key in wrong {
                let reply = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: key)
                #expect(reply.status == 401, "\(key ?? "no key")")
                #expect(reply.code == "unauthorized")
                #expect(reply.headers["www-authenticate"] == "Bearer")
            }
            for path in ["/healthz", "/readyz", "/metrics", "/openapi.yaml"] {
                #expect(try await api.send("GET", path, as: nil).status == 200, "\(path)")
            }
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `a revoked key stops working within the ring's lifetime`() async throws {
        try await TestAPI.with { api in
            #expect(try await api.send("GET", "/v1/jobs", as: api.acme.operatorKey).status == 200)

            let revoked = try await api.records.revokeKey(api.acme.operatorKeyID, by: "test")
            api.clock.advance(KeyRing.lifetime)

            #expect(revoked)
            #expect(KeyRing.lifetime <= .seconds(5))
            #expect(try await api.send("GET", "/v1/jobs", as: api.acme.operatorKey).status == 401)
            #expect(try await api.records.revokeKey(api.acme.operatorKeyID, by: "test") == false)
        }
    }

    @Test func `keys are stored as hashes only`() async throws {
        try await TestAPI.with { api in
            let stored = try await api.owner.query("SELECT row_to_json(k)::text AS row FROM api_key k").map {
                try $0.get("row", as: String.self)
            }

            #expect(stored.count == 5)
            for key in [api.acme.tenantKey, api.acme.operatorKey, api.platformKey] {
                #expect(!stored.contains { $0.contains(key) || $0.contains(key.dropFirst(12)) })
            }
        }
    }

    @Test func `another tenant's things do not exist`() async throws {
        try await TestAPI.with { api in
            let job = try #require(await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"].string)
            let lead = try #require(await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#).json["lead_id"].string)
            _ = try await api.send("PUT", "/v1/sellers/s1", #"{"name":"One"}"#)

            for path in ["/v1/jobs/\(job)", "/v1/leads/\(lead)", "/v1/sellers/s1"] {
                #expect(try await api.send("GET", path).status == 200)
                let foreign = try await api.send("GET", path, as: api.globex.operatorKey)
                #expect(foreign.status == 404, "\(path)")
                #expect(foreign.code == "not_found")
                #expect(try await api.send("GET", path, as: api.platformKey, headers: ["Kiteline-Tenant": "globex"]).status == 404)
                #expect(try await api.send("GET", path, as: api.platformKey, headers: ["Kiteline-Tenant": "acme"]).status == 200)
            }
            for list in ["/v1/jobs", "/v1/leads", "/v1/sellers", "/v1/alerts"] {
                #expect(try await api.send("GET", list, as: api.globex.tenantKey).json["items"].array?.isEmpty == true)
            }
            let touch = try await api.send(
                "POST", "/v1/activities", #"{"subject":{"type":"lead","external_id":"L1"},"type":"touch"}"#, as: api.globex.tenantKey)
            #expect(touch.status == 404)
            #expect(try await api.count("activity") == 0)
        }
    }

    @Test func `an id that is no id is unknown`() async throws {
        try await TestAPI.with { api in
            for id in ["0", "-1", "01", "+1", "1.0", "x", "99999999999999999999", "9223372036854775807", "%00", "1%2F2", "%FF"] {
                for list in ["jobs", "leads", "imports"] {
                    let reply = try await api.send("GET", "/v1/\(list)/\(id)")
                    #expect(reply.status == 404, "\(list) \(id)")
                }
            }
        }
    }

    @Test func `a key acts for its own tenant only, a platform key for the one it names`() async throws {
        try await TestAPI.with { api in
            let own = try await api.send("GET", "/v1/jobs", headers: ["Kiteline-Tenant": "acme"])
            let other = try await api.send("GET", "/v1/jobs", headers: ["Kiteline-Tenant": "globex"])
            let nobody = try await api.send("GET", "/v1/jobs", as: api.platformKey)
            let unknown = try await api.send("GET", "/v1/jobs", as: api.platformKey, headers: ["Kiteline-Tenant": "nobody"])
            let bad = try await api.send("GET", "/v1/jobs", as: api.platformKey, headers: ["Kiteline-Tenant": "No Slug"])

            #expect([own, other, nobody, unknown, bad].map(\.status) == [200, 404, 400, 404, 404])
            #expect(nobody.code == "tenant_required")
        }
    }

    @Test func `a role too low is refused and written down`() async throws {
        try await TestAPI.with { api in
            let tenant = try await api.send("GET", "/v1/tenants")
            let `operator` = try await api.send("PUT", "/v1/tenants/acme", #"{"weight":100}"#, as: api.acme.operatorKey)
            let publish = try await api.send("POST", "/v1/rulesets/route/default/versions/1/publish", #"{"reason":"x"}"#)

            let replies = [tenant, `operator`, publish]
            #expect(replies.map(\.status) == [403, 403, 403])
            #expect(replies.allSatisfy { $0.code == "forbidden" })
            #expect(try await api.count("audit_log WHERE action = 'refused'") == 3)
            #expect(try await api.count("tenant WHERE weight = 100") == 0)
        }
    }

    @Test func `a wrong method is told the right ones, an unknown address that it is unknown`() async throws {
        try await TestAPI.with { api in
            let wrong = try await api.send("DELETE", "/v1/jobs")
            let put = try await api.send("PUT", "/v1/jobs:batch", "{}")
            let unknown = try await api.send("GET", "/v1/nothing")
            let later = try await api.send("GET", "/v1/forecasts/latest")
            let head = try await api.send("HEAD", "/healthz", as: nil)

            let replies = [wrong, put, unknown, later, head]
            #expect(replies.map(\.status) == [405, 405, 404, 404, 200])
            #expect(wrong.headers["allow"] == "GET, HEAD, POST")
            #expect(put.headers["allow"] == "POST")
            #expect(wrong.text.contains("It takes GET, HEAD, POST."))
            #expect(unknown.code == "unknown_route")
            #expect(head.bytes.isEmpty)
        }
    }

    @Test func `a module that is switched off is not there, and its jobs are refused`() async throws {
        let kind = JobKind("count_things", arguments: ArgumentSchema([]), module: Module.imports.rawValue)
        try await TestAPI.with(.init(kinds: [kind])) { api in
            #expect(try await api.send("POST", "/v1/jobs", #"{"kind":"count_things"}"#).status == 202)

            let off = try await api.send("PUT", "/v1/tenants/acme", #"{"modules_off":["imports","opportunities"]}"#, as: api.platformKey)

            #expect(off.status == 200)
            let file = try await api.send("POST", "/v1/leads:import?source=s&external_id=id", "id\n1\n", type: "text/csv")
            let opportunity = try await api.send("PUT", "/v1/opportunities/o1", #"{"stage":"new"}"#)
            let job = try await api.send("POST", "/v1/jobs", #"{"kind":"count_things"}"#)
            let batch = try await api.send("POST", "/v1/jobs:batch", #"{"jobs":[{"kind":"probe"},{"kind":"count_things"}]}"#)
            let replies = [file, opportunity, job]
            #expect(replies.map(\.status) == [404, 404, 404])
            #expect(replies.allSatisfy { $0.code == "module_off" })
            #expect(batch.faults == ["jobs[1].kind module_off"])
            #expect(try await api.send("POST", "/v1/leads", #"{"external_id":"L1"}"#).status == 202)
            #expect(try await api.send("PUT", "/v1/opportunities/o1", #"{"stage":"new"}"#, as: api.globex.tenantKey).status == 201)
        }
    }

    @Test func `where the public address is https, plain http is told so and not read`() async throws {
        try await TestAPI.with(.init(transport: TransportSecurity(publicURL: "https://kiteline.example"))) { api in
            let plain = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#)
            let forged = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, headers: ["X-Forwarded-Proto": "http, https"])
            let secure = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, headers: ["X-Forwarded-Proto": "https"])

            #expect([plain, forged, secure].map(\.status) == [403, 403, 202])
            #expect(plain.code == "https_required")
            #expect(try await api.send("GET", "/healthz", as: nil).status == 200)
            #expect(try await api.count("job") == 1)
        }
    }

    @Test func `only a trusted proxy's word on https counts`() async throws {
        try await TestAPI.with(.init(transport: TransportSecurity(publicURL: "https://kiteline.example", trustedProxies: ["10.0.0.1"]))) {
            api in
            let reply = try await api.send("GET", "/v1/jobs", headers: ["X-Forwarded-Proto": "https"])

            #expect(reply.status == 403)
        }
    }

    @Test func `whom a proxy names is believed of a trusted one only, and of several the last`() {
        let transport = TransportSecurity(trustedProxies: ["10.0.0.1"])

        #expect(transport.caller(peer: "10.0.0.1", forwardedFor: "192.0.2.1, 192.0.2.2") == "192.0.2.2")
        #expect(transport.caller(peer: "10.0.0.1", forwardedFor: nil) == "10.0.0.1")
        #expect(transport.caller(peer: "203.0.113.9", forwardedFor: "192.0.2.1") == "203.0.113.9")
    }

    @Test func `row security holds the application's role to its tenant, whatever is asked`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#)
            _ = try await api.send("PUT", "/v1/sellers/s1", #"{"name":"One"}"#)
            _ = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, headers: ["Idempotency-Key": "k"])
            let tables = ["lead", "seller", "seller_load", "job", "job_live", "idem", "routing_state", "seller_status_history", "tenant"]

            for table in tables {
                let own = try await api.app.pipeline([.scope(api.acme.id), .init("SELECT count(*) AS n FROM \(table)")])[1].first!.get(
                    "n", as: Int.self)
                let foreign = try await api.app.pipeline([.scope(api.globex.id), .init("SELECT count(*) AS n FROM \(table)")])[1].first!
                    .get(
                        "n", as: Int.self)
                let none = try await api.app.query(.init("SELECT count(*) AS n FROM \(table)")).first!.get("n", as: Int.self)
                #expect(own > 0, "\(table)")
                #expect(foreign == (table == "tenant" || table == "routing_state" ? 1 : 0), "\(table)")
                #expect(none == 0, "\(table)")
            }
            await #expect(throws: (any Error).self, "a row of another tenant is not written") {
                try await api.app.pipeline([
                    .scope(api.globex.id), .init("INSERT INTO team (tenant_id, external_id, name) VALUES (\(api.acme.id), 'x', 'x')"),
                ])
            }
            await #expect(throws: (any Error).self, "keys are none of its business") { try await api.app.query("SELECT hash FROM api_key") }
            await #expect(throws: (any Error).self, "jobs are the engine's to make") { try await api.app.query("DELETE FROM job") }
            for role in ["kiteline_app", "kiteline_engine"] {
                #expect(try await api.count("pg_roles WHERE rolname = '\(role)' AND NOT rolsuper AND NOT rolbypassrls") == 1)
            }
        }
    }
}
