import Calendars
import Foundation
import JSONEnvelope

/// A layer of working time as it is written: the API's body, and what is kept.
public struct CalendarDocument: Sendable, Hashable {
    /// IANA; nil: the tenant's.
    public var timeZone: String?
    /// The country whose days are kept; nil: none's.
    public var national: String?
    public var layer: CalendarLayer
    /// Whether leads are given within these hours only, of a team or a seller; nil: it does not say.
    public var isShift: Bool?

    private static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    /// Spans of days one layer may name, and how long one may be.
    private static let spans = 1_000
    private static let longestSpan = 366

    /// Reads a body and says everything that is wrong with it.
    ///
    /// - Parameter isWhole: of a tenant; a team's and a seller's have no zone and no state's days of their own, and need no week.
    public static func read(_ node: JSONNode, isWhole: Bool) -> (document: CalendarDocument?, faults: [FieldError]) {
        read(node, isWhole: isWhole, mayBeShift: !isWhole)
    }

    private static func read(_ node: JSONNode, isWhole: Bool, mayBeShift: Bool) -> (document: CalendarDocument?, faults: [FieldError]) {
        var reader = FieldReader(node)
        let isShift = mayBeShift ? reader.bool("shift") : nil
        var zone: String?
        var national: String?
        if isWhole {
            zone = reader.string("time_zone", length: 1...100)
            if let zone, TimeZone(identifier: zone) == nil {
                reader.fail("time_zone", .notAllowed, "must be an IANA time zone such as Asia/Shanghai")
            }
            national = reader.choice("national", of: NationalCalendar.known.keys.sorted())
        }
        let observe = reader.choice("observe", of: CalendarLayer.Observance.allCases.map(\.rawValue))
        let makeUp = hours("make_up", &reader)
        let week = reader.object("week", members: 7, required: isWhole).flatMap { readWeek($0, &reader) }
        let days = reader.array("days", count: 0...spans).map { readDays($0, &reader) }
        // Why it is written: not kept with it.
        _ = reader.words("reason", length: 1...500)
        let faults = reader.finish()
        guard faults.isEmpty else { return (nil, faults) }
        let layer = CalendarLayer(
            week: week, makeUp: makeUp, observance: observe.flatMap(CalendarLayer.Observance.init), days: days ?? [:])
        return (CalendarDocument(timeZone: zone, national: national, layer: layer, isShift: isShift), [])
    }

    private static func hours(_ name: String, _ reader: inout FieldReader) -> DayHours? {
        guard let texts = reader.strings(name, count: 0...10, length: 11...11) else { return nil }
        guard let hours = DayHours(texts) else {
            reader.fail(name, .badFormat, "must be ranges such as 09:00-12:00; 22:00-06:00 ends on the next morning")
            return nil
        }
        return hours
    }

    private static func readWeek(_ node: JSONNode, _ reader: inout FieldReader) -> [DayHours]? {
        var inner = FieldReader(node, path: reader.path(to: "week"))
        // A day that is not named is off.
        let week = weekdays.map { hours($0, &inner) ?? .closed }
        let faults = inner.finish()
        reader.add(faults)
        return faults.isEmpty ? week : nil
    }

    private static func readDays(_ list: JSONNode, _ reader: inout FieldReader) -> [CivilDate: DayHours] {
        var days: [CivilDate: DayHours] = [:]
        for (place, node) in list.elements.enumerated() {
            var inner = FieldReader(node, path: "\(reader.path(to: "days"))[\(place)]")
            let first = inner.string("from", length: 10...10, required: true)
            let last = inner.string("to", length: 10...10) ?? first
            let hours = hours("hours", &inner) ?? .closed
            _ = inner.string("note", length: 1...200)
            let span = (first.flatMap { CivilDate($0) }, last.flatMap { CivilDate($0) })
            if first != nil, span.0 == nil { inner.fail("from", .badFormat, "must be a day such as 2026-10-01") }
            if last != nil, last != first, span.1 == nil { inner.fail("to", .badFormat, "must be a day such as 2026-10-01") }
            if let first = span.0, let last = span.1 {
                if last < first {
                    inner.fail("to", .outOfRange, "is before “from”")
                } else if last.number - first.number >= longestSpan {
                    inner.fail("to", .outOfRange, "is more than \(longestSpan) days after “from”")
                } else {
                    for number in first.number...last.number { days[CivilDate(number: number)] = hours }
                }
            }
            reader.add(inner.finish())
        }
        return days
    }
}

extension CalendarDocument {
    /// As it was kept; nil: it cannot be read any more.
    init?(kept json: [UInt8]) {
        guard let root = try? JSONEnvelope(json, levels: 6, limits: .stored).root,
            let document = Self.read(root, isWhole: root["week"] != nil, mayBeShift: true).document
        else {
            return nil
        }
        self = document
    }
}

extension CalendarDocument {
    /// Whether there is any in the year that begins with `now` and the next.
    ///
    /// - Parameter zone: the tenant's.
    public func hasWorkingTime(from now: Date, zone: String) -> Bool {
        let plan = CalendarPlan(
            zone: TimeZone(identifier: timeZone ?? zone) ?? .gmt, national: national.flatMap { NationalCalendar.known[$0] }, layers: [layer]
        )
        let year = CivilDate(number: Int((now.timeIntervalSince1970 / 86_400).rounded(.down))).parts.year
        return WorkingTime(plan, years: year...(year + 1)) != nil
    }

    /// Whether its week has no hour on any day: that says of nobody when they work.
    public var closesEveryDay: Bool { layer.week?.allSatisfy { $0 == .closed } ?? false }
}
