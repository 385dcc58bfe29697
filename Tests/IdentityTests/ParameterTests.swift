import Testing

@testable import Identity

@Suite struct ParameterTests {
    @Test func `the standard is sound`() {
        #expect(MatchRules.standard.faults == [])
    }

    @Test func `every fault is named with its path`() {
        var rules = MatchRules.standard
        rules.prior = MatchPrior(repeatRate: 1, population: 0)
        rules.bands = MatchBands(link: 2, review: 7)
        rules.switchboard = 0
        rules.fields[0].levels = []
        rules.fields[1].levels[0].m = 0.9
        rules.fields[2].field = "phone"
        rules.card = MatchCard(comparable: 101, review: 80)

        #expect(
            rules.faults.map(\.path) == [
                ["prior", "repeat_rate"], ["prior", "population"], ["bands"], ["switchboard"], ["fields", "0", "levels"],
                ["fields", "1", "levels"], ["fields", "2", "field"], ["card", "comparable"], ["card"],
            ])
    }

    @Test func `the closest level comes first`() {
        var rules = MatchRules.standard
        rules.fields[1].levels.swapAt(0, 1)

        #expect(rules.faults.map(\.message) == ["The closest level comes first."])
    }
}
