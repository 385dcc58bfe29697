import Breakers
import Foundation
import Testing

@Suite struct PaceTests {
    private func warm(_ seconds: Double = 1) -> Pace {
        var pace = Pace()
        for _ in 0..<Pace.warmUp { _ = pace.record(seconds) }
        return pace
    }

    @Test func `nothing is slow before enough is known, and nothing below a quarter of a second ever`() {
        var pace = Pace()
        #expect([900, 1, 900].map { pace.record($0) } == [false, false, false])
        var quick = warm(0.001)
        #expect([0.24, 0.26].map { quick.record($0) } == [false, true])
    }

    @Test func `a call is slow that takes three times what nineteen of twenty take`() {
        #expect(
            [2.9, 3.1].map { seconds in
                var pace = warm(1)
                return pace.record(seconds)
            } == [false, true])
    }

    @Test func `a limit that was set holds from the first call on`() {
        var pace = Pace()
        #expect([(0.02, 0.01), (5, 10)].map { pace.record($0, limit: $1) } == [true, false])
    }

    @Test func `the quantile settles where one call in twenty is above, and follows when it moves`() {
        var numbers = Numbers(state: 3)
        var pace = Pace()
        for scale in [1.0, 4.0] {
            for _ in 0..<5_000 { _ = pace.record(-log(1 - numbers.uniform()) * scale) }
            var above = 0
            for _ in 0..<10_000 {
                let seconds = -log(1 - numbers.uniform()) * scale
                if seconds > pace.quantile { above += 1 }
                _ = pace.record(seconds)
            }
            #expect((300...700).contains(above), "\(above) of 10,000 calls above")
        }
    }

    @Test func `eight slow calls in a row condemn a dependency, seven do not, and healthy calls are not called slow`() {
        var pace = warm(1)
        var evidence = Evidence()
        for n in 1...8 {
            let isSlow = pace.record(20)
            #expect(isSlow)
            evidence.record(.slow)
            #expect(evidence.isDamning == (n == 8))
        }
        var numbers = Numbers(state: 9)
        var slow = 0
        var healthy = Pace()
        for _ in 0..<20_000 where healthy.record(0.5 + numbers.uniform()) { slow += 1 }
        #expect(slow == 0)
    }

    @Test func `a breaker that slow calls have opened says so`() {
        let evidence = FleetEvidence([NodeEvidence(node: 1, score: 9.3, answered: 8, failed: 0)], liveNodes: 1)
        let opened = Breaker().next(evidence, now: Date(timeIntervalSince1970: 1_000), chance: 0)
        #expect(opened?.state == .open && opened?.reason == "the last calls took much longer than they used to")
    }
}
