import Sampling
import Testing

@testable import Forecasts

@Suite struct BookTests {
    private let asOf = Day(20_000)
    private let policy = ForecastPolicy(stages: ["requirement_confirmation", "quoted", "about_to_sign"])

    private func deal(
        _ id: Int64, _ stage: Int? = 1, days: Int = 1, acted: Int? = nil, amount: Int64? = 1_000, currency: Int = 0,
        selfEntered: Bool = false
    ) -> OpenDeal {
        OpenDeal(
            id: id, seller: Int32(id % 3), stage: stage, entered: asOf.advanced(by: -days),
            secondsInStage: days * 86_400, secondsSinceAction: acted.map { $0 * 86_400 }, amountMinor: amount, currency: currency,
            isSelfEntered: selfEntered)
    }

    private func book(_ deals: [OpenDeal], odds: Double = 0.25) -> ForecastBook {
        ForecastBook(deals, policy: policy, odds: { _ in odds })
    }

    @Test func `amounts whose sum no number holds end at the greatest, and nothing stops`() {
        let deals = (1...3).map { deal(Int64($0), 2, amount: .max / 2) }
        let book = book(deals, odds: 1)

        #expect(book.totals[0, .committed].amountMinor == .max)
        #expect(book.totals.total(0) == .max)
        #expect(book.faults(against: deals) == [])
        #expect(Movements(from: [], to: book.lines) { _ in nil }.sum(0) == .max)
    }

    @Test func `sums over stages and classes that no number holds are found to agree`() {
        let deals = (1...4).map { deal(Int64($0), Int($0 % 2) + 1, amount: .max / 2) }

        #expect(book(deals, odds: 1).faults(against: deals) == [])
    }

    @Test func `of twelve about to sign, seven without an effective action, five are committed and seven at risk with days and reason`() {
        let acted = [5, 5, 5, 5, 5, 12, 13, 14, 15, 16, 17, nil]
        let deals = acted.enumerated().map { place, acted in deal(Int64(place + 1), 2, days: 30, acted: acted) }
        let book = book(deals)

        #expect(book.totals[0, .committed] == ClassFigures(count: 5, amountMinor: 5_000, contribution: 5_000))
        #expect(book.totals[0, .atRisk] == ClassFigures(count: 7, amountMinor: 7_000, contribution: 0))
        #expect(book.totals.total(0) == 5_000)
        #expect(book.lines[5].stall == Stall(reason: .noRecentAction, days: 12))
        #expect(book.lines[11].stall == Stall(reason: .noKnownAction, days: 30))
        #expect(book.byStage[2].stalled == 7 && book.byStage[2].byCurrency[0]?.stalledMinor == 7_000)
    }

    @Test func `what stands still is stalled the second after its limit, counted from the moment and not from the day`() {
        func stall(_ seconds: Int, acted: Int? = nil) -> Stall? {
            OpenDeal(id: 1, stage: 0, entered: asOf, secondsInStage: seconds, secondsSinceAction: acted, amountMinor: 1).stall(
                limit: 259_200)
        }

        #expect(stall(259_200) == nil)
        #expect(stall(259_201) == Stall(reason: .noKnownAction, days: 3))
        #expect(stall(900_000, acted: 259_200) == nil)
        #expect(stall(900_000, acted: 345_600) == Stall(reason: .noRecentAction, days: 4))
        #expect(stall(300_000, acted: 300_001) == Stall(reason: .noKnownAction, days: 3), "an action before it came here")
        #expect(OpenDeal(id: 1, stage: 0, entered: asOf, secondsInStage: 7_201, amountMinor: 1).stall(limit: 7_200)?.days == 1)
    }

    @Test func `each stands in one class, and only the first two count`() {
        let book = book([
            deal(1, 2), deal(2, 1), deal(3, 1, days: 6), deal(4, 2, selfEntered: true), deal(5, nil), deal(6, 0, amount: nil),
            deal(7, 0, days: 4), deal(8, 0, days: 3), deal(9, 1, days: 9, selfEntered: true),
        ])

        let standings = book.lines.map(\.standing)
        #expect(
            standings == [
                .counted(.committed), .counted(.weighted), .counted(.atRisk), .counted(.selfEntered), .excluded(.unknownStage),
                .excluded(.amountMissing), .counted(.atRisk), .counted(.weighted), .counted(.selfEntered),
            ])
        #expect(book.lines.map(\.contribution) == [1_000, 250, 0, 0, 0, 0, 0, 250, 0])
        #expect(book.totals.excluded == [.unknownStage: 1, .amountMissing: 1])
    }

    @Test func `currencies are never added`() {
        let book = book([deal(1, 2), deal(2, 2, amount: 70, currency: 1)])

        #expect(book.totals.total(0) == 1_000 && book.totals.total(1) == 70 && book.totals.total(2) == 0)
    }

    @Test(arguments: 1...20)
    func `classes, stages and sellers come to the same, to the last minor unit`(seed: UInt64) {
        let deals = random(seed)
        let book = ForecastBook(deals, policy: policy, odds: { Double($0.id % 97) / 97 }, ratio: { _ in 0.913 })

        #expect(book.faults(against: deals) == [])
        #expect(book.lines.reduce(0) { $0 + $1.contribution } == (0...1).reduce(0) { $0 + book.totals.total($1) })
    }

    @Test func `an opportunity lost, doubled or counted wrongly is found`() {
        let deals = random(1)
        let good = ForecastBook(deals, policy: policy, odds: { _ in 0.5 })
        func faults(_ change: (inout [ForecastLine]) -> Void) -> [String] {
            var lines = good.lines
            change(&lines)
            return ForecastBook(lines, policy: policy).faults(against: deals)
        }
        let risky = good.lines.firstIndex { $0.counted == .atRisk }!
        let weighted = good.lines.firstIndex { $0.counted == .weighted }!

        #expect(!faults { $0.removeLast() }.isEmpty)
        #expect(!faults { $0[3] = $0[2] }.isEmpty)
        #expect(!faults { $0[weighted].amountMinor += 1 }.isEmpty)
        #expect(!faults { $0[risky].contribution = 1 }.isEmpty)
        #expect(!faults { $0[weighted].odds = .nan }.isEmpty)
        #expect(!faults { $0[weighted].stage = nil }.isEmpty)
    }

    @Test(arguments: 1...20)
    func `what moved sums to the difference, to the last minor unit`(seed: UInt64) {
        let (before, after) = (random(seed), random(seed &+ 100))
        let first = ForecastBook(before, policy: policy, odds: { Double($0.id % 97) / 97 }, ratio: { _ in 0.913 })
        let second = ForecastBook(after, policy: policy, odds: { Double($0.id % 89) / 89 }, ratio: { _ in 0.871 })
        let moved = Movements(from: first.lines, to: second.lines) { $0 % 3 == 0 ? .won : $0 % 3 == 1 ? .lost : nil }

        for currency in 0...1 { #expect(moved.sum(currency) == second.totals.total(currency) - first.totals.total(currency)) }
    }

    @Test func `each change has its name`() {
        func movement(_ before: OpenDeal?, _ after: OpenDeal?, odds: Double = 0.25, end: Exit? = nil) -> [Movement: Movements.Part] {
            let (first, second) = (book(before.map { [$0] } ?? []), book(after.map { [$0] } ?? [], odds: odds))
            return Movements(from: first.lines, to: second.lines) { _ in end }.byCurrency[0] ?? [:]
        }

        #expect(movement(nil, deal(1)) == [.new: .init(count: 1, amountMinor: 250)])
        #expect(movement(deal(1, 2), nil, end: .won) == [.won: .init(count: 1, amountMinor: -1_000)])
        #expect(movement(deal(1), nil, end: .lost) == [.lost: .init(count: 1, amountMinor: -250)])
        #expect(movement(deal(1), nil) == [.gone: .init(count: 1, amountMinor: -250)])
        #expect(movement(deal(1, 2), deal(1, 2, days: 9)) == [.stalled: .init(count: 1, amountMinor: -1_000)])
        #expect(movement(deal(1, 2, days: 9), deal(1, 2)) == [.recovered: .init(count: 1, amountMinor: 1_000)])
        #expect(movement(deal(1, 2), deal(1, 1)) == [.slipped: .init(count: 1, amountMinor: -750)])
        #expect(movement(deal(1, 1), deal(1, 2)) == [.committed: .init(count: 1, amountMinor: 750)])
        #expect(movement(deal(1), deal(1, amount: 2_000)) == [.amount: .init(count: 1, amountMinor: 250)])
        #expect(movement(deal(1), deal(1), odds: 0.5) == [.rescored: .init(count: 1, amountMinor: 250)])
        #expect(movement(deal(1), deal(1, amount: nil)) == [.excluded: .init(count: 1, amountMinor: -250)])
        #expect(movement(deal(1), deal(1)) == [:])
        #expect(movement(deal(1, 2), deal(1, 2, currency: 1)) == [.amount: .init(count: 1, amountMinor: -1_000)])
    }

    private func random(_ seed: UInt64) -> [OpenDeal] {
        var random = SeededNumbers(seed: seed)
        return (1...400).compactMap { id in
            guard random.isHit(0.8) else { return nil }
            return deal(
                Int64(id), random.isHit(0.05) ? nil : Int(random.uniform() * 3), days: Int(random.uniform() * 12),
                acted: random.isHit(0.3) ? Int(random.uniform() * 12) : nil,
                amount: random.isHit(0.05) ? nil : Int64(random.uniform() * 1e9), currency: random.isHit(0.2) ? 1 : 0,
                selfEntered: random.isHit(0.1))
        }
    }
}
