import Breakers
import Foundation
import Testing

@Suite struct BreakerTests {
    private let now = Date(timeIntervalSince1970: 1_000_000)

    private func evidence(_ score: Double = 0, answered: Int = 0, failed: Int = 0, nodes: Int = 1) -> FleetEvidence {
        FleetEvidence([NodeEvidence(node: 1, score: score, answered: answered, failed: failed)], liveNodes: nodes)
    }

    @Test func `four failures in a row are enough, three are not, and answers weigh against them`() {
        var evidence = Evidence()
        for _ in 0..<3 { evidence.record(.failed) }
        #expect(!evidence.isDamning)
        evidence.record(.failed)
        #expect(evidence.isDamning)

        var mixed = Evidence()
        for result in [CallResult.failed, .failed, .answered, .failed, .answered, .failed, .failed] { mixed.record(result) }
        #expect(mixed.isDamning, "five of seven")
    }

    @Test func `a dependency that fails one call in twenty is condemned less than once in ten thousand calls`() {
        var random = Numbers(state: 11)
        var condemned = 0
        var evidence = Evidence()
        for _ in 0..<1_000_000 {
            evidence.record(random.uniform() < 0.05 ? .failed : .answered)
            if evidence.isDamning {
                condemned += 1
                evidence = Evidence()
            }
        }
        #expect(condemned < 100)
    }

    @Test(arguments: [(1.0, 4, 4), (0.8, 6, 10), (0.5, 11, 24)])
    func `a failing dependency is condemned after few calls`(rate: Double, median: Int, p95: Int) {
        var random = Numbers(state: 5)
        var calls = (0..<2_000).map { _ in
            var evidence = Evidence()
            var count = 0
            while !evidence.isDamning {
                evidence.record(random.uniform() < rate ? .failed : .answered)
                count += 1
            }
            return count
        }
        calls.sort()
        #expect(calls[1_000] <= median && calls[1_900] <= p95, "median \(calls[1_000]), 95 % \(calls[1_900])")
    }

    @Test func `one node of several alone condemns nothing, two do, and an only node does`() {
        let node = NodeEvidence(node: 1, score: 50, answered: 0, failed: 20)
        #expect(!FleetEvidence([node], liveNodes: 3).isDamning)
        #expect(FleetEvidence([node, NodeEvidence(node: 2, score: 5, answered: 0, failed: 3)], liveNodes: 3).isDamning)
        #expect(FleetEvidence([node], liveNodes: 1).isDamning)
    }

    @Test func `it opens, asks one at a time, then three, ramps, and closes`() throws {
        var breaker = Breaker()
        #expect(breaker.next(evidence(9), now: now, chance: 0) == nil)
        breaker = try #require(breaker.next(evidence(9.3, failed: 4), now: now, chance: 1))
        #expect(breaker.state == .open && breaker.limit == 0 && breaker.until == now.addingTimeInterval(5) && breaker.epoch == 2)
        #expect(breaker.reason == "4 of the last 4 calls failed")

        #expect(breaker.next(evidence(), now: now.addingTimeInterval(4.9), chance: 0) == nil)
        let later = now.addingTimeInterval(5)
        breaker = try #require(breaker.next(evidence(), now: later, chance: 0))
        #expect(breaker.state == .halfOpen && breaker.limit == 1 && breaker.epoch == 3)
        #expect(
            breaker.next(evidence(), now: later.addingTimeInterval(3_600), chance: 0) == nil, "without a call there is nothing to judge")
        breaker = try #require(breaker.next(evidence(answered: 1), now: later, chance: 0))
        #expect(breaker.state == .halfOpen && breaker.limit == 3 && breaker.epoch == 3, "the same calls go on counting")
        breaker = try #require(breaker.next(evidence(answered: 3), now: later, chance: 0))
        #expect(breaker.state == .ramping && breaker.limit == 10 && breaker.epoch == 4)

        var time = later
        var limits: [Int] = []
        while breaker.state == .ramping {
            time = time.addingTimeInterval(1)
            breaker = try #require(breaker.next(evidence(answered: 50), now: time, chance: 0))
            if let limit = breaker.limit { limits.append(limit) }
        }
        #expect(limits == [20, 40, 80, 160, 320, 640])
        #expect(breaker.state == .closed && breaker.limit == nil && breaker.openings == 0)
        #expect(time.timeIntervalSince(later) <= 10)
    }

    @Test func `one node of several whose probe fails does not open it again, a second one does, and it alone in the end`() {
        let breaker = Breaker(state: .halfOpen, epoch: 3, limit: 1, openings: 1)
        func next(_ failures: [Int], answered: Int = 0) -> Breaker? {
            let nodes = failures.enumerated().map { NodeEvidence(node: Int64($0), score: 2.3, answered: answered, failed: $1) }
            return breaker.next(FleetEvidence(nodes, liveNodes: 3), now: now, chance: 0)
        }

        #expect(next([1, 0]) == nil)
        #expect(next([1, 0], answered: 2)?.state == .ramping, "others get answers")
        #expect(next([1, 1])?.state == .open)
        #expect(next([3])?.state == .open, "nobody else asks")
    }

    @Test func `a probe that is told when to come back leaves it in peace until then`() throws {
        let breaker = Breaker(state: .halfOpen, epoch: 3, limit: 1, openings: 1)
        let then = now.addingTimeInterval(60)

        let next = try #require(breaker.next(evidence(), throttledUntil: then, now: now, chance: 0))

        #expect(next.state == .throttled && next.limit == 0 && next.until == then && next.epoch == 4)
        #expect(breaker.next(evidence(), throttledUntil: now, now: now, chance: 0) == nil, "that time is over")
    }

    @Test func `a failed probe opens it again for longer, up to the cap`() throws {
        var breaker = Breaker(state: .halfOpen, epoch: 3, limit: 1, openings: 1)
        breaker = try #require(breaker.next(evidence(2.3, failed: 1), now: now, chance: 1))
        #expect(breaker.state == .open && breaker.openings == 2 && breaker.until == now.addingTimeInterval(10))
        breaker.openings = 20
        breaker.state = .halfOpen
        breaker = try #require(breaker.next(evidence(2.3, failed: 1), now: now, chance: 1))
        #expect(breaker.until == now.addingTimeInterval(10))
    }

    @Test func `during the ramp new failures hold it or open it again`() throws {
        let ramping = Breaker(state: .ramping, epoch: 4, limit: 40, until: now, openings: 1)
        #expect(ramping.next(evidence(5, answered: 9, failed: 2), now: now, chance: 0)?.limit == 40)
        #expect(ramping.next(evidence(9.2, answered: 3, failed: 5), now: now, chance: 0)?.state == .open)
    }

    @Test func `one node of several that stays cut off does not hold up the ramp, and two do`() {
        let ramping = Breaker(state: .ramping, epoch: 4, limit: 40, until: now, openings: 1)
        func limit(_ scores: [Double]) -> Int? {
            let nodes = scores.enumerated().map { NodeEvidence(node: Int64($0), score: $1, answered: 9, failed: $1 > 0 ? 4 : 0) }
            return ramping.next(FleetEvidence(nodes, liveNodes: 3), now: now, chance: 0)?.limit
        }

        #expect(limit([20, 0, 0]) == 80)
        #expect(limit([20, 2.3, 0]) == 40)
    }

    @Test func `a dependency that names a time is left alone until then, exactly`() throws {
        let asked = now.addingTimeInterval(30)
        var breaker = try #require(Breaker().next(evidence(), throttledUntil: asked, now: now, chance: 0))
        #expect(breaker.state == .throttled && breaker.limit == 0 && breaker.until == asked)
        #expect(breaker.next(evidence(), throttledUntil: asked, now: asked.addingTimeInterval(-0.001), chance: 0) == nil)
        let longer = asked.addingTimeInterval(5)
        breaker = try #require(breaker.next(evidence(), throttledUntil: longer, now: now, chance: 0))
        #expect(breaker.until == longer)
        breaker = try #require(breaker.next(evidence(), throttledUntil: longer, now: longer, chance: 0))
        #expect(breaker.state == .ramping && breaker.limit == 10, "what waited does not fall upon it at once")
        let again = longer.addingTimeInterval(60)
        #expect(breaker.next(evidence(), throttledUntil: again, now: longer, chance: 0)?.state == .throttled)
    }

    @Test func `what a person has opened only a person closes`() {
        let forced = Breaker().forcedOpen(reason: "maintenance of the ERP")
        #expect(forced.limit == 0 && forced.epoch == 2)
        #expect(forced.next(evidence(answered: 100), now: now.addingTimeInterval(1_000_000), chance: 0) == nil)
        let closed = forced.forcedClosed(reason: "it is back")
        #expect(closed.state == .closed && closed.limit == nil && closed.epoch == 3 && !closed.isForced)
    }
}

struct Numbers {
    var state: UInt64
    mutating func uniform() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 53)
    }
}
