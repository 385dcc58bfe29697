import Calendars
import Clocks
import Foundation
import JSONEnvelope
import PostgresClient
import Synchronization
import Tenancy

/// Which calendars a tenant has: it changes with every change of one of them.
struct CalendarVersion: Sendable, Hashable {
    /// 0: it has none.
    let layers: Int64
    /// When the last notice of a state was told of.
    let notices: Date?

    var isEmpty: Bool { layers == 0 }

    init(_ rows: Rows) throws {
        layers = try rows.first?.get("version", as: Int64?.self) ?? 0
        notices = try rows.first?.get("told_at", as: Date?.self)
    }
}

extension Statement {
    static func calendarVersion(of tenant: TenantID) -> Statement {
        """
        SELECT (SELECT version FROM calendar_state WHERE tenant_id = \(tenant.rawValue)) AS version,
            (SELECT max(told_at) FROM national_year) AS told_at
        """
    }
}

/// A tenant's calendars, each compiled when somebody first asks for it.
final class CalendarShelf: Sendable {
    private struct Held: Sendable {
        var compiled: [String: WorkingTime] = [:]
        var year = 0
    }

    let version: CalendarVersion
    let zone: String
    /// Nil: nobody has working hours.
    private let plan: CalendarPlan?
    /// The tenant's own, before teams and sellers; nil: it has none.
    let own: CalendarPlan?
    private let teams: [String: CalendarLayer]
    private let sellers: [String: CalendarLayer]
    private let held = Mutex(Held())

    /// - Parameter rows: what `statements(reading:)` gave; nil: there are none.
    init(_ version: CalendarVersion, zone: String, _ rows: [Rows]?) throws {
        self.version = version
        self.zone = zone
        var own: CalendarDocument?
        var layers: [String: [String: CalendarLayer]] = [:]
        for row in rows.map({ Array($0[1]) }) ?? [] {
            guard let document = try CalendarDocument(kept: row.get("body", as: JSONBytes.self).bytes) else { continue }
            let (scope, name): (String, String) = (try row.get("scope"), try row.get("name"))
            if scope == "tenant" { own = document } else { layers[scope, default: [:]][name] = document.layer }
        }
        teams = layers["team"] ?? [:]
        sellers = layers["seller"] ?? [:]
        guard own != nil || !layers.isEmpty else {
            (plan, self.own) = (nil, nil)
            return
        }
        let national = try own?.national.flatMap { NationalCalendar.known[$0] }.map {
            $0.adding(try rows?[2].map { try NationalNotice($0) } ?? [])
        }
        let plan = CalendarPlan(
            zone: TimeZone(identifier: own?.timeZone ?? zone) ?? .gmt, national: national, layers: [own?.layer ?? CalendarLayer()])
        (self.plan, self.own) = (plan, own == nil ? nil : plan)
    }

    static func statements(reading tenant: TenantID) -> [Statement] {
        [
            .tenants([tenant]),
            "SELECT scope, name, body FROM calendar_layer WHERE tenant_id = \(tenant.rawValue)",
            NationalNotice.kept,
        ]
    }

    /// The working hours that concern a seller's subjects.
    func hours(of seller: String?, in team: String?, around now: Date) -> ClockHours {
        guard plan != nil else { return .always }
        return ClockHours(owner: working(seller: seller, team: team, around: now), others: working(seller: nil, team: team, around: now))
    }

    /// Compiled from two years before this one to two years after; who never works is asked as if there were no calendar.
    func working(seller: String?, team: String?, around now: Date) -> WorkingTime {
        compiled(seller, team, around: now, asDays: false)
    }

    /// The days on which somebody works, from midnight to midnight.
    func workingDays(seller: String?, team: String?, around now: Date) -> WorkingTime { compiled(seller, team, around: now, asDays: true) }

    private func compiled(_ seller: String?, _ team: String?, around now: Date, asDays: Bool) -> WorkingTime {
        guard let plan else { return .always }
        let (teamLayer, sellerLayer) = (team.flatMap { teams[$0] }, seller.flatMap { sellers[$0] })
        let name = "\(asDays ? "days" : "hours")\n\(teamLayer == nil ? "" : team ?? "")\n\(sellerLayer == nil ? "" : seller ?? "")"
        let year = CivilDate(number: Int((now.timeIntervalSince1970 / 86_400).rounded(.down))).parts.year
        return held.withLock { held in
            if held.year != year { held = Held(year: year) }
            if let compiled = held.compiled[name] { return compiled }
            let layered = [teamLayer, sellerLayer].compactMap { $0 }.reduce(plan) { $0.adding($1) }
            let compiled = WorkingTime(asDays ? layered.wholeDays : layered, years: (year - 2)...(year + 2)) ?? .always
            held.compiled[name] = compiled
            return compiled
        }
    }
}
