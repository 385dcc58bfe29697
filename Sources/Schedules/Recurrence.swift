/// When something is due again and again, in minutes of a wall clock.
public struct Recurrence: Sendable, Hashable {
    var minutes: Choices
    var hours: Choices
    var days: DayRule
    var months: Choices

    /// Whether it happens in every hour of a day. Such a one follows elapsed time where clocks are changed; the others follow the
    /// clock, and happen once.
    var isHourly: Bool { hours == Choices(0...23) }
}

/// Which days of a month.
enum DayRule: Sendable, Hashable {
    /// As cron has it: when both are restricted, a day that is in either.
    case cron(days: Choices, weekdays: Choices, areDaysRestricted: Bool, areWeekdaysRestricted: Bool)
    /// The first, second, third, fourth such weekday of a month; Sunday is 0.
    case ordinal(Int, weekday: Int)
    case last(weekday: Int)
    case lastDay

    func includes(_ date: CivilDate) -> Bool {
        switch self {
        case .cron(let days, let weekdays, true, true): days.contains(date.day) || weekdays.contains(date.weekday)
        case .cron(let days, let weekdays, _, _): days.contains(date.day) && weekdays.contains(date.weekday)
        case .ordinal(let number, let weekday): date.weekday == weekday && (date.day - 1) / 7 + 1 == number
        case .last(let weekday): date.weekday == weekday && date.day + 7 > date.daysInMonth
        case .lastDay: date.day == date.daysInMonth
        }
    }
}

/// A set of small numbers, 0…63.
struct Choices: Sendable, Hashable {
    private var bits: UInt64 = 0

    init() {}
    init(_ values: some Sequence<Int>) { for value in values { insert(value) } }

    mutating func insert(_ value: Int) { bits |= 1 << UInt64(value) }
    func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value)) != 0 }
    var values: [Int] { (0..<64).filter(contains) }
}

/// Why a recurrence could not be read, in words for whoever wrote it.
public struct RecurrenceFault: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// A day of the Gregorian calendar.
struct CivilDate: Sendable, Hashable {
    let year: Int
    let month: Int
    let day: Int
    /// 0 is Sunday.
    let weekday: Int
    /// Since 1970-01-01.
    let number: Int

    /// The day that is `number` days after 1970-01-01 (H. Hinnant's civil_from_days).
    init(_ number: Int) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        weekday = ((number % 7) + 11) % 7
        self.number = number
    }

    var daysInMonth: Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
