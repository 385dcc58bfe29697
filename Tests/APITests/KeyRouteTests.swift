import Testing

@Suite struct KeyRouteTests {
    @Test func `the platform makes, lists and revokes a tenant's keys, and the log says so without the secret`() async throws {
        try await TestAPI.with { api in
            let made = try await api.send("POST", "/v1/tenants/acme/keys", #"{"role":"operator"}"#, as: api.platformKey)
            let id = try #require(try made.json["id"].string)
            let key = try #require(try made.json["key"].string)
            let used = try await api.send("GET", "/v1/audit", as: key)
            let list = try await api.send("GET", "/v1/tenants/acme/keys", as: api.platformKey)

            let revoked = try await api.send("POST", "/v1/keys/\(id)/revoke", as: api.platformKey)
            let again = try await api.send("POST", "/v1/keys/\(id)/revoke", as: api.platformKey)

            #expect(made.status == 201 && used.status == 200 && key.hasPrefix("kl_o_"))
            #expect(try list.json["items"].array?.compactMap { $0["id"].string }.first == id)
            #expect(!list.text.contains(key) && list.text.contains(key.prefix(9)))
            #expect(revoked.status == 200 && again.status == 404)
            #expect(try await api.send("GET", "/v1/audit", as: key).status == 401)
            let log = try await api.owner.query(
                "SELECT row_to_json(a)::text AS row FROM audit_log a WHERE action IN ('key.create', 'key.revoke') AND subject = \(id) ORDER BY id"
            ).map { try $0.get("row", as: String.self) }
            #expect(log.count == 2 && log.allSatisfy { !$0.contains(key) && $0.contains("key:") })
            #expect(
                try await api.count(
                    "audit_log WHERE action = 'key.revoke' AND before->>'role' = 'operator' AND before->>'state' = 'good' AND after->>'state' = 'revoked'"
                ) == 1)
        }
    }

    @Test func `a key has the name it is given, by which the log tells who did something`() async throws {
        try await TestAPI.with { api in
            let path = "/v1/tenants/acme/keys"
            let made = try await api.send("POST", path, #"{"role":"operator","name":"Lin at night"}"#, as: api.platformKey)
            let empty = try await api.send("POST", path, #"{"role":"operator","name":""}"#, as: api.platformKey)
            let broken = try await api.send("POST", path, #"{"role":"operator","name":"a\nb"}"#, as: api.platformKey)
            let key = try #require(try made.json["key"].string)
            _ = try await api.send("POST", "/v1/queues/probe/pause", #"{"reason":"why"}"#, as: key)
            _ = try await api.send("POST", "/v1/queues/probe/resume", #"{"reason":"why"}"#, as: api.acme.operatorKey)

            let list = try await api.send("GET", path, as: api.platformKey).json["items"].array ?? []
            let log = try await api.send("GET", "/v1/audit?subject=probe", as: api.acme.operatorKey).json["items"].array ?? []

            #expect(empty.faults == ["name too_short"] && broken.faults == ["name bad_format"])
            #expect(list.map { $0["name"].string } == ["Lin at night", nil, nil])
            #expect(log.map { $0["action"].string } == ["queue.resume", "queue.pause"])
            #expect(log.map { $0["key_name"].string } == [nil, "Lin at night"])

            let (platform, _) = try await api.records.createKey(.platform, for: nil, name: "Wu, on call", by: "test")
            let acting = ["Kiteline-Tenant": "acme"]
            _ = try await api.send("POST", "/v1/queues/probe/pause", #"{"reason":"why"}"#, as: platform.secret, headers: acting)
            let theirs = try await api.send("GET", "/v1/audit?limit=1", as: api.acme.operatorKey).json["items"].array
            let ours = try await api.send("GET", "/v1/audit?limit=1", as: platform.secret, headers: acting).json["items"].array
            #expect(theirs?.map { $0["key_name"].string } == [nil], "the platform's people are not the tenant's to know")
            #expect(ours?.map { $0["key_name"].string } == ["Wu, on call"])
        }
    }

    @Test func `no other role is made, and nobody else may`() async throws {
        try await TestAPI.with { api in
            let path = "/v1/tenants/acme/keys"
            let above = try await api.send("POST", path, #"{"role":"platform"}"#, as: api.platformKey)
            let none = try await api.send("POST", path, "{}", as: api.platformKey)
            let nowhere = try await api.send("POST", "/v1/tenants/nobody/keys", #"{"role":"tenant"}"#, as: api.platformKey)

            #expect(above.faults == ["role not_allowed"] && none.faults == ["role missing"] && nowhere.status == 404)
            for (method, route) in [("GET", path), ("POST", path), ("POST", "/v1/keys/\(api.acme.operatorKeyID)/revoke")] {
                let body = method == "GET" ? nil : #"{"role":"operator"}"#
                let refused = try await api.send(method, route, body, as: api.acme.operatorKey)
                #expect(refused.status == 403, "\(method) \(route)")
            }
            #expect(try await api.count("api_key WHERE tenant_id IS NOT NULL AND revoked_at IS NULL") == 4)
        }
    }
}
