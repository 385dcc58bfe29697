import Foundation

/// Counts what one seller did, week by week.
///
/// Every case belongs to the week in which it is decided and is decided once: a lead when its time for a visit ends, an interval when the
/// next record comes or its limit passes, whichever is first. So a week that has ended only changes by facts that are told late.
public struct WeekCounting: Sendable {
    public let grid: WeekGrid
    public let targets: HealthTargets
    /// What counts of the time between two follow-ups.
    private var counted = CountedTime()
    /// Seconds within which a first touch is in time.
    private let touchWithin: Double
    /// When a first touch is due; nil: so many seconds after the lead was given.
    private var touchDue: (@Sendable (_ assigned: Date, _ within: Double) -> Date)?
    /// Nil: ten in a fortnight.
    private var workdays: (@Sendable (_ from: Date, _ to: Date) -> Int)?
    private let zone: TimeZone

    public init(
        _ weeks: ClosedRange<Week>, in zone: TimeZone, targets: HealthTargets = .standard, touchWithin: Double = 240
    ) {
        grid = WeekGrid(weeks, in: zone)
        self.targets = targets
        self.zone = zone
        self.touchWithin = touchWithin
    }

    /// The same by somebody's working time.
    ///
    /// - Parameters:
    ///   - counted: what counts of the time between two follow-ups.
    ///   - touchDue: when a first touch is due, so many seconds after the lead was given.
    ///   - workdays: how many there are in a span of whole days.
    public func by(
        _ counted: CountedTime, touchDue: @escaping @Sendable (_ assigned: Date, _ within: Double) -> Date,
        workdays: @escaping @Sendable (_ from: Date, _ to: Date) -> Int
    ) -> WeekCounting {
        var counting = self
        (counting.counted, counting.touchDue, counting.workdays) = (counted, touchDue, workdays)
        return counting
    }

    /// One for each week, in order, of what is known at `now`. What is not decided by then is in none.
    public func counts(of facts: ProcessFacts, at now: Date) -> [WeekCounts] {
        let known = facts.known(at: now)
        var weeks = [WeekCounts](repeating: WeekCounts(), count: grid.count)
        for lead in known.leads { count(lead, until: now, in: &weeks) }
        for contact in known.contacts { count(contact, in: &weeks) }
        let customers = Dictionary(grouping: known.contacts, by: \.customer)
        for contacts in customers.values {
            let ordered = contacts.sorted { ($0.at, $0.recordedAt, $0.kind.rawValue) < ($1.at, $1.recordedAt, $1.kind.rawValue) }
            countRhythm(ordered, until: now, in: &weeks)
            countSilence(ordered, until: now, in: &weeks)
        }
        for entry in known.entries {
            guard let place = grid.place(of: entry.at) else { continue }
            weeks[place].keyActions.add(entry.evidenceAt.map { $0 <= entry.at } ?? false)
        }
        for place in weeks.indices {
            let end = grid.end(of: place)
            if let workdays { weeks[place].workdaysAhead = workdays(end, end + 14 * 86_400) }
            weeks[place].leaveAhead = facts.daysAway(after: end)
        }
        return weeks
    }

    private func count(_ lead: LeadFact, until now: Date, in weeks: inout [WeekCounts]) {
        let visitBy = lead.capturedAt + targets.visitDays * 86_400
        if visitBy <= now, let place = grid.place(of: visitBy) {
            weeks[place].conversion.add(lead.visitedAt.map { $0 <= visitBy } ?? false)
        }
        let assigned = lead.assignedAt ?? lead.capturedAt
        let touchBy = touchDue?(assigned, touchWithin) ?? assigned + touchWithin
        if touchBy <= now, let place = grid.place(of: touchBy) { weeks[place].touches.add(lead.touchedAt.map { $0 <= touchBy } ?? false) }
        // A lead waits at the end of each week between its assignment and its first touch.
        var place = grid.place(of: max(assigned, grid.end(of: 0) - 1)) ?? grid.count
        while place < grid.count {
            let end = grid.end(of: place)
            guard end <= now, lead.touchedAt.map({ $0 > end }) ?? true else { break }
            if assigned <= end { weeks[place].waiting += 1 }
            place += 1
        }
    }

    private func count(_ contact: ContactFact, in weeks: inout [WeekCounts]) {
        guard let place = grid.place(of: contact.at), contact.kind != .ended else { return }
        if contact.kind == .revision {
            weeks[place].revisions += 1
            return
        }
        weeks[place].communications += 1
        if contact.kind == .emptyFollowUp { weeks[place].emptyRecords += 1 }
        if contact.kind != .reply, isOffHours(contact.at) { weeks[place].offHours += 1 }
    }

    private func isOffHours(_ instant: Date) -> Bool {
        let local = Int(instant.timeIntervalSince1970) + zone.secondsFromGMT(for: instant)
        let hour = local / 3_600 % 24
        let weekday = (local / 86_400 + 3) % 7  // 0 is Monday
        return hour < 8 || hour >= 21 || weekday >= 5
    }

    private func countRhythm(_ contacts: [ContactFact], until now: Date, in weeks: inout [WeekCounts]) {
        var last: Date?
        func decide(_ isHit: Bool, at: Date) { if let place = grid.place(of: at) { weeks[place].rhythm.add(isHit) } }
        for contact in contacts where contact.kind == .followUp || contact.kind == .ended {
            if let from = last {
                let limit = counted.limit(after: from, hours: targets.followUpHours)
                if contact.at > limit { decide(false, at: limit) } else if contact.kind == .followUp { decide(true, at: contact.at) }
            }
            last = contact.kind == .followUp ? contact.at : nil
        }
        if let from = last, case let limit = counted.limit(after: from, hours: targets.followUpHours), limit < now {
            decide(false, at: limit)
        }
    }

    /// A customer is silent when nobody answers the first message after their last word for too long; said again, it can happen again.
    private func countSilence(_ contacts: [ContactFact], until now: Date, in weeks: inout [WeekCounts]) {
        var asked: Date?
        func close(at end: Date) {
            guard let from = asked else { return }
            let limit = from + targets.replyHours * 3_600
            guard limit < end else { return }
            if let place = grid.place(of: limit) { weeks[place].silences += 1 }
            asked = nil
        }
        for contact in contacts {
            close(at: contact.at)
            switch contact.kind {
            case .reply, .ended: asked = nil
            case .followUp, .emptyFollowUp: asked = asked ?? contact.at
            case .revision: break
            }
        }
        close(at: now)
    }
}
