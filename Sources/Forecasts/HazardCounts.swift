import Foundation

/// What happened in how many days, by stage, age and month of the quarter: all that hazards are made of.
///
/// Both count less the longer ago they are, half after each half-life. Adding a stay costs as many steps as it crosses bins and months,
/// not as it has days.
public struct HazardCounts: Sendable {
    public enum Cause: Int, Sendable, CaseIterable { case won, lost, moved }

    static let phases = 3
    static let recentDays = 28

    public let stages: Int
    public let segments: Int
    public let bins: AgeBins
    /// The last day anything is known of.
    public let asOf: Day
    /// The first day that counts.
    public let since: Day

    /// Days at risk; by stage, bin and phase.
    private(set) var exposure: [Double]
    /// By cause, then as above.
    private(set) var events: [[Double]]
    /// Days at risk and wins of the last `recentDays`, each counted once.
    private(set) var recentExposure: [Double]
    private(set) var recentWins = 0.0
    /// Days at risk by segment, then as above, and wins; empty where there is one segment.
    private(set) var segmentExposure: [Double]
    private(set) var segmentWins: [Double]
    /// Moves from a stage (row) into a stage.
    private(set) var moves: [Double]
    /// How often a stage was left in the last 180 days, each counted once.
    public private(set) var exits: [Int]

    /// The weight of all days before a place's day, from `since`.
    private let weightBefore: [Double]
    private let phase: [Int]
    /// The last day of its month, as a place.
    private let monthEnd: [Int]

    /// - Parameter halfLife: in days.
    public init(stages: Int, segments: Int = 1, bins: AgeBins = .standard, since: Day, asOf: Day, halfLife: Double = 90) {
        precondition(stages > 0 && segments > 0 && halfLife > 0, "Hazards need a stage, a segment and a half-life.")
        self.stages = stages
        self.segments = segments
        self.bins = bins
        self.asOf = asOf
        self.since = min(since, asOf)
        let cells = stages * bins.count * Self.phases
        exposure = [Double](repeating: 0, count: cells)
        recentExposure = exposure
        segmentExposure = [Double](repeating: 0, count: segments > 1 ? segments * cells : 0)
        segmentWins = [Double](repeating: 0, count: segments > 1 ? segments : 0)
        events = [[Double]](repeating: [Double](repeating: 0, count: cells), count: Cause.allCases.count)
        moves = [Double](repeating: 0, count: stages * stages)
        exits = [Int](repeating: 0, count: stages)

        let days = self.since.distance(to: asOf) + 1
        var (before, sum) = ([Double](), 0.0)
        before.reserveCapacity(days + 1)
        for place in 0..<days {
            before.append(sum)
            sum += exp2(-Double(days - 1 - place) / halfLife)
        }
        before.append(sum)
        weightBefore = before
        phase = (0..<days).map { [since = self.since] in since.advanced(by: $0).quarterPhase }
        var ends = Array(0..<days)
        for place in ends.indices.dropLast().reversed() where phase[place] == phase[place + 1] { ends[place] = ends[place + 1] }
        monthEnd = ends
    }

    /// The place of a stage's bin and phase.
    func cell(_ stage: Int, _ bin: Int, _ phase: Int) -> Int { (stage * bins.count + bin) * Self.phases + phase }

    /// Counts a stay as it was known on `asOf`.
    public mutating func add(_ stay: Stay) {
        guard let stay = stay.known(on: asOf), stay.left.map({ $0 >= since }) ?? true else { return }
        let entered = since.distance(to: stay.entered)
        var place = max(entered, 0)
        let last = since.distance(to: stay.left ?? asOf)
        while place <= last {
            let bin = bins.bin(of: place - entered)
            let end = min(last, monthEnd[place], bins.last(of: bin).map { entered + $0 } ?? last)
            let (cell, days) = (cell(stay.stage, bin, phase[place]), weightBefore[end + 1] - weightBefore[place])
            exposure[cell] += days
            if segments > 1 { segmentExposure[stay.segment * exposure.count + cell] += days }
            let recent = max(place, since.distance(to: asOf) - Self.recentDays + 1)
            if recent <= end { recentExposure[cell] += Double(end - recent + 1) }
            place = end + 1
        }
        guard let exit = stay.exit else { return }
        let weight = weightBefore[last + 1] - weightBefore[last]
        let cause: Cause
        switch exit {
        case .won: cause = .won
        case .lost: cause = .lost
        case .moved(let next):
            cause = .moved
            moves[stay.stage * stages + next] += weight
        }
        events[cause.rawValue][cell(stay.stage, bins.bin(of: last - entered), phase[last])] += weight
        if exit == .won {
            if segments > 1 { segmentWins[stay.segment] += weight }
            if last > since.distance(to: asOf) - Self.recentDays { recentWins += 1 }
        }
        if last > since.distance(to: asOf) - 180 { exits[stay.stage] += 1 }
    }
}
