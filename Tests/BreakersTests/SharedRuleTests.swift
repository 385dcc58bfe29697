import Breakers
import Foundation
import Testing

@Suite struct SharedRuleTests {
    private let nodes = [
        NodeEvidence(node: 1, score: 90, answered: 3, failed: 40), NodeEvidence(node: 2, score: 90, answered: 1, failed: 2),
    ]

    @Test func `three tenants whose breakers are down open everybody's, two do not, whatever single calls say`() {
        #expect(!SharedRule().evidence(nodes, down: 2).isDamning)
        #expect(SharedRule().evidence(nodes, down: 3).isDamning)
        #expect(SharedRule().evidence([], down: 3).isDamning)
        #expect(SharedRule(tenants: 5).evidence([], down: 4).isDamning == false)
    }

    @Test func `it tells of the calls all the same`() {
        let evidence = SharedRule().evidence(nodes, down: 3)
        #expect(evidence.answered == 4 && evidence.failed == 42)
        let opened = Breaker().next(evidence, now: Date(timeIntervalSince1970: 1_000), chance: 0)
        #expect(opened?.reason == "42 of the last 46 calls failed")
    }

    @Test func `a breaker that a person opened, that is throttled, or that ramps, does not count as down`() {
        func breaker(_ state: Breaker.State, forced: Bool = false) -> Breaker { Breaker(state: state, isForced: forced) }
        #expect(breaker(.open).isDown && breaker(.halfOpen).isDown)
        #expect(
            !breaker(.open, forced: true).isDown && !breaker(.throttled).isDown && !breaker(.ramping).isDown && !breaker(.closed).isDown)
        #expect(breaker(.throttled).keepsWaiting && breaker(.open, forced: true).keepsWaiting && !breaker(.ramping).keepsWaiting)
    }
}
