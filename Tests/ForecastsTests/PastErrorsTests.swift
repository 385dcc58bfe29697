import Testing

@testable import Forecasts

@Suite struct PastErrorsTests {
    /// What a forecast on this day is made of; in scope are the deals chosen by their place.
    private func facts(_ data: PastDeals, on day: Day, inScope: (Int) -> Bool = { _ in true }) -> ForecastFacts {
        var (visits, begun, won, open) = ([ForecastFacts.Visit](), [(day: Day, stage: Int)](), [Day](), [OpenDeal]())
        for (place, deal) in data.deals.enumerated() where deal.began <= day {
            let stays = deal.stays.compactMap { $0.known(on: day) }
            visits += stays.map { .init($0, isInScope: inScope(place)) }
            guard inScope(place) else { continue }
            begun.append((deal.began, 0))
            if let end = deal.won, end <= day { won.append(end) }
            guard let last = stays.last, last.exit == nil else { continue }
            open.append(OpenDeal(id: Int64(place), stage: last.stage, entered: last.entered, secondsInStage: 0, amountMinor: 100))
        }
        return ForecastFacts(
            policy: ForecastPolicy(stages: (0..<data.stages).map { "stage \($0)" }), visits: visits, wins: [], begun: begun, won: won,
            open: open, recordsEvidence: false)
    }

    private func wins(_ data: PastDeals, in period: ClosedRange<Day>, inScope: (Int) -> Bool = { _ in true }) -> Double {
        Double(data.deals.enumerated().count { place, deal in inScope(place) && deal.won.map(period.contains) ?? false })
    }

    private func run(_ facts: ForecastFacts, _ day: Day, days: Int) -> (ForecastRun.Outlook, expected: Double) {
        let outlook = ForecastRun(facts, asOf: day, period: day.advanced(by: 1)...day.advanced(by: days), seed: 1).outlook
        return (outlook, outlook.expectedOpen + outlook.expectedNew)
    }

    /// Of all wins, open and new, of the tenant and of a team that has one deal in eight.
    @Test(arguments: [7, 91], [1, 8])
    func `an interval holds about four in five, however long the period and whoever is forecast`(days: Int, share: Int) {
        var (held, all) = (0, 0)
        for seed in [31, 32] as [UInt64] {
            let data = InventedTenant(seed: seed).deals()
            let first = data.firstEnding!.advanced(by: 28 + days + 12 * max(7, days / 8))
            for day in stride(from: first, through: data.lastEnding.advanced(by: -days), by: 42) {
                let (outlook, _) = run(facts(data, on: day) { $0 % share == 0 }, day, days: days)
                #expect(outlook.basis == .learnt && outlook.errorsLearnt == 13)
                all += 1
                let actual = wins(data, in: day.advanced(by: 1)...day.advanced(by: days)) { $0 % share == 0 }
                if outlook.interval.contains(actual) { held += 1 }
            }
        }

        #expect(all >= 9 && (0.62...0.98).contains(Double(held) / Double(all)), "\(held) of \(all)")
    }

    @Test func `few wins are less sure than many: of a week beside a quarter, and of a team beside all`() {
        let data = InventedTenant(seed: 33, monthSpread: 0).deals()
        let day = data.lastEnding
        func width(_ days: Int, _ share: Int) -> Double {
            let (outlook, expected) = run(facts(data, on: day) { $0 % share == 0 }, day, days: days)
            return (outlook.interval.upperBound - outlook.interval.lowerBound) / expected
        }

        #expect(width(7, 1) > 1.4 * width(91, 1))
        #expect(width(28, 12) > 1.4 * width(28, 1))
    }

    @Test func `days on which there was nothing to forecast teach nothing`() {
        var data = InventedTenant(seed: 35, days: 35).deals()
        let day = data.lastEnding
        // One deal that was lost years ago.
        let began = day.advanced(by: -1_500)
        data.deals.append(.init(stays: [Stay(entered: began, left: began.advanced(by: 30), exit: .lost)]))

        let outlook = run(facts(data, on: day), day, days: 28).0

        #expect(outlook.basis == .believed && outlook.errorsLearnt == 0)
        #expect(outlook.interval.lowerBound <= outlook.paths.p10 && outlook.interval.upperBound >= outlook.paths.p90)
    }

    @Test func `before there are errors it is only believed, and no narrower than chance makes it`() {
        let data = InventedTenant(seed: 34, days: 120).deals()
        let day = data.lastEnding
        let facts = facts(data, on: day) { $0 % 40 == 0 }

        let (short, long) = (run(facts, day, days: 7).0, run(facts, day, days: 91).0)

        #expect(short.basis == .learnt)
        #expect(long.basis == .believed && long.errorsLearnt == 0)
        #expect(long.interval.lowerBound <= long.paths.p10 && long.interval.upperBound >= long.paths.p90)
    }

    @Test func `past forecasts look as far ahead as this one, for a week at least and half a year at most`() {
        #expect(PastErrors.ahead(1, 28) == 1...28)
        #expect(PastErrors.ahead(57, 84) == 57...84, "a period that begins later")
        #expect(PastErrors.ahead(-40, 51) == 1...51, "of a period under way the rest")
        #expect(PastErrors.ahead(1, 3) == 1...7)
        #expect(PastErrors.ahead(-9, -2) == 1...7, "nothing of it is left")
        #expect(PastErrors.ahead(1, 731) == 1...182)
        #expect(PastErrors.ahead(301, 330) == 153...182)
    }
}
