import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// What became of records so far.
public struct ExportCounts: Sendable, Hashable {
    public var exported: Int
    public var dropped: Int

    public init(exported: Int = 0, dropped: Int = 0) {
        self.exported = exported
        self.dropped = dropped
    }
}

/// Sends records to a collector: OTLP over HTTP, in JSON.
///
/// Nobody waits for it. Records are queued up to a bound and sent by batches; what finds the queue full, or is refused by the
/// collector, is dropped and counted.
final class BatchExporter<Record: Sendable>: Sendable {
    private struct State {
        var waiting: [Record] = []
        var counts = ExportCounts()
        var isFailing = false
    }

    private let url: String
    private let what: String
    private let capacity: Int
    private let interval: Duration
    private let logger: Logger
    private let document: @Sendable ([Record]) -> [UInt8]
    private let state = Mutex(State())
    private let batch = 512
    private let tries = 4

    /// - Parameters:
    ///   - endpoint: the collector's address; `path` is added where it has none of its own for it.
    ///   - what: what the records are called where trouble is told.
    ///   - capacity: the most records that wait.
    ///   - document: what a batch looks like to the collector.
    init(
        endpoint: String, path: String, what: String, capacity: Int, interval: Duration, logger: Logger,
        document: @escaping @Sendable ([Record]) -> [UInt8]
    ) {
        let base = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        url = base.hasSuffix(path) ? base : base + path
        self.what = what
        self.capacity = capacity
        self.interval = interval
        self.logger = logger
        self.document = document
    }

    var counts: ExportCounts { state.withLock { $0.counts } }

    func add(_ record: Record) {
        state.withLock { state in
            if state.waiting.count < capacity { state.waiting.append(record) } else { state.counts.dropped += 1 }
        }
    }

    /// Sends until a graceful shutdown or its task's end; what waits then is given one more try.
    func run() async {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                while !Task.isCancelled, let records = next() { await send(records) }
            }
        }
        // In a task of its own: this one may be cancelled, which a request would take for its own end.
        await Task { while let records = next(), await send(records, tries: 1) {} }.value
    }

    private func next() -> [Record]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else { return nil }
            let taken = Array(state.waiting.prefix(batch))
            state.waiting.removeFirst(taken.count)
            return taken
        }
    }

    @discardableResult
    private func send(_ records: [Record], tries: Int? = nil) async -> Bool {
        let body = document(records)
        var pause = interval
        for round in 1...(tries ?? self.tries) {
            if round > 1 {
                try? await Task.sleep(for: pause)
                pause *= 2
            }
            switch await post(body) {
            case .taken:
                note(nil) { $0.exported += records.count }
                return true
            case .refused(let reason):
                note(reason) { $0.dropped += records.count }
                return false
            case .failed(let reason): note(reason) { _ in }
            }
            if tries == nil, Task.isCancelled {
                // Its request was cut short by the shutdown: it goes out with what still waits.
                state.withLock { $0.waiting.insert(contentsOf: records, at: 0) }
                return false
            }
        }
        note("given up") { $0.dropped += records.count }
        return false
    }

    private enum Answer {
        case taken
        /// Will not be taken however often it is sent.
        case refused(String)
        case failed(String)
    }

    private func post(_ body: [UInt8]) async -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
            _ = try? await response.body.collect(upTo: 1 << 16)
            return switch response.status.code {
            case 200..<300: .taken
            case 429, 502, 503, 504: .failed("status \(response.status.code)")
            default: .refused("status \(response.status.code)")
            }
        } catch {
            return .failed("\(error)")
        }
    }

    /// Trouble with the collector is said when it begins and when it is over.
    private func note(_ trouble: String?, _ count: (inout ExportCounts) -> Void) {
        let turned = state.withLock { state in
            count(&state.counts)
            defer { state.isFailing = trouble != nil }
            return state.isFailing != (trouble != nil)
        }
        guard turned else { return }
        if let trouble {
            logger.warning("the collector does not take what it is sent", metadata: ["name": "\(what)", "error": "\(trouble)"])
        } else {
            logger.info("the collector takes what it is sent again", metadata: ["name": "\(what)"])
        }
    }
}
