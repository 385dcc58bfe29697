import Sampling
import Testing

@testable import Routing

@Suite struct TurnTests {
    private func picks(_ count: Int, weights: [Int]) -> [Int] {
        var turn = Turn(credits: weights.map { _ in nil })
        return (0..<count).map { _ in turn.next(among: Array(weights.indices), weights: weights) }
    }

    @Test func `weights 3, 1, 1 interleave`() {
        #expect(picks(10, weights: [3, 1, 1]) == [0, 1, 0, 2, 0, 0, 1, 0, 2, 0])
    }

    @Test func `equal weights go round in order`() {
        #expect(picks(7, weights: [1, 1, 1]) == [0, 1, 2, 0, 1, 2, 0])
    }

    @Test(arguments: 0..<40)
    func `at every prefix each member is within one lead of their share`(seed: UInt64) {
        var generator = SeededNumbers(seed: seed)
        let weights = (0..<Int.random(in: 1...40, using: &generator)).map { _ in [1, 1, 2, 3, 5, 20, 100].randomElement(using: &generator)!
        }
        let sum = weights.reduce(0, +)
        var counts = weights.map { _ in 0 }

        for (index, pick) in picks(min(2 * sum, 700), weights: weights).enumerated() {
            counts[pick] += 1
            let worst = weights.indices.map { abs(counts[$0] * sum - (index + 1) * weights[$0]) }.max()!
            #expect(worst <= sum, "seed \(seed), weights \(weights), turn \(index)")
        }
    }

    @Test func `who comes back starts at nothing owed`() {
        var turn = Turn(credits: [nil, nil])
        for _ in 0..<100 { _ = turn.next(among: [0], weights: [1, 1]) }

        let after = (0..<4).map { _ in turn.next(among: [0, 1], weights: [1, 1]) }

        #expect(after == [0, 1, 0, 1])
    }
}
