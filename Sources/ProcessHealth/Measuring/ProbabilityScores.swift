import Foundation

/// How good probabilities are.
enum ProbabilityScores {
    typealias Answer = (probability: Double, isHit: Bool)

    /// The mean squared error.
    static func brier(_ answers: [Answer]) -> Double {
        answers.mean { ($0.probability - ($0.isHit ? 1 : 0)) * ($0.probability - ($0.isHit ? 1 : 0)) }
    }

    /// The mean distance between what was said and what came, over ten groups of the same size, from the least likely to the likeliest.
    static func calibrationError(_ answers: [Answer], groups: Int = 10) -> Double? {
        guard answers.count >= groups else { return nil }
        let sorted = answers.sorted { $0.probability < $1.probability }
        return (0..<groups).reduce(0) { sum, group in
            let part = sorted[(group * sorted.count / groups)..<((group + 1) * sorted.count / groups)]
            let said = part.reduce(0) { $0 + $1.probability }
            let came = Double(part.count { $0.isHit })
            return sum + abs(said - came) / Double(sorted.count)
        }
    }

    /// The area under precision over recall, as average precision; equal scores count together. Nil where nothing fell.
    static func averagePrecision(_ answers: [Answer]) -> Double? {
        let sorted = answers.sorted { $0.probability > $1.probability }
        let all = sorted.count { $0.isHit }
        guard all > 0 else { return nil }
        var (hits, counted, area) = (0, 0, 0.0)
        for (place, answer) in sorted.enumerated() {
            if answer.isHit { hits += 1 }
            if place + 1 < sorted.count, sorted[place + 1].probability == answer.probability { continue }
            area += Double(hits - counted) / Double(all) * Double(hits) / Double(place + 1)
            counted = hits
        }
        return area
    }
}
