import Foundation
import JSONEnvelope

/// The JSON object a vendor answered with.
struct VendorBody {
    private let root: JSONNode

    init?(_ answer: HTTPAnswer) {
        guard let envelope = try? JSONEnvelope(answer.body, levels: 4), envelope.root.type == .object else { return nil }
        root = envelope.root
    }

    func string(_ name: String) -> String? { root[name]?.string }
    func integer(_ name: String) -> Int64? { root[name]?.integer }
    func strings(_ name: String) -> [String] { root[name]?.elements.compactMap(\.string) ?? [] }
    /// A value as text, whatever it is: `0`, `"0"`, `true`.
    func text(_ name: String) -> String? { root[name].map { $0.string ?? String(decoding: $0.bytes, as: UTF8.self) } }
}

extension DeliveryResult {
    /// What a status alone says; nil where the body has to be asked.
    static func ofStatus(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult? {
        switch answer.status {
        case 500...599: .failed(.transient, "http_\(answer.status)", "the other side is in trouble (HTTP \(answer.status))")
        case 300...399: .failed(.config, "http_\(answer.status)", "the address sends elsewhere (HTTP \(answer.status)); it is not followed")
        case 408: .failed(.transient, "http_408", "the other side waited in vain (HTTP 408)")
        default: nil
        }
    }

    static func unreadable(_ answer: HTTPAnswer) -> DeliveryResult {
        (200...299).contains(answer.status)
            ? .failed(.transient, "unreadable", "the answer is not what this vendor answers")
            : .failed(.config, "http_\(answer.status)", "refused with HTTP \(answer.status)")
    }
}

extension DateFormatter {
    /// English names in UTC, as mails and HTTP write times.
    static func english(_ format: String) -> DateFormatter {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        formatter.dateFormat = format
        return formatter
    }
}

extension HTTPAnswer {
    /// When `Retry-After` says to come back: seconds, or an HTTP date. At most a day.
    func retryAfter(_ now: Date) -> Date? {
        guard let text = headers["retry-after"] else { return nil }
        if let seconds = TimeInterval(text), seconds >= 0 { return now.addingTimeInterval(min(seconds, 86_400)) }
        let formatter = DateFormatter.english("EEE, dd MMM yyyy HH:mm:ss zzz")
        return formatter.date(from: text).map { min(max($0, now), now.addingTimeInterval(86_400)) }
    }
}
