import Calendars
import Forecasts
import Foundation
import PostgresClient
import Tenancy

/// The days on which a tenant's business hardly begins: its calendar's days off.
///
/// Without a calendar of its own, a tenant that lives by China's time keeps China's holidays and make-up workdays, as its customers do;
/// any other Saturdays and Sundays.
struct ForecastDays {
    let isOff: @Sendable (Day) -> Bool

    private static let china: Set = ["Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Harbin", "PRC"]

    init(of tenant: TenantID, zone: String, in transaction: PostgresTransaction) throws {
        let version = try CalendarVersion(transaction.query(.calendarVersion(of: tenant)))
        let layers = version.isEmpty ? nil : try transaction.pipeline(CalendarShelf.statements(reading: tenant))
        if let own = try CalendarShelf(version, zone: zone, layers).own {
            isOff = Self.days(off: own)
        } else if Self.china.contains(zone) {
            let notices = try transaction.query(NationalNotice.kept).map { try NationalNotice($0) }
            let week = [DayHours](repeating: .wholeDay, count: 5) + [.closed, .closed]
            isOff = Self.days(
                off: CalendarPlan(
                    zone: TimeZone(identifier: zone) ?? .gmt, national: NationalCalendar.china.adding(notices),
                    layers: [CalendarLayer(week: week)]))
        } else {
            isOff = Arrivals.weekends
        }
    }

    private static func days(off plan: CalendarPlan) -> @Sendable (Day) -> Bool {
        let isWorked = plan.isWorked
        return { !isWorked(CivilDate(number: $0.number)) }
    }
}
