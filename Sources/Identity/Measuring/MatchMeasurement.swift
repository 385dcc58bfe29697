/// What was reached on one set of records, beside what others reach.
public struct MatchMeasurement: Sendable {
    public struct Row: Sendable {
        public let method: String
        public let quality: PairQuality
        public let precision: Measured
        public let recall: Measured
        public let f1: Measured

        init(_ method: String, _ tally: QualityTally) {
            self.method = method
            quality = tally.total
            (precision, recall, f1) = tally.intervals()
        }
    }

    public let data: String
    /// Of the half that was judged.
    public let records: Int
    public let entities: Int
    /// How the parameters came about.
    public let parameters: String
    public let rows: [Row]

    /// - Parameters:
    ///   - learns: whether m, u and the prior are found on the other half of the entities; without, the rules are taken as they are.
    ///   - names: fields of which records with equal values are the same to a simple mind, one baseline for each list.
    public init(_ data: TrialData, rules: MatchRules, learns: Bool, equal names: [[String]], seed: UInt64 = 1) {
        let (learn, judge) = data.shuffled(seed: seed).halves()
        let used = learns ? Estimation(learn, rules: rules).estimated(seed: seed) : rules
        var reviewing = used
        reviewing.bands.link = used.bands.review
        var rows = [Row("evidence, linked", judge.resolved(by: used)), Row("evidence, linked or asked", judge.resolved(by: reviewing))]
        if rules.fields.contains(where: { $0.compare == .phone }) { rows += Self.card(rules, judge) }
        rows += names.map { Row("equal \($0.joined(separator: " and "))", judge.equal(in: $0)) }
        rows += TrialData.WholeText.allCases.map { Self.wholeText($0, rules, learn, judge) }
        self.data = data.name
        records = judge.records.count
        entities = Set(judge.records.map(\.entity)).count
        parameters =
            learns
            ? "found without labels on the other half of the entities (\(learn.records.count) records)"
            : "the standard ones, not fitted to these records"
        self.rows = rows
    }

    private static func card(_ rules: MatchRules, _ judge: TrialData) -> [Row] {
        var card = rules
        card.method = .card
        var rows = [Row("card, from 95 on", judge.resolved(by: card))]
        card.card.link = 75.000_001
        rows.append(Row("card, above 75", judge.resolved(by: card)))
        return rows
    }

    /// With the threshold that is best on the other half, which knows the truth there: more than the evidence is given.
    private static func wholeText(_ measure: TrialData.WholeText, _ rules: MatchRules, _ learn: TrialData, _ judge: TrialData) -> Row {
        let learning = learn.pairs(sharingKeysOf: rules)
        let threshold = learn.bestThreshold(learning, learn.likenesses(learning, measure))
        let pairs = judge.pairs(sharingKeysOf: rules)
        let likenesses = judge.likenesses(pairs, measure)
        var same: Set<Int> = []
        for (pair, likeness) in zip(pairs, likenesses) where likeness >= threshold { same.insert(pair.0 * judge.records.count + pair.1) }
        return Row(
            "\(measure.rawValue) of the whole text ≥ \(threshold)", judge.judged(pairs) { same.contains($0 * judge.records.count + $1) })
    }
}
