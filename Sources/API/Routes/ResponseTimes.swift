import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let responseEndpoints = [
        Endpoint(.get, "/v1/sla/first-touch", takesQuery: true, answer: readBoard),
        Endpoint(.get, "/v1/sla/heat-map", takesQuery: true, answer: readHeatMap),
    ]
}

/// `GET /v1/sla/first-touch`: leads that are late now, by whoever has them, and why.
@Sendable private func readBoard(_ call: Call) async throws -> Answer {
    let (clock, team) = try call.query { ($0.string("clock", length: 64) ?? ResponseBoard.firstTouch, $0.string("team")) }
    let key = BoardKey(tenant: call.tenant.id, clock: clock, team: team)
    let board = try await call.api.boards.value(of: key) { [records = call.records] in
        try await records.responseBoard(key.clock, team: key.team, of: key.tenant)
    }
    return Answer(
        200,
        JSONWriter.object(capacity: 1_024) { object in
            object.member("as_of", board.asOf)
            object.member("clock", board.clock)
            object.member("late", board.late)
            object.member("latest_by", board.latestBy)
            object.member("history", board.history)
            object.array("people") { list in
                for line in board.lines {
                    list.object { item in
                        item.member("owner", line.owner)
                        item.member("name", line.name)
                        item.member("team", line.team)
                        item.member("late", line.late)
                        item.member("late_before", line.lateBefore)
                        item.member("latest_by", line.latestBy)
                    }
                }
            }
            object.array("teams") { list in
                for (team, late) in board.teams {
                    list.object { item in
                        item.member("team", team)
                        item.member("late", late)
                    }
                }
            }
            object.write(board.reasons, unspecified: board.unspecified)
        })
}

/// `GET /v1/sla/heat-map`: how many leads of each quarter of an hour of the week were late, over a month.
@Sendable private func readHeatMap(_ call: Call) async throws -> Answer {
    let zone = call.tenant.settings.timeZone
    let (clock, month, team) = try call.query { query in
        let month = query.string("month", length: 7)
        if let month, month.wholeMatch(of: /20\d\d-(0[1-9]|1[0-2])/) == nil {
            query.fail("month", .badFormat, "must be a month such as 2026-11")
        }
        return (query.string("clock", length: 64) ?? ResponseBoard.firstTouch, month, query.string("team"))
    }
    let key = HeatMapKey(tenant: call.tenant.id, clock: clock, month: month ?? Date().month(in: zone), zone: zone, team: team)
    let map = try await call.api.heatMaps.value(of: key) { [records = call.records] in
        try await records.responseHeatMap(key.clock, month: key.month, zone: key.zone, team: key.team, of: key.tenant)
    }
    return Answer(
        200,
        JSONWriter.object(capacity: 8_192) { object in
            object.member("as_of", map.asOf)
            object.member("month", map.month)
            object.member("clock", map.clock)
            object.member("time_zone", map.timeZone)
            object.member("history", map.history)
            object.array("cells") { list in
                for cell in map.cells {
                    list.object { item in
                        item.member("weekday", cell.weekday)
                        item.member("slot", cell.slot)
                        item.member("leads", cell.leads)
                        item.member("late", cell.late)
                        item.member("open", cell.open)
                        item.member("unclocked", cell.unclocked)
                        if cell.isGreyed { item.member("greyed", true) }
                    }
                }
            }
            object.write(map.reasons, unspecified: map.unspecified)
        })
}

/// What a board is of. It goes through every late lead, and stands on a page that is read again whenever a job ends.
struct BoardKey: Hashable {
    let tenant: TenantID
    let clock: String
    /// Nil: every team's.
    let team: String?
}

/// What a heat map is of. It goes through every lead of its month, so one that is some seconds old serves all who ask.
struct HeatMapKey: Hashable {
    let tenant: TenantID
    let clock: String
    let month: String
    let zone: String
    /// Nil: every team's.
    let team: String?
}

extension ResponseHeatMap.Cell {
    /// `12:30`
    fileprivate var slot: String {
        let (hour, rest) = (minute / 60, minute % 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(rest < 10 ? "0" : "")\(rest)"
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ reasons: [(reason: String, count: Int)], unspecified: Int) {
        array("reasons") { list in
            for (reason, count) in reasons {
                list.object { item in
                    item.member("reason", reason)
                    item.member("count", count)
                }
            }
        }
        member("unspecified", unspecified)
    }
}

extension Date {
    /// `2026-11`
    fileprivate func month(in zone: String) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: zone) ?? .gmt
        let parts = calendar.dateComponents([.year, .month], from: self)
        let month = parts.month ?? 1
        return "\(parts.year ?? 2000)-\(month < 10 ? "0" : "")\(month)"
    }
}
