import Hummingbird
import Jobs
import Telemetry
import Tracing

extension API {
    /// Begins the span of a request that goes to `endpoint`. Those about the process itself would only drown the others.
    func startSpan(of request: Request, to endpoint: Endpoint) -> TracedSpan? {
        guard let traces, endpoint.access != .open else { return nil }
        let parent = request.traceParent
        return traces.startSpan("\(endpoint.method.rawValue) \(endpoint.path)", context: ServiceContext(below: parent), ofKind: .server)
    }

    func end(_ span: TracedSpan, of request: Request, to endpoint: Endpoint, status: Int) {
        span.updateAttributes { attributes in
            attributes["http.request.method"] = endpoint.method.rawValue
            attributes["http.route"] = endpoint.path
            attributes["http.response.status_code"] = status
        }
        if status >= 500 { span.setStatus(SpanStatus(code: .error)) }
        span.end()
    }
}

extension Request {
    /// The trace the caller is in; nil where the header is missing or is none.
    var traceParent: TraceParent? { headers[.traceparent].flatMap(TraceParent.init) }
}

extension Call {
    /// Runs `body`, which enqueues jobs under the traceparent it is given: below a span of its own where traces are told of, else
    /// the caller's.
    func enqueuing<R>(_ body: (_ traceContext: String?) async throws -> R) async throws -> R {
        guard let traces = api.traces, let span else { return try await body(request.traceParent?.description) }
        let enqueue = traces.startSpan("enqueue", context: span.context, ofKind: .producer)
        defer { enqueue.end() }
        enqueue.updateAttributes { $0["kiteline.tenant"] = tenant.id.description }
        do {
            return try await body(enqueue.context.traceParent?.description)
        } catch {
            enqueue.setStatus(SpanStatus(code: .error))
            throw error
        }
    }
}
