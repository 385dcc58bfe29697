import Foundation
import JobKinds
import Jobs
import Logging
import Records
import Telemetry
import Tenancy
import TestSupport
import Testing

/// A job is one trace, from the request that asks for it to its effects, told to a collector.
@Suite struct TracingTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let caller = "00f067aa0ba902b7"

    /// Traces of an API process and of a worker process, both sent to a collector, and what they have sent once `body` has ended.
    private func traced(
        share: Double = 0, answering status: Int = 200,
        _ body: @Sendable (_ api: TestAPI, _ worker: Traces, _ collector: Collector) async throws -> Void
    ) async throws {
        try await Collector.with(answering: .init(code: status)) { collector, address in
            let (serving, working) = (exporter(address, "serve"), exporter(address, "work"))
            let sending = [serving, working].map { exporter in Task { try await exporter.run() } }
            try await TestAPI.with(.init(traces: Traces(share: share, exporter: serving))) { api in
                try await body(api, Traces(share: share, exporter: working), collector)
            }
            for task in sending {
                task.cancel()
                try await task.value
            }
        }
    }

    private func exporter(_ address: String, _ role: String) -> SpanExporter {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return SpanExporter(endpoint: address, role: role, version: "1", interval: .milliseconds(20), logger: logger)
    }

    @Test func `from the request to the effect, over API and worker, each attempt once`() async throws {
        try await traced { api, worker, collector in
            try await api.working(traces: worker) {
                let reply = try await api.send(
                    "POST", "/v1/jobs", #"{"kind":"probe","args":{"fail_times":1,"effect_key":"e"}}"#,
                    headers: ["traceparent": "00-\(Self.trace)-\(Self.caller)-01"])
                let id = try #require(reply.json["id"].string)
                try await expectSoon { try await api.send("GET", "/v1/jobs/\(id)").json["state"].string == "completed" }
                #expect(try await api.send("GET", "/v1/jobs/\(id)").json["trace_id"].string == Self.trace)
                try await expectSoon { collector.spans.filter { $0.name == "attempt" }.count == 2 }

                let spans = collector.spans.filter { $0.trace == Self.trace }
                func only(_ name: String, below parent: String) throws -> Collector.Span {
                    let found = spans.filter { $0.name == name && $0.parent == parent }
                    #expect(found.count == 1, "\(name)")
                    return try #require(found.first)
                }
                let request = try only("POST /v1/jobs", below: Self.caller)
                let enqueue = try only("enqueue", below: request.id)
                let wait = try only("wait", below: enqueue.id)
                let attempts = spans.filter { $0.name == "attempt" }.sorted { $0.start < $1.start }
                #expect(request.kind == 2 && request.role == "serve" && request.attributes["http.response.status_code"] == "202")
                #expect(wait.role == "work" && wait.end == attempts.first?.start)
                #expect(attempts.map { $0.attributes["kiteline.attempt"] } == ["1", "2"])
                #expect(attempts.map(\.isError) == [true, false])
                #expect(attempts.map { $0.attributes["kiteline.outcome"] } == ["transient", "done"])
                for attempt in attempts {
                    #expect(attempt.parent == enqueue.id && attempt.links == [enqueue.id])
                    #expect(attempt.attributes["kiteline.job"] == id)
                    let handle = try only("handle", below: attempt.id)
                    let settle = try only("settle", below: attempt.id)
                    #expect(handle.start <= handle.end && handle.end <= settle.end && settle.end <= attempt.end)
                }
            }
        }
    }

    @Test func `a job that a job asked for goes on in its trace, below its attempt`() async throws {
        try await traced(share: 1) { api, worker, collector in
            let chain = Chain()
            try await api.working([AnyHandler(chain)], traces: worker) {
                var job = NewJob(tenant: api.acme.id, kind: "chain", arguments: Array(#"{"n":1}"#.utf8))
                job.traceContext = "00-\(Self.trace)-\(Self.caller)-01"
                _ = try await api.ledger.enqueue([job])
                try await expectSoon { collector.spans.filter { $0.name == "attempt" }.count == 2 }

                let attempts = collector.spans.filter { $0.name == "attempt" }.sorted { $0.start < $1.start }
                #expect(attempts[0].parent == Self.caller)
                #expect(attempts[1].parent == attempts[0].id)
                #expect(attempts.allSatisfy { $0.trace == Self.trace })
                let names = Set(collector.spans.filter { $0.parent == attempts[0].id }.map(\.name))
                #expect(names == ["facts", "decide", "settle", "wait", "attempt"])
            }
        }
    }

    @Test func `a job that nobody was in a trace for has one of its own, for all its attempts`() async throws {
        try await traced(share: 1) { api, worker, collector in
            try await api.working(traces: worker) {
                let jobs = (0..<2).map { _ in
                    NewJob(tenant: api.acme.id, kind: "probe", arguments: Array(#"{"fail_times":1,"error_class":"transient"}"#.utf8))
                }
                _ = try await api.ledger.enqueue(jobs)
                try await expectSoon { collector.spans.filter { $0.name == "job" }.count == 2 }

                let attempts = Dictionary(grouping: collector.spans.filter { $0.name == "attempt" }, by: \.trace)
                #expect(attempts.count == 2)
                for trace in attempts.values {
                    #expect(Set(trace.map { $0.attributes["kiteline.attempt"] }) == ["1", "2"])
                    let whole = try #require(collector.spans.first { $0.name == "job" && $0.trace == trace[0].trace })
                    #expect(trace.allSatisfy { $0.parent == whole.id && whole.start <= $0.start && $0.end <= whole.end })
                    #expect(whole.parent == nil)
                    for name in ["kiteline.job", "kiteline.tenant", "kiteline.kind"] {
                        #expect(whole.attributes[name] == trace.compactMap { $0.attributes[name] }.first, "\(name)")
                    }
                }
            }
        }
    }

    @Test func `without a collector the caller's trace is kept all the same, and none is begun`() async throws {
        try await TestAPI.with { api in
            let traced = try await api.enqueued(#"{"kind":"probe"}"#, headers: ["traceparent": "00-\(Self.trace)-\(Self.caller)-00"])
            let plain = try await api.enqueued(#"{"kind":"probe"}"#)
            let broken = try await api.enqueued(#"{"kind":"probe"}"#, headers: ["traceparent": "00-\(Self.trace)-\(Self.caller)"])
            #expect(try await api.send("GET", "/v1/jobs/\(traced)").json["trace_id"].string == Self.trace)
            for id in [plain, broken] { #expect(try await api.send("GET", "/v1/jobs/\(id)").json["trace_id"].isNull) }
        }
    }

    @Test func `a trace that is not sampled has a name and no spans, one that is begun here is told by its share`() async throws {
        try await traced(share: 0) { api, worker, collector in
            try await api.working(traces: worker) {
                let silent = try await api.enqueued(#"{"kind":"probe"}"#)
                #expect(try await api.send("GET", "/v1/jobs/\(silent)").json["trace_id"].string?.count == 32)
                let told = try await api.enqueued(#"{"kind":"probe"}"#, headers: ["traceparent": "00-\(Self.trace)-\(Self.caller)-01"])
                try await expectSoon { collector.spans.contains { $0.attributes["kiteline.job"] == told } }
                #expect(collector.spans.allSatisfy { $0.trace == Self.trace })
            }
        }
        try await traced(share: 1) { api, _, collector in
            _ = try await api.enqueued(#"{"kind":"probe"}"#)
            try await expectSoon { Set(collector.spans.map(\.name)) == ["POST /v1/jobs", "enqueue"] }
        }
    }

    @Test func `spans a collector refuses are dropped, counted, and hold nothing up`() async throws {
        try await traced(share: 1, answering: 400) { api, worker, collector in
            try await api.working(traces: worker) {
                let job = try await api.enqueued(#"{"kind":"probe"}"#)
                try await expectSoon { try await api.send("GET", "/v1/jobs/\(job)").json["state"].string == "completed" }
                try await expectSoon {
                    let text = try await api.send("GET", "/metrics", as: nil).text
                    return text.contains("\nkiteline_spans_dropped_total{worker=\"api\"} ")
                        && !text.contains("\nkiteline_spans_dropped_total{worker=\"api\"} 0\n")
                        && text.contains("# TYPE kiteline_spans_dropped_total counter")
                }
            }
        }
    }
}

/// Decides to be followed by one of its kind, once.
private struct Chain: DecidingHandler {
    struct Arguments: Codable, JobArguments { var n: Int }

    let kind = JobKind("chain", arguments: ArgumentSchema([.required("n", .integer(0...9), "how many follow")]))

    func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws {}

    func outcome(of job: Job<Arguments>, given facts: inout Void, at now: Date) -> Outcome {
        let next = job.arguments.n == 0 ? [] : [NewJob(tenant: job.tenant, kind: "chain", arguments: Array(#"{"n":0}"#.utf8))]
        return Outcome(.completed("done"), followUps: next)
    }
}
