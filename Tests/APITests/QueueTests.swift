import DispatchIndex
import Foundation
import Ledger
import TestSupport
import Testing

/// What people see of queues, and turn of them.
@Suite struct QueueTests {
    private let why = #"{"reason":"being mended"}"#

    @Test func `a queue tells what is ready, running and parked, for how long, and its share`() async throws {
        try await TestAPI.with { api in
            _ = try await api.indexed(#"{"kind":"probe","args":{"dependency":"erp"}}"#)
            let oldest = try await api.indexed(#"{"kind":"probe"}"#)
            _ = try await api.indexed(#"{"kind":"probe"}"#)
            _ = try await api.owner.query(
                "UPDATE job_live SET enqueued_at = now() - interval '1 hour', run_at = now() - interval '1 hour' WHERE id = \(Int64(oldest)!)"
            )
            _ = try await api.send("POST", "/v1/breakers/erp/open", why, as: api.acme.operatorKey)

            let before = try await api.probes()
            #expect(before["ready"].int == 2)
            #expect(before["parked"].int == 1)
            #expect(before["running"].int == 0)
            #expect(before["oldest_claimable_ms"].int.map { (3_600_000...3_700_000).contains($0) } == true)
            #expect(before["share_received"].isNull)
            #expect(before["share_entitled"].double == 1)
            #expect(before["paused"].bool == false)
            #expect(before["parked_by"][0]["code"].string == "breaker_forced")

            _ = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: api.globex.tenantKey)
            try await expectSoon { try await api.dispatch.ready(of: api.globex.id) == 1 }
            #expect(try await api.probes()["share_entitled"].double == 0.5)
            #expect(try await api.dispatch.claim(9).claims.count == 3)
            let after = try await api.probes()
            #expect(after["running"].int == 2)
            #expect(after["ready"].int == 0)
            #expect(after["oldest_claimable_ms"].isNull)
            #expect(after["share_received"].double.map { abs($0 - 2 / 3) < 0.01 } == true)
            #expect(try await api.probes(as: api.globex.tenantKey)["share_received"].double.map { abs($0 - 1 / 3) < 0.01 } == true)
        }
    }

    @Test func `a job that is cancelled is parked no longer, and runs when it is wanted again`() async throws {
        try await TestAPI.with { api in
            let job = try await api.indexed(#"{"kind":"probe","args":{"dependency":"erp"}}"#)
            _ = try await api.send("POST", "/v1/breakers/erp/open", why, as: api.acme.operatorKey)
            #expect(try await api.dispatch.claim(9).claims.isEmpty)
            #expect(try await api.probes()["parked"].int == 1)

            #expect(try await api.send("POST", "/v1/jobs/\(job)/cancel", why, as: api.globex.tenantKey).status == 404)
            #expect(try await api.probes()["parked"].int == 1, "another tenant's wish changes nothing")
            #expect(try await api.send("POST", "/v1/jobs/\(job)/cancel", why).status == 200)
            #expect(try await api.probes()["parked"].int == 0)

            #expect(try await api.send("POST", "/v1/jobs/\(job)/retry", why).status == 202)
            try await api.working {
                try await expectSoon { try await api.probes()["parked"].int == 1 }
                _ = try await api.send("POST", "/v1/breakers/erp/close", why, as: api.acme.operatorKey)
                try await expectSoon { try await api.send("GET", "/v1/jobs/\(job)").json["state"].string == "completed" }
            }
        }
    }

    @Test func `an operator pauses a kind of its tenant: nothing of it is claimed, until it is resumed`() async throws {
        try await TestAPI.with { api in
            let job = try await api.indexed(#"{"kind":"probe"}"#)
            _ = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: api.globex.tenantKey)
            try await expectSoon { try await api.dispatch.ready(of: api.globex.id) == 1 }

            let paused = try await api.send("POST", "/v1/queues/probe/pause", why, as: api.acme.operatorKey)
            #expect(paused.status == 200)
            #expect(try paused.json["scope"].string == "tenant")
            #expect(try await api.dispatch.claim(9).claims.map(\.tenant) == [api.globex.id])
            #expect(try await api.waiting(job).state == "parked")
            #expect(try await api.waiting(job).code == "kind_paused")
            #expect(try await api.waiting(job).text.contains("being mended"))
            let queue = try await api.probes()
            #expect(queue["paused"].bool == true)
            #expect(queue["paused_reason"].string == "being mended" && queue["paused_scope"].string == "tenant")
            #expect(queue["paused_by"].string?.hasPrefix("key:") == true)
            #expect(queue["parked"].int == 1)

            #expect(try await api.send("POST", "/v1/queues/probe/pause", why, as: api.acme.operatorKey).status == 200)
            #expect(try await api.send("POST", "/v1/queues/probe/resume", #"{"reason":"done"}"#, as: api.acme.operatorKey).status == 200)
            #expect(try await api.dispatch.claim(9).claims.map(\.tenant) == [api.acme.id])
            #expect(
                try await api.count(
                    """
                    audit_log WHERE action = 'queue.pause' AND subject = 'probe' AND reason = 'being mended' AND before IS NULL
                        AND after->>'limit' = '0' AND tenant_id = \(api.acme.id) AND actor LIKE 'key:%'
                    """) == 1)
            #expect(try await api.count("audit_log WHERE action = 'queue.resume' AND reason = 'done' AND before->>'limit' = '0'") == 1)
        }
    }

    @Test func `the platform pauses a kind, a dependency and a tenant for all, and bounds what runs at once`() async throws {
        try await TestAPI.with { api in
            for key in [api.acme.tenantKey, api.globex.tenantKey] {
                for _ in 0..<3 { _ = try await api.send("POST", "/v1/jobs", #"{"kind":"probe","args":{"dependency":"erp"}}"#, as: key) }
            }
            try await expectSoon { try await api.dispatch.ready(of: api.acme.id) + api.dispatch.ready(of: api.globex.id) == 6 }
            let platform = api.platformKey

            for path in ["/v1/queues/probe", "/v1/dependencies/erp"] {
                let paused = try await api.send("POST", "\(path)/pause", why, as: platform)
                #expect(try paused.json["scope"].string == "all")
                #expect(try await api.dispatch.claim(9).claims.isEmpty)
                #expect(try await api.probes(as: api.globex.tenantKey)["parked"].int == 3)
                // A tenant's own hand does not reach what the platform has closed.
                _ = try await api.send("POST", "\(path)/resume", why, as: api.acme.operatorKey)
                #expect(try await api.dispatch.claim(9).claims.isEmpty)
                _ = try await api.send("POST", "\(path)/resume", why, as: platform)

                #expect(try await api.send("PUT", path, #"{"limit":1,"reason":"careful"}"#, as: platform).status == 200)
                let through = try await api.dispatch.claim(9).claims
                #expect(through.count == 1)
                try await api.dispatch.acknowledge(through.map { Acknowledgement($0, next: .again) })
                #expect(try await api.send("PUT", path, #"{"limit":null,"reason":"fine"}"#, as: platform).status == 200)
                #expect(try await api.count("gate_limit") == 0)
            }

            let tenant = try await api.send("POST", "/v1/tenants/acme/pause", why, as: platform)
            #expect(try tenant.json["paused_reason"].string == "being mended")
            let held = try await api.probes()
            #expect(held["paused_scope"].string == "all" && held["paused_by"].isNull)
            #expect(try await api.dispatch.claim(9).claims.allSatisfy { $0.tenant == api.globex.id })
            let job = try #require(await api.ids("/v1/jobs?state=parked").first)
            #expect(try await api.waiting(job).code == "tenant_paused")
            #expect(try await api.send("POST", "/v1/tenants/acme/resume", why, as: platform).json["paused_at"].isNull)
            #expect(try await api.dispatch.claim(9).claims.isEmpty == false)
            #expect(try await api.count("audit_log WHERE action IN ('tenant.pause', 'tenant.resume') AND reason = 'being mended'") == 2)
        }
    }

    @Test func `an operator opens and closes its tenant's breaker, the platform everybody's, and both are listed`() async throws {
        try await TestAPI.with { api in
            let job = try await api.indexed(#"{"kind":"probe","args":{"dependency":"erp"}}"#)
            let (own, foreign) = (api.acme.operatorKey, api.globex.operatorKey)

            #expect(try await api.send("POST", "/v1/breakers/erp/close", why, as: own).status == 404)
            let opened = try await api.send("POST", "/v1/breakers/erp/open", why, as: own, headers: ["Idempotency-Key": "b"])
            let again = try await api.send("POST", "/v1/breakers/erp/open", why, as: own, headers: ["Idempotency-Key": "b"])
            #expect(try opened.json["state"].string == "open")
            #expect(again.headers["idempotency-replayed"] == "true")
            #expect(try await api.dispatch.claim(9).claims.isEmpty)
            #expect(try await api.send("POST", "/v1/breakers/erp/close", why, as: foreign).status == 404)
            #expect(try await api.send("GET", "/v1/breakers", as: foreign).json["items"].array?.isEmpty == true)

            #expect(try await api.send("POST", "/v1/breakers/erp/open", why, as: api.platformKey).json["scope"].string == "all")
            #expect(try await api.send("GET", "/v1/breakers", as: foreign).json["items"].array?.map(\.["scope"].string) == ["all"])
            let seen = try await api.send("GET", "/v1/breakers").json["items"].array ?? []
            #expect(Set(seen.map(\.["scope"].string)) == ["all", "tenant"])
            #expect(seen.allSatisfy { $0["state"].string == "open" && $0["forced"].bool == true && $0["events"].array?.count == 1 })
            #expect(try await api.send("GET", "/v1/breakers", as: api.platformKey).json["items"].array?.count == 2)

            _ = try await api.send("POST", "/v1/breakers/erp/close", why, as: api.platformKey)
            #expect(try await api.dispatch.claim(9).claims.isEmpty)
            _ = try await api.send("POST", "/v1/breakers/erp/close", why, as: own)
            #expect(try await api.dispatch.claim(9).claims.map(\.id.description) == [job])
            #expect(try await api.count("audit_log WHERE action = 'breaker.open' AND reason = 'being mended'") == 2)
            #expect(
                try await api.count("audit_log WHERE action = 'breaker.close' AND before->>'state' = 'open' AND after->>'state' = 'closed'")
                    == 2)
        }
    }

    @Test func `breakers tell which dependencies are paused, by whom and why, to those whose jobs wait for them`() async throws {
        try await TestAPI.with { api in
            let pauses = { (key: String) in try await api.send("GET", "/v1/breakers", as: key).json["pauses"].array ?? [] }
            _ = try await api.send("POST", "/v1/queues/probe/pause", why, as: api.acme.operatorKey)
            _ = try await api.send("POST", "/v1/dependencies/erp/pause", why, as: api.acme.operatorKey)
            _ = try await api.send("POST", "/v1/dependencies/crm/pause", #"{"reason":"moving"}"#, as: api.platformKey)

            let own = try await pauses(api.acme.tenantKey)
            #expect(own.map(\.["dependency"].string) == ["crm", "erp"])
            #expect(own.map(\.["scope"].string) == ["all", "tenant"])
            #expect(own.map(\.["reason"].string) == ["moving", "being mended"])
            #expect(own.allSatisfy { $0["set_by"].string?.hasPrefix("key:") == true && $0["since"].string != nil })
            #expect(try await pauses(api.globex.tenantKey).map(\.["dependency"].string) == ["crm"])
            #expect(try await pauses(api.platformKey).count == 2)

            _ = try await api.send("POST", "/v1/dependencies/erp/resume", why, as: api.acme.operatorKey)
            #expect(try await pauses(api.acme.tenantKey).map(\.["dependency"].string) == ["crm"])
        }
    }

    @Test func `controls are refused without a reason, to lesser roles, and for what there is not`() async throws {
        try await TestAPI.with { api in
            let (tenant, own, platform) = (api.acme.tenantKey, api.acme.operatorKey, api.platformKey)
            for path in ["/v1/queues/probe/pause", "/v1/queues/probe/resume", "/v1/dependencies/erp/pause", "/v1/breakers/erp/open"] {
                #expect(try await api.send("POST", path, why, as: tenant).status == 403, "\(path)")
                #expect(try await api.send("POST", path, "{}", as: own).faults == ["reason missing"], "\(path)")
                #expect(try await api.send("POST", path, #"{"reason":"x","extra":1}"#, as: own).status == 422, "\(path)")
                #expect(try await api.send("POST", path, why, as: nil).status == 401, "\(path)")
            }
            for path in ["/v1/queues/probe", "/v1/dependencies/erp"] {
                #expect(try await api.send("PUT", path, #"{"limit":1,"reason":"x"}"#, as: own).status == 403, "\(path)")
                #expect(try await api.send("PUT", path, #"{"reason":"x"}"#, as: platform).faults == ["limit missing"], "\(path)")
                #expect(
                    try await api.send("PUT", path, #"{"limit":0,"reason":"x"}"#, as: platform).faults == ["limit out_of_range"], "\(path)")
                #expect(try await api.send("PUT", path, #"{"limit":1}"#, as: platform).faults == ["reason missing"], "\(path)")
            }
            for path in ["/v1/queues/nothing/pause", "/v1/dependencies/a%20b/pause", "/v1/breakers/a%40b/open"] {
                #expect(try await api.send("POST", path, why, as: own).status == 404, "\(path)")
            }
            #expect(try await api.send("POST", "/v1/tenants/acme/pause", why, as: own).status == 403)
            #expect(try await api.send("POST", "/v1/tenants/nobody/pause", why, as: platform).status == 404)
            #expect(try await api.send("GET", "/v1/queues", as: platform).status == 400)
            let rows = (gates: try await api.count("gate_limit"), breakers: try await api.count("breaker"))
            #expect(rows == (0, 0))
        }
    }

    @Test func `without Redis a pause is kept, and queues say that the index is away`() async throws {
        try await TestServers.own { servers in
            try await TestAPI.with(.init(servers: servers)) { api in
                await servers.killRedis()

                let paused = try await api.send("POST", "/v1/queues/probe/pause", why, as: api.acme.operatorKey)
                let queues = try await api.send("GET", "/v1/queues").json

                #expect(paused.status == 200)
                #expect(queues["index"].string == "away")
                #expect(queues["items"][0]["paused"].bool == true)
                #expect(queues["items"][0]["ready"].isNull)
                #expect(try await api.ledger.gateLimits() == [Gate.tenantKind(api.acme.id, "probe").name: 0])
                try await servers.startRedis()
            }
        }
    }
}

extension TestAPI {
    fileprivate func probes(as key: String? = "acme") async throws -> JSON {
        let queues = try await send("GET", "/v1/queues", as: key).json["items"].array ?? []
        return try #require(queues.first { $0["kind"].string == "probe" })
    }
}
