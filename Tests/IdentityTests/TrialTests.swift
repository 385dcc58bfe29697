import Testing

@testable import Identity

@Suite struct TrialTests {
    /// The shares of noise are those of `LeadSample`; nothing was fitted to the seed that is judged.
    @Test func `on invented Chinese leads hardly anyone is linked wrongly, and most are linked`() {
        let data = LeadSample().leads(of: SampleCompany.invented(400, seed: 11), name: "invented", seed: 11)

        let quality = data.resolved(by: .standard).total

        #expect(quality.precision >= 0.995, "\(quality)")
        #expect(quality.recall >= 0.90, "\(quality)")
    }

    @Test func `the same records in another order make nearly the same customers`() {
        let data = LeadSample().leads(of: SampleCompany.invented(150, seed: 12), name: "invented", seed: 12)

        let (one, other) = (data.resolved(by: .standard).total, data.shuffled(seed: 5).resolved(by: .standard).total)

        #expect(abs(one.recall - other.recall) < 0.05)
        #expect(min(one.precision, other.precision) >= 0.99)
    }

    @Test func `a run again gives the same customers`() {
        let data = LeadSample().leads(of: SampleCompany.invented(100, seed: 13), name: "invented", seed: 13)

        #expect(data.clusters(by: .standard) == data.clusters(by: .standard))
    }

    @Test func `pairs are counted once each`() {
        // a a b | b b: of a one pair found; of b one found and two missed; two pairs put together wrongly.
        let tally = QualityTally(entities: ["a", "a", "b", "b", "b"], clusters: [1, 1, 1, 2, 2])

        #expect(tally.total == PairQuality(found: 2, wrong: 2, missed: 2))
        #expect(tally.total.precision == 0.5)
        #expect(tally.total.f1 == 0.5)
    }

    @Test func `an interval holds its value, and never seeing a fault is no proof of there being none`() {
        var tally = QualityTally()
        for number in 0..<100 { tally.add(PairQuality(found: 1, missed: number % 4 == 0 ? 1 : 0), of: "e\(number)") }

        let (precision, recall, f1) = tally.intervals()

        #expect(precision.value == 1 && precision.low < 0.97 && precision.high == 1)
        #expect(recall.low < 0.8 && recall.high > 0.8)
        #expect(f1.low < f1.value && f1.value < f1.high)
    }

    @Test func `records alone teach what agreement is worth`() {
        let data = LeadSample().leads(of: SampleCompany.invented(150, seed: 14), name: "invented", seed: 14)

        let learnt = Estimation(data, rules: .standard).estimated()

        #expect(learnt.faults == [])
        #expect(learnt.fields[0].levels[0].m > 0.7)
        // Of 150 customers one pair in 150 is of the same one: not corrected for, it would be five times that.
        #expect(learnt.fields[0].levels[0].u < 0.003)
        #expect((0.3...0.8).contains(learnt.prior.repeatRate))
    }

    @Test func `half of the entities are judged, whole`() {
        let data = LeadSample().leads(of: SampleCompany.invented(200, seed: 15), name: "invented", seed: 15)

        let (learn, judge) = data.halves()

        let (ours, theirs) = (Set(learn.records.map(\.entity)), Set(judge.records.map(\.entity)))
        #expect(ours.isDisjoint(with: theirs))
        #expect((70...130).contains(ours.count) && ours.count + theirs.count == 200)
    }

    @Test func `the evidence finds more than the card and than equal values, and is wrong more rarely than likeness of whole texts`() {
        let data = LeadSample().leads(of: SampleCompany.invented(150, seed: 16), name: "invented", seed: 16)

        let measurement = MatchMeasurement(data, rules: .standard, learns: false, equal: [["phone"], ["company"]])

        let ours = measurement.rows[0]
        let (texts, others) = (measurement.rows.suffix(2), measurement.rows.dropFirst(2).dropLast(2))
        #expect(others.allSatisfy { $0.f1.value < ours.f1.value })
        #expect(texts.allSatisfy { $0.precision.value < ours.precision.value })
    }
}
