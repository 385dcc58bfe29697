import Jobs
import Logging
import Testing
import Tracing

@testable import Telemetry

@Suite struct TracesTests {
    private func exporter(capacity: Int = 10) -> SpanExporter {
        // Nobody listens there, and nothing is sent before `run`.
        SpanExporter(endpoint: "http://127.0.0.1:1", role: "test", version: "1", capacity: capacity, logger: Logger(label: "test"))
    }

    @Test func `spans beyond what may wait are dropped and counted`() {
        let exporter = exporter(capacity: 3)
        let traces = Traces(share: 1, exporter: exporter)
        for _ in 0..<10 { traces.startSpan("x", context: .topLevel).end() }
        #expect(exporter.counts == SpanExporter.Counts(exported: 0, dropped: 7))
    }

    @Test func `a span that ended twice is told once, and what is not sampled not at all`() {
        let exporter = exporter(capacity: 0)
        let span = Traces(share: 1, exporter: exporter).startSpan("x", context: .topLevel)
        span.end()
        span.end()
        Traces(share: 0, exporter: exporter).startSpan("x", context: .topLevel).end()
        #expect(exporter.counts.dropped == 1)
    }

    @Test func `a trace begun here is told by its share, and its spans agree`() {
        let traces = Traces(share: 0.25, exporter: exporter())
        var sampled = 0
        for _ in 0..<4_000 {
            let root = traces.startSpan("root", context: .topLevel)
            let child = traces.startSpan("child", context: root.context)
            #expect(root.context.traceParent?.traceID == child.context.traceParent?.traceID)
            #expect(root.isRecording == child.isRecording)
            if root.isRecording { sampled += 1 }
        }
        // Binomial: 1,000 expected, standard deviation 27.
        #expect((800...1_200).contains(sampled))
    }

    @Test func `a caller's decision on its trace is kept`() {
        let parent = TraceParent(trace: (1, 2), span: 3, isSampled: true)
        let span = Traces(share: 0, exporter: exporter()).startSpan("x", context: ServiceContext(below: parent))
        #expect(span.isRecording)
        #expect(span.context.traceParent?.traceID == parent.traceID)
        #expect(span.context.traceParent?.span != 3)
    }
}
