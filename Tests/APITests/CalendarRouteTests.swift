import Foundation
import Records
import Testing

@Suite struct CalendarRouteTests {
    private let office = """
        {"time_zone":"Asia/Shanghai","national":"CN","week":{"mon":["09:00-12:00","13:30-18:00"],"tue":["09:00-12:00","13:30-18:00"],
        "wed":["09:00-12:00","13:30-18:00"],"thu":["09:00-12:00","13:30-18:00"],"fri":["09:00-12:00","13:30-18:00"]}}
        """

    private func due(_ api: TestAPI, _ query: String) async throws -> (at: String?, provisional: Bool?) {
        let reply = try await api.send("GET", "/v1/calendar/due?\(query)")
        #expect(reply.status == 200)
        return (try reply.json["due_at"].string, try reply.json["provisional"].bool)
    }

    @Test func `a deadline is counted in working time once there is some`() async throws {
        try await TestAPI.with { api in
            let query = "from=2026-02-13T09:58:00Z&seconds=240"

            let before = try await due(api, query)
            let none = try await api.send("GET", "/v1/calendar")
            let mine = try await api.send("PUT", "/v1/calendar", office)
            let put = try await api.send("PUT", "/v1/calendar", office, as: api.acme.operatorKey)
            let again = try await api.send("PUT", "/v1/calendar", office, as: api.acme.operatorKey)
            let after = try await due(api, query)

            #expect([none, mine, put, again].map(\.status) == [404, 403, 201, 200])
            #expect(before.at == "2026-02-13T10:02:00Z")
            // The Saturday is worked for the Spring Festival.
            #expect(after.at == "2026-02-14T01:02:00Z")
            #expect(after.provisional == false)
            #expect(try await api.send("GET", "/v1/calendar").json["national"].string == "CN")
            #expect(try await api.count("audit_log WHERE action = 'calendar.put'") == 2)
        }
    }

    @Test func `a seller's leave holds for the seller alone, until it is taken away`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/calendar", office, as: api.acme.operatorKey)
            _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","team":"north"}"#)
            let leave = #"{"days":[{"from":"2026-03-02","to":"2026-03-04","note":"leave"}]}"#
            let put = try await api.send("PUT", "/v1/calendar/sellers/anna", leave)
            let team = try await api.send(
                "PUT", "/v1/calendar/teams/north", #"{"days":[{"from":"2026-03-05","hours":["20:00-21:00"]}]}"#, as: api.acme.operatorKey)

            let hers = try await due(api, "from=2026-03-02T01:00:00Z&seconds=60&seller=anna")
            let others = try await due(api, "from=2026-03-02T01:00:00Z&seconds=60")
            let gone = try await api.send("DELETE", "/v1/calendar/sellers/anna")
            let back = try await due(api, "from=2026-03-02T01:00:00Z&seconds=60&seller=anna")

            #expect([put, team, gone].map(\.status) == [201, 201, 204])
            #expect(hers.at == "2026-03-05T12:01:00Z")
            #expect(others.at == "2026-03-02T01:01:00Z")
            #expect(back.at == "2026-03-02T01:01:00Z")
            #expect(try await api.send("DELETE", "/v1/calendar/sellers/anna").status == 404)
        }
    }

    @Test func `a deadline by the hours of a seller nobody told of is refused`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send("GET", "/v1/calendar/due?seconds=60&seller=nobody")

            #expect(reply.status == 422)
            #expect(reply.faults == ["seller not_found"])
        }
    }

    @Test func `a seller's week without an hour is refused, since it would mean every hour`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active"}"#)
            let empty = #"{"week":{"mon":[],"tue":[],"wed":[],"thu":[],"fri":[],"sat":[],"sun":[]}}"#
            let put = try await api.send("PUT", "/v1/calendar/sellers/anna", empty)

            #expect(put.status == 422)
            #expect(put.faults == ["week invalid"])
        }
    }

    @Test func `a notice that comes out makes provisional deadlines final`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/calendar", office, as: api.acme.operatorKey)
            let query = "from=2026-12-31T09:59:00Z&seconds=120"
            let notice = #"{"papers":["https://www.gov.cn/2027"],"off":["2027-01-01"],"work":["2027-01-02"]}"#

            let before = try await due(api, query)
            let refused = try await api.send("PUT", "/v1/national-calendars/CN/2027", notice, as: api.acme.operatorKey)
            let put = try await api.send("PUT", "/v1/national-calendars/CN/2027", notice, as: api.platformKey)
            let after = try await due(api, query)

            #expect([refused, put].map(\.status) == [403, 200])
            #expect(before.at == "2027-01-01T01:01:00Z")
            #expect(before.provisional == true)
            #expect(after.at == "2027-01-02T01:01:00Z")
            #expect(after.provisional == false)
            let years = try await api.send("GET", "/v1/national-calendars/CN").json["items"].array ?? []
            #expect(years.map { $0["year"].int } == Array((2007...2027).reversed()))
            #expect(years[1]["told_at"].isNull)
            #expect(try await api.send("GET", "/v1/national-calendars/FR").status == 404)
            let changed = notice.replacing("2027-01-02", with: "2027-01-03")
            #expect(try await api.send("PUT", "/v1/national-calendars/CN/2027", changed, as: api.platformKey).status == 200)
            let work = "audit_log WHERE action = 'national_calendar.put' AND before->'work' = '[\"2027-01-02\"]'"
            #expect(try await api.count("\(work) AND after->'work' = '[\"2027-01-03\"]'") == 1)
        }
    }

    @Test func `every wrong field of a calendar is named, and nothing is stored`() async throws {
        try await TestAPI.with { api in
            let body = """
                {"time_zone":"Mars/Base","national":"FR","observe":"some","week":{"mon":["9:00-12:00"],"tue":["09:00-09:00"],"someday":[]},
                "days":[{"from":"2026-02-30"},{"from":"2026-03-04","to":"2026-03-01"}],"x":1}
                """
            let reply = try await api.send("PUT", "/v1/calendar", body, as: api.acme.operatorKey)
            let never = try await api.send("PUT", "/v1/calendar", #"{"week":{}}"#, as: api.acme.operatorKey)
            let zoned = try await api.send("PUT", "/v1/calendar/sellers/anna", #"{"time_zone":"Asia/Shanghai"}"#)
            let moved = try await api.send(
                "PUT", "/v1/national-calendars/CN/2027", #"{"papers":["x"],"off":["2026-05-01"],"work":["2027-13-01"]}"#,
                as: api.platformKey)

            #expect(
                Set(reply.faults) == [
                    "time_zone not_allowed", "national not_allowed", "observe not_allowed", "week.mon[0] too_short", "week.tue bad_format",
                    "week.someday unknown_field", "days[0].from bad_format", "days[1].to out_of_range", "x unknown_field",
                ])
            #expect(never.faults == ["week invalid"])
            #expect(zoned.faults == ["time_zone unknown_field"])
            #expect(Set(moved.faults) == ["off out_of_range", "work[0] bad_format"])
            #expect(try await api.count("calendar_layer") == 0)
            #expect(try await api.count("national_year") == 0)
        }
    }
}
