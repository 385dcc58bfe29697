import Testing

@testable import Forecasts

@Suite struct BacktestTests {
    @Test func `a forecast knows nothing of what came after its day`() throws {
        let data = InventedTenant(seed: 11, days: 300).deals()
        let origins = Backtest(data, paths: 100).run()
        let chosen = try #require(origins.dropFirst(8).first)
        var other = data
        // Everything after the day is another story: all open opportunities are lost on the next day, and thousands begin.
        other.deals = data.deals.filter { $0.began <= chosen.day }.map { deal in
            guard deal.ended.map({ $0 > chosen.day }) ?? true else { return deal }
            var changed = deal
            changed.stays = deal.stays.compactMap { $0.known(on: chosen.day) }
            let last = changed.stays.removeLast()
            changed.stays.append(Stay(stage: last.stage, entered: last.entered, left: chosen.day.advanced(by: 1), exit: .lost))
            changed.realised = nil
            return changed
        }
        other.deals += (0..<2_000).map { _ in .init(stays: [Stay(entered: chosen.day.advanced(by: 2))]) }

        let told = try #require(Backtest(other, paths: 100).run().first { $0.day == chosen.day })

        #expect(told.forecast == chosen.forecast && told.interval == chosen.interval && told.paths == chosen.paths)
        #expect(told.amount?.forecast == chosen.amount?.forecast && told.all?.forecast == chosen.all?.forecast)
        #expect(told.actual == 0 && chosen.actual > 0)
    }

    @Test func `the same seed gives the same figures`() {
        let data = InventedTenant(seed: 12, days: 200).deals()

        #expect(Backtest(data, paths: 100).run() == Backtest(data, paths: 100).run())
    }

    /// None of the model's defaults was chosen on these.
    @Test(arguments: [21, 22, 23] as [UInt64])
    func `on invented tenants it beats the last four weeks, and its interval is honest`(seed: UInt64) throws {
        let test = Backtest(InventedTenant(seed: seed).deals(), paths: 100)
        let report = try #require(BacktestReport(test, test.run()))

        #expect(report.origins >= 40)
        #expect(report.open.forecast < report.open.lastPeriod * 0.9, "\(report)")
        #expect((0.66...0.94).contains(report.adaptive.covered), "\(report)")
        #expect(report.independent.covered < report.adaptive.covered, "independent deals promise too much")
    }

    @Test func `without an ending there is nothing to learn from, and nothing is said`() {
        let data = PastDeals(name: "new", deals: [.init(stays: [Stay(entered: Day(0))])], lastBeginning: Day(0), lastEnding: Day(0))

        #expect(Backtest(data, paths: 100).run().isEmpty && BacktestReport(Backtest(data, paths: 100), []) == nil)
    }
}
