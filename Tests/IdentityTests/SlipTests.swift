import Sampling
import Testing

@testable import Identity

@Suite struct SlipTests {
    @Test(arguments: [
        ("138", "138", 0), ("138", "139", 1), ("138", "18", 1), ("138", "318", 1), ("1380", "1308", 1), ("138", "831", 2), ("", "ab", 2),
        ("ca", "abc", 3),
    ])
    func `changed, left out, added and swapped characters are one slip each`(a: String, b: String, slips: Int) {
        #expect(Slips.distance(Array(a), Array(b)) == slips)
        #expect(Slips.areOneApart(Array(a), Array(b)) == (slips == 1))
    }

    @Test(arguments: 0..<100) func `one slip apart is a distance of one`(seed: UInt64) {
        var random = SeededNumbers(seed: seed)
        func text() -> [Int] { (0..<Int.random(in: 0...6, using: &random)).map { _ in Int.random(in: 0...2, using: &random) } }
        let (a, b) = (text(), text())

        #expect(Slips.areOneApart(a, b) == (Slips.distance(a, b) == 1))
        #expect(Slips.distance(a, b) == Slips.distance(b, a))
    }

    /// Winkler's own examples.
    @Test(arguments: [("martha", "marhta", 0.961), ("dixon", "dicksonx", 0.813), ("dwayne", "duane", 0.84), ("abc", "xyz", 0)])
    func `Winkler's likeness is his`(a: String, b: String, likeness: Double) {
        #expect(abs(Slips.jaroWinkler(Array(a), Array(b)) - likeness) < 0.001)
    }
}
