import Synchronization
import Testing

@testable import API

@Suite struct RememberedTests {
    private final class Source: Sendable {
        private let asked = Mutex<[String: Int]>([:])
        var count: [String: Int] { asked.withLock { $0 } }

        func answer(_ key: String) -> String {
            asked.withLock { $0[key, default: 0] += 1 }
            return "\(key)!"
        }
    }

    @Test func `each question is asked once while its answer lasts, and not for another's`() async throws {
        let (source, kept) = (Source(), RememberedByKey<String, String>(.fixed(.seconds(3_600))))
        for key in ["a", "b", "a", "a"] {
            #expect(try await kept.value(of: key) { source.answer(key) } == "\(key)!")
        }
        #expect(source.count == ["a": 1, "b": 1])
    }

    @Test func `what does not last is asked for again, and so is what failed`() async throws {
        struct Trouble: Error {}
        let (source, brief) = (Source(), RememberedByKey<String, String>(.fixed(.zero)))
        for _ in 0..<3 { _ = try await brief.value(of: "a") { source.answer("a") } }
        #expect(source.count == ["a": 3])

        let kept = RememberedByKey<String, String>(.fixed(.seconds(3_600)))
        await #expect(throws: Trouble.self) { try await kept.value(of: "a") { throw Trouble() } }
        await #expect(throws: Trouble.self) { try await kept.value(of: "a") { throw Trouble() } }
    }

    @Test func `of a great many questions the last ones are kept`() async throws {
        let (source, kept) = (Source(), RememberedByKey<Int, String>(.fixed(.seconds(3_600))))
        for key in Array(0..<1_200) + Array(200..<1_200) + [0] {
            #expect(try await kept.value(of: key) { source.answer("\(key)") } == "\(key)!")
        }
        #expect(source.count.filter { $0.value > 1 } == ["0": 2])
    }

    @Test func `what is forgotten is asked for anew, though it was just being asked for, and the others are kept`() async throws {
        let (source, kept) = (Source(), RememberedByKey<String, String>(.fixed(.seconds(3_600))))
        let (asked, asking) = AsyncStream.makeStream(of: Void.self)
        let (release, releasing) = AsyncStream.makeStream(of: Void.self)
        _ = try await kept.value(of: "b") { source.answer("b") }
        let slow = Task {
            try await kept.value(of: "a") {
                asking.yield()
                for await _ in release { break }
                return "old"
            }
        }
        for await _ in asked { break }

        kept.forget { $0 == "a" }
        releasing.yield()

        #expect(try await slow.value == "old", "who asked before has what was true then")
        #expect(try await kept.value(of: "a") { source.answer("a") } == "a!")
        #expect(try await kept.value(of: "b") { source.answer("b") } == "b!")
        #expect(source.count == ["a": 1, "b": 1])
    }

    @Test(arguments: [Freshness.fixed(.seconds(2)), .byCost(atMost: .seconds(2)), .byCost(atMost: .seconds(30)), .byCost(atMost: .zero)])
    func `no answer is given out that is older than the oldest`(freshness: Freshness) {
        for cost in [0, 1, 100, 1_000, 60_000] { #expect(freshness.ages(cost: .milliseconds(cost)).given <= freshness.oldest) }
        #expect(freshness.ages(cost: .seconds(60)).given == freshness.oldest)
    }

    /// A clock that is turned by hand, and a question that takes as long as it is told.
    private final class Slow: Sendable {
        private let at = Mutex((now: ContinuousClock.now, asked: 0))
        let cost: Duration

        init(cost: Duration) { self.cost = cost }

        var now: ContinuousClock.Instant { at.withLock { $0.now } }
        var asked: Int { at.withLock { $0.asked } }

        func pass(_ duration: Duration) { at.withLock { $0.now += duration } }

        func answer() -> Int {
            at.withLock {
                $0.now += cost
                $0.asked += 1
                return $0.asked
            }
        }

        func remembered(atMost most: Duration) -> Remembered<Int> {
            Remembered(.byCost(atMost: most), now: { self.now }, { self.answer() })
        }
    }

    @Test func `an answer is new for ten times as long as it took, and at most as long as said`() async throws {
        let cheap = Slow(cost: .milliseconds(5))
        let remembered = cheap.remembered(atMost: .seconds(2))
        #expect(try await remembered.value() == 1)
        cheap.pass(.milliseconds(49))
        #expect(try await remembered.value() == 1)
        #expect(cheap.asked == 1)
        // Ten times as long again it would still be given out; beyond that it is waited for.
        cheap.pass(.milliseconds(500))
        #expect(try await remembered.value() == 2)

        let costly = Slow(cost: .seconds(3))
        #expect(Freshness.byCost(atMost: .seconds(2)).ages(cost: costly.cost) == (.seconds(2), .seconds(20)))
    }

    @Test func `an answer that is no longer new is given out while it is asked for anew, once`() async throws {
        let slow = Slow(cost: .milliseconds(200))
        let remembered = slow.remembered(atMost: .seconds(60))
        #expect(try await remembered.value() == 1)
        slow.pass(.seconds(3))
        // Nobody waits: the second question has begun, and whoever asks meanwhile or after has one of the two answers.
        #expect(try await remembered.value() == 1)
        while slow.asked < 2 { await Task.yield() }
        while try await remembered.value() < 2 { await Task.yield() }
        #expect(slow.asked == 2)
    }

    @Test func `nothing is kept of what is to cost nothing, and what is forgotten is asked for anew`() async throws {
        let none = Slow(cost: .seconds(1))
        let fleeting = none.remembered(atMost: .zero)
        for answer in 1...3 { #expect(try await fleeting.value() == answer) }

        let slow = Slow(cost: .seconds(1))
        let remembered = slow.remembered(atMost: .seconds(60))
        #expect(try await remembered.value() == 1)
        remembered.forget()
        #expect(try await remembered.value() == 2)
    }

    @Test func `an answer is given out while asking anew fails, and no longer than it would be`() async throws {
        struct Trouble: Error {}
        let slow = Slow(cost: .milliseconds(100))
        let fails = Mutex(false)
        let ask: @Sendable () async throws -> Int = {
            if fails.withLock({ $0 }) { throw Trouble() }
            return slow.answer()
        }
        let remembered = Remembered(.byCost(atMost: .seconds(60)), now: { slow.now }, ask)
        #expect(try await remembered.value() == 1)
        fails.withLock { $0 = true }
        slow.pass(.seconds(5))
        #expect(try await remembered.value() == 1)
        slow.pass(.seconds(6))
        await #expect(throws: Trouble.self) { try await remembered.value() }
    }
}
