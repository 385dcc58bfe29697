import Foundation
import Sampling

/// Finds m, u and the prior from records alone, without anybody having said which are the same.
///
/// u from pairs drawn at random, nearly all of which are different; m by expectation maximisation over pairs that share a key, for each
/// field only over pairs brought together by another one, because what brought them together is no evidence (as splink does).
public struct Estimation {
    private let data: TrialData
    private let rules: MatchRules
    private let records: [MatchRecord]

    public init(_ data: TrialData, rules: MatchRules) {
        self.data = data
        self.rules = rules
        records = data.records.map { MatchRecord($0.values, rules: rules) }
    }

    /// The rules with what was found; levels stay where they are.
    public func estimated(seed: UInt64 = 1) -> MatchRules {
        let drawn = differentShares(seed)
        var found = rules
        var u = drawn
        // Twice: pairs drawn at random hold some of one customer, how many is known only after the first time.
        for _ in 0..<2 {
            let m = sameShares(u)
            found.set(m: m, u: u)
            let (prior, same) = prior(found)
            found.prior = prior
            u = zip(drawn, m).map { drawn, m in
                Self.shares(zip(drawn, m).map { max(2.5e-6, $0 - same * $1) })
            }
            found.set(m: m, u: u)
        }
        return found
    }

    /// By field the shares of the levels, disagreement last.
    private func differentShares(_ seed: UInt64) -> [[Double]] {
        var random = SeededNumbers(seed: seed)
        var counts = rules.fields.map { [Double](repeating: 0.5, count: $0.levels.count + 1) }
        for _ in 0..<(records.count > 1 ? 200_000 : 0) {
            let (a, b) = (Int.random(in: records.indices, using: &random), Int.random(in: records.indices, using: &random))
            guard a != b else { continue }
            for place in rules.fields.indices { if let level = level(a, b, place) { counts[place][level] += 1 } }
        }
        return counts.map(Self.shares)
    }

    private func sameShares(_ u: [[Double]]) -> [[Double]] {
        var sums = rules.fields.map { [Double](repeating: 0, count: $0.levels.count + 1) }
        for blocking in rules.fields.indices where rules.fields[blocking].finds {
            var only = rules
            for place in only.fields.indices { only.fields[place].finds = place == blocking }
            let pairs = data.pairs(sharingKeysOf: only).prefix(100_000).map { pair in rules.fields.indices.map { level(pair.0, pair.1, $0) }
            }
            guard !pairs.isEmpty else { continue }
            let m = maximised(pairs, u, without: blocking)
            for place in rules.fields.indices where place != blocking {
                for level in sums[place].indices { sums[place][level] += m[place][level] * Double(pairs.count) }
            }
        }
        return sums.map { Self.shares($0.map { $0 + 0.5 }) }
    }

    private func maximised(_ pairs: [[Int?]], _ u: [[Double]], without blocking: Int) -> [[Double]] {
        var share = 0.5
        var m = rules.fields.map { field in Self.shares((0...field.levels.count).map { $0 == 0 ? 8 : 1 }) }
        for _ in 0..<30 {
            var (counts, same) = (rules.fields.map { [Double](repeating: 0.5, count: $0.levels.count + 1) }, 0.0)
            for levels in pairs {
                var odds = share / (1 - share)
                for (place, level) in levels.enumerated() where place != blocking {
                    if let level { odds *= m[place][level] / u[place][level] }
                }
                let chance = odds.isInfinite ? 1 : odds / (1 + odds)
                same += chance
                for (place, level) in levels.enumerated() { if let level { counts[place][level] += chance } }
            }
            share = min(0.999, max(0.001, same / Double(pairs.count)))
            m = counts.map(Self.shares)
        }
        return m
    }

    /// How many records have an elder like them, since records without one are as many as customers; and of all pairs the share that is
    /// of one customer.
    private func prior(_ rules: MatchRules) -> (MatchPrior, same: Double) {
        var rules = rules
        let count = records.count
        rules.prior = MatchPrior(repeatRate: 0.3, population: max(1, count))
        let counted = records.map { CountedRecord($0, rules: rules) { _ in 1 } }
        var (repeats, same): (Set<Int>, Int) = ([], 0)
        for (a, b) in data.pairs(sharingKeysOf: rules) {
            let (elder, younger) = (min(a, b), max(a, b))
            guard rules.evidence(that: counted[younger], is: records[elder], population: count).percent >= 50 else { continue }
            same += 1
            repeats.insert(younger)
        }
        let rate = min(0.95, max(0.01, Double(repeats.count) / Double(max(1, count))))
        return (
            MatchPrior(repeatRate: rate, population: max(1, count - repeats.count)), Double(2 * same) / Double(max(2, count * (count - 1)))
        )
    }

    private func level(_ a: Int, _ b: Int, _ place: Int) -> Int? {
        guard let mine = records[a].forms[place].first, let theirs = records[b].forms[place].first else { return nil }
        guard let likeness = mine.likeness(to: theirs) else { return nil }
        return rules.fields[place].levels.firstIndex { likeness >= $0.atLeast } ?? rules.fields[place].levels.count
    }

    private static func shares(_ counts: [Double]) -> [Double] {
        let total = counts.reduce(0, +)
        return counts.map { $0 / total }
    }
}

extension MatchRules {
    /// Of each field the levels' shares; disagreement, the last, is what they leave.
    fileprivate mutating func set(m: [[Double]], u: [[Double]]) {
        for place in fields.indices {
            for level in fields[place].levels.indices {
                fields[place].levels[level].m = m[place][level]
                fields[place].levels[level].u = u[place][level]
            }
        }
    }
}
