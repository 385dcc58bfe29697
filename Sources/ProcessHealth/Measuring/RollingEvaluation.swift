import Sampling

/// Judges a way of training by rolling origins: at each the model learns from what was known by then, and is asked about the weeks that
/// follow, until it is trained anew. Between the last week it learns from and the first it is asked about are 14 days, since that is how
/// long it takes to know how a week turned out.
public struct RollingEvaluation: Sendable {
    public var settings = TrainingSettings()
    public var budget = AttentionBudget()
    public var gate = ReleaseGate()
    /// Weeks from one training to the next.
    public var step = 4
    /// Draws of the bootstrap.
    public var draws = 1_000
    public var seed: UInt64 = 1

    public init() {}

    /// - Parameter shuffles: whether the check with shuffled labels is made, which takes as long again.
    public func report(_ name: String, _ all: [SellerSeries], shuffles: Bool = true) -> WarningReport {
        let rows = OnsetRow.rows(of: all)
        let healthy = rows.filter { !$0.isBelow && $0.falls != nil }
        let weeks = rows.last.map { $0.week - rows[0].week + 1 } ?? 0
        let onsets = healthy.count { $0.falls == true }
        let judged = judged(rows, settings, budget)
        let asked = judged.filter { !$0.row.isBelow }
        let ways = Dictionary(grouping: asked, by: \.row.identity.seller).sorted { $0.key < $1.key }.map { confusions($0.value) }
        let sums = confusions(asked)
        let bootstrap = ClusterBootstrap(clusters: ways, draws: draws, seed: seed)
        let advantage = WarningReport.Figure(Self.advantage(sums), bootstrap.interval(Self.advantage))
        let answers = asked.map { (probability: $0.probability, isHit: $0.falls) }
        let error = ProbabilityScores.calibrationError(answers)
        let shuffled = shuffles ? shuffledScore(rows) : nil
        var (allWeeks, persistence) = (Confusion(), Confusion())
        for one in judged {
            allWeeks.add(warned: one.row.isBelow || one.isWarned, falls: one.falls)
            persistence.add(warned: one.row.isBelow, falls: one.falls)
        }
        let desks = Set(asked.map { [$0.row.identity.team, $0.row.week.number] }).count
        let chance = asked.mean { ($0.prevalence - ($0.falls ? 1 : 0)) * ($0.prevalence - ($0.falls ? 1 : 0)) }
        return WarningReport(
            name: name, weeks: weeks, sellers: Set(rows.map(\.identity.seller)).count, onsets: onsets,
            prevalence: healthy.isEmpty ? 0 : Double(onsets) / Double(healthy.count),
            origins: origins(rows).map(\.description), judged: asked.count, judgedOnsets: sums[0].falls, confusion: sums[0],
            f1: .init(sums[0].f1, bootstrap.interval { $0[0].f1 }), alwaysF1: sums[1].f1, levelF1: sums[2].f1, twoConditionsF1: sums[3].f1,
            advantage: advantage, allWeeksF1: allWeeks.f1, persistenceF1: persistence.f1,
            averagePrecision: ProbabilityScores.averagePrecision(answers),
            brierSkill: chance > 0 ? 1 - ProbabilityScores.brier(answers) / chance : nil, calibrationError: error,
            medianLeadDays: LeadTime.median(
                of: all, warned: Set(asked.filter(\.isWarned).map { .init($0.row) }), judged: Set(asked.map { .init($0.row) })),
            alertsPerManagerWeek: desks == 0 ? 0 : Double(sums[0].warnings) / Double(desks), shuffledF1: shuffled?.model,
            shuffledAlwaysF1: shuffled?.always,
            verdict: gate.verdict(weeks: weeks, onsets: onsets, confusion: sums[0], advantage: advantage, calibrationError: error))
    }

    /// Model, always, level, two conditions.
    private func confusions(_ judged: [JudgedRow]) -> [Confusion] {
        judged.reduce(into: [Confusion](repeating: Confusion(), count: 4)) { sums, one in
            sums[0].add(warned: one.isWarned, falls: one.falls)
            sums[1].add(warned: true, falls: one.falls)
            sums[2].add(warned: one.isLow, falls: one.falls)
            sums[3].add(warned: one.row.isMechanical, falls: one.falls)
        }
    }

    private static func advantage(_ sums: [Confusion]) -> Double { sums[0].f1 - max(sums[1].f1, sums[2].f1, sums[3].f1) }
}

/// A week of a seller with what was said of it and what came.
struct JudgedRow {
    let row: OnsetRow
    let falls: Bool
    let probability: Double
    let isWarned: Bool
    /// What the best single threshold on the present level says.
    let isLow: Bool
    /// How often sellers fell in the weeks that were learned from.
    let prevalence: Double
}

extension RollingEvaluation {
    func origins(_ rows: [OnsetRow]) -> [Week] {
        guard let first = rows.first?.week, let last = rows.last?.week, last - first >= gate.leastWeeks else { return [] }
        return stride(from: first.number + gate.leastWeeks, through: last.number, by: step).map(Week.init(number:))
    }

    func judged(_ rows: [OnsetRow], _ settings: TrainingSettings, _ budget: AttentionBudget) -> [JudgedRow] {
        origins(rows).flatMap { origin -> [JudgedRow] in
            let learned = rows.filter { !$0.isBelow && $0.falls != nil && $0.week <= origin - WarningModel.embargo }
            let asked = rows.filter { $0.falls != nil && $0.week >= origin && $0.week < origin + step }
            let model = WarningModel.trained(on: rows, at: origin, settings: settings)
            let prevalence = learned.mean { $0.falls == true ? 1 : 0 }
            let low = Threshold.best(learned.map { (-$0.headroom, $0.falls == true) }) ?? -.infinity
            let probabilities = asked.map { model?.probability($0) ?? prevalence }
            let chosen = budget.chosen(asked, probabilities, threshold: model?.threshold)
            return asked.indices.map { place in
                JudgedRow(
                    row: asked[place], falls: asked[place].falls == true, probability: probabilities[place],
                    isWarned: chosen.contains(place),
                    isLow: -asked[place].headroom >= low, prevalence: prevalence)
            }
        }
    }

    /// The same with labels that were dealt out anew within each tenant: a way of training that still finds something looks ahead.
    private func shuffledScore(_ rows: [OnsetRow]) -> (model: Double, always: Double)? {
        var random = SeededNumbers(seed: seed &+ 77)
        var shuffled = rows
        let groups = Dictionary(grouping: rows.indices.filter { !rows[$0].isBelow && rows[$0].falls != nil }) { rows[$0].identity.tenant }
        for (_, places) in groups.sorted(by: { $0.key < $1.key }) {
            for (place, from) in zip(places, places.shuffled(using: &random)) { shuffled[place].falls = rows[from].falls }
        }
        var free = settings
        free.leastPrecision = 0
        let judged = judged(shuffled, free, AttentionBudget(warningsPerTeam: .max)).filter { !$0.row.isBelow }
        guard !judged.isEmpty else { return nil }
        let sums = confusions(judged)
        return (sums[0].f1, sums[1].f1)
    }
}
