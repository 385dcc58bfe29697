import Foundation
import Sampling
import Testing

@testable import Calendars

/// `KITELINE_SEED=7` repeats one seed, `KITELINE_SEEDS=1000` takes that many instead of a few.
@Suite struct OracleTests {
    private static let zones = [
        "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca",
    ]
    private static let years = 2007...2027

    private static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["KITELINE_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return Array(1...(environment["KITELINE_SEEDS"].flatMap { UInt64($0) } ?? 6))
    }

    @Test(arguments: zones) func `working time is what a minute calendar counts, over all years`(name: String) throws {
        let zone = try #require(TimeZone(identifier: name))
        let (start, end) = (CivilDate.newYear(Self.years.lowerBound), CivilDate.newYear(Self.years.upperBound + 1))
        // Two days more on either side, so that every zone's years are in it.
        let (first, count) = ((start.number - 2) * 1_440, (end.number - start.number + 4) * 48)
        let offsets = MinuteCalendar.offsets(zone, first: first, count: count)
        let place = UInt64(Self.zones.firstIndex(of: name)!)
        for seed in Self.seeds where seed % UInt64(Self.zones.count) == place {
            var chance = SeededNumbers(seed: seed)
            let plan = RandomPlan(zone).plan(&chance)
            guard let working = WorkingTime(plan, years: Self.years) else { continue }
            let brute = MinuteCalendar(plan, offsets, first: first)
            let span = (start.number * 86_400 + 86_400)..<(end.number * 86_400 - 86_400)
            for _ in 0..<2_000 {
                let from = Int.random(in: span, using: &chance)
                let to = Int.random(in: span, using: &chance)
                let elapsed = brute.worked(until: to) - brute.worked(until: from)
                let found = working.elapsed(from: Date(timeIntervalSince1970: Double(from)), to: Date(timeIntervalSince1970: Double(to)))
                #expect(found == Double(elapsed), "seed \(seed): from \(from) to \(to)")

                let budget = Int.random(in: 1...Int.random(in: 1...2_000_000, using: &chance), using: &chance)
                guard let due = working.due(after: Date(timeIntervalSince1970: Double(from)), seconds: budget) else { continue }
                let second = Int(due.at.timeIntervalSince1970)
                guard second < span.upperBound else { continue }
                let until = brute.worked(until: from) + budget
                #expect(
                    brute.worked(until: second) == until && brute.worked(until: second - 1) == until - 1,
                    "seed \(seed): \(budget) s from \(from)")
            }
        }
    }
}

/// Settings at random: offices, shifts, nights, empty weeks, exceptions, leaves.
private struct RandomPlan {
    let zone: TimeZone

    init(_ zone: TimeZone) { self.zone = zone }

    func plan(_ chance: inout SeededNumbers) -> CalendarPlan {
        var layers = [CalendarLayer(week: week(&chance), observance: observance(&chance), days: days(&chance, count: 40))]
        for _ in 0..<Int.random(in: 0...2, using: &chance) {
            layers.append(
                CalendarLayer(
                    week: Bool.random(using: &chance) ? week(&chance) : nil, makeUp: Bool.random(using: &chance) ? hours(&chance) : nil,
                    observance: Bool.random(using: &chance) ? observance(&chance) : nil, days: days(&chance, count: 60)))
        }
        return CalendarPlan(zone: zone, national: Int.random(in: 0..<4, using: &chance) > 0 ? .china : nil, layers: layers)
    }

    private func observance(_ chance: inout SeededNumbers) -> CalendarLayer.Observance {
        CalendarLayer.Observance.allCases.randomElement(using: &chance)!
    }

    private func week(_ chance: inout SeededNumbers) -> [DayHours] {
        (0..<7).map { day in Int.random(in: 0..<10, using: &chance) < (day < 5 ? 9 : 3) ? hours(&chance) : .closed }
    }

    private func hours(_ chance: inout SeededNumbers) -> DayHours {
        DayHours(
            minutes: (0..<Int.random(in: 0...3, using: &chance)).map { _ in
                let start = Int.random(in: 0..<1_440, using: &chance)
                return start..<(start + Int.random(in: 1...1_440, using: &chance))
            })
    }

    private func days(_ chance: inout SeededNumbers, count: Int) -> [CivilDate: DayHours] {
        let span = CivilDate.newYear(2007).number..<CivilDate.newYear(2028).number
        return Dictionary(
            (0..<count).map { _ in (CivilDate(number: Int.random(in: span, using: &chance)), hours(&chance)) }, uniquingKeysWith: { $1 })
    }
}
