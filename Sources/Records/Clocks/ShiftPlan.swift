import Calendars
import Foundation
import JSONEnvelope
import PostgresClient
import SalesModel
import Synchronization
import Tenancy

/// Working hours as somebody's shift follows them: everything they are worked out from, in one text that is never changed.
struct ShiftPlan: Hashable {
    let body: String
    /// Of the text.
    let hash: String

    /// - Parameters:
    ///   - zone: the tenant's own.
    ///   - layers: calendars as they are kept: the tenant's first, then the team's, then the seller's.
    ///   - notices: what states told of their days, of all countries.
    init(zone: String, layers: [JSONBytes], notices: [NationalNotice]) {
        let whole = layers.lazy.compactMap { CalendarDocument(kept: $0.bytes) }.first { $0.national != nil || $0.timeZone != nil }
        let bytes = JSONWriter.object(capacity: 1_024) { object in
            object.member("time_zone", whole?.timeZone ?? zone)
            object.member("national", whole?.national)
            // All of it, also what comes with the program: a later one may know more years, and this text must go on to say the same hours.
            object.array("years") { list in
                let calendar = whole?.national.flatMap { NationalCalendar.known[$0]?.adding(notices) }
                for (_, year) in (calendar?.years ?? [:]).sorted(by: { $0.key < $1.key }) {
                    let notice = NationalNotice(year, of: whole?.national ?? "")
                    list.object { one in
                        one.member("year", notice.year)
                        one.member("off", notice.off.map(\.description))
                        one.member("work", notice.work.map(\.description))
                    }
                }
            }
            object.member("layers", json: Array("[".utf8) + layers.map(\.bytes).joined(separator: Array(",".utf8)) + Array("]".utf8))
        }
        body = String(decoding: bytes, as: UTF8.self)
        var digest = SHA256Digest()
        digest.update(bytes)
        hash = digest.finish().prefix(16).hexadecimal
    }

    /// The hours a kept text says, from two years before `year` to two years after; nil: nobody ever works.
    static func hours(of body: String, around year: Int) -> WorkingTime? {
        guard let root = try? JSONEnvelope(Array(body.utf8), levels: 8, limits: .stored).root else { return nil }
        let national = root["national"]?.string.map { country in
            NationalCalendar(
                country,
                (root["years"]?.elements ?? []).compactMap { node in
                    guard let year = node["year"]?.integer else { return nil }
                    func dates(_ name: String) -> [CivilDate] {
                        (node[name]?.elements ?? []).compactMap { $0.string.flatMap { CivilDate($0) } }
                    }
                    return NationalNotice(country: country, year: Int(year), papers: [], off: dates("off"), work: dates("work")).said
                })
        }
        let layers = root["layers"]?.elements.compactMap { CalendarDocument(kept: Array($0.bytes))?.layer } ?? []
        let plan = CalendarPlan(
            zone: root["time_zone"]?.string.flatMap { TimeZone(identifier: $0) } ?? .gmt, national: national, layers: layers)
        return WorkingTime(plan, years: (year - 2)...(year + 2))
    }
}

/// Shifts that were compiled already. What a plan's name says never changes, so they are anybody's.
final class ShiftShelf: Sendable {
    private struct Held: Sendable {
        var shifts: [String: Shift] = [:]
        var year = 0
    }

    private let held = Mutex(Held())
    /// Beyond it what is not asked for is forgotten.
    private let capacity = 2_000

    /// The shifts that these sellers' rows name, by name.
    func shifts(named rows: Rows, of tenant: TenantID, in postgres: PostgresPool, at now: Date) async throws -> [String: Shift] {
        let names = Set(try rows.compactMap { try $0.get("shift", as: String?.self) })
        guard !names.isEmpty else { return [:] }
        let year = CivilDate(number: Int((now.timeIntervalSince1970 / 86_400).rounded(.down))).parts.year
        let known = held.withLock { held in
            if held.year != year { held = Held(year: year) }
            let known = held.shifts.filter { names.contains($0.key) }
            if held.shifts.count > capacity { held.shifts = known }
            return known
        }
        let missing = names.subtracting(known.keys).sorted()
        guard !missing.isEmpty else { return known }
        let plans = try await postgres.pipeline([
            .tenants([tenant]), "SELECT hash, body FROM shift_plan WHERE tenant_id = \(tenant.rawValue) AND hash = ANY(\(missing))",
        ])[1]
        let read = try plans.map { row in
            let name: String = try row.get("hash")
            return Shift(plan: name, hours: ShiftPlan.hours(of: try row.get("body"), around: year))
        }
        let fresh = Dictionary(uniqueKeysWithValues: read.map { ($0.plan, $0) })
        held.withLock { if $0.year == year { $0.shifts.merge(fresh) { $1 } } }
        return known.merging(fresh) { $1 }
    }
}
