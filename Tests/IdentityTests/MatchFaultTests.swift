import Identity
import Testing

@Suite struct MatchFaultTests {
    @Test func `the standard is sound`() { #expect(MatchRules.standard.faults == []) }

    @Test func `a card that does not make 100 is told at its place`() {
        let rules = MatchRules(method: .card, card: MatchCard(phone: 41))

        #expect(rules.faults.map(\.path) == [["card"]])
    }
}
