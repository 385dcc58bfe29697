import Calendars
import Foundation
import SalesModel

/// A clock ready to be read.
public struct CompiledClock: Sendable {
    public let clock: Clock
    private let table: FieldTable
    private let when: CompiledCondition?
    private let stop: CompiledCondition?
    private let startFilter: CompiledFilter?
    private let stopFilter: CompiledFilter?

    public init(_ clock: Clock) {
        self.clock = clock
        table = FieldTable(clock.fields)
        when = clock.when.map { [table] in CompiledCondition($0, in: table) }
        stop = clock.stop?.when.map { [table] in CompiledCondition($0, in: table) }
        if case .events(_, let filter?, _, _) = clock.start { startFilter = CompiledFilter(filter) } else { startFilter = nil }
        stopFilter = clock.stop?.filter.map(CompiledFilter.init)
    }
}

/// What a clock says of a subject at a moment.
public struct ClockReading: Sendable, Hashable {
    public enum State: Sendable, Hashable {
        /// Nothing has begun it.
        case notStarted
        case running
        case met(at: Date)
        /// Its condition does not hold, or its class has no limit.
        case void
        /// Something it must know is not known: an error on this subject, never a quiet "not late".
        case unknown([DecidingTest])
    }

    public struct Level: Sendable, Hashable {
        public let id: String
        public let dueAt: Date
        /// Working time decides, and its days are not all known: it may yet move.
        public let isProvisional: Bool
        /// Seconds past due, up to now or to what stopped it; nil while it is not late.
        public let lateBy: Int?

        public var isBreached: Bool { lateBy != nil }
    }

    public let clock: String
    public let state: State
    public let start: Date?
    public let levels: [Level]

    /// All that were missed, to be recorded.
    public var breached: [Level] { levels.filter(\.isBreached) }

    /// What comes next, while it runs or waits for its start.
    public var next: Level? { state == .running || state == .notStarted ? levels.first { !$0.isBreached } : nil }

    /// Of the missed levels that nobody was told of, those to tell of now (SLA-13). A clock that was met tells nobody any more.
    public func toSend(sent: Set<String>, _ catchUp: Clock.CatchUp) -> [Level] {
        guard state == .running else { return [] }
        // A level below one that was sent is history: only recorded.
        let told = levels.lastIndex { sent.contains($0.id) } ?? -1
        let missed = levels.indices.filter { levels[$0].isBreached && $0 > told }.map { levels[$0] }
        return catchUp == .each ? missed : missed.suffix(1)
    }
}

extension CompiledClock {
    /// Whether working time has a say in it.
    public var needsCalendar: Bool { clock.offHours != .always }

    /// Reads the clock. Pure: the same facts at the same moment give the same reading.
    ///
    /// - Parameter working: of whoever has the subject.
    public func reading(of facts: SubjectFacts, now: Date, in working: WorkingTime = .always) -> ClockReading {
        let values = facts.values(in: table)
        let begun: Beginning?
        switch beginning(facts, values, now) {
        case .unknown(let tests): return reading(.unknown(tests))
        case .known(let beginning): begun = beginning
        }
        guard let begun else { return reading(.notStarted) }
        let start = begun.at
        let happenings = Happenings(facts.events.filter { $0.at <= now }, now: now, start: start)
        switch when?.truth(of: values, happenings) ?? .yes {
        case .yes: break
        case .no: return reading(.void, start)
        case .unknown: return reading(.unknown(when?.decidingTests(for: values, happenings) ?? []), start)
        }
        let budget: Int?
        switch self.budget(values) {
        case .unknown(let tests): return reading(.unknown(tests), start)
        case .known(nil): return reading(.void, start)
        case .known(let seconds?): budget = seconds
        }
        switch stop(values, happenings, begun) {
        case .unknown(let tests): return reading(.unknown(tests), start)
        case .known(let end):
            let levels = clock.levels.map { level in
                let (due, isProvisional) = self.due(start, seconds: level.due.seconds(of: budget ?? 0), in: working)
                // What comes in the very moment it is due comes in time (I-29); the level fires then if nothing came.
                let isLate = end.map { $0 > due } ?? (now >= due)
                return ClockReading.Level(
                    id: level.id, dueAt: due, isProvisional: isProvisional, lateBy: isLate ? Int((end ?? now).timeIntervalSince(due)) : nil)
            }
            let state: ClockReading.State = start > now ? .notStarted : end.map { .met(at: $0) } ?? .running
            return ClockReading(clock: clock.id, state: state, start: start, levels: levels)
        }
    }

    /// Beyond the years the calendar is compiled for, day and night count, and the answer is provisional.
    private func due(_ start: Date, seconds: Int, in working: WorkingTime) -> (Date, isProvisional: Bool) {
        let beyond = WorkingTime.Due(at: start.addingTimeInterval(Double(seconds)), isProvisional: true)
        switch clock.offHours {
        case .always: return (beyond.at, false)
        case .working:
            let due = working.due(after: start, seconds: seconds) ?? beyond
            return (due.at, due.isProvisional)
        case .nextOpening(let grace):
            guard !working.isOpen(at: start) else { return (beyond.at, false) }
            let opening = working.opening(from: start) ?? WorkingTime.Due(at: start, isProvisional: true)
            return (opening.at.addingTimeInterval(Double(grace + seconds)), opening.isProvisional)
        }
    }

    private func reading(_ state: ClockReading.State, _ start: Date? = nil) -> ClockReading {
        ClockReading(clock: clock.id, state: state, start: start, levels: [])
    }

    /// When it began, and from when on events stop it.
    private struct Beginning {
        let at: Date
        let since: Date
    }

    private func beginning(_ facts: SubjectFacts, _ values: [FieldValue], _ now: Date) -> Evaluated<Beginning?> {
        switch clock.start {
        case .events(let types, _, let isLatest, let fallback):
            let events = facts.events.filter {
                $0.at <= now && types.contains(where: $0.isOf) && (startFilter?.truth(of: $0) ?? .yes) == .yes
            }
            let begun = isLatest ? events.last : events.first
            let event = begun ?? facts.events.last { event in event.at <= now && fallback.map(event.isOf) ?? false }
            return .known(event.map { Beginning(at: $0.at, since: $0.since) })
        case .field(let name, let before):
            guard let slot = table[name] else { return .known(nil) }
            switch values[slot] {
            case .date(let date):
                // Possibly to come: what is due is known beforehand.
                let start = date.addingTimeInterval(-Double(before))
                return .known(Beginning(at: start, since: start))
            case .empty: return .known(nil)
            default: return .unknown([DecidingTest(test: .init(field: name, comparison: .isPresent), value: values[slot], truth: .unknown)])
            }
        }
    }

    /// The seconds there are; nil: the subject's class has no limit. Without a budget 0, which no level asks for.
    private func budget(_ values: [FieldValue]) -> Evaluated<Int?> {
        guard case .classes(let field, let classes, let otherwise)? = clock.budget else {
            if case .seconds(let seconds)? = clock.budget { return .known(seconds) }
            return .known(0)
        }
        let value = table[field].map { values[$0] } ?? .unmapped
        switch value {
        case .text(let text): return .known(classes[text] ?? otherwise)
        // Of several the tightest (SLA-07).
        case .list(let items): return .known(items.compactMap { classes[$0] }.min() ?? otherwise)
        case .empty: return .known(otherwise)
        default: return .unknown([DecidingTest(test: .init(field: field, comparison: .isPresent), value: value, truth: .unknown)])
        }
    }

    /// When it was stopped; nil while it runs.
    private func stop(_ values: [FieldValue], _ happenings: Happenings, _ begun: Beginning) -> Evaluated<Date?> {
        guard let rule = clock.stop else { return .known(nil) }
        let start = begun.at
        let event = happenings.events.first {
            $0.at >= begun.since && rule.events.contains(where: $0.isOf) && (stopFilter?.truth(of: $0) ?? .yes) == .yes
        }
        // What came before it began is there when it begins.
        let stopped = event.map { max($0.at, start) }
        guard let stop else { return .known(stopped) }
        // The first moment from which the condition held: nothing changes between two events. At most 1,000 moments are looked at;
        // beyond that the latest is.
        let moments = [start] + happenings.events.map(\.at).filter { $0 > start }.suffix(1_000) + [happenings.now]
        for moment in moments where stopped.map({ moment < $0 }) ?? true {
            let view = Happenings(happenings.events.filter { $0.at <= moment }, now: moment, start: start)
            if stop.truth(of: values, view) == .yes { return .known(moment) }
        }
        if stopped == nil, stop.truth(of: values, happenings) == .unknown { return .unknown(stop.decidingTests(for: values, happenings)) }
        return .known(stopped)
    }
}
