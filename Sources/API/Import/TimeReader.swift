import Foundation
import JSONEnvelope

/// In which order a file writes the figures of a day whose year does not come first.
enum DateOrder: String, Sendable, CaseIterable {
    case yearFirst = "ymd"
    case monthFirst = "mdy"
    case dayFirst = "dmy"
}

/// Reads times as exports write them.
struct TimeReader: Sendable {
    var order = DateOrder.yearFirst
    /// Of times without an offset.
    var zone: TimeZone

    /// RFC 3339; `2026-01-31`, `2026/1/31 8:05`, `2026年1月31日`; and where the order says which figure is which `1/31/26 2:15 PM` or `31.01.2026`.
    ///
    /// - Returns: nil: the text is no time, or may mean two.
    func date(_ text: String) -> Date? {
        if let date = RFC3339.date(text) { return date }
        guard let local = written(text).flatMap(RFC3339.date) else { return nil }
        return local.addingTimeInterval(-Double(zone.secondsFromGMT(for: local)))
    }

    /// As RFC 3339 writes it, as if it were in UTC.
    private func written(_ text: String) -> String? {
        let shape =
            /(\d{1,4})[-\/.年](\d{1,2})[-\/.月](\d{1,4})日?(?:[,T ] *(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d+)?))?(?:[ \u{A0}\u{202F}]*([AaPp])[Mm])?)?/
        guard let match = text.wholeMatch(of: shape)?.output, let day = day(String(match.1), String(match.2), String(match.3)),
            let hour = Self.hour(match.4.flatMap { Int($0) } ?? 0, half: match.7?.lowercased())
        else { return nil }
        return "\(day)T\(Self.two(String(hour))):\(match.5 ?? "00"):\(match.6 ?? "00")Z"
    }

    private func day(_ first: String, _ second: String, _ third: String) -> String? {
        if first.count == 4 { return third.count <= 2 ? "\(first)-\(Self.two(second))-\(Self.two(third))" : nil }
        guard order != .yearFirst, first.count <= 2, third.count == 4 || third.count == 2 else { return nil }
        let (month, day) = order == .monthFirst ? (first, second) : (second, first)
        return "\(third.count == 2 ? "20" + third : third)-\(Self.two(month))-\(Self.two(day))"
    }

    /// - Parameter half: `a` or `p`, of a clock of twelve hours.
    private static func hour(_ hour: Int, half: String?) -> Int? {
        guard let half else { return hour }
        return (1...12).contains(hour) ? hour % 12 + (half == "p" ? 12 : 0) : nil
    }

    private static func two(_ text: String) -> String { text.count < 2 ? "0" + text : text }
}
