import Foundation
import Jobs
import Sampling
import Synchronization
import Tracing

/// A tracer whose spans go to a collector.
///
/// Whether a trace is told of is decided once, where it begins, and travels with it. Spans of the others cost no more than their
/// numbers, which go on in jobs and logs all the same.
public final class Traces: Tracer {
    public typealias Span = TracedSpan

    /// The part of the traces begun here that is told of, 0…1.
    private let share: Double
    let exporter: SpanExporter

    /// What became of spans so far.
    public var counts: SpanExporter.Counts { exporter.counts }

    public init(share: Double, exporter: SpanExporter) {
        self.share = share
        self.exporter = exporter
    }

    public func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind, at instant: @autoclosure () -> Instant,
        function: String, file fileID: String, line: UInt
    ) -> TracedSpan {
        var context = context()
        let parent = context.traceParent
        let own = child(of: parent)
        context.traceParent = own
        return TracedSpan(
            operationName, own, below: parent, context: context, kind: kind, start: instant().nanosecondsSinceEpoch,
            exporter: own.isSampled ? exporter : nil)
    }

    private func child(of parent: TraceParent?) -> TraceParent {
        let span = UInt64.random(in: 1...UInt64.max)
        if let parent { return TraceParent(trace: parent.trace, span: span, isSampled: parent.isSampled) }
        return begun(.random(in: 0...UInt64.max), .random(in: 1...UInt64.max), span)
    }

    private func begun(_ high: UInt64, _ low: UInt64, _ span: UInt64) -> TraceParent {
        TraceParent(trace: (high, low), span: span, isSampled: Double(low >> 11) * 0x1p-53 < share)
    }

    /// What the spans of a piece of work are below that began in no trace: the same whenever and wherever it is asked for.
    ///
    /// - Parameters:
    ///   - number: of the work, distinct within this installation.
    ///   - since: when it began, which sets it apart from other installations' work.
    public func parent(ofWork number: Int64, since: Date) -> TraceParent {
        var numbers = SeededNumbers(seed: UInt64(bitPattern: number) ^ since.timeIntervalSince1970.bitPattern)
        return begun(numbers.next(), max(1, numbers.next()), max(1, numbers.next()))
    }

    /// The span that others were below before it was made: the first of its trace.
    public func rootSpan(_ name: String, as own: TraceParent, at start: DefaultTracerClock.Timestamp) -> TracedSpan {
        TracedSpan(
            name, own, below: nil, context: ServiceContext(below: own), kind: .internal, start: start.nanosecondsSinceEpoch,
            exporter: own.isSampled ? exporter : nil)
    }

    /// Nothing waits longer than a moment in this process: the exporter sends what it has by itself.
    public func forceFlush() {}

    public func extract<Carrier, Extract: Extractor>(_ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract)
    where Extract.Carrier == Carrier {
        context.traceParent = extractor.extract(key: "traceparent", from: carrier).flatMap(TraceParent.init)
    }

    public func inject<Carrier, Inject: Injector>(_ context: ServiceContext, into carrier: inout Carrier, using injector: Inject)
    where Inject.Carrier == Carrier {
        if let parent = context.traceParent { injector.inject(parent.description, forKey: "traceparent", into: &carrier) }
    }
}

private enum TraceParentKey: ServiceContextKey {
    typealias Value = TraceParent
    static let nameOverride: String? = "traceparent"
}

extension ServiceContext {
    /// What spans started in this context are below; nil: they begin a trace.
    public var traceParent: TraceParent? {
        get { self[TraceParentKey.self] }
        set { self[TraceParentKey.self] = newValue }
    }

    /// A context below this, or one in which a trace begins.
    public init(below parent: TraceParent?) {
        self = .topLevel
        traceParent = parent
    }
}
