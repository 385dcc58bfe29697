import Foundation
import ProcessHealth
import Testing

@Suite struct EventLogTests {
    private static func log(_ events: [EventLog.Event]) -> EventLog? {
        EventLog(name: "log", events, solveDays: 3, zone: TimeZone(identifier: "UTC")!)
    }

    @Test func `a case is its first agent's, and counts when its time is up`() throws {
        let cases = (0..<6).flatMap { number in
            [
                EventLog.Event(matter: "c\(number)", agent: "ann", at: hour(Double(number)), kind: .work),
                EventLog.Event(matter: "c\(number)", agent: "bob", at: hour(100), kind: .work),
                EventLog.Event(matter: "c\(number)", agent: "bob", at: hour(number < 4 ? 60 : 120), kind: .solved, isKept: number < 3),
            ]
        }

        let series = try #require(Self.log(cases + cases)?.series())

        #expect(series.count == 1)
        #expect(series[0].published[0].conversion == Tally(cases: 6, hits: 4))
        #expect(series[0].published[0].keyActions == Tally(cases: 6, hits: 3))
        #expect(series[0].published[0].communications == 12)
    }

    @Test func `what is asked and not answered in time is silence`() throws {
        let events = [
            EventLog.Event(matter: "a", agent: "ann", at: hour(0), kind: .asked),
            EventLog.Event(matter: "a", agent: "ann", at: hour(80), kind: .answered),
            EventLog.Event(matter: "b", agent: "ann", at: hour(0), kind: .asked),
            EventLog.Event(matter: "b", agent: "ann", at: hour(60), kind: .answered),
        ]

        #expect(try #require(Self.log(events)?.series())[0].published[0].silences == 1)
    }

    @Test func `base lines are the medians of the first half year, whatever comes after`() throws {
        // In the first half year each week 3 of 5 cases are solved in time, later none.
        let events = (0..<40).flatMap { week in
            (0..<5).flatMap { number -> [EventLog.Event] in
                let at = day(Double(7 * week)) + Double(number)
                let solved = week < 26 && number < 3 ? at + 3_600 : at + 4 * 86_400
                return [
                    EventLog.Event(matter: "\(week)-\(number)", agent: "ann", at: at, kind: .work),
                    EventLog.Event(matter: "\(week)-\(number)", agent: "ann", at: solved, kind: .solved),
                ]
            }
        }

        let readings = try #require(Self.log(events)?.series())[0].readings

        #expect(readings[5].dimensions[0].target == 0.6)
        #expect(readings[5].isBelow == false)
        #expect(readings[35].isBelow == true)
    }

    @Test func `a log of nothing is none`() {
        #expect(Self.log([]) == nil)
    }
}
