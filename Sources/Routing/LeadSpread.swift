import Foundation

/// Whether leads are spread so that nobody starves (LOAD-05).
public struct LeadSpread: Sendable, Hashable {
    /// When a seller could be given leads.
    public struct Availability: Sendable, Hashable {
        public let seller: String
        /// In which the seller was active and not frozen, upwards, not overlapping.
        public let spans: [Range<Date>]
        /// Leads that may wait for a first touch; with more the seller is paused, and time does not count.
        public let capacity: Int

        /// - Parameter frozen: spans in which the seller was given nothing, upwards.
        public init(seller: String, spans: [Range<Date>], frozen: [Range<Date>] = [], capacity: Int) {
            self.seller = seller
            self.spans = spans.flatMap { LeadSpread.subtract(frozen, from: $0) }
            self.capacity = capacity
        }
    }

    /// A seller's longest time without a lead, in seconds in which there could have been one.
    public struct Drought: Sendable, Hashable {
        public let seller: String
        public let seconds: TimeInterval
    }

    /// The three sellers with the most leads may have this part of them.
    public static let highestTopShare = 0.5
    /// A seller may be without for so long, in seconds.
    public static let longestDrought: TimeInterval = 7 * 86_400

    /// Of the three with the most leads, 0…1; nil where there were no leads, or no more than three sellers who could have had them.
    public let topShare: Double?
    /// The longest first.
    public let droughts: [Drought]

    /// - Parameters:
    ///   - cases: of the period, and those before it that still weighed on somebody in it.
    ///   - period: what is judged.
    public init(_ cases: [AssignmentReport.Case], _ sellers: [Availability], in period: Range<Date>) {
        let bySeller = Dictionary(grouping: cases, by: \.seller)
        let received = bySeller.mapValues { $0.count { period.contains($0.assignedAt) } }
        let total = received.values.reduce(0, +)
        let top = received.values.sorted(by: >).prefix(3).reduce(0, +)
        topShare = total == 0 || sellers.count <= 3 ? nil : Double(top) / Double(total)
        droughts = sellers.map { Drought(seller: $0.seller, seconds: Self.drought(bySeller[$0.seller] ?? [], $0, period)) }
            .sorted { ($1.seconds, $0.seller) < ($0.seconds, $1.seller) }
    }

    /// Whether somebody should look.
    public var isUnfair: Bool { (topShare ?? 0) > Self.highestTopShare || !starved.isEmpty }
    public var starved: [Drought] { droughts.filter { $0.seconds > Self.longestDrought } }

    private static func drought(_ cases: [AssignmentReport.Case], _ seller: Availability, _ period: Range<Date>) -> TimeInterval {
        let free = seller.spans.map { $0.clamped(to: period) }.flatMap { span in
            subtract(paused(cases, seller.capacity), from: span)
        }
        let leads = cases.map(\.assignedAt).filter(period.contains).sorted()
        var (longest, current, next) = (0.0, 0.0, 0)
        for span in free {
            var start = span.lowerBound
            while next < leads.count, leads[next] < span.upperBound {
                if leads[next] > start {
                    current += leads[next].timeIntervalSince(start)
                    start = leads[next]
                }
                longest = max(longest, current)
                current = 0
                next += 1
            }
            current += span.upperBound.timeIntervalSince(start)
        }
        return max(longest, current)
    }

    /// When more leads than the capacity waited for their first touch.
    private static func paused(_ cases: [AssignmentReport.Case], _ capacity: Int) -> [Range<Date>] {
        let changes = cases.flatMap { one -> [(at: Date, change: Int)] in
            [(one.assignedAt, 1)] + (one.touchedAt.map { [($0, -1)] } ?? [])
        }.sorted { ($0.at, $0.change) < ($1.at, $1.change) }
        var spans: [Range<Date>] = []
        var (pending, since) = (0, Date?.none)
        for change in changes {
            pending += change.change
            if pending > capacity, since == nil { since = change.at }
            if pending <= capacity, let start = since {
                if start < change.at { spans.append(start..<change.at) }
                since = nil
            }
        }
        if let since { spans.append(since..<Date.distantFuture) }
        return spans
    }

    private static func subtract(_ holes: [Range<Date>], from span: Range<Date>) -> [Range<Date>] {
        var rest: [Range<Date>] = []
        var start = span.lowerBound
        for hole in holes where hole.upperBound > start && hole.lowerBound < span.upperBound {
            if hole.lowerBound > start { rest.append(start..<hole.lowerBound) }
            start = max(start, hole.upperBound)
        }
        if start < span.upperBound { rest.append(start..<span.upperBound) }
        return rest
    }
}
