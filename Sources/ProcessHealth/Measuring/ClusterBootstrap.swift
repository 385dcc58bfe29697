import Sampling

/// How far a figure would move with other sellers: whole sellers are drawn again, with all their weeks.
struct ClusterBootstrap {
    /// One seller's confusions, one for each way to warn.
    let clusters: [[Confusion]]
    let draws: Int
    let seed: UInt64

    /// The middle 95 % of what `figure` says of the sums.
    func interval(_ figure: ([Confusion]) -> Double) -> ClosedRange<Double>? {
        guard clusters.count >= 2, let ways = clusters.first?.count else { return nil }
        var random = SeededNumbers(seed: seed)
        let values = (0..<draws).map { _ in
            var sums = [Confusion](repeating: Confusion(), count: ways)
            for _ in clusters.indices {
                let cluster = clusters[Int(random.next() % UInt64(clusters.count))]
                for way in 0..<ways { sums[way] += cluster[way] }
            }
            return figure(sums)
        }.sorted()
        return values[draws / 40]...values[draws - 1 - draws / 40]
    }
}
