import Foundation

extension Recurrence {
    /// The first time after `moment` that it is due in this zone; nil when there is none within forty years.
    ///
    /// Where clocks are put forward, what falls into the missing hour is due when that ends. Where they are put back, the first of the
    /// two equal times is meant. One that happens every hour just goes on, once an hour.
    public func next(after moment: Date, in zone: TimeZone) -> Date? {
        times(after: moment, through: moment.addingTimeInterval(40 * 366 * 86_400), in: zone, limit: 1).first
    }

    /// The times in (`start`, `end`], the earliest first, at most `limit`.
    public func times(after start: Date, through end: Date, in zone: TimeZone, limit: Int) -> [Date] {
        var after = Int(start.timeIntervalSince1970.rounded(.down))
        let through = Int(min(end, Date(timeIntervalSince1970: 1e11)).timeIntervalSince1970.rounded(.down))
        guard limit > 0, after < through else { return [] }
        var times: [Date] = []
        // A day more on either side: near midnight the clock may have been put back, and zones are up to 14 hours ahead.
        for number in (after.floorDivided(by: 86_400) - 2)...(through.floorDivided(by: 86_400) + 2) {
            let date = CivilDate(number)
            guard months.contains(date.month), days.includes(date) else { continue }
            for moment in WallDay(number, zone).moments(of: self) where moment > after {
                guard moment <= through else { return times }
                times.append(Date(timeIntervalSince1970: Double(moment)))
                after = moment  // where a whole day was left out, its times fall on the next one's midnight
                if times.count == limit { return times }
            }
        }
        return times
    }
}

/// A day as a zone's clocks showed it.
private struct WallDay {
    private let start: Int
    private let zone: TimeZone
    /// Seconds ahead of UTC, well before and well after the day. Clocks are changed at most once in between.
    private let offsets: (before: Int, after: Int)

    init(_ number: Int, _ zone: TimeZone) {
        start = number * 86_400
        self.zone = zone
        offsets = (zone.offset(at: start - 93_600), zone.offset(at: start + 86_400 + 93_600))
    }

    /// When a recurrence is due on this day, in order.
    func moments(of recurrence: Recurrence) -> [Int] {
        let clock = recurrence.hours.values.flatMap { hour in recurrence.minutes.values.map { start + hour * 3_600 + $0 * 60 } }
        guard offsets.before != offsets.after else { return clock.map { $0 - offsets.before } }
        return Set(clock.flatMap { moments(showing: $0, isHourly: recurrence.isHourly) }).sorted()
    }

    /// When clocks showed `wall`: once; twice where they were put back; never where they were put forward.
    private func moments(showing wall: Int, isHourly: Bool) -> [Int] {
        let shown = [offsets.before, offsets.after].map { wall - $0 }.filter { $0 + zone.offset(at: $0) == wall }.sorted()
        switch shown.count {
        case 0: return isHourly ? [] : [change]
        case 2 where !isHourly: return [shown[0]]
        default: return shown
        }
    }

    /// The moment clocks were changed.
    private var change: Int {
        var (low, high) = (start - 93_600, start + 86_400 + 93_600)
        while high - low > 1 {
            let middle = (low + high) / 2
            if zone.offset(at: middle) == offsets.before { low = middle } else { high = middle }
        }
        return high
    }
}

extension TimeZone {
    fileprivate func offset(at moment: Int) -> Int { secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment))) }
}

extension Int {
    fileprivate func floorDivided(by divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
