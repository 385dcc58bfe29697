import Calendars
import Foundation
import PostgresClient
import ProcessHealth
import Tenancy

/// Sellers' working time, as far as the tenant has any: without a calendar all time counts (I-03).
public struct HealthCalendar: Sendable {
    private let shelf: CalendarShelf

    init(_ shelf: CalendarShelf) { self.shelf = shelf }

    /// - Parameter now: working time is compiled for the years around it.
    public func hours(of seller: HealthSeller, around now: Date) -> HealthHours? {
        guard !shelf.version.isEmpty else { return nil }
        return HealthHours(
            days: shelf.workingDays(seller: seller.externalID, team: seller.team, around: now),
            hours: shelf.working(seller: seller.externalID, team: seller.team, around: now))
    }
}

/// One seller's.
public struct HealthHours: Sendable {
    /// Days on which the seller works, as whole days.
    fileprivate let days: WorkingTime
    fileprivate let hours: WorkingTime

    /// Of 72 hours between two follow-ups those count that lie on working days.
    public var days72: CountedTime { CountedTime { [days] in days.elapsed(from: $0, to: $1) } }

    /// When so many seconds of working hours have passed since.
    public func due(after moment: Date, seconds: Double) -> Date {
        hours.due(after: moment, seconds: Int(seconds))?.at ?? moment.addingTimeInterval(seconds)
    }

    /// Days of work in a span of whole days.
    public func workdays(from: Date, to: Date) -> Int { Int((days.elapsed(from: from, to: to) / 86_400).rounded()) }
}

extension HealthReader {
    public func calendar(of tenant: TenantID) async throws -> HealthCalendar {
        let rows = try await read(
            tenant, [.calendarVersion(of: tenant), "SELECT time_zone FROM tenant WHERE id = \(tenant.rawValue)"])
        let version = try CalendarVersion(rows[0])
        let layers = version.isEmpty ? nil : try await postgres.pipeline(CalendarShelf.statements(reading: tenant))
        return HealthCalendar(try CalendarShelf(version, zone: try rows[1].first?.get("time_zone") ?? "UTC", layers))
    }
}
