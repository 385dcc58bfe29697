import Foundation
import SalesModel

/// What is still lacking for a clock that stops after so many events.
public struct Shortfall: Sendable, Hashable {
    /// The event's type.
    public let type: String
    /// Those that count.
    public let counted: Int
    /// Fields that keep others from counting, in the order of their names.
    public let missing: [String]
}

extension CompiledClock {
    /// nil: the clock does not stop by a count.
    ///
    /// - Parameter start: the clock's.
    public func shortfall(of facts: SubjectFacts, start: Date, now: Date) -> Shortfall? {
        guard let count = clock.stop?.when?.counts.first else { return nil }
        let span: ClosedRange<Date> =
            switch count.window {
            case .ever: Date.distantPast...now
            case .last(let seconds): now.addingTimeInterval(-Double(seconds))...now
            case .sinceStart(let seconds):
                min(start, now)...(seconds.map { max(start, min(now, start.addingTimeInterval(Double($0)))) } ?? now)
            }
        let filter = count.filter.map(CompiledFilter.init)
        let events = facts.events.filter { $0.isOf(count.type) && span.contains($0.at) }
        let falling = events.filter { filter?.truth(of: $0) ?? .yes != .yes }
        let missing = Set(count.filter?.fields ?? []).filter { field in
            falling.contains { event in
                switch event.data[field] ?? .empty {
                case .empty, .unmapped: true
                case .text(let text): Placeholder.isPlaceholder(text)
                default: false
                }
            }
        }
        return Shortfall(type: count.type, counted: events.count - falling.count, missing: missing.sorted())
    }
}
