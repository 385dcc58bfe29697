/// Where a piece of work stands in a trace, as W3C Trace Context writes it: `00-<trace>-<span>-<flags>`.
///
/// A job keeps the one it was enqueued under, its attempts are spans below it, and its follow-up jobs go on below those.
public struct TraceParent: Sendable, Hashable, CustomStringConvertible {
    /// Of the whole trace: 128 bits, never all zero.
    public let trace: (high: UInt64, low: UInt64)
    /// Of the span that others are below; never zero.
    public let span: UInt64
    /// Whether the spans of this trace are told to a collector.
    public let isSampled: Bool

    public init(trace: (high: UInt64, low: UInt64), span: UInt64, isSampled: Bool) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
    }

    /// Nil when the text is no traceparent; then a trace begins anew, as the standard asks.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = number(bytes[0..<2]), version != 0xFF, bytes.count == 55 || version > 0 && bytes[55] == dash,
            let high = number(bytes[3..<19]), let low = number(bytes[19..<35]), high | low != 0,
            let span = number(bytes[36..<52]), span != 0, let flags = number(bytes[53..<55])
        else { return nil }
        self.init(trace: (high, low), span: span, isSampled: flags & 1 == 1)
    }

    /// The trace's name: 32 hexadecimal digits.
    public var traceID: String { hexadecimal(trace.high) + hexadecimal(trace.low) }
    /// The span's name: 16 hexadecimal digits.
    public var spanID: String { hexadecimal(span) }

    public var description: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

    public static func == (a: TraceParent, b: TraceParent) -> Bool {
        a.trace == b.trace && a.span == b.span && a.isSampled == b.isSampled
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(trace.low)
        hasher.combine(span)
    }
}

/// What an attempt is in a trace, from its handling to its end.
public protocol AttemptTrace: AnyObject, Sendable {
    /// What its follow-up jobs are below.
    var parent: TraceParent { get }
}

private let dash = UInt8(ascii: "-")

/// Only lower-case digits: the standard knows no other.
private func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for digit in digits {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
        default: return nil
        }
    }
    return value
}

private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
