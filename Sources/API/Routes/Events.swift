import Hummingbird
import JSONEnvelope
import NIOCore
import Records
import Tenancy

extension API {
    static let eventStreamType = "text/event-stream"

    static let eventEndpoints = [Endpoint(.get, "/v1/events", takesQuery: true, answer: streamEvents)]
}

/// `GET /v1/events`: server-sent events of the tenant, from now on or from where another stream ended.
@Sendable private func streamEvents(_ call: Call) async throws -> Answer {
    let types = try call.query { $0.eventTypes() }
    let asked = try call.lastEventID()
    // Who only asks for the head is not kept waiting for a body.
    guard call.request.method != .head else { return Answer(streaming: .init(), type: API.eventStreamType) }
    let tenant = call.tenant.id
    let seat = try call.api.events.seat(for: tenant, on: call.connection)
    let bounds = try await call.records.listen(to: tenant)
    // A place before what is kept, or one that is not of this database's life.
    let isGap = asked.map { $0 < bounds.first || bounds.now.transaction < $0.transaction } ?? false
    let start = isGap ? bounds.first : asked ?? bounds.now
    let stream = EventStream(
        seat: seat, records: call.records, tenant: tenant, types: types, limits: call.limits, isAllowed: call.isStillAllowed)
    return Answer(
        streaming: ResponseBody { writer in try await stream.run(from: start, gap: isGap ? asked : nil, to: &writer) },
        type: API.eventStreamType)
}

extension Call {
    /// Whether what it was asked with is still good.
    fileprivate var isStillAllowed: @Sendable () async -> Bool {
        let (isWelcome, mayHearAll) = (isStillWelcome, mayHearAll)
        return {
            guard await isWelcome() else { return false }
            return await mayHearAll()
        }
    }

    private var isStillWelcome: @Sendable () async -> Bool {
        if let visitor { return visitor.isStillWelcome }
        let (keys, key, acting) = (api.keys, request.sentKey, principal)
        return {
            guard let key else { return false }
            // Without Postgres nobody knows; then there is nothing to be read either.
            do { return try await keys.principal(key)?.key == acting?.key } catch { return true }
        }
    }

    /// Whether no data domain holds the person whose key it is: one may have been given since the stream began.
    private var mayHearAll: @Sendable () async -> Bool {
        guard let user else { return { true } }
        let (records, tenant) = (records, tenant.id)
        return {
            guard let judge = try? await records.accessJudge(of: user, of: tenant) else { return true }
            return !judge.isHeldToCities
        }
    }

    /// Where the caller's last stream ended.
    fileprivate func lastEventID() throws -> EventCursor? {
        guard let text = request.headers[.lastEventID], !text.isEmpty else { return nil }
        guard let cursor = EventCursor(text) else {
            throw Problem.invalid([FieldError("Last-Event-ID", .badFormat, "must be the id of an event that was sent")])
        }
        return cursor
    }
}

extension QueryReader {
    /// `types=job.completed,lead`: events by their names or by what they are about; nil: all.
    fileprivate mutating func eventTypes() -> Set<String>? {
        guard let list = string("types", length: 500) else { return nil }
        var types: Set<String> = []
        for name in list.split(separator: ",") {
            let named = EventType.allCases.filter { $0.rawValue == name || $0.area == name }
            if named.isEmpty {
                fail("types", .notAllowed, "may name \(EventType.allCases.map(\.rawValue).joined(separator: ", ")), or their areas")
            }
            types.formUnion(named.map(\.rawValue))
        }
        return types
    }
}
