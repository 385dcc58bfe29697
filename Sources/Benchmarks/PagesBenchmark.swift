import Foundation
import Records
import Rules
import SalesModel
import Sampling
import Tenancy

/// How soon the console's pages answer an operator whose tenant has a great many leads, jobs and missed deadlines.
///
/// What is behind them was made by the service itself: leads assigned by rules, their jobs' history, a clock each that ran out. The audit log
/// alone, which one line a lead fills as no operator could, is written as the service writes it.
public struct PagesBenchmark: Sendable {
    public var leads: Int
    /// How often each page is asked for, one after the other over one connection, once it has been asked for a first time.
    public var requests: Int
    public var goalMs: Double

    public init(leads: Int = 100_000, requests: Int = 40, goalMs: Double = 300) {
        self.leads = leads
        self.requests = requests
        self.goalMs = goalMs
    }

    private let places = [
        "now", "jobs", "jobs?state=completed", "jobs?kind=escalate_overdue", "dead-letters", "breakers", "rules", "rules/route/default",
        "rollouts", "leads", "leads?state=assigned", "leads?source=bench", "leads?text=nobody", "leads?owner=nobody", "leads?touch=late",
        "leads?touch=untouched", "sellers", "overdue", "forecast",
        "process-health",
        "packs/manufacturing",
        "audit", "audit?action=ruleset.publish", "audit?subject=nobody", "audit?actor=nobody",
    ]
    private let clock = """
        clocks:
          - id: lead_first_touch
            label: { en: first touch, zh: 首触 }
            subject: lead
            starts: { on: created }
            stops: { on: touch }
            levels: [{ id: reminder, after: 1s, to: [owner] }]
        """

    /// From request to the answer's last byte.
    public struct Page: Codable, Sendable {
        public var path: String
        /// Of the very first, when the server knows nothing of what it counted before.
        public var firstMs: Double
        public var p50Ms: Double
        public var p99Ms: Double
    }

    /// What a page is shown without while it is counted for the first time.
    public struct Count: Codable, Sendable {
        public var path: String
        public var ms: Double
    }

    public struct Report: Codable, Sendable {
        public var suite = "pages"
        public var leads: Int
        public var jobs: Int
        public var goalMs: Double
        public var pages: [Page]
        public var counts: [Count]
        public var machine: Machine
    }

    /// - Parameter executable: the `kiteline` program.
    /// - Throws: `BenchmarkError.wrong` when a page does not answer 200.
    public func run(executable: String) async throws -> Report {
        try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            let records = bench.records
            let tenant = try await fill(bench, records, executable)
            let key = try await records.createKey(.operator, for: tenant, by: "bench").key
            let token = try await signIn(records, key)
            let places = places + ["leads/\(try await bench.count("SELECT max(id) FROM lead"))"]
            // Each has a server that has counted nothing yet.
            let counts = try await serving(bench, executable) { port in try await count(port, key) }
            let pages = try await serving(bench, executable) { port in try await ask(places, port, token) }
            let jobs = try await bench.count("SELECT count(*) FROM job_history")
            return Report(leads: leads, jobs: jobs, goalMs: goalMs, pages: pages, counts: counts, machine: .this)
        }
    }

    private func serving<R>(_ bench: BenchServers, _ executable: String, _ body: (_ port: Int) async throws -> R) async throws -> R {
        let port = Int.random(in: 20_000..<30_000)
        let server = bench.processes(executable, ["serve", "--port", "\(port)"])
        try server.start()
        try await untilItAnswers(port)
        let result = try await body(port)
        await server.stop()
        return result
    }

    private func ask(_ places: [String], _ port: Int, _ token: SessionToken) async throws -> [Page] {
        var pages: [Page] = []
        for place in places {
            let path = "/console/\(place)"
            let first = try await asking(path, port, token).run(total: 1)
            let answers = try await asking(path, port, token).run(total: requests)
            guard first.statuses == [200: 1], answers.statuses == [200: requests] else {
                throw BenchmarkError.wrong("\(path): \(first.statuses) and \(answers.statuses)")
            }
            pages.append(
                Page(path: path, firstMs: first.percentile(1), p50Ms: answers.percentile(0.5), p99Ms: answers.percentile(0.99)))
        }
        return pages
    }

    private func count(_ port: Int, _ key: APIKey) async throws -> [Count] {
        var counts: [Count] = []
        for path in ["/v1/flow", "/v1/sla/first-touch", "/v1/sla/heat-map"] {
            let answer = try await asking(path, port, header: "Authorization: Bearer \(key.secret)").run(total: 1)
            guard answer.statuses == [200: 1] else { throw BenchmarkError.wrong("\(path): \(answer.statuses)") }
            counts.append(Count(path: path, ms: answer.percentile(1)))
        }
        return counts
    }

    /// Has the leads assigned, and their clocks run out.
    private func fill(_ bench: BenchServers, _ records: Records, _ executable: String) async throws -> TenantID {
        let assigning = AssignBenchmark(leads: leads, tenants: 1, sellers: 100)
        let tenant = try await assigning.setUp(bench, records, 0)
        guard case .success(let checked) = try await records.check(.clock, "default", clock, of: tenant) else {
            throw BenchmarkError.wrong("the clock's rules are not valid")
        }
        _ = try await records.save(checked, of: tenant, by: "bench", key: nil) { _, _ in StoredAnswer(status: 201, body: []) }
        let fleet = bench.workers(executable)
        try fleet.start()
        var chance = SeededNumbers(seed: 1)
        try await assigning.tell(Array(0..<leads), records, tenant, &chance)
        try await bench.everythingPushed()
        while try await bench.count("SELECT count(*) FROM escalation") < leads { try await Task.sleep(for: .milliseconds(200)) }
        try await bench.drained()
        await fleet.stop()
        try await log(leads, tenant, bench)
        return tenant
    }

    /// Lines of the audit log, few enough at a time that the head of their chain does not grow within a transaction.
    private func log(_ lines: Int, _ tenant: TenantID, _ bench: BenchServers) async throws {
        for start in stride(from: 0, to: lines, by: 500) {
            _ = try await bench.owner.query(
                """
                INSERT INTO audit_log (tenant_id, actor, action, subject, before, after, reason)
                SELECT \(tenant.rawValue), 'key:1', 'queue.limit', 'kind-' || n % 7, '{"limit": 3}', jsonb_build_object('limit', n), 'bench'
                FROM generate_series(\(start + 1), \(min(start + 500, lines))) AS n
                """)
        }
    }

    private func signIn(_ records: Records, _ key: APIKey) async throws -> SessionToken {
        guard let bearer = try await KeyRing(records).principal(key) else { throw BenchmarkError.wrong("the key is not known") }
        let token = SessionToken(chance: (0..<32).map { _ in UInt8.random(in: .min ... .max) })
        try await records.openSession(token, for: bearer, until: Date().addingTimeInterval(3_600), now: Date())
        return token
    }

    private func asking(_ path: String, _ port: Int, _ token: SessionToken) -> LoadGenerator {
        asking(path, port, header: "Cookie: kl_session=\(token.secret)")
    }

    private func asking(_ path: String, _ port: Int, header: String = "Accept: */*") -> LoadGenerator {
        let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(header)\r\nAccept-Language: en\r\n\r\n".utf8)
        return LoadGenerator(host: "127.0.0.1", port: port, connections: 1) { _ in request }
    }

    private func untilItAnswers(_ port: Int) async throws {
        for _ in 0..<200 {
            if let answer = try? await asking("/readyz", port).run(total: 1), answer.statuses[200] == 1 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchmarkError.wrong("the server did not answer")
    }
}
