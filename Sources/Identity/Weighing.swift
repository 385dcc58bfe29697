import Foundation

/// A record whose values are counted: how many customers carry each.
public struct CountedRecord: Sendable {
    let record: MatchRecord
    /// By field and form; 0 where nobody carries it or it is not counted.
    let carriers: [[Int]]

    public init(_ record: MatchRecord, rules: MatchRules, carriers: (BlockingKey) -> Int) {
        self.record = record
        self.carriers = zip(rules.fields, record.forms).map { field, forms in
            forms.map { field.finds ? carriers(field.key(of: $0)) : 0 }
        }
    }
}

extension MatchRules {
    /// What speaks for a record being a customer, and what against.
    ///
    /// - Parameter population: how many customers there are.
    public func evidence(that record: CountedRecord, is customer: MatchRecord, population: Int) -> MatchEvidence {
        var evidence =
            switch method {
            case .fellegiSunter: weighed(record, customer, population)
            case .card: card.points(of: record.record, and: customer, fields)
            }
        evidence.conflict = record.record.conflict(with: customer)
        evidence.standing = standing(evidence, record.record, customer)
        return evidence
    }

    /// M = log2(λ ÷ (1 − λ)) + Σ log2(m ÷ u); a field that either side lacks adds nothing.
    private func weighed(_ record: CountedRecord, _ customer: MatchRecord, _ population: Int) -> MatchEvidence {
        var evidence = MatchEvidence()
        let counted = max(population, prior.population)
        var bits = prior.bits(of: population)
        for (place, field) in fields.enumerated() {
            guard let line = field.evidence(record, customer, at: place, switchboard: switchboard, among: counted) else { continue }
            bits += line.weight
            evidence.fields.append(line)
        }
        evidence.bits = bits
        evidence.percent = 100 / (1 + exp2(-bits))
        return evidence
    }

    private func standing(_ evidence: MatchEvidence, _ record: MatchRecord, _ customer: MatchRecord) -> MatchEvidence.Standing {
        let reached: MatchEvidence.Standing
        if let bits = evidence.bits {
            reached = bits >= bands.link ? .same : bits >= bands.review ? .suspected : .different
            // The state gives a code once; a branch has its own.
            if record.sharesCreditCode(with: customer) { return .same }
        } else {
            reached = evidence.percent >= card.link ? .same : evidence.percent >= card.review ? .suspected : .different
        }
        return evidence.conflict == nil ? reached : min(reached, .suspected)
    }
}

extension MatchPrior {
    /// log2(λ ÷ (1 − λ)).
    func bits(of population: Int) -> Double {
        let rate = repeatRate / Double(max(population, self.population))
        return log2(rate / (1 - rate))
    }
}

extension FieldComparison {
    fileprivate func evidence(
        _ record: CountedRecord, _ customer: MatchRecord, at place: Int, switchboard: Int, among population: Int
    ) -> FieldEvidence? {
        let (ours, theirs) = (record.record.forms[place], customer.forms[place])
        guard !ours.isEmpty, !theirs.isEmpty else { return nil }
        var best = (likeness: -1.0, place: 0, isShared: false)
        for (index, form) in ours.enumerated() {
            for other in theirs {
                guard let likeness = form.likeness(to: other) else { continue }
                if likeness > best.likeness { best = (likeness, index, finds && form.key == other.key) }
            }
        }
        guard best.likeness >= 0 else { return nil }
        guard let level = levels.first(where: { best.likeness >= $0.atLeast }) else {
            let (m, u) = levels.reduce((1.0, 1.0)) { ($0.0 - $1.m, $0.1 - $1.u) }
            return FieldEvidence(field: field, likeness: best.likeness, weight: log2(m / u))
        }
        guard best.isShared else { return FieldEvidence(field: field, likeness: best.likeness, weight: log2(level.m / level.u)) }
        let counted = record.carriers[place][best.place]
        // A company's number says as little as one that many customers carry.
        let carriers = ours[best.place].isOfCompany ? max(counted, switchboard + 1) : counted
        let share = Double(carriers - 1) / Double(population)
        // What nearly everybody carries says nothing; it does not speak against them.
        let weight = log2(level.m / min(level.m, max(level.u, share)))
        return FieldEvidence(field: field, likeness: best.likeness, weight: weight, carriers: counted)
    }
}

extension Form {
    fileprivate var isOfCompany: Bool { if case .phone(let phone) = self { phone.kind == .service } else { false } }
}

// MARK: - What decides by itself

extension MatchRecord {
    func sharesCreditCode(with other: MatchRecord) -> Bool {
        guard !creditCodes.isDisjoint(with: other.creditCodes) else { return false }
        let (branches, others) = (Set(companies.map(\.branch)), Set(other.companies.map(\.branch)))
        return branches.isEmpty || others.isEmpty || !branches.isDisjoint(with: others)
    }

    /// Two different valid codes; or two mobile numbers that differ, and nobody's name in common.
    func conflict(with other: MatchRecord) -> MatchEvidence.Conflict? {
        let (codes, otherCodes) = (creditCodes, other.creditCodes)
        if !codes.isEmpty, !otherCodes.isEmpty { return codes.isDisjoint(with: otherCodes) ? .creditCodes : nil }
        let (mobiles, otherMobiles) = (mobiles, other.mobiles)
        guard !mobiles.isEmpty, !otherMobiles.isEmpty,
            mobiles.allSatisfy({ mine in otherMobiles.allSatisfy { mine.likeness(to: $0) ?? 0 < 0.9 } })
        else { return nil }
        let (people, otherPeople) = (people, other.people)
        guard !people.isEmpty, !otherPeople.isEmpty else { return nil }
        return people.allSatisfy { mine in otherPeople.allSatisfy { mine.likeness(to: $0) < 0.8 } } ? .people : nil
    }

    private var mobiles: [Phone] { phones.filter { $0.kind == .mobile } }
}
