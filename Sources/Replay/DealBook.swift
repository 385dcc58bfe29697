import Foundation
import Routing
import SalesModel

/// Closed deals, counted in windows that move with the time: each change and each step of time costs what it changes.
struct DealBook: Sendable {
    private struct Place: Sendable {
        let closedAt: Date
        let id: Int64
    }

    private struct Cell: Hashable, Sendable {
        let owner: String
        let industry: String?
    }

    private struct Window: Sendable {
        let months: Int
        var start: Date
        var tallies: [Cell: (won: Int, lost: Int)] = [:]
    }

    private(set) var deals: [Int64: Deal] = [:]
    /// By when they were closed.
    private var places: [Place] = []
    private var windows: [Window] = []
    private var end = Date.distantPast
    /// Another one when any window counts something else.
    private(set) var generation = 0

    init(_ deals: [Int64: Deal]) {
        self.deals = deals
        places = deals.map { Place(closedAt: $1.closedAt, id: $0) }.sorted { $0.closedAt < $1.closedAt }
    }

    /// What each window counts, by its months.
    var statistics: [Int: DealStatistics] {
        Dictionary(
            uniqueKeysWithValues: windows.map { window in
                (
                    window.months,
                    DealStatistics(
                        window.tallies.map { ClosedDeals(owner: $0.owner, industry: $0.industry, won: $1.won, lost: $1.lost) })
                )
            })
    }

    /// Puts a deal as it is now; nil takes it out.
    ///
    /// - Returns: what it was.
    @discardableResult
    mutating func put(_ id: Int64, _ deal: Deal?) -> Deal? {
        let old = deals[id]
        guard old != deal else { return old }
        if let old {
            count(old, by: -1)
            if let place = places[lowerBound(old.closedAt)...].firstIndex(where: { $0.id == id }) { places.remove(at: place) }
        }
        if let deal {
            count(deal, by: 1)
            places.insert(Place(closedAt: deal.closedAt, id: id), at: lowerBound(deal.closedAt))
        }
        deals[id] = deal
        return old
    }

    /// Moves the windows of these lengths to an end.
    mutating func move(to newEnd: Date, months: [Int]) {
        for length in months where !windows.contains(where: { $0.months == length }) {
            windows.append(Window(months: length, start: DealWindow.start(length, before: end)))
            add(closedAfter: windows[windows.count - 1].start, until: end, by: 1, toWindowAt: windows.count - 1)
            generation += 1
        }
        guard newEnd != end else { return }
        for index in windows.indices {
            let start = DealWindow.start(windows[index].months, before: newEnd)
            let old = windows[index].start
            add(closedAfter: end, until: newEnd, by: 1, toWindowAt: index)
            add(closedAfter: newEnd, until: end, by: -1, toWindowAt: index)
            add(closedAfter: old, until: start, by: -1, toWindowAt: index)
            add(closedAfter: start, until: old, by: 1, toWindowAt: index)
            windows[index].start = start
        }
        end = newEnd
    }

    /// Counts the deals closed in a span of time in or out; an empty span is none.
    private mutating func add(closedAfter start: Date, until end: Date, by step: Int, toWindowAt index: Int) {
        guard start < end else { return }
        for place in places[upperBound(start)...] {
            guard place.closedAt <= end else { break }
            guard let deal = deals[place.id] else { continue }
            Self.count(deal, by: step, in: &windows[index])
            generation += 1
        }
    }

    private mutating func count(_ deal: Deal, by step: Int) {
        for index in windows.indices where deal.closedAt > windows[index].start && deal.closedAt <= end {
            Self.count(deal, by: step, in: &windows[index])
            generation += 1
        }
    }

    private static func count(_ deal: Deal, by step: Int, in window: inout Window) {
        let cell = Cell(owner: deal.owner, industry: deal.industry)
        var tally = window.tallies[cell] ?? (0, 0)
        if deal.won { tally.won += step } else { tally.lost += step }
        // Who has no deals left is not an owner of deals.
        window.tallies[cell] = tally == (0, 0) ? nil : tally
    }

    /// The first place not before a moment.
    private func lowerBound(_ moment: Date) -> Int { bound { $0.closedAt < moment } }
    /// The first place after a moment.
    private func upperBound(_ moment: Date) -> Int { bound { $0.closedAt <= moment } }

    private func bound(_ isBefore: (Place) -> Bool) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(places[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
