import Foundation
import JSONEnvelope
import SalesModel
import Tenancy

/// Writes times, spans and numbers as a reader of a language and a time zone does.
public struct Clerk: Sendable {
    public let words: Words
    public let now: Date
    private let zone: TimeZone
    /// What people call keys, by their numbers.
    public var keyNames: [Int64: String] = [:]

    /// - Parameter zone: an IANA name; one that is not known counts as UTC.
    public init(_ words: Words, now: Date, zone: String?) {
        self.words = words
        self.now = now
        self.zone = zone.flatMap(TimeZone.init(identifier:)) ?? .gmt
    }

    /// An IANA name, as the whole time of a moment has it.
    var zoneName: String { zone.identifier }

    /// Who did something, as people say it.
    func actor(_ actor: String?) -> String? { words.actor(actor, called: actor.flatMap { KeyActor($0) }.flatMap { keyNames[$0.key] }) }

    /// The numbers of the keys that an answer says did something.
    public static func keys(in node: JSONNode) -> Set<Int64> {
        let own = node.string.flatMap { KeyActor($0)?.key }
        return (node.elements + node.members.map(\.value)).reduce(Set([own].compactMap(\.self))) { $0.union(keys(in: $1)) }
    }

    // MARK: Times

    /// For the template `when`: the machine's time, the whole time with its zone, and how long ago or until then. Nil is nothing.
    public func when(_ date: Date?) -> View {
        guard let date else { return .nothing }
        return [
            "iso": .text(RFC3339.text(date)), "full": .text("\(full(date)) (\(zone.identifier))"), "ago": .text(ago(date)),
            "clock": .text(clock(date)), "zone": .text(offset(date)),
        ]
    }

    public func when(_ node: JSONNode?) -> View { when(node?.date) }

    /// `2026-11-26 10:05:30`
    public func full(_ date: Date) -> String { "\(day(date)) \(clock(date))" }

    /// `10:05:30`
    public func clock(_ date: Date) -> String {
        let parts = parts(date)
        return "\(two(parts.hour)):\(two(parts.minute)):\(two(parts.second))"
    }

    /// `10:05`
    public func minute(_ date: Date) -> String { String(clock(date).prefix(5)) }

    /// `2026-11-26`
    public func day(_ date: Date) -> String {
        let parts = parts(date)
        return "\(parts.year ?? 0)-\(two(parts.month))-\(two(parts.day))"
    }

    /// How far the zone is from UTC at a time: `UTC+8`, `UTC−3:30`.
    public func offset(_ date: Date) -> String {
        let minutes = zone.secondsFromGMT(for: date) / 60
        guard minutes != 0 else { return "UTC" }
        let rest = abs(minutes) % 60
        return "UTC" + (minutes < 0 ? "−" : "+") + String(abs(minutes) / 60) + (rest == 0 ? "" : ":\(two(rest))")
    }

    /// A sentence whose times are those of machines, with the reader's own.
    public func local(_ text: String) -> String {
        text.replacing(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/) { time in
            RFC3339.date(String(time.output)).map(full) ?? String(time.output)
        }
    }

    public func ago(_ date: Date) -> String {
        let seconds = now.timeIntervalSince(date)
        if abs(seconds) < 1 { return words["time_now"] }
        return words[seconds > 0 ? "time_ago" : "time_in", ["span": span(abs(seconds).rounded(.down))]]
    }

    private func parts(_ date: Date) -> DateComponents {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
    }

    private func two(_ number: Int?) -> String { (number ?? 0) < 10 ? "0\(number ?? 0)" : "\(number ?? 0)" }

    // MARK: Spans

    /// Two units at most: `3 min 20 s`, `2 d 4 h`; below a second `45 ms`, and what is too short to be told `under 1 ms`. A number and its unit stay on one line.
    public func span(_ seconds: Double) -> String {
        if seconds < 0.001 { return unit("unit_under_ms", "1") }
        if seconds < 0.9995 { return unit("unit_ms", "\(Int((seconds * 1_000).rounded()))") }
        if seconds < 10 { return unit("unit_s", number(seconds, decimals: 1)) }
        let whole = Int(min(seconds, 1e12).rounded())
        let (days, hours, minutes, rest) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60)
        let named = [("unit_d", days), ("unit_h", hours), ("unit_min", minutes), ("unit_s", rest)].drop { $0.1 == 0 }.prefix(2)
        return named.filter { $0.1 > 0 }.map { unit($0.0, "\($0.1)") }.joined(separator: " ")
    }

    private func unit(_ name: String, _ number: String) -> String { words[name, ["n": number]].replacing(" ", with: "\u{A0}") }

    public func span(milliseconds: Double?) -> String? { milliseconds.map { span($0 / 1_000) } }

    // MARK: Numbers

    /// `1,234,567`
    public func number(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var grouped = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { grouped.append(",") }
            grouped.append(digit)
        }
        return (value < 0 ? "−" : "") + grouped
    }

    public func number(_ node: JSONNode?) -> String? {
        guard let node else { return nil }
        if let whole = node.integer { return number(Int(whole)) }
        return node.double.map { number($0, decimals: 2) }
    }

    /// Rounded to so many decimals, without zeros at the end.
    public func number(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        let scale = decimals == 0 ? 1 : (1...decimals).reduce(1.0) { power, _ in power * 10 }
        let scaled = (abs(value) * scale).rounded()
        let whole = number(Int(scaled / scale))
        var rest = String(Int(scaled.truncatingRemainder(dividingBy: scale)))
        rest = String(repeating: "0", count: max(0, decimals - rest.count)) + rest
        while rest.last == "0" { rest.removeLast() }
        return (value < 0 && scaled > 0 ? "−" : "") + whole + (rest.isEmpty ? "" : ".\(rest)")
    }

    /// `+0.9`
    public func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + number(value, decimals: 1) }

    /// `12.5 %` of 0.125, or `12.5%` in Chinese.
    public func percent(_ part: Double, decimals: Int = 1) -> String { words.percent(number(part * 100, decimals: decimals)) }

    /// An amount in whole minor units: `12,345.67 CNY`, `12,345 JPY`.
    public func money(_ minor: Int64, _ currency: String?) -> String {
        amount(minor, in: currency ?? "") + (currency.map { $0.isEmpty ? "" : " \($0)" } ?? "")
    }

    /// The same without the currency's name: `12,345.67`.
    public func amount(_ minor: Int64, in currency: String) -> String {
        let unit = Money.minorUnits(of: currency)
        let rest = String(minor.magnitude % UInt64(unit))
        let fraction = unit == 1 ? "" : rest.count == 1 ? ".0\(rest)" : ".\(rest)"
        return (minor < 0 && minor > -unit ? "−" : "") + number(Int(minor / unit)) + fraction
    }
}
