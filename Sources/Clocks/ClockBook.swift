import Calendars
import Foundation
import Rules
import SalesModel

/// The working hours that concern a subject.
public struct ClockHours: Sendable {
    /// Of whoever has the subject: its clocks go by them.
    public let owner: WorkingTime
    /// Of the others who hear of it.
    public let others: WorkingTime

    public init(owner: WorkingTime, others: WorkingTime) {
        self.owner = owner
        self.others = others
    }

    /// Day and night.
    public static let always = ClockHours(owner: .always, others: .always)
}

/// A tenant's clocks, and what they ask for. Pure: the same facts, records and moment give the same verdict.
public struct ClockBook: Sendable {
    /// What is later than this was missed by us: it is told one step less urgently, so that an outage ends without a flood.
    public static let patience = 600
    /// A level due within so many seconds of its start is urgent, unless its rule says otherwise.
    public static let urgentWithin = 3_600

    public let clocks: [CompiledClock]

    public init(_ clocks: [CompiledClock]) { self.clocks = clocks }

    /// Whether any clock watches subjects of the type.
    public func watches(_ subject: SubjectType) -> Bool { clocks.contains { $0.clock.subject == subject } }

    /// - Parameter recorded: all that was written down of the subject.
    public func verdict(on facts: SubjectFacts, recorded: [RecordedLevel], hours: ClockHours, now: Date) -> ClockVerdict {
        var verdict = ClockVerdict()
        for clock in clocks where clock.clock.subject == facts.subject {
            let reading = clock.reading(of: facts, now: now, in: hours.owner)
            verdict.readings.append(reading)
            let mine = recorded.filter {
                $0.clock == clock.clock.id && $0.episode == clock.clock.episode(startedAt: reading.start)
            }
            verdict.judge(clock.clock, reading, mine, hours, knownSince: facts.knownSince, now: now)
        }
        verdict.keepTightest(recorded, breaches: breaches)
        return verdict
    }

    /// The levels that record a breach.
    private var breaches: Set<[String]> {
        Set(clocks.flatMap { clock in clock.clock.levels.filter { $0.action == .recordBreach }.map { [clock.clock.id, $0.id] } })
    }
}

extension ClockVerdict {
    /// - Parameter knownSince: what was due longer before than `ClockBook.patience` is history.
    fileprivate mutating func judge(
        _ clock: Clock, _ reading: ClockReading, _ recorded: [RecordedLevel], _ hours: ClockHours, knownSince: Date?, now: Date
    ) {
        guard let start = reading.start else { return }
        let isRunning = reading.state == .running
        let held = recorded.filter { if case .held = $0.told { true } else { false } }
        let known = Set(recorded.map(\.level))
        let told = known.subtracting(held.map(\.level))
        let sending = Set(reading.toSend(sent: told, clock.catchUp).map(\.id))
        for (level, missed) in zip(clock.levels, reading.levels) {
            guard let lateBy = missed.lateBy else { continue }
            let isHistory =
                knownSince.map { $0.timeIntervalSince(clock.lastMoment(of: missed.dueAt, start)) > Double(ClockBook.patience) } ?? false
            if isHistory { history[clock.id, default: []].insert(level.id) }
            let before = held.first { $0.level == level.id }
            guard before != nil || !known.contains(level.id) else { continue }
            let urgency = level.urgency(dueIn: missed.dueAt.timeIntervalSince(start))
            var item = Missed(
                clock: clock, level: level, start: start, episode: clock.episode(startedAt: start), dueAt: missed.dueAt, lateBy: lateBy,
                told: .untold, acts: isRunning && before == nil && !isHistory, isHistory: isHistory,
                urgency: lateBy > ClockBook.patience ? urgency.lower : urgency)
            if sending.contains(level.id), !isHistory {
                let opening = urgency == .urgent ? nil : level.opening(after: now, hours)
                item.told = opening.map { .held(until: $0) } ?? .told
                if let opening { look(at: opening) }
            }
            switch (before, item.told) {
            case (nil, _): self.missed.append(item)
            case (_?, .told): released.append(item)
            case (let before?, .untold): lapsed.append(before)
            case (_?, .held): break
            }
        }
        switch reading.state {
        case .running, .notStarted: if let next = reading.next { look(at: next.dueAt) }
        case .met:
            let met = Set(reading.levels.filter { !$0.isBreached }.map(\.id))
            withdrawn += recorded.filter { met.contains($0.level) }
        case .void, .unknown: lapsed += held
        }
    }

    /// Of several limits for the same thing the tightest decides (SLA-07): once it was told, the others are only recorded.
    fileprivate mutating func keepTightest(_ recorded: [RecordedLevel], breaches: Set<[String]>) {
        func isBreach(_ item: Missed) -> Bool { item.level.action == .recordBreach && item.told != .untold }
        var decided = Set(recorded.filter { $0.told != .untold && breaches.contains([$0.clock, $0.level]) }.map(\.episode))
        for place in missed.indices.sorted(by: { missed[$0].dueAt < missed[$1].dueAt }) where isBreach(missed[place]) {
            if !decided.insert(missed[place].episode).inserted { missed[place].told = .untold }
        }
    }

    private mutating func look(at moment: Date) { nextAt = min(nextAt ?? moment, moment) }
}

extension Clock {
    /// Until when a level due then speaks of what is to come: a clock that leads up to a date is no history while the date is ahead.
    fileprivate func lastMoment(of due: Date, _ start: Date) -> Date {
        if case .field(_, let before) = self.start { max(due, start.addingTimeInterval(Double(before))) } else { due }
    }
}

extension ClockLevel {
    fileprivate func urgency(dueIn seconds: TimeInterval) -> Urgency {
        urgency ?? (seconds <= Double(ClockBook.urgentWithin) ? .urgent : .normal)
    }

    /// When those it goes to work again; nil: now. Its owner's hours count where nobody else hears of it.
    fileprivate func opening(after now: Date, _ hours: ClockHours) -> Date? {
        let working = recipients == [.owner] ? hours.owner : hours.others
        guard !working.isOpen(at: now), let opening = working.opening(from: now)?.at else { return nil }
        return opening
    }
}

extension Urgency {
    fileprivate var lower: Urgency { self == .urgent ? .normal : .digest }
}
