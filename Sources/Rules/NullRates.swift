import SalesModel

extension TenantRules {
    /// How often each field came empty in the newest 100 leads, and how often it may have by chance: the share of the leads before them
    /// and three standard deviations of the difference (domain e.3). Of fewer than 200 leads nothing is said.
    ///
    /// A lead counts for a field if a map gives the field to its source.
    public func nullRates(newestFirst leads: [Lead], newest: Int = 100) -> [String: RuleCheckFacts.NullRate] {
        // What took its default came empty too.
        let mapped = leads.map { lead in
            let mapped = judgement(of: lead).mapped
            return mapped.defaulted.reduce(into: mapped.values) { values, filled in
                if let slot = table[filled.field] { values[slot] = .empty }
            }
        }
        return Dictionary(
            uniqueKeysWithValues: table.names.enumerated().compactMap { slot, name in
                let values = mapped.map { $0[slot] }
                let new = values.prefix(newest).filter { $0 != .unmapped }
                let old = values.dropFirst(newest).filter { $0 != .unmapped }
                guard new.count >= newest, old.count >= newest else { return nil }
                // Of what never came empty, one more lead might have.
                let usual = (Double(old.count { $0 == .empty }) + 1) / (Double(old.count) + 2)
                let deviation = (usual * (1 - usual) * (1 / Double(new.count) + 1 / Double(old.count))).squareRoot()
                let observed = Double(new.count { $0 == .empty }) / Double(new.count)
                return (name, RuleCheckFacts.NullRate(observed: observed, highest: min(1, usual + 3 * deviation)))
            })
    }
}
