import DispatchIndex
import Foundation
import Ledger
import Records
import Tenancy
import TestSupport
import Testing

@testable import API

/// What `/metrics` says of tenants and of the engine.
@Suite struct MetricsTests {
    @Test func `a tenant's share, the age of its oldest job and the time it is held back are told`() async throws {
        try await TestAPI.with { api in
            let old = try await api.indexed(#"{"kind":"probe"}"#)
            _ = try await api.indexed(#"{"kind":"probe"}"#)
            _ = try await api.indexed(#"{"kind":"probe","args":{"dependency":"erp"}}"#)
            _ = try await api.owner.query(
                "UPDATE job_live SET enqueued_at = now() - interval '1 hour', run_at = now() - interval '1 hour' WHERE id <> \(Int64(old)!)"
            )
            _ = try await api.send("POST", "/v1/breakers/erp/open", #"{"reason":"x"}"#, as: api.acme.operatorKey)
            #expect(try await api.dispatch.claim(1).claims.map(\.id.description) == [old])
            // The claim has sent the flow to its gate.
            #expect(try await api.dispatch.claim(0).claims.isEmpty)

            let metrics = try await api.metrics()

            #expect(metrics["kiteline_tenant_share_received{tenant=\"\(api.acme.id)\"}"] == 1)
            #expect(metrics["kiteline_tenant_share_received{tenant=\"other\"}"] == 0)
            #expect(metrics["kiteline_tenant_share_entitled{tenant=\"\(api.acme.id)\"}"] == 1)
            let age = try #require(metrics["kiteline_tenant_oldest_claimable_seconds{tenant=\"\(api.acme.id)\"}"])
            #expect((3_600...3_700).contains(age))
            #expect(try #require(metrics["kiteline_tenant_parked_seconds{tenant=\"\(api.acme.id)\"}"]) > 0)
            #expect(metrics[#"kiteline_breakers{dependency="erp",scope="tenant",state="open"}"#] == 1)
            #expect(metrics["kiteline_index_rebuilds_total"] == 1)
            #expect(try #require(metrics["kiteline_index_rebuild_seconds"]) > 0)
            #expect(try #require(metrics["kiteline_outbox_oldest_seconds"]) >= 0)
            #expect(metrics["kiteline_event_streams"] == 0)
            #expect(try #require(metrics[#"kiteline_index_calls_total{worker="api",call="claim"}"#]) >= 1)
            #expect(try #require(metrics[#"kiteline_index_seconds_total{worker="api",call="claim"}"#]) > 0)
        }
    }

    @Test func `a worker's counts are told as long as it lives`() async throws {
        try await TestAPI.with { api in
            let worker = try await api.ledger.register(host: "h", pid: 1)
            let gone = try await api.ledger.register(host: "h", pid: 2)
            let counts = [
                "settled": 7.0, "fenced": 2, "leases_lost": 3, "trips.claim.count": 5, "trips.claim.seconds": 0.25,
                "trips.claim.slow": 2, "spans_dropped": 4,
            ]
            for id in [worker, gone] { try await api.ledger.beat(id, counts: counts) }
            try await api.ledger.signOff(gone)

            let metrics = try await api.metrics()

            #expect(metrics["kiteline_workers"] == 1)
            #expect(metrics["kiteline_fence_rejections_total{worker=\"\(worker)\"}"] == 2)
            #expect(metrics["kiteline_leases_lost_total{worker=\"\(worker)\"}"] == 3)
            #expect(metrics["kiteline_index_seconds_total{worker=\"\(worker)\",call=\"claim\"}"] == 0.25)
            #expect(metrics["kiteline_index_slow_calls_total{worker=\"\(worker)\",call=\"claim\"}"] == 2)
            #expect(metrics["kiteline_spans_dropped_total{worker=\"\(worker)\"}"] == 4)
            #expect(metrics.keys.allSatisfy { !$0.contains("worker=\"\(gone)\"") })
        }
    }

    @Test func `with many tenants the largest are told of on their own, the others together`() async throws {
        try await TestAPI.with { api in
            _ = try await api.owner.query(
                """
                INSERT INTO job_live (id, tenant_id, kind, flow, priority, state, run_at, enqueued_at, max_attempts)
                SELECT t * 1000 + n, t, 'probe', 'probe', 5, 'available', now(), now(), 5
                FROM generate_series(1, 50) t, generate_series(1, t) n
                """)

            let metrics = try await api.metrics()

            let waiting = metrics.filter { $0.key.hasPrefix("kiteline_jobs_waiting") }
            #expect(waiting.count == 21)
            #expect(waiting[#"kiteline_jobs_waiting{tenant="50",kind="probe",state="available"}"#] == 50)
            #expect(waiting[#"kiteline_jobs_waiting{tenant="other",kind="probe",state="available"}"#] == 465, "1 + … + 30")
            // What the index does not answer at once is left out, and asked for again with a later scrape.
            try await soon { try await api.metrics().keys.count { $0.hasPrefix("kiteline_tenant_share_entitled") } == 20 }
        }
    }

    @Test func `without Redis the ledger's part is told all the same`() async throws {
        try await TestServers.own { servers in
            try await TestAPI.with(.init(servers: servers)) { api in
                _ = try await api.indexed(#"{"kind":"probe"}"#)
                await servers.killRedis()

                let metrics = try await api.metrics()

                #expect(metrics[#"kiteline_jobs_waiting{tenant="\#(api.acme.id)",kind="probe",state="available"}"#] == 1)
                try await servers.startRedis()
            }
        }
    }

    @Test func `what does not answer is not waited for`() async {
        let answer: Int? = await promptly {
            try await Task.sleep(for: .seconds(86_400))
            return 1
        }
        #expect(answer == nil)
    }
}

extension TestAPI {
    /// Every sample there is, by its name and labels.
    fileprivate func metrics() async throws -> [String: Double] {
        let text = try await send("GET", "/metrics", as: nil).text
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.reduce(into: [:]) { samples, line in
            guard let space = line.lastIndex(of: " ") else { return }
            samples[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
    }
}
