import Foundation

@testable import Calendars

func zone(_ name: String) -> TimeZone { TimeZone(identifier: name)! }

let shanghai = zone("Asia/Shanghai")

/// `2026-02-13 17:58:30` as Shanghai's clocks show it, all the year eight hours ahead.
func moment(_ text: String) -> Date {
    let date = CivilDate(text.prefix(10))!
    let parts = text.dropFirst(11).split(separator: ":").compactMap { Int($0) }
    let seconds = parts[0] * 3_600 + parts[1] * 60 + (parts.count > 2 ? parts[2] : 0)
    return Date(timeIntervalSince1970: Double(date.number * 86_400 + seconds - 8 * 3_600))
}

func hours(_ texts: String...) -> DayHours { DayHours(texts)! }

/// The same hours on Monday to Friday.
func weekdays(_ texts: String...) -> [DayHours] { Array(repeating: DayHours(texts)!, count: 5) + [.closed, .closed] }

/// 09:00–12:00 and 13:30–18:00.
let office = CalendarLayer(week: weekdays("09:00-12:00", "13:30-18:00"))

func plan(_ layers: CalendarLayer..., national: NationalCalendar? = .china) -> CalendarPlan {
    CalendarPlan(zone: shanghai, national: national, layers: layers)
}

extension WorkingTime {
    func due(_ text: String, seconds: Int) -> Due? { due(after: moment(text), seconds: seconds) }
}
