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
        let (source, kept) = (Source(), RememberedByKey<String, String>(for: .seconds(3_600)))
        for key in ["a", "b", "a", "a"] {
            #expect(try await kept.value(of: key) { source.answer(key) } == "\(key)!")
        }
        #expect(source.count == ["a": 1, "b": 1])
    }

    @Test func `what does not last is asked for again, and so is what failed`() async throws {
        struct Trouble: Error {}
        let (source, brief) = (Source(), RememberedByKey<String, String>(for: .zero))
        for _ in 0..<3 { _ = try await brief.value(of: "a") { source.answer("a") } }
        #expect(source.count == ["a": 3])

        let kept = RememberedByKey<String, String>(for: .seconds(3_600))
        await #expect(throws: Trouble.self) { try await kept.value(of: "a") { throw Trouble() } }
        await #expect(throws: Trouble.self) { try await kept.value(of: "a") { throw Trouble() } }
    }

    @Test func `of a great many questions the last ones are kept`() async throws {
        let (source, kept) = (Source(), RememberedByKey<Int, String>(for: .seconds(3_600)))
        for key in Array(0..<1_200) + Array(200..<1_200) + [0] {
            #expect(try await kept.value(of: key) { source.answer("\(key)") } == "\(key)!")
        }
        #expect(source.count.filter { $0.value > 1 } == ["0": 2])
    }
}
