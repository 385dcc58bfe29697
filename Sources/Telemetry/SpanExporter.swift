import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Sends spans to a collector: OTLP over HTTP, in JSON.
///
/// Nobody waits for it. Spans are queued up to a bound and sent by batches; what finds the queue full, or is refused by the
/// collector, is dropped and counted.
public final class SpanExporter: Service {
    public struct Counts: Sendable, Hashable {
        public var exported = 0
        public var dropped = 0
    }

    private struct State {
        var waiting: [TracedSpan.Record] = []
        var counts = Counts()
        var isFailing = false
    }

    private let url: String
    private let resource: OTLPResource
    private let capacity: Int
    private let interval: Duration
    private let logger: Logger
    private let state = Mutex(State())
    private let batch = 512
    private let tries = 4

    /// - Parameters:
    ///   - endpoint: the collector's address; `/v1/traces` is added where it has no path of its own for them.
    ///   - role: what this process does, to be told apart from others.
    ///   - capacity: the most spans that wait.
    public init(
        endpoint: String, role: String, version: String, capacity: Int = 16_384, interval: Duration = .milliseconds(500), logger: Logger
    ) {
        let base = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        url = base.hasSuffix("/v1/traces") ? base : base + "/v1/traces"
        resource = OTLPResource(role: role, version: version)
        self.capacity = capacity
        self.interval = interval
        self.logger = logger
    }

    public var counts: Counts { state.withLock { $0.counts } }

    func add(_ span: TracedSpan.Record) {
        state.withLock { state in
            if state.waiting.count < capacity { state.waiting.append(span) } else { state.counts.dropped += 1 }
        }
    }

    /// Sends until a graceful shutdown or its task's end; what waits then is given one more try.
    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                while !Task.isCancelled, let spans = next() { await send(spans) }
            }
        }
        // In a task of its own: this one may be cancelled, which a request would take for its own end.
        await Task { while let spans = next(), await send(spans, tries: 1) {} }.value
    }

    private func next() -> [TracedSpan.Record]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else { return nil }
            let taken = Array(state.waiting.prefix(batch))
            state.waiting.removeFirst(taken.count)
            return taken
        }
    }

    @discardableResult
    private func send(_ spans: [TracedSpan.Record], tries: Int? = nil) async -> Bool {
        let body = OTLPDocument.json(spans, of: resource)
        var pause = interval
        for round in 1...(tries ?? self.tries) {
            if round > 1 {
                try? await Task.sleep(for: pause)
                pause *= 2
            }
            switch await post(body) {
            case .taken:
                note(nil) { $0.exported += spans.count }
                return true
            case .refused(let reason):
                note(reason) { $0.dropped += spans.count }
                return false
            case .failed(let reason): note(reason) { _ in }
            }
        }
        note("given up") { $0.dropped += spans.count }
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
    private func note(_ trouble: String?, _ count: (inout Counts) -> Void) {
        let turned = state.withLock { state in
            count(&state.counts)
            defer { state.isFailing = trouble != nil }
            return state.isFailing != (trouble != nil)
        }
        guard turned else { return }
        if let trouble {
            logger.warning("spans cannot be sent", metadata: ["error": "\(trouble)"])
        } else {
            logger.info("spans are sent again")
        }
    }
}
