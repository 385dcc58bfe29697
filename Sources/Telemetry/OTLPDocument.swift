import Foundation
import JSONEnvelope
import Jobs
import Tracing

/// Who tells of spans.
struct OTLPResource: Sendable {
    let role: String
    let version: String
    let host = ProcessInfo.processInfo.hostName
    let pid = ProcessInfo.processInfo.processIdentifier
}

/// Spans as a collector takes them: OpenTelemetry's protocol 1.x, the JSON form of ExportTraceServiceRequest. Numbers of traces and
/// spans are hexadecimal there, 64-bit numbers are strings.
enum OTLPDocument {
    static func json(_ spans: [TracedSpan.Record], of resource: OTLPResource) -> [UInt8] {
        JSONWriter.object(capacity: 512 * spans.count) { root in
            root.array("resourceSpans") { list in
                list.object { resourceSpans in
                    resourceSpans.object("resource") { object in
                        object.array("attributes") { list in
                            list.attribute("service.name", text: "kiteline")
                            list.attribute("service.version", text: resource.version)
                            list.attribute("service.instance.id", text: "\(resource.host):\(resource.pid)")
                            list.attribute("kiteline.role", text: resource.role)
                        }
                    }
                    resourceSpans.array("scopeSpans") { list in
                        list.object { scope in
                            scope.object("scope") { $0.member("name", "kiteline") }
                            scope.array("spans") { list in for span in spans { list.element(json: json(span)) } }
                        }
                    }
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
