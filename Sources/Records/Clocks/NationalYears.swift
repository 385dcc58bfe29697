import Calendars
import Foundation
import PostgresClient

extension NationalNotice {
    static let kept: Statement = """
        SELECT country, year, papers, off::text[] AS off, work::text[] AS work, told_at FROM national_year ORDER BY country, year
        """

    /// As `kept` answers it.
    init(_ row: Row) throws {
        self.init(
            country: try row.get("country"), year: Int(try row.get("year", as: Int32.self)), papers: try row.get("papers"),
            off: try row.get("off", as: [String].self).compactMap { CivilDate($0) },
            work: try row.get("work", as: [String].self).compactMap { CivilDate($0) }, toldAt: try row.get("told_at"))
    }

    /// A year of a calendar.
    init(_ year: NationalCalendar.Year, of country: String) {
        func days(_ kind: NationalCalendar.Day) -> [CivilDate] { year.days.filter { $0.value == kind }.map(\.key).sorted() }
        self.init(country: country, year: year.year, papers: year.papers, off: days(.off), work: days(.work))
    }

    /// As a calendar has it.
    var said: NationalCalendar.Year {
        var days: [CivilDate: NationalCalendar.Day] = [:]
        for date in off { days[date] = .off }
        for date in work { days[date] = .work }
        return NationalCalendar.Year(year, papers: papers, days: days)
    }
}

extension NationalCalendar {
    /// With what was told of it since.
    func adding(_ notices: [NationalNotice]) -> NationalCalendar {
        notices.filter { $0.country == country }.reduce(self) { $0.with($1.said) }
    }
}
