import Logging
import ServiceLifecycle

/// Sends spans to a collector.
public final class SpanExporter: Service {
    public typealias Counts = ExportCounts

    private let exporter: BatchExporter<TracedSpan.Record>

    /// - Parameters:
    ///   - endpoint: the collector's address; `/v1/traces` is added where it has no path of its own for them.
    ///   - role: what this process does, to be told apart from others.
    ///   - capacity: the most spans that wait.
    public init(
        endpoint: String, role: String, version: String, capacity: Int = 16_384, interval: Duration = .milliseconds(500), logger: Logger
    ) {
        let resource = OTLPResource(role: role, version: version)
        exporter = BatchExporter(
            endpoint: endpoint, path: "/v1/traces", what: "spans", capacity: capacity, interval: interval, logger: logger
        ) { OTLPDocument.json($0, of: resource) }
    }

    public var counts: Counts { exporter.counts }

    func add(_ span: TracedSpan.Record) { exporter.add(span) }

    public func run() async throws { await exporter.run() }
}
