import AsyncHTTPClient
import Foundation
import NIOCore
import Tenancy
import TestSupport
import Testing

@testable import API

/// What docs/security.md claims of the whole: of every endpoint and every table, not of examples.
@Suite struct SecurityTests {
    @Test func `every endpoint that is not open refuses whoever bears no key, or one of a lower role`() async throws {
        try await TestAPI.with { api in
            var judged = 0
            for endpoint in API.endpoints where endpoint.access != .open {
                let path = endpoint.path.replacing(/\{[^}]*\}/, with: "1")
                let body = endpoint.method == .get ? nil : "{}"
                let name = "\(endpoint.method.rawValue) \(endpoint.path)"
                let none = try await api.send(endpoint.method.rawValue, path, body, as: nil)
                #expect(none.status == 401 && none.code == "unauthorized", "\(name)")
                for key in api.keys(below: endpoint.access) {
                    let low = try await api.send(endpoint.method.rawValue, path, body, as: key)
                    #expect(low.status == 403 && low.code == "forbidden", "\(name): \(low.status) \(low.text)")
                    judged += 1
                }
            }
            #expect(judged > 30)
            #expect(try await api.count("audit_log WHERE action = 'refused'") == judged)
        }
    }

    @Test func `every table with a tenant is held by row security, and the application reads it through its tenants only`() async throws {
        try await TestAPI.with { api in
            let ofTenants = """
                FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                    AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
                """
            func names(_ condition: String) async throws -> [String] {
                try await api.owner.query(.init("SELECT c.relname::text AS name \(ofTenants) AND \(condition) ORDER BY 1")).map {
                    try $0.get("name")
                }
            }
            #expect(try await names("true").count > 60)
            // What it does not hold, the application has no right to.
            let open = "has_table_privilege('kiteline_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
            #expect(try await names("\(open) AND NOT (c.relrowsecurity AND c.relforcerowsecurity)") == [])
            // Whatever policy the application has there asks for the transaction's tenants, or shows what belongs to none.
            let careless = try await api.owner.query(
                """
                SELECT tablename || ' ' || policyname AS name FROM pg_policies
                WHERE schemaname = 'public' AND roles && ARRAY['kiteline_app', 'public']::name[]
                    AND COALESCE(qual, with_check) NOT LIKE '%kiteline.tenants%' AND COALESCE(qual, with_check) <> '(tenant_id IS NULL)'
                """)
            #expect(try careless.map { try $0.get("name", as: String.self) } == [])
            // A partition has no policy of its own, and nobody's rights but through its table.
            let partitions = try await api.owner.query(
                """
                SELECT c.relname::text AS name FROM pg_class c, unnest(ARRAY['kiteline_app', 'kiteline_engine']) r
                WHERE c.relispartition AND c.relkind = 'r' AND has_table_privilege(r, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
                """)
            #expect(try partitions.map { try $0.get("name", as: String.self) } == [])
        }
    }

    @Test func `a body above its bound is refused as soon as that is known, whether it says its size or not`() async throws {
        var limits = Limits()
        limits.body = 10_000
        try await TestAPI.with(.init(limits: limits)) { api in
            let announced = try await api.exchange(
                "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(api.acme.tenantKey)\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 99999999999\r\n\r\n{")
            #expect(announced.hasPrefix("HTTP/1.1 413"), "\(announced.prefix(300))")

            var request = HTTPClientRequest(url: api.url + "/v1/jobs")
            request.method = .POST
            request.headers.add(name: "Authorization", value: "Bearer \(api.acme.tenantKey)")
            request.headers.add(name: "Content-Type", value: "application/json")
            let pieces = AsyncStream<ByteBuffer> { stream in
                for _ in 0..<20 { stream.yield(ByteBuffer(string: String(repeating: " ", count: 1_000))) }
                stream.finish()
            }
            request.body = .stream(pieces, length: .unknown)
            let chunked = try await HTTPClient.shared.execute(request, timeout: .seconds(180))
            #expect(chunked.status.code == 413)
            #expect(try await api.count("job") == 0)
        }
    }
}

extension TestAPI {
    /// Keys that are not enough.
    fileprivate func keys(below access: Endpoint.Access) -> [String] {
        switch access {
        case .open, .tenant(.tenant), .tenantOrAll(.tenant): []
        case .tenant(.operator), .tenantOrAll(.operator): [acme.tenantKey]
        case .tenant(.platform), .tenantOrAll(.platform), .platform: [acme.tenantKey, acme.operatorKey]
        }
    }
}
