import Jobs
import Synchronization
import Tracing

/// A span on its way to the collector; one of a trace that is not told of keeps nothing.
public final class TracedSpan: Span {
    struct Record: Sendable {
        var name: String
        let own: TraceParent
        let parent: TraceParent?
        let kind: SpanKind
        /// Nanoseconds since 1970.
        let start: UInt64
        var end: UInt64 = 0
        var attributes: SpanAttributes = [:]
        var links: [TraceParent] = []
        var events: [SpanEvent] = []
        var status: SpanStatus?
    }

    /// Of one span.
    private static let mostEvents = 16

    public let context: ServiceContext
    private let exporter: SpanExporter?
    /// Nil once it has ended.
    private let record: Mutex<Record?>

    init(
        _ name: String, _ own: TraceParent, below parent: TraceParent?, context: ServiceContext, kind: SpanKind, start: UInt64,
        exporter: SpanExporter?
    ) {
        self.context = context
        self.exporter = exporter
        record = Mutex(Record(name: name, own: own, parent: parent, kind: kind, start: start))
    }

    public var isRecording: Bool { exporter != nil }

    public var operationName: String {
        get { record.withLock { $0?.name ?? "" } }
        set { record.withLock { $0?.name = newValue } }
    }

    public var attributes: SpanAttributes {
        get { record.withLock { $0?.attributes ?? [:] } }
        set { change { $0.attributes = newValue } }
    }

    public func setStatus(_ status: SpanStatus) { change { $0.status = status } }

    public func addEvent(_ event: SpanEvent) { change { if $0.events.count < Self.mostEvents { $0.events.append(event) } } }

    public func addLink(_ link: SpanLink) {
        guard let parent = link.context.traceParent else { return }
        change { $0.links.append(parent) }
    }

    public func recordError<Instant: TracerInstant>(_ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant)
    {
        var attributes = attributes
        attributes["exception.type"] = "\(type(of: error))"
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
    }

    /// The first end counts.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let exporter, var ended = record.withLock({ exchange(&$0, with: nil) }) else { return }
        ended.end = max(ended.start, instant().nanosecondsSinceEpoch)
        exporter.add(ended)
    }

    private func change(_ body: (inout Record) -> Void) {
        guard isRecording else { return }
        record.withLock { if $0 != nil { body(&$0!) } }
    }
}
