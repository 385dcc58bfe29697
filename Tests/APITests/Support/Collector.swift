import Foundation
import Hummingbird
import LocalVendors
import Logging
import Synchronization

/// A collector of traces and log lines: a real HTTP server that keeps what it is sent.
final class Collector: Sendable {
    struct Span: Sendable {
        var name: String
        var trace: String
        var id: String
        var parent: String?
        var kind: Int
        var start: UInt64
        var end: UInt64
        var links: [String]
        var attributes: [String: String]
        var isError: Bool
        var role: String
    }

    struct Line: Sendable {
        var message: String
        var severity: String
        var number: Int
        var at: UInt64
        var trace: String?
        var attributes: [String: String]
        var role: String
    }

    private let kept = Mutex<[Span]>([])
    private let keptLines = Mutex<[Line]>([])
    private let status: HTTPResponse.Status

    init(answering status: HTTPResponse.Status = .ok) { self.status = status }

    var spans: [Span] { kept.withLock { $0 } }
    var lines: [Line] { keptLines.withLock { $0 } }

    /// Gives `body` the address of a running collector.
    static func with<R: Sendable>(
        answering status: HTTPResponse.Status = .ok, _ body: @Sendable (Collector, String) async throws -> R
    ) async throws -> R {
        let collector = Collector(answering: status)
        let router = Router()
        router.post("v1/traces") { request, _ in
            let body = try await request.body.collect(upTo: 16 << 20)
            collector.take(Data(body.readableBytesView))
            return collector.status
        }
        router.post("v1/logs") { request, _ in
            let body = try await request.body.collect(upTo: 16 << 20)
            collector.takeLines(Data(body.readableBytesView))
            return collector.status
        }
        var logger = Logger(label: "collector")
        logger.logLevel = .critical
        return try await serve(router, logger: logger) { try await body(collector, $0) }
    }

    private func take(_ data: Data) {
        let root = JSON(try? JSONSerialization.jsonObject(with: data))
        for resource in root["resourceSpans"].array ?? [] {
            let role = attributes(resource["resource"])["kiteline.role"] ?? ""
            for scope in resource["scopeSpans"].array ?? [] {
                for json in scope["spans"].array ?? [] {
                    let span = span(json, role)
                    kept.withLock { $0.append(span) }
                }
            }
        }
    }

    private func takeLines(_ data: Data) {
        let root = JSON(try? JSONSerialization.jsonObject(with: data))
        for resource in root["resourceLogs"].array ?? [] {
            let role = attributes(resource["resource"])["kiteline.role"] ?? ""
            for record in (resource["scopeLogs"].array ?? []).flatMap({ $0["logRecords"].array ?? [] }) {
                let line = Line(
                    message: record["body"]["stringValue"].string ?? "", severity: record["severityText"].string ?? "",
                    number: record["severityNumber"].int ?? 0, at: UInt64(record["timeUnixNano"].string ?? "") ?? 0,
                    trace: record["traceId"].string, attributes: attributes(record), role: role)
                keptLines.withLock { $0.append(line) }
            }
        }
    }

    private func span(_ json: JSON, _ role: String) -> Span {
        func text(_ name: String) -> String { json[name].string ?? "" }
        let links: [JSON] = json["links"].array ?? []
        return Span(
            name: text("name"), trace: text("traceId"), id: text("spanId"), parent: json["parentSpanId"].string,
            kind: json["kind"].int ?? 0, start: UInt64(text("startTimeUnixNano")) ?? 0, end: UInt64(text("endTimeUnixNano")) ?? 0,
            links: links.compactMap { $0["spanId"].string }, attributes: attributes(json), isError: json["status"]["code"].int == 2,
            role: role)
    }

    private func attributes(_ holder: JSON) -> [String: String] {
        var all: [String: String] = [:]
        for attribute in holder["attributes"].array ?? [] {
            let value = attribute["value"]
            all[attribute["key"].string ?? ""] = value["stringValue"].string ?? value["intValue"].string
        }
        return all
    }
}
