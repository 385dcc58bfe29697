import Foundation

/// Working time, compiled: open spans with the sum of all before each, so that any deadline is two binary searches away.
///
/// With `W(t)` the working time up to `t`, the time between two moments is `W(b) − W(a)`, and what is due after so much of it is due at the
/// first moment where `W` is that much larger.
public struct WorkingTime: Sendable, Equatable {
    /// When something is due.
    public struct Due: Sendable, Hashable {
        public let at: Date
        /// The days up to then include some whose notice is not out: it may yet move.
        public let isProvisional: Bool

        public init(at: Date, isProvisional: Bool = false) {
            self.at = at
            self.isProvisional = isProvisional
        }
    }

    /// Microseconds since 1970; in order, apart from each other.
    private let starts: [Int]
    private let ends: [Int]
    /// Working microseconds before each span.
    private let before: [Int]
    /// Microseconds since 1970 that are compiled; nil: all time is working time.
    private let compiled: Range<Int>?
    /// Microseconds since 1970 of which the state has not yet said all.
    private let unknown: [Range<Int>]

    /// Day and night, every day.
    public static let always = WorkingTime(spans: [], compiled: nil, unknown: [])

    /// Compiles a plan for whole years of its zone.
    ///
    /// - Returns: nil when the plan has no working time in them.
    public init?(_ plan: CalendarPlan, years: ClosedRange<Int>) {
        let (first, end) = (CivilDate.newYear(years.lowerBound), CivilDate.newYear(years.upperBound + 1))
        let days = DayPlan(plan)
        // A day more on either side: zones are up to 14 hours away, and nights reach into the next day.
        let zone = ZoneOffsets(plan.zone, ((first.number - 1) * 86_400)..<((end.number + 1) * 86_400))
        var spans: [Range<Int>] = []
        for segment in zone.segments {
            let wall = (segment.span.lowerBound + segment.offset)..<(segment.span.upperBound + segment.offset)
            for number in (wall.lowerBound.floorDivided(by: 86_400) - 1)...wall.upperBound.floorDivided(by: 86_400) {
                for range in days.hours(of: CivilDate(number: number)).ranges {
                    let shown = (number * 86_400 + range.lowerBound * 60)..<(number * 86_400 + range.upperBound * 60)
                    let open = shown.clamped(to: wall)
                    if !open.isEmpty { spans.append((open.lowerBound - segment.offset)..<(open.upperBound - segment.offset)) }
                }
            }
        }
        func moment(_ date: CivilDate) -> Int {
            let segment = zone.segments.first { $0.span.upperBound + $0.offset > date.number * 86_400 } ?? zone.segments.last
            return (date.number * 86_400 - (segment?.offset ?? 0)) * 1_000_000
        }
        let unknown = days.unknown(first, through: end + -1).map { moment($0.lowerBound)..<moment($0.upperBound) }
        let compiled = moment(first)..<moment(end)
        self.init(spans: Self.merged(spans).map { $0.clamped(to: compiled) }.filter { !$0.isEmpty }, compiled: compiled, unknown: unknown)
        if starts.isEmpty { return nil }
    }

    private init(spans: [Range<Int>], compiled: Range<Int>?, unknown: [Range<Int>]) {
        starts = spans.map(\.lowerBound)
        ends = spans.map(\.upperBound)
        var sum = 0
        before = spans.map { span in
            defer { sum += span.count }
            return sum
        }
        self.compiled = compiled
        self.unknown = unknown
    }

    /// In microseconds, sorted; what touches becomes one.
    private static func merged(_ spans: [Range<Int>]) -> [Range<Int>] {
        var merged: [Range<Int>] = []
        for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            let span = (span.lowerBound * 1_000_000)..<(span.upperBound * 1_000_000)
            if let last = merged.last, last.upperBound >= span.lowerBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
            } else {
                merged.append(span)
            }
        }
        return merged
    }
}

// MARK: - Asking

extension WorkingTime {
    /// When so many seconds of working time after `start` have passed: with none the start itself, else never earlier than that.
    ///
    /// - Returns: nil beyond the years that are compiled.
    public func due(after start: Date, seconds: Int) -> Due? {
        guard let compiled else { return Due(at: start.addingTimeInterval(Double(seconds))) }
        let from = start.microseconds
        guard compiled.contains(from) else { return nil }
        let wanted = worked(until: from) + seconds * 1_000_000
        guard seconds > 0 else { return due(from, from) }
        // The first span with the wanted sum in it or at its end.
        let place = Self.partition(before.count) { before[$0] < wanted } - 1
        let moment = starts[place] + wanted - before[place]
        return moment <= ends[place] ? due(from, moment) : nil
    }

    /// The seconds of working time between two moments; within the years that are compiled. Negative when the second is the earlier.
    public func elapsed(from start: Date, to end: Date) -> TimeInterval {
        guard compiled != nil else { return end.timeIntervalSince(start) }
        return Double(worked(until: end.microseconds) - worked(until: start.microseconds)) / 1e6
    }

    public func isOpen(at moment: Date) -> Bool {
        guard compiled != nil else { return true }
        let moment = moment.microseconds
        let place = Self.partition(starts.count) { starts[$0] <= moment } - 1
        return place >= 0 && moment < ends[place]
    }

    /// The moment itself when it is working time, else the next opening; nil beyond the years that are compiled.
    public func opening(from moment: Date) -> Due? {
        guard let compiled else { return Due(at: moment) }
        let from = moment.microseconds
        let place = Self.partition(ends.count) { ends[$0] <= from }
        guard compiled.contains(from), place < ends.count else { return nil }
        return due(from, max(from, starts[place]))
    }

    private func due(_ from: Int, _ moment: Int) -> Due {
        Due(at: Date(microseconds: moment), isProvisional: unknown.contains { $0.lowerBound <= moment && from < $0.upperBound })
    }

    private func worked(until moment: Int) -> Int {
        let place = Self.partition(starts.count) { starts[$0] <= moment } - 1
        return place < 0 ? 0 : before[place] + min(moment, ends[place]) - starts[place]
    }

    /// The first place where the question is answered no; answers go from yes to no.
    private static func partition(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Date {
    var microseconds: Int { Int((timeIntervalSince1970 * 1e6).rounded()) }

    init(microseconds: Int) { self.init(timeIntervalSince1970: Double(microseconds) / 1e6) }
}
