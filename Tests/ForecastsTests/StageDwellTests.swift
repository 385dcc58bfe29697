import Testing

@testable import Forecasts

@Suite struct StageDwellTests {
    private let asOf = Day(20_000)

    private func dwells(_ stays: [Stay]) -> [StageDwell] {
        let policy = ForecastPolicy(stages: ["first", "second", "third"])
        return StageDwell.all(
            ForecastFacts(policy: policy, visits: stays.map { .init($0) }, wins: [], begun: [], won: [], open: [], recordsEvidence: false),
            asOf: asOf)
    }

    /// Leaves the second stage after so many days.
    private func stay(_ days: Int, _ exit: Exit?, left: Int = 10) -> Stay {
        let end = asOf.advanced(by: -left)
        return Stay(stage: 1, entered: end.advanced(by: -days), left: exit == nil ? nil : end, exit: exit)
    }

    @Test func `ten deals counted by hand: three of ten went forwards, half within five days, nine within nine`() {
        let exits: [Exit] = [
            .moved(to: 2), .moved(to: 0), .lost, .moved(to: 0), .won, .moved(to: 0), .lost, .moved(to: 2), .moved(to: 0), .lost,
        ]
        let second = dwells(exits.enumerated().map { stay($0 + 1, $1) } + [stay(90, nil), stay(40, .won, left: 180)])[1]

        #expect(second == StageDwell(conversion: 0.3, exits: 10, median: 5, p90: 9))
    }

    @Test func `who goes back has not been won over`() {
        let back = dwells([Exit](repeating: .moved(to: 0), count: 6).map { stay(3, $0) } + [stay(3, .lost), stay(3, .lost)])[1]

        #expect(back.conversion == 0 && back.exits == 8)
        #expect(dwells([])[1] == StageDwell())
        #expect(dwells([stay(4, .won)])[1] == StageDwell(conversion: 1, exits: 1, median: 4, p90: 4))
    }
}
