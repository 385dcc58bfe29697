import Foundation
import Jobs
import Logging
import ServiceLifecycle

/// Sends log lines to a collector, beside those written to standard error.
///
/// Whoever logs puts the line into a bounded queue and goes on; what finds it full is dropped and counted.
public final class LogExporter: Service {
    public typealias Counts = ExportCounts

    struct Line: Sendable {
        /// Nanoseconds since 1970.
        let at: UInt64
        let level: Logger.Level
        let message: String
        let label: String
        let metadata: Logger.Metadata
    }

    private let exporter: BatchExporter<Line>

    /// - Parameters:
    ///   - endpoint: the collector's address; that of traces will do: `/v1/logs` is put in the place of `/v1/traces`, or added.
    ///   - capacity: the most lines that wait.
    ///   - logger: told of trouble with the collector; one that does not come here.
    public init(
        endpoint: String, role: String, version: String, capacity: Int = 4_096, interval: Duration = .milliseconds(500), logger: Logger
    ) {
        let resource = OTLPResource(role: role, version: version)
        let base = endpoint.hasSuffix("/v1/traces") ? String(endpoint.dropLast("/v1/traces".count)) : endpoint
        exporter = BatchExporter(
            endpoint: base, path: "/v1/logs", what: "log lines", capacity: capacity, interval: interval, logger: logger
        ) { OTLPDocument.json($0, of: resource) }
    }

    public var counts: Counts { exporter.counts }

    func add(_ line: Line) { exporter.add(line) }

    public func run() async throws { await exporter.run() }

    /// The same logger, whose lines come here too.
    public func joining(_ logger: Logger) -> Logger {
        var joined = logger
        var own = ExportingLogHandler(label: logger.label, exporter: self)
        own.logLevel = logger.logLevel
        joined.handler = MultiplexLogHandler([logger.handler, own])
        return joined
    }
}

/// Puts log lines into an exporter's queue.
private struct ExportingLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let label: String
    let exporter: LogExporter

    init(label: String, exporter: LogExporter) {
        self.label = label
        self.exporter = exporter
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let carried = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        exporter.add(
            LogExporter.Line(
                at: UInt64(max(0, Date().timeIntervalSince1970 * 1e9)), level: event.level, message: event.message.description,
                label: label,
                metadata: carried))
    }
}
