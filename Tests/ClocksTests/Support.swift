import Calendars
import Clocks
import Foundation
import Rules
import SalesModel
import Testing

/// A Monday, 10:00 in Shanghai.
let start = Date(timeIntervalSince1970: 1_772_416_800)

func book(_ sources: String...) throws -> ClockBook {
    let text = "clocks: [\(sources.joined(separator: ", "))]"
    let ruleSet = try RuleSet.parse(kind: .clock, name: "default", source: text, catalogue: .standard).get()
    return ClockBook(try #require(ruleSet.clocks).clocks.map(CompiledClock.init))
}

func event(_ type: String, _ seconds: Double, _ data: [String: FieldValue] = [:]) -> SubjectEvent {
    SubjectEvent(type, at: start.addingTimeInterval(seconds), data)
}

func lead(_ events: SubjectEvent..., values: [String: FieldValue] = [:]) -> SubjectFacts {
    SubjectFacts(.lead, id: "7", values: values, events: [event("created", 0)] + events)
}

extension ClockBook {
    func verdict(
        _ facts: SubjectFacts, after seconds: Double, recorded: [RecordedLevel] = [], hours: ClockHours = .always
    ) -> ClockVerdict {
        verdict(on: facts, recorded: recorded, hours: hours, now: start.addingTimeInterval(seconds))
    }
}

extension ClockVerdict {
    /// As it stands in the records after this verdict.
    func recorded(_ before: [RecordedLevel] = []) -> [RecordedLevel] {
        let changed = released + missed
        let now = changed.map {
            RecordedLevel(clock: $0.clock.id, level: $0.level.id, episode: $0.episode, dueAt: $0.dueAt, told: $0.told)
        }
        let ended = lapsed.map { RecordedLevel(clock: $0.clock, level: $0.level, episode: $0.episode, dueAt: $0.dueAt, told: .untold) }
        func key(_ level: RecordedLevel) -> String { "\(level.clock) \(level.level) \(level.episode.map(\.description) ?? "")" }
        return Array(Dictionary((before + now + ended).map { (key($0), $0) }, uniquingKeysWith: { $1 }).values)
    }

    var names: [String] { missed.map { "\($0.clock.id).\($0.level.id)" } }
    var toldNames: [String] { toTell.map { "\($0.clock.id).\($0.level.id)" } }
}

let firstTouch = """
    { id: first, subject: lead, starts: { on: created }, stops: { on: touch }, levels: [
      { id: a, after: 4m, to: owner }, { id: b, after: 8m, to: manager, do: transfer_to_manager }, { id: c, after: 24h, to: customer_service } ] }
    """

/// Monday to Friday, 09:00–18:00 in Shanghai, the holidays of China off.
let office: WorkingTime = {
    let day = DayHours(["09:00-18:00"])!
    let week = Array(repeating: day, count: 5) + [.closed, .closed]
    let plan = CalendarPlan(zone: TimeZone(identifier: "Asia/Shanghai")!, national: .china, layers: [CalendarLayer(week: week)])
    return WorkingTime(plan, years: 2026...2027)!
}()
