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
    init(zone: String, layers: [JSONBytes], notices: [Notice]) {
        let whole = layers.lazy.compactMap { CalendarDocument(kept: $0.bytes) }.first { $0.national != nil || $0.timeZone != nil }
        let bytes = JSONWriter.object(capacity: 1_024) { object in
            object.member("time_zone", whole?.timeZone ?? zone)
            object.member("national", whole?.national)
            object.array("notices") { list in
                for notice in notices where notice.country == whole?.national { list.object { notice.write(&$0) } }
            }
            object.member("layers", json: Array("[".utf8) + layers.map(\.bytes).joined(separator: Array(",".utf8)) + Array("]".utf8))
        }
        body = String(decoding: bytes, as: UTF8.self)
        var digest = SHA256Digest()
        digest.update(bytes)
        hash = digest.finish().prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The hours a kept text says, from two years before `year` to two years after; nil: nobody ever works.
    static func hours(of body: String, around year: Int) -> WorkingTime? {
        guard let root = try? JSONEnvelope(Array(body.utf8), levels: 8, limits: .stored).root else { return nil }
        var national = root["national"]?.string.flatMap { NationalCalendar.known[$0] }
        for node in root["notices"]?.elements ?? [] {
            guard let notice = Notice(node) else { continue }
            national = national?.with(notice.year)
        }
        let layers = root["layers"]?.elements.compactMap { CalendarDocument(kept: Array($0.bytes))?.layer } ?? []
        let plan = CalendarPlan(
            zone: root["time_zone"]?.string.flatMap { TimeZone(identifier: $0) } ?? .gmt, national: national, layers: layers)
        return WorkingTime(plan, years: (year - 2)...(year + 2))
    }

    /// A year of a state as it was told.
    struct Notice {
        let country: String
        let number: Int
        let papers: [String]
        let off: [String]
        let work: [String]

        init(_ row: Row) throws {
            country = try row.get("country")
            number = Int(try row.get("year", as: Int32.self))
            papers = try row.get("papers")
            off = try row.get("off")
            work = try row.get("work")
        }

        init?(_ node: JSONNode) {
            guard let number = node["year"]?.integer else { return nil }
            func texts(_ name: String) -> [String] { node[name]?.elements.compactMap(\.string) ?? [] }
            country = ""
            self.number = Int(number)
            (papers, off, work) = (texts("papers"), texts("off"), texts("work"))
        }

        func write(_ object: inout JSONWriter) {
            object.member("year", number)
            object.member("papers", papers)
            object.member("off", off)
            object.member("work", work)
        }

        var year: NationalCalendar.Year {
            var days: [CivilDate: NationalCalendar.Day] = [:]
            for date in off.compactMap({ CivilDate($0) }) { days[date] = .off }
            for date in work.compactMap({ CivilDate($0) }) { days[date] = .work }
            return NationalCalendar.Year(number, papers: papers, days: days)
        }
    }
}

/// Shifts that were compiled already. What a plan's name says never changes, so they are anybody's.
final class ShiftShelf: Sendable {
    private struct Held: Sendable {
        var shifts: [String: Shift] = [:]
        var year = 0
    }

    private let held = Mutex(Held())
    /// Beyond it everything is forgotten and compiled again.
    private let capacity = 2_000

    /// The shifts that these sellers' rows name, by name.
    func shifts(named rows: Rows, of tenant: TenantID, in postgres: PostgresPool, at now: Date) async throws -> [String: Shift] {
        let names = Set(try rows.compactMap { try $0.get("shift", as: String?.self) })
        guard !names.isEmpty else { return [:] }
        let year = CivilDate(number: Int((now.timeIntervalSince1970 / 86_400).rounded(.down))).parts.year
        let known = held.withLock { held in
            if held.year != year || held.shifts.count > capacity { held = Held(year: year) }
            return held.shifts.filter { names.contains($0.key) }
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
