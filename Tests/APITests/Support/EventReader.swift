import API
import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// One server-sent event, as it came.
struct SentEvent: Sendable, Equatable {
    var id: String
    var type: String
    var data: String

    var json: JSON { JSON((try? JSONSerialization.jsonObject(with: Data(data.utf8))) as? [String: Any]) }
    /// The job it is about.
    var job: String? { json["data"]["job_id"].string }
}

/// A reader of the event stream, as a browser is one: remembers the last id it was told, with or without an event.
final class EventReader: Sendable {
    private struct State {
        var events: [SentEvent] = []
        var lastID = ""
        var isOver = false
    }

    private let state = Mutex(State())

    var events: [SentEvent] { state.withLock { $0.events } }
    var lastID: String { state.withLock { $0.lastID } }
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Reads until the stream ends or its task is cancelled.
    /// - Parameter pause: nothing is taken for so long, at first and whenever some megabytes were: whoever sends has begun by then.
    func read(_ body: HTTPClientResponse.Body, pausing pause: Duration? = nil) async throws {
        defer { state.withLock { $0.isOver = true } }
        var rest = ""
        var taken = 4_000_000
        for try await piece in body {
            if let pause, taken > 3_000_000 {
                taken = 0
                try await Task.sleep(for: pause)
            }
            taken += piece.readableBytes
            rest += String(buffer: piece)
            while let end = rest.firstRange(of: "\n\n") {
                take(rest[..<end.lowerBound])
                rest = String(rest[end.upperBound...])
            }
        }
    }

    private func take(_ block: Substring) {
        var event = SentEvent(id: lastID, type: "", data: "")
        for line in block.split(separator: "\n") {
            let (name, value) = (line.prefix { $0 != ":" }, line.drop { $0 != ":" }.dropFirst(2))
            switch name {
            case "id": event.id = String(value)
            case "event": event.type = String(value)
            case "data": event.data = String(value)
            default: break
            }
        }
        state.withLock { [event] state in
            state.lastID = event.id
            if !event.data.isEmpty { state.events.append(event) }
        }
    }
}

/// The shared client opens eight connections to one host at most.
private let manyStreams: HTTPClient = {
    var configuration = HTTPClient.Configuration()
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 200
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
}()

extension TestAPI {
    /// Another process that serves the same data: gives `body` its address, and ends it as SIGTERM does.
    func servingToo(_ body: @Sendable (_ address: String, _ end: @Sendable () async -> Void) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let other = API(records: records, ledger: ledger, dispatch: dispatch, kinds: [], logger: logger)
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        let group = ServiceGroup(services: [APIServer(other, port: 0) { running.yield($0) }], logger: logger)
        let task = Task { try await group.run() }
        for await port in ports {
            try await body("http://127.0.0.1:\(port)") { await group.triggerGracefulShutdown() }
            break
        }
        await group.triggerGracefulShutdown()
        try await task.value
    }

    /// Opens a stream, waits until it tells its place, and gives `body` its reader.
    func listening<R: Sendable>(
        _ query: String = "", at address: String? = nil, as key: String? = nil, after last: String? = nil,
        headers: [String: String] = [:],
        _ body: @Sendable (EventReader) async throws -> R
    ) async throws -> R {
        var request = HTTPClientRequest(url: (address ?? url) + "/v1/events" + query)
        request.headers.add(name: "Authorization", value: "Bearer \(key ?? acme.tenantKey)")
        if let last { request.headers.add(name: "Last-Event-ID", value: last) }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await manyStreams.execute(request, timeout: .seconds(180))
        try #require(response.status == .ok, "answered \(response.status)")
        let reader = EventReader()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await reader.read(response.body) }
            defer { group.cancelAll() }
            try await expectSoon { !reader.lastID.isEmpty }
            return try await body(reader)
        }
    }
}
