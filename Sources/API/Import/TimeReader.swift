import Foundation
import JSONEnvelope
import SalesModel

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

    /// RFC 3339; `2026-01-31`, `2026/1/31 8:05`, `2026年1月31日`, `31 Jan 2026`, `Jan 31, 2026`; and where the order says which figure is which
    /// `1/31/26 2:15 PM`, `31.01.2026` or `31-Jan-26`.
    ///
    /// - Returns: nil: the text is no time, or may mean two.
    func date(_ text: String) -> Date? {
        if let date = RFC3339.date(text) { return date }
        guard let local = written(text).flatMap(RFC3339.date) else { return nil }
        return local.addingTimeInterval(-Double(zone.secondsFromGMT(for: local)))
    }

    /// Why a text is no time.
    func fault(in text: String) -> TimeFault {
        let readers = DateOrder.allCases.map { Self(order: $0, zone: zone) }
        let orders = readers.filter { $0.date(text) != nil }.map(\.order)
        if orders.isEmpty, let days = readers.lazy.compactMap({ $0.daysOfMonth(lacking: text) }).first {
            return .noSuchDay(String(text.prefix(40)), daysOfMonth: days)
        }
        return .other(String(text.prefix(40)), orders: orders)
    }

    /// How many days a month has that does not have the day a text names; nil: it has, or no day of a month is named.
    private func daysOfMonth(lacking text: String) -> Int? {
        let day = (written(text) ?? Self.withOffset(text))?.prefix(10)
        guard let day, day.suffix(2).allSatisfy({ $0.isASCII && $0.isNumber }), RFC3339.day(String(day)) == nil else { return nil }
        return (28...31).last { RFC3339.day("\(day.prefix(8))\($0)") != nil }
    }

    /// What would be RFC 3339 on another day of its month.
    private static func withOffset(_ text: String) -> String? {
        RFC3339.date("\(text.prefix(8))01\(text.dropFirst(10))") == nil ? nil : text
    }

    /// As RFC 3339 writes it, as if it were in UTC.
    private func written(_ text: String) -> String? {
        // Every part is bounded: a field may be of 64 KiB, and each beginning of it is tried.
        let shape = /(.{6,18}?)(?:[,T ] {0,3}(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d{1,9})?))?(?:[ \u{A0}\u{202F}]{0,3}([AaPp])[Mm])?)?/
            .asciiOnlyDigits()
        guard let match = text.wholeMatch(of: shape)?.output, let day = figures(match.1) ?? named(match.1),
            let hour = Self.hour(match.2.flatMap { Int($0) } ?? 0, half: match.5?.lowercased())
        else { return nil }
        return "\(day)T\(Self.two(String(hour))):\(match.3 ?? "00"):\(match.4 ?? "00")Z"
    }

    /// A day in figures alone.
    private func figures(_ text: Substring) -> String? {
        guard let match = text.wholeMatch(of: /(\d{1,4})[-\/.年](\d{1,2})[-\/.月](\d{1,4})日?/)?.output else { return nil }
        let (first, second, third) = (String(match.1), String(match.2), String(match.3))
        if first.count == 4 { return third.count <= 2 ? "\(first)-\(Self.two(second))-\(Self.two(third))" : nil }
        guard order != .yearFirst, first.count <= 2, third.count == 4 || third.count == 2 else { return nil }
        let (month, day) = order == .monthFirst ? (first, second) : (second, first)
        return "\(third.count == 2 ? "20" + third : third)-\(Self.two(month))-\(Self.two(day))"
    }

    /// A day whose month is a word: the other figures of it are in no doubt, but for a year of two.
    private func named(_ text: Substring) -> String? {
        let (day, name, year): (Substring, Substring, Substring)
        if let match = text.wholeMatch(of: /(\d{1,2})(?:\. ?|[- ])([A-Za-z]{3,9})(?:[-.,]|[.,]? )(\d{4}|\d\d)/)?.output {
            (day, name, year) = (match.1, match.2, match.3)
        } else if let match = text.wholeMatch(of: /([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4}|\d\d)/)?.output {
            (day, name, year) = (match.2, match.1, match.3)
        } else {
            return nil
        }
        guard year.count == 4 || order != .yearFirst else { return nil }
        guard let month = Self.months.firstIndex(where: { $0.hasPrefix(name.lowercased()) }) else { return nil }
        return "\(year.count == 2 ? "20" + year : year)-\(Self.two(String(month + 1)))-\(Self.two(String(day)))"
    }

    private static let months = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
    ]

    /// - Parameter half: `a` or `p`, of a clock of twelve hours.
    private static func hour(_ hour: Int, half: String?) -> Int? {
        guard let half else { return hour }
        return (1...12).contains(hour) ? hour % 12 + (half == "p" ? 12 : 0) : nil
    }

    private static func two(_ text: String) -> String { text.count < 2 ? "0" + text : text }
}

/// Why a text, of which this is the beginning, is no time.
enum TimeFault: Sendable, Hashable {
    case noSuchDay(String, daysOfMonth: Int)
    /// - Parameter orders: those of figures that would make it one.
    case other(String, orders: [DateOrder])

    func text(in language: Language) -> String {
        switch (self, language) {
        case (.noSuchDay(let text, let days), .english): "“\(text)”: there is no such day, its month has \(days)"
        case (.noSuchDay(let text, let days), .chinese): "“\(text)”这一天不存在，该月只有 \(days) 天"
        case (.other(let text, let orders), .english):
            "“\(text)” is no time such as 2026-01-31T08:00:00Z, 2026-01-31 08:00, 2026/1/31 or 31 Jan 2026"
                + (orders.isEmpty ? "" : "; it would be one with date_order \(orders.map(\.rawValue).joined(separator: " or "))")
        case (.other(let text, let orders), .chinese):
            "“\(text)”不是可识别的时间（如 2026-01-31T08:00:00Z、2026-01-31 08:00、2026/1/31、2026年1月31日）"
                + (orders.isEmpty ? "" : "；date_order 设为 \(orders.map(\.rawValue).joined(separator: " 或 ")) 时可识别")
        }
    }
}
