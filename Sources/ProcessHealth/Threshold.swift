/// Where warnings begin.
public enum Threshold {
    /// The score from which on warning gives the best F1, among those from which on enough warnings come true; nil where there is none.
    ///
    /// - Parameter answers: scores, the higher the likelier, and whether the fall came.
    public static func best(_ answers: [(score: Double, isHit: Bool)], leastPrecision: Double = 0) -> Double? {
        let sorted = answers.sorted { $0.score > $1.score }
        let all = sorted.count { $0.isHit }
        var best: (f1: Double, score: Double)?
        var hits = 0
        for (place, answer) in sorted.enumerated() {
            if answer.isHit { hits += 1 }
            // Equal scores are warned of together.
            if place + 1 < sorted.count, sorted[place + 1].score == answer.score { continue }
            let precision = Double(hits) / Double(place + 1)
            guard hits > 0, precision >= leastPrecision else { continue }
            let f1 = 2 * Double(hits) / Double(place + 1 + all)
            if f1 > best?.f1 ?? 0 { best = (f1, answer.score) }
        }
        return best?.score
    }
}
