import Hummingbird
import JSONEnvelope
import NIOCore
import Records
import Tenancy

/// One reader's events, written as they come.
///
/// It reads a page, waits until the reader has taken it, reads the next: a slow reader costs one page of memory, and a reader who is
/// too slow is told so with the last event and cut. Where it ended, another stream goes on.
struct EventStream: Sendable {
    /// Why a stream ends; the reader may come again.
    enum End: String {
        case tooSlow = "too_slow"
        case shutdown
        case keyRevoked = "key_revoked"
    }

    /// Events of one page.
    private static let page = 200
    /// After a question that Postgres did not answer.
    private static let patience = Duration.milliseconds(500)

    let seat: Seat
    let records: Records
    let tenant: TenantID
    /// Nil: all.
    let types: Set<String>?
    let limits: Limits
    /// Whether the key it was asked for with is still good.
    let isAllowed: @Sendable () async -> Bool

    /// - Parameter gap: told first, when what comes before `cursor` was asked for and is not kept any more.
    func run(from start: EventCursor, gap: EventCursor?, to writer: inout any ResponseBodyWriter) async throws {
        defer { seat.leave() }
        var cursor = start
        var lastWord = ContinuousClock.now
        // The place is told before anything happens, so that a reader who loses the connection now misses nothing.
        var text = ": open\nretry: 2000\nid: \(cursor)\n\n"
        if let gap { text += .gap(after: gap, until: cursor) }
        try await write(text, to: &writer)

        var rings = seat.rings.makeAsyncIterator()
        repeat {
            if let end = try await advance(&cursor, &lastWord, &writer) { return try await finish(end, at: cursor, &writer) }
            if seat.isClosing { return try await finish(.shutdown, at: cursor, &writer) }
            if await !isAllowed() { return try await finish(.keyRevoked, at: cursor, &writer) }
            if ContinuousClock.now - lastWord >= limits.streamBeat {
                // Also tells how far events of other types have been passed over.
                try await write(": still here\nid: \(cursor)\n\n", to: &writer)
                lastWord = .now
            }
        } while await rings.next() != nil
    }

    /// Writes all there is; answers why the stream must end, if it must.
    private func advance(
        _ cursor: inout EventCursor, _ lastWord: inout ContinuousClock.Instant, _ writer: inout any ResponseBodyWriter
    ) async throws -> End? {
        while !seat.isClosing {
            guard let events = try? await records.events(of: tenant, after: cursor, limit: Self.page) else {
                // Postgres is away: nothing is lost, the place is known.
                try await Task.sleep(for: Self.patience)
                return nil
            }
            guard let last = events.last else { return nil }
            let wanted = events.filter { types?.contains($0.type) ?? true }
            if !wanted.isEmpty {
                let took = try await write(wanted.map(\.text).joined(), to: &writer)
                lastWord = .now
                if took > limits.streamPause {
                    cursor = last.cursor
                    return .tooSlow
                }
            }
            cursor = last.cursor
            if events.count < Self.page { return nil }
        }
        return nil
    }

    @discardableResult
    private func write(_ text: String, to writer: inout any ResponseBodyWriter) async throws -> Duration {
        try await seat.writing { try await writer.write(ByteBuffer(string: text)) }
    }

    private func finish(_ end: End, at cursor: EventCursor, _ writer: inout any ResponseBodyWriter) async throws {
        let data = JSONWriter.object { $0.member("reason", end.rawValue) }
        try await write("event: end\nid: \(cursor)\ndata: \(String(decoding: data, as: UTF8.self))\n\n", to: &writer)
        try await writer.finish(nil)
    }
}

extension Event {
    /// As server-sent events are written. JSON has no line breaks of its own.
    fileprivate var text: String {
        let data = JSONWriter.object(capacity: 256) { object in
            object.member("id", cursor.description)
            object.member("type", type)
            object.member("at", at)
            object.member("data", json: body.bytes)
        }
        return "id: \(cursor)\nevent: \(type)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"
    }
}

extension String {
    fileprivate static func gap(after asked: EventCursor, until cursor: EventCursor) -> String {
        let data = JSONWriter.object { object in
            object.member("after", asked.description)
            object.member("until", cursor.description)
        }
        return "event: gap\nid: \(cursor)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"
    }
}
