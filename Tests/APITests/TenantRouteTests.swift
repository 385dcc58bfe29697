import Tenancy
import Testing

@Suite struct TenantRouteTests {
    @Test func `tenants are found by how they begin or by their name, and their usage with them, beyond the first page too`() async throws {
        try await TestAPI.with { api in
            for number in 1...3 { _ = try await api.records.createTenant(try #require(Slug("branch-\(number)")), by: "test") }
            let slugs = { (path: String) in
                try await api.send("GET", path, as: api.platformKey).json["items"].array?.compactMap { $0["slug"].string }
            }

            for list in ["/v1/tenants", "/v1/usage"] {
                #expect(try await slugs("\(list)?prefix=branch-") == ["branch-1", "branch-2", "branch-3"], "\(list)")
                #expect(try await slugs("\(list)?slug=branch-3&limit=1") == ["branch-3"], "\(list)")
                #expect(try await slugs("\(list)?slug=branch-") == [], "\(list)")
                #expect(try await slugs("\(list)?prefix=%25") == [], "\(list)")
                let first = try await api.send("GET", "\(list)?prefix=branch&limit=2", as: api.platformKey).json
                let cursor = try #require(first["next_cursor"].string)
                #expect(try await slugs("\(list)?prefix=branch&limit=2&cursor=\(cursor)") == ["branch-3"], "\(list)")
                #expect(try await api.send("GET", "\(list)?name=x", as: api.platformKey).status == 422, "\(list)")
            }
        }
    }

    @Test func `a tenant that is only to be created is not changed where it is there`() async throws {
        try await TestAPI.with { api in
            let only = ["If-None-Match": "*"]
            let put = { (slug: String, headers: [String: String]) in
                try await api.send("PUT", "/v1/tenants/\(slug)", #"{"weight":9,"pack":"saas"}"#, as: api.platformKey, headers: headers)
            }

            let refused = try await put("acme", only)
            let made = try await put("initech", only)
            let again = try await put("initech", only)
            #expect(try await api.count("tenant WHERE slug = 'acme' AND weight = 1") == 1)
            #expect(try await api.count("ruleset_version WHERE tenant_id = \(api.acme.id)") == 0)
            let unknown = try await put("acme", ["If-None-Match": "\"etag\""])
            #expect(try await api.count("tenant WHERE slug = 'acme' AND weight = 1") == 1)
            let changed = try await put("acme", [:])

            #expect(refused.status == 412 && refused.code == "tenant_exists")
            #expect(unknown.status == 422 && unknown.text.contains("If-None-Match"))
            #expect([made.status, again.status, changed.status] == [201, 412, 200])
        }
    }
}
