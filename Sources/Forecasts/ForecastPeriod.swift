/// Which days a forecast is of.
public enum ForecastPeriod: Sendable, Hashable {
    case days(ClosedRange<Day>)
    /// One that moves on with the day, by its name.
    case rolling(String)

    public static let rolling = ["current_month", "current_quarter", "next_28_days"]

    /// The period of that name around a day; the next 28 days do not hold the day itself, of which we have heard.
    public static func days(_ name: String, around day: Day) -> ClosedRange<Day> {
        let (year, month, _) = day.civil
        func first(ofMonth month: Int) -> Day { Day(year: year + (month - 1) / 12, month: (month - 1) % 12 + 1, day: 1)! }
        switch name {
        case "current_month": return first(ofMonth: month)...first(ofMonth: month + 1).advanced(by: -1)
        case "current_quarter":
            let begin = (month - 1) / 3 * 3 + 1
            return first(ofMonth: begin)...first(ofMonth: begin + 3).advanced(by: -1)
        default: return day.advanced(by: 1)...day.advanced(by: 28)
        }
    }
}
