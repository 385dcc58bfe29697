extension MatchCard {
    /// The seed's card: 40 for a phone in common, 35 × company's likeness × contact's, 25 for the same code; what either side lacks is
    /// left out and the rest scaled to 100 (I-05).
    ///
    /// A contact's name alone is not compared: without a company it says nothing of who is meant.
    func points(of record: MatchRecord, and customer: MatchRecord, _ fields: [FieldComparison]) -> MatchEvidence {
        var lines: [FieldEvidence] = []
        var possible = 0
        if let likeness = likeness(.phone, record, customer, fields) {
            possible += phone
            lines.append(FieldEvidence(field: "phone", likeness: likeness, weight: likeness == 1 ? Double(phone) : 0))
        }
        if let company = likeness(.company, record, customer, fields) {
            let likeness = company * (likeness(.person, record, customer, fields) ?? 1)
            possible += name
            lines.append(FieldEvidence(field: "name", likeness: likeness, weight: Double(name) * likeness))
        }
        if let likeness = likeness(.creditCode, record, customer, fields) {
            possible += creditCode
            lines.append(FieldEvidence(field: "credit_code", likeness: likeness, weight: likeness == 1 ? Double(creditCode) : 0))
        }
        var evidence = MatchEvidence(fields: lines)
        if possible >= comparable, possible > 0 { evidence.percent = 100 * lines.reduce(0) { $0 + $1.weight } / Double(possible) }
        return evidence
    }

    /// Of the two closest values; nil when either side has none. A company's core in common is the company.
    private func likeness(
        _ comparison: FieldComparison.Comparison, _ record: MatchRecord, _ customer: MatchRecord, _ fields: [FieldComparison]
    ) -> Double? {
        var best: Double?
        for (place, field) in fields.enumerated() where field.compare == comparison {
            for mine in record.forms[place] {
                for theirs in customer.forms[place] {
                    let likeness = mine.likeness(to: theirs) ?? 0
                    best = max(best ?? 0, comparison == .company && likeness >= 0.95 ? 1 : likeness)
                }
            }
        }
        return best
    }
}
