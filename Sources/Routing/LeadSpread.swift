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

    /// The three sellers with the most leads may have this part of them, wherever they are among many.
    public static let highestTopShare = 0.5
    /// How seldom a share is called too high that chance alone explains.
    private static let falseAlarms = 0.01
    /// A seller may be without for so long, in seconds.
    public static let longestDrought: TimeInterval = 7 * 86_400

    /// Of the three with the most leads, 0…1; nil where there were no leads, or no more than three sellers who could have had them.
    public let topShare: Double?
    /// What it may be: half; among few sellers more, since the three best of five have 60 % of what is shared evenly, and of few leads some more by chance.
    public let topShareLimit: Double
    /// The longest first.
    public let droughts: [Drought]

    /// - Parameters:
    ///   - cases: of the period, and those before it that still weighed on somebody in it.
    ///   - asked: what is judged, as far as it has come.
    public init(_ cases: [AssignmentReport.Case], _ sellers: [Availability], in asked: Range<Date>, at now: Date) {
        let period = asked.clamped(to: .distantPast..<now)
        let bySeller = Dictionary(grouping: cases, by: \.seller)
        let received = bySeller.mapValues { $0.count { period.contains($0.assignedAt) } }
        let total = received.values.reduce(0, +)
        let top = received.values.sorted(by: >).prefix(3).reduce(0, +)
        topShare = total == 0 || sellers.count <= 3 ? nil : Double(top) / Double(total)
        topShareLimit = max(Self.highestTopShare, Self.evenTopShare(of: total, among: sellers, in: period))
        droughts = sellers.map { Drought(seller: $0.seller, seconds: Self.drought(bySeller[$0.seller] ?? [], $0, period)) }
            .sorted { ($1.seconds, $0.seller) < ($0.seconds, $1.seller) }
    }

    /// Whether somebody should look.
    public var isUnfair: Bool { (topShare ?? 0) > topShareLimit || !starved.isEmpty }
    public var starved: [Drought] { droughts.filter { $0.seconds > Self.longestDrought } }

    /// The highest share that three sellers may come to where each lead falls to anybody who was there, with equal chances.
    ///
    /// Three who were there for the part p of all the sellers' time have k or more of n leads with the chance P(B(n, p) ≥ k), and some three of s with
    /// no more than that for each choice of three. Five sellers and 100 leads: p = 0.6, ten choices, P ≤ 0.001: 0.75. 1,000 leads: 0.648.
    /// Six sellers and 100 leads: 0.66, so the case of 68 % is none of chance. Twenty sellers and 100 leads: 0.32, less than half.
    private static func evenTopShare(of leads: Int, among sellers: [Availability], in period: Range<Date>) -> Double {
        let times = sellers.map { seller in
            seller.spans.map { $0.clamped(to: period) }.reduce(0) { $0 + $1.upperBound.timeIntervalSince($1.lowerBound) }
        }.filter { $0 > 0 }
        let share = times.sorted(by: >).prefix(3).reduce(0, +) / times.reduce(0, +)
        guard leads > 0, times.count > 3, share < 1 else { return 1 }
        let choices = Double(times.count * (times.count - 1) * (times.count - 2)) / 6
        let (n, odds) = (Double(leads), share / (1 - share))
        // From all leads downwards: the chance of exactly k, as a logarithm, and of k or more.
        var (k, exactly, atLeast) = (n, n * log(share), 0.0)
        while k > 0 {
            atLeast += exp(exactly)
            if atLeast * choices > falseAlarms { break }
            exactly += log(k / (n - k + 1)) - log(odds)
            k -= 1
        }
        return k / n
    }

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
            [(one.assignedAt, 1)] + (one.touchedAt.map { [(max($0, one.assignedAt), -1)] } ?? [])
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
