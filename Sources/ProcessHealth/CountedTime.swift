import Foundation

/// Which time counts between two instants: all of it, or only somebody's working days.
public struct CountedTime: Sendable {
    private let seconds: (@Sendable (_ from: Date, _ to: Date) -> Double)?

    /// - Parameter seconds: how much of the time between two instants counts; nil: all of it.
    public init(_ seconds: (@Sendable (_ from: Date, _ to: Date) -> Double)? = nil) { self.seconds = seconds }

    func hours(from: Date, to: Date) -> Double { (seconds.map { $0(from, to) } ?? to.timeIntervalSince(from)) / 3_600 }

    /// When so many hours have passed since; with a calendar the instant is searched for, to the second.
    func limit(after from: Date, hours: Double) -> Date {
        let wanted = hours * 3_600
        guard let seconds else { return from + wanted }
        var (low, high) = (from + wanted, from + wanted)
        while seconds(from, high) < wanted, high < from + 400 * 86_400 { high += wanted }
        while high.timeIntervalSince(low) > 1 {
            let middle = low + high.timeIntervalSince(low) / 2
            if seconds(from, middle) < wanted { low = middle } else { high = middle }
        }
        return high
    }
}
