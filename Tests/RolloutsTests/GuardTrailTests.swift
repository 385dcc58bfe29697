import Foundation
import Sampling
import Testing

@testable import Rollouts

/// Which readings of a guard are kept.
@Suite struct GuardTrailTests {
    private static let start = Date(timeIntervalSince1970: 1_770_000_000)

    private func point(_ seconds: Double, _ log: Double = 0, canary: Int = 0, percent: Percent = .none) -> GuardPoint {
        GuardPoint(
            at: Self.start.addingTimeInterval(seconds), logEvidence: log, threshold: 500, percent: percent, stable: 0, canary: canary)
    }

    @Test func `a reading is kept that says what the last did not, ten seconds after it at the earliest`() throws {
        let last = point(0, 1, canary: 5)

        #expect(GuardTrail.isNews(last, after: nil))
        #expect(!GuardTrail.isNews(point(600, 1, canary: 5), after: last))
        #expect(!GuardTrail.isNews(point(9.9, 2, canary: 6), after: last))
        #expect(GuardTrail.isNews(point(10, 2, canary: 6), after: last))
        #expect(GuardTrail.isNews(point(10, 1, canary: 6), after: last))
        #expect(GuardTrail.isNews(point(10, 1, canary: 5, percent: try #require(Percent(5.0))), after: last))
        // What ended it is kept however soon it came, and not twice.
        #expect(GuardTrail.isNews(point(1, 2, canary: 6), after: last, isEnd: true))
        #expect(!GuardTrail.isNews(point(1, 1, canary: 5), after: last, isEnd: true))
    }

    @Test(arguments: [1, 7, 99] as [UInt64])
    func `a thinned trail keeps its ends and its highest points, and no part of its time is empty`(seed: UInt64) {
        var random = SeededNumbers(seed: seed)
        var at = 0.0
        let points = (0..<241).map { _ in
            at += Double.random(in: 10...4_000, using: &random)
            return point(at, Double.random(in: -6...6, using: &random))
        }

        let kept = GuardTrail.kept(of: points)

        #expect(kept == Array(Set(kept)).sorted())
        #expect(kept.count <= 2 * GuardTrail.parts + 2 && kept.count < GuardTrail.mostPoints)
        #expect(kept.first == 0 && kept.last == 240)
        #expect(kept.map { points[$0].logEvidence }.max() == points.map(\.logEvidence).max())
        let part = points[240].at.timeIntervalSince(points[0].at) / Double(GuardTrail.parts)
        for place in points.indices {
            #expect(kept.contains { abs(points[$0].at.timeIntervalSince(points[place].at)) <= part }, "nothing near \(place)")
        }
    }

    @Test func `a trail that goes on for a year stays short, and shows all of it`() {
        var trail = [point(0)]
        for hour in 1...(365 * 24) {
            trail.append(point(Double(hour) * 3_600, hour == 4_000 ? 5 : 0, canary: hour))
            guard trail.count > GuardTrail.mostPoints else { continue }
            trail = GuardTrail.kept(of: trail).map { trail[$0] }
        }

        #expect((100...GuardTrail.mostPoints).contains(trail.count))
        #expect(trail.contains { $0.logEvidence == 5 })
        #expect(zip(trail, trail.dropFirst()).allSatisfy { $1.at.timeIntervalSince($0.at) <= 365 * 86_400 / 40 })
    }

    @Test func `a trail of one moment keeps its ends`() {
        #expect(GuardTrail.kept(of: []) == [])
        #expect(GuardTrail.kept(of: [point(0)]) == [0])
        #expect(GuardTrail.kept(of: [point(0), point(0), point(0)]) == [0, 2])
    }
}
