import Foundation
import Sampling

/// How well pairs were found: of those said to be the same how many are, and of those that are how many were said to be.
public struct PairQuality: Sendable, Hashable {
    /// Said and so.
    public var found = 0
    /// Said and not so.
    public var wrong = 0
    /// So and not said.
    public var missed = 0

    public init(found: Int = 0, wrong: Int = 0, missed: Int = 0) {
        self.found = found
        self.wrong = wrong
        self.missed = missed
    }

    public var precision: Double { found + wrong == 0 ? 1 : Double(found) / Double(found + wrong) }
    public var recall: Double { found + missed == 0 ? 1 : Double(found) / Double(found + missed) }
    public var f1: Double { found == 0 ? 0 : 2 * Double(found) / Double(2 * found + wrong + missed) }

    static func + (a: Self, b: Self) -> Self { Self(found: a.found + b.found, wrong: a.wrong + b.wrong, missed: a.missed + b.missed) }
}

/// A measured share and where it would lie in 95 of 100 repetitions.
public struct Measured: Sendable, Hashable {
    public let value: Double
    public let low: Double
    public let high: Double
}

/// Pair counts, kept by entity, because the pairs of one entity are found or missed together.
public struct QualityTally: Sendable {
    public private(set) var byEntity: [String: PairQuality] = [:]

    public init() {}

    public var total: PairQuality { byEntity.values.reduce(PairQuality(), +) }

    public mutating func add(_ quality: PairQuality, of entity: String) { byEntity[entity] = (byEntity[entity] ?? PairQuality()) + quality }

    /// From who each record is and whom it was put to: every pair of records counts once, a wrong one half for either side's entity.
    public init(entities: [String], clusters: [Int]) {
        func pairs(_ n: Int) -> Int { n * (n - 1) / 2 }
        struct Cell: Hashable { var entity: String, cluster: Int }
        var cells: [Cell: Int] = [:]
        for (entity, cluster) in zip(entities, clusters) { cells[Cell(entity: entity, cluster: cluster), default: 0] += 1 }
        let sizes = Dictionary(grouping: entities, by: \.self).mapValues(\.count)
        var found: [String: Int] = [:]
        for (cell, count) in cells { found[cell.entity, default: 0] += pairs(count) }
        for (entity, size) in sizes { add(PairQuality(found: found[entity] ?? 0, missed: pairs(size) - (found[entity] ?? 0)), of: entity) }
        for (_, inCluster) in Dictionary(grouping: cells, by: \.key.cluster) where inCluster.count > 1 {
            let ordered = inCluster.sorted { $0.key.entity < $1.key.entity }
            for (place, cell) in ordered.enumerated() {
                let after = ordered[(place + 1)...].reduce(0) { $0 + $1.value }
                if after > 0 { add(PairQuality(wrong: cell.value * after), of: cell.key.entity) }
            }
        }
    }

    /// By drawing entities anew, a thousand times (bootstrap). Where nothing was wrong or missed, the bound of Wilson's interval is
    /// taken, since drawing anew can't show what was never seen.
    public func intervals(seed: UInt64 = 1, draws: Int = 1_000) -> (precision: Measured, recall: Measured, f1: Measured) {
        let entities = byEntity.sorted { $0.key < $1.key }.map(\.value)
        let total = total
        var (precisions, recalls, f1s): ([Double], [Double], [Double]) = ([], [], [])
        var random = SeededNumbers(seed: seed)
        for _ in 0..<(entities.isEmpty ? 0 : draws) {
            var drawn = PairQuality()
            for _ in entities.indices { drawn = drawn + entities[Int.random(in: entities.indices, using: &random)] }
            precisions.append(drawn.precision)
            recalls.append(drawn.recall)
            f1s.append(drawn.f1)
        }
        func measured(_ value: Double, _ drawn: [Double], of count: Int) -> Measured {
            let sorted = drawn.sorted()
            guard !sorted.isEmpty else { return Measured(value: value, low: 0, high: 1) }
            let low = sorted[Int(0.025 * Double(sorted.count - 1))]
            return Measured(
                value: value, low: value == 1 ? min(low, Self.wilsonLow(count)) : low, high: sorted[Int(0.975 * Double(sorted.count - 1))])
        }
        return (
            measured(total.precision, precisions, of: total.found + total.wrong),
            measured(total.recall, recalls, of: total.found + total.missed),
            measured(total.f1, f1s, of: total.found)
        )
    }

    /// Of n tries without a failure: n ÷ (n + z²).
    private static func wilsonLow(_ n: Int) -> Double { Double(n) / (Double(n) + 1.96 * 1.96) }
}
