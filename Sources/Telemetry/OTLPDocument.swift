import Foundation
import JSONEnvelope
import Jobs
import Logging
import Tracing

/// Who tells.
struct OTLPResource: Sendable {
    let role: String
    let version: String
    let host = ProcessInfo.processInfo.hostName
    let pid = ProcessInfo.processInfo.processIdentifier
}

/// Spans and log lines as a collector takes them: OpenTelemetry's protocol 1.x, the JSON form of ExportTraceServiceRequest and
/// ExportLogsServiceRequest. Numbers of traces and spans are hexadecimal there, 64-bit numbers are strings.
enum OTLPDocument {
    static func json(_ spans: [TracedSpan.Record], of resource: OTLPResource) -> [UInt8] {
        json(("resourceSpans", "scopeSpans", "spans"), spans.map(json), of: resource)
    }

    static func json(_ lines: [LogExporter.Line], of resource: OTLPResource) -> [UInt8] {
        json(("resourceLogs", "scopeLogs", "logRecords"), lines.map(json), of: resource)
    }

    private static func json(
        _ names: (resources: String, scopes: String, records: String), _ records: [[UInt8]], of resource: OTLPResource
    ) -> [UInt8] {
        JSONWriter.object(capacity: 512 * records.count) { root in
            root.array(names.resources) { list in
                list.object { told in
                    told.object("resource") { object in
                        object.array("attributes") { list in
                            list.attribute("service.name", text: "kiteline")
                            list.attribute("service.version", text: resource.version)
                            list.attribute("service.instance.id", text: "\(resource.host):\(resource.pid)")
                            list.attribute("kiteline.role", text: resource.role)
                        }
                    }
                    told.array(names.scopes) { list in
                        list.object { scope in
                            scope.object("scope") { $0.member("name", "kiteline") }
                            scope.array(names.records) { list in for record in records { list.element(json: record) } }
                        }
                    }
                }
            }
        }
    }

    /// A value longer than this is cut: a line is a line.
    private static let longestValue = 4_096

    private static func json(_ line: LogExporter.Line) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("timeUnixNano", String(line.at))
            object.member("observedTimeUnixNano", String(line.at))
            object.member("severityNumber", line.level.number)
            object.member("severityText", line.level.rawValue.uppercased())
            object.object("body") { $0.member("stringValue", line.message) }
            var attributes = line.metadata
            // The line of a traced job is found with its trace.
            if case .string(let trace)? = attributes.removeValue(forKey: LogKey.traceID.rawValue), trace.utf8.count == 32 {
                object.member("traceId", trace)
            }
            object.array("attributes") { list in
                list.attribute("logger", text: line.label)
                for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
                    list.attribute(name, text: String(value.description.prefix(longestValue)))
                }
            }
        }
    }

    private static func json(_ span: TracedSpan.Record) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("traceId", span.own.traceID)
            object.member("spanId", span.own.spanID)
            if let parent = span.parent { object.member("parentSpanId", parent.spanID) }
            object.member("flags", 1)
            object.member("name", span.name)
            object.member("kind", span.kind.number)
            object.member("startTimeUnixNano", String(span.start))
            object.member("endTimeUnixNano", String(span.end))
            object.array("attributes") { span.attributes.write(to: &$0) }
            if !span.links.isEmpty {
                object.array("links") { list in
                    for link in span.links {
                        list.object { object in
                            object.member("traceId", link.traceID)
                            object.member("spanId", link.spanID)
                        }
                    }
                }
            }
            if !span.events.isEmpty {
                object.array("events") { list in
                    for event in span.events {
                        list.object { object in
                            object.member("timeUnixNano", String(event.nanosecondsSinceEpoch))
                            object.member("name", event.name)
                            object.array("attributes") { event.attributes.write(to: &$0) }
                        }
                    }
                }
            }
            if let status = span.status {
                object.object("status") { object in
                    object.member("code", status.code == .ok ? 1 : 2)
                    if let message = status.message { object.member("message", message) }
                }
            }
        }
    }
}

extension SpanKind {
    /// As OTLP numbers them.
    fileprivate var number: Int {
        switch self {
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        default: 1
        }
    }
}

extension Logger.Level {
    /// As OTLP numbers them.
    fileprivate var number: Int {
        switch self {
        case .trace: 1
        case .debug: 5
        case .info: 9
        case .notice: 10
        case .warning: 13
        case .error: 17
        case .critical: 21
        }
    }
}

extension SpanAttributes {
    /// Single values; lists are not told of by anything here.
    fileprivate func write(to list: inout JSONWriter) {
        forEach { name, value in
            switch value {
            case .int32(let number): list.attribute(name) { $0.member("intValue", String(number)) }
            case .int64(let number): list.attribute(name) { $0.member("intValue", String(number)) }
            case .double(let number): list.attribute(name) { $0.member("doubleValue", number) }
            case .bool(let flag): list.attribute(name) { $0.member("boolValue", flag) }
            case .string(let text): list.attribute(name, text: text)
            case .stringConvertible(let value): list.attribute(name, text: value.description)
            default: break
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func attribute(_ name: String, text: String) { attribute(name) { $0.member("stringValue", text) } }

    fileprivate mutating func attribute(_ name: String, _ value: (inout JSONWriter) -> Void) {
        object { object in
            object.member("key", name)
            object.object("value", value)
        }
    }
}
