import SalesModel

extension RuleCheck {
    /// What the tenant's other rules, and those being rolled out, would lose by a map in the place of the live one of its name: a field they
    /// read, the type they read it as, or the currency they compare it in.
    static func map(_ ruleSet: RuleSet, _ facts: RuleCheckFacts) -> [RuleFinding] {
        let before = facts.live.filter { $0.kind == .map }
        let after = (before.filter { $0.name != ruleSet.name } + [ruleSet]).sorted { $0.name < $1.name }
        let catalogue = FieldCatalogue.of(after)
        let readers = facts.live.map { (rules: $0, isLive: true) } + facts.candidates.map { (rules: $0, isLive: false) }
        return readers.filter { $0.rules.kind != .map }.flatMap { reader, isLive -> [RuleFinding] in
            let who = "The \(isLive ? "live" : "candidate") \(reader.kind.rawValue) rules “\(reader.name)”"
            if let fault = reader.faults(among: catalogue)?.faults.first {
                return [
                    .error(
                        "fields", .unreadableRules,
                        "\(who) could not be read any more with this map (\(fault.path): \(fault.message)) Change them first, or keep the field."
                    )
                ]
            }
            let lost = reader.leadFields.keys.sorted().compactMap { name -> RuleFinding? in
                // What was lacking before is no news.
                let known = Set(sources(lacking: name, before.compactMap(\.map)))
                let lacking = sources(lacking: name, after.compactMap(\.map)).filter { !known.contains($0) }
                guard !lacking.isEmpty else { return nil }
                return .warning(
                    "fields", .unmappedField,
                    "\(who) read “\(name)”, which no map would give for leads from \(words(lacking)): they would be held.")
            }
            return lost + (ruleSet.map.map { currencies(reader, calledAs: who, readingBy: $0) } ?? [])
        }
    }
}
