import Foundation
import ProcessHealth
import Testing

@Suite struct WarningTests {
    private static let plan: GeneratedTenants = {
        var tenants = GeneratedTenants()
        (tenants.tenants, tenants.teamsEach, tenants.weeks) = (2, 4, 40)
        return tenants
    }()
    private static let series = plan.series()
    private static let rows = OnsetRow.rows(of: series)
    private static let origin = rows[0].week + 36
    private static let model = WarningModel.trained(on: rows, at: origin)!

    private static func healthy(_ week: Week) -> [OnsetRow] { rows.filter { $0.week == week && !$0.isBelow } }

    @Test func `features of a week rest on nothing that comes after it`() {
        for series in Self.series.prefix(20) {
            let cut = SellerSeries(series.identity, first: series.first, published: Array(series.published[..<20]))
            for place in 0..<20 {
                #expect(
                    FeatureReading(series).values(at: place, teamBelow: nil) == FeatureReading(cut).values(at: place, teamBelow: nil))
            }
        }
    }

    @Test func `a fall in either of the two weeks that follow is one, and what nobody can say is not said`() {
        let (good, bad, none) = (WeekCounts.of(rhythm: (10, 10)), WeekCounts.of(rhythm: (1, 10)), WeekCounts())
        func falls(_ next: [WeekCounts]) -> Bool? {
            SellerSeries(.init(tenant: 1, team: 1, seller: 1), first: Week("2026-W10")!, published: [good] + next).falls(after: 0)
        }

        #expect(falls([good, bad]) == true)
        #expect(falls([bad, good]) == true)
        #expect(falls([good, good, bad]) == false)
        #expect(falls([good]) == nil)
        #expect(falls([bad]) == true)
        #expect(falls([good, none]) == nil)
        #expect(falls([none, bad]) == true)
    }

    @Test func `features see a week as it was published, labels as it is known now`() {
        let (good, bad) = (WeekCounts.of(rhythm: (10, 10)), WeekCounts.of(rhythm: (1, 10)))
        let series = SellerSeries(
            .init(tenant: 1, team: 1, seller: 1), first: Week("2026-W10")!, published: [good, good, good], known: [bad, bad, good])

        let row = OnsetRow.rows(of: [series])[0]

        #expect(!row.isBelow)
        #expect(row.falls == true)
    }

    @Test func `a model learns from nothing of the two weeks before it is asked`() {
        let changed = Self.rows.map { row in
            var row = row
            if row.week > Self.origin - 2 { row.falls = !(row.falls ?? false) }
            return row
        }

        #expect(WarningModel.trained(on: changed, at: Self.origin) == Self.model)
        #expect(Self.model.learnedThrough == Self.origin - 2)
    }

    @Test func `the same rows give the same model`() {
        #expect(WarningModel.trained(on: Self.rows, at: Self.origin) == Self.model)
    }

    @Test func `what each feature adds makes the whole of the difference`() throws {
        let row = try #require(Self.healthy(Self.origin).first)
        let probability = Self.model.probability(row)
        let unknown = OnsetRow(row, values: row.values.map { _ in nil })

        let sum = Self.model.contributions(row).reduce(0) { $0 + $1.logOdds }

        func logit(_ p: Double) -> Double { log(p / (1 - p)) }
        #expect(abs(logit(Self.model.probability(unknown)) + sum - logit(probability)) < 1e-9)
        #expect(Self.model.reasons(row).allSatisfy { $0.logOdds > 0 })
        #expect(Self.model.reasons(row).count <= 3)
    }

    @Test func `customers who grow silent and proposals that are not revised speak for a fall`() {
        func weight(_ feature: Feature) -> Double {
            Self.healthy(Self.origin).compactMap { row in
                let one = Self.model.contributions(row).first { $0.feature == feature }!
                return one.value.map { _ in one.logOdds }
            }.max() ?? 0
        }
        #expect(weight(.silenceDeviation) > 0.3)
        #expect(weight(.revisionDeviation) > 0.3)
        #expect(weight(.offHours) < 0.3)
    }

    @Test func `a seller nobody knew is judged by what holds for all`() throws {
        let row = try #require(Self.healthy(Self.origin).first)

        let probability = Self.model.probability(OnsetRow(row, identity: .init(tenant: 99, team: 99, seller: 99)))

        #expect((0.001..<0.999).contains(probability))
    }

    @Test func `a model survives being stored`() throws {
        let stored = try JSONDecoder().decode(WarningModel.self, from: JSONEncoder().encode(Self.model))

        #expect(stored == Self.model)
    }

    @Test func `a model whose warnings would mostly be false warns of nobody, and can be kept`() throws {
        var tenants = Self.plan
        tenants.signal = 0
        let model = try #require(WarningModel.trained(on: OnsetRow.rows(of: tenants.series()), at: Self.origin))

        #expect(model.threshold == nil)
        #expect(try JSONDecoder().decode(WarningModel.self, from: JSONEncoder().encode(model)) == model)
    }

    @Test func `without falls there is no model`() {
        let calm = Self.rows.map { row in
            var row = row
            row.falls = false
            return row
        }

        #expect(WarningModel.trained(on: calm, at: Self.origin) == nil)
    }

    @Test func `a manager gets the likeliest, no more than three a week, and never those who have fallen already`() {
        let rows = (0..<10).map { OnsetRow(Self.rows[0], identity: .init(tenant: 1, team: $0 / 5, seller: $0), isBelow: $0 == 4) }
        let probabilities = [0.9, 0.5, 0.8, 0.7, 0.99, 0.3, 0.45, 0.6, 0.2, 0.1]

        #expect(AttentionBudget().chosen(rows, probabilities, threshold: 0.4) == [0, 2, 3, 6, 7])
        #expect(AttentionBudget(warningsPerTeam: 1).chosen(rows, probabilities, threshold: 0.4) == [0, 7])
        #expect(AttentionBudget().chosen(rows, probabilities, threshold: nil) == [])
    }

    @Test func `the threshold is where F1 is best, among those precise enough`() {
        let answers = [(0.9, true), (0.8, false), (0.7, true), (0.6, false), (0.5, false), (0.4, true)].map { (score: $0.0, isHit: $0.1) }

        #expect(Threshold.best(answers) == 0.7)  // 2 of 3, F1 .67; at .4 3 of 6: .67 too, and the higher stands
        #expect(Threshold.best(answers, leastPrecision: 0.9) == 0.9)
        #expect(Threshold.best(answers.map { ($0.score, false) }) == nil)
    }

    @Test func `equal scores are warned of together`() {
        #expect(Threshold.best([(0.5, true), (0.5, false), (0.5, false)], leastPrecision: 0.5) == nil)
    }

    @Test func `the rule of two conditions wants both, and something to compare with`() {
        func weeks(_ silences: [Int], _ revisions: [Int]) -> [WeekCounts] {
            zip(silences, revisions).map { .of(silences: $0, communications: 20, revisions: $1) }
        }
        let rising = [2, 2, 2, 3, 4, 6]

        #expect(MechanicalFollowUp.holds(weeks(rising, [10, 10, 10, 10, 6, 7]), at: 5))
        #expect(!MechanicalFollowUp.holds(weeks(rising, [10, 10, 10, 10, 7, 7]), at: 5))
        #expect(!MechanicalFollowUp.holds(weeks([6, 5, 4, 3, 2, 2], [10, 10, 10, 10, 1, 1]), at: 5))
        #expect(!MechanicalFollowUp.holds(weeks(rising, [0, 0, 0, 0, 0, 0]), at: 5))
        #expect(MechanicalFollowUp.revisionChange(weeks(rising, [0, 0, 0, 0, 1, 1]), at: 5) == nil)
        #expect(MechanicalFollowUp.silenceRate(WeekCounts()) == nil)
    }
}
