import Identity
import SalesModel

extension MatchRules {
    static func read(_ reader: RuleReader, catalogue: FieldCatalogue) -> MatchRules? {
        let keys = ["method", "prior", "bands", "switchboard", "fields", "card", "aliases"]
        guard let object = reader.object(keys: keys) else { return nil }
        var rules = MatchRules.standard
        var isRead = true
        func take<Value>(_ key: String, _ place: WritableKeyPath<MatchRules, Value>, _ read: (RuleReader) -> Value?) {
            guard let member = object[key] else { return }
            if let value = read(member) { rules[keyPath: place] = value } else { isRead = false }
        }
        take("method", \.method) { $0.choice(Method.self) }
        take("prior", \.prior, MatchPrior.read)
        take("bands", \.bands, MatchBands.read)
        take("switchboard", \.switchboard) { $0.integer(in: 1...10_000) }
        take("fields", \.fields) { FieldComparison.readAll($0, catalogue) }
        take("card", \.card, MatchCard.read)
        take("aliases", \.aliases, aliases)
        if rules.method == .card { refuse(["prior", "bands", "fields"], in: object, "method: fellegi_sunter") }
        if rules.method == .fellegiSunter { refuse(["card"], in: object, "method: card") }
        guard isRead else { return nil }
        for fault in rules.faults {
            reader.at(fault.path).fault(fault.path == ["card"] ? .weights : .outOfRange, fault.message)
        }
        return rules
    }

    private static func refuse(_ keys: [String], in object: RuleObject, _ method: String) {
        for key in keys { object[key]?.fault(.conflict, "“\(key)” belongs to \(method); leave it out, or change the method.") }
    }

    private static func aliases(_ reader: RuleReader) -> [String: String]? {
        guard let members = reader.members(limit: 5_000) else { return nil }
        // An alias is looked up once: one of an alias would lead nowhere.
        let names = Set(members.map(\.0))
        let pairs = members.compactMap { alias, reader -> (String, String)? in
            guard let name = reader.text() else { return nil }
            guard name != alias else {
                reader.fault(.conflict, "“\(alias)” stands for itself; leave it out.")
                return nil
            }
            guard !names.contains(name) else {
                reader.fault(.conflict, "“\(name)” is an alias itself; name what it stands for.")
                return nil
            }
            return (alias, name)
        }
        return pairs.count == members.count ? Dictionary(pairs, uniquingKeysWith: { first, _ in first }) : nil
    }
}

extension MatchPrior {
    fileprivate static func read(_ reader: RuleReader) -> MatchPrior? {
        guard let object = reader.object(keys: ["repeat_rate", "population"]) else { return nil }
        let standard = MatchPrior()
        let rate = object["repeat_rate"].map { $0.number() } ?? standard.repeatRate
        let population = object["population"].map { $0.integer(in: 1...1_000_000_000) } ?? standard.population
        guard let rate, let population else { return nil }
        return MatchPrior(repeatRate: rate, population: population)
    }
}

extension MatchBands {
    fileprivate static func read(_ reader: RuleReader) -> MatchBands? {
        guard let object = reader.object(keys: ["link", "review"]) else { return nil }
        let standard = MatchBands()
        let link = object["link"].map { $0.number() } ?? standard.link
        let review = object["review"].map { $0.number() } ?? standard.review
        guard let link, let review else { return nil }
        return MatchBands(link: link, review: review)
    }
}

extension FieldComparison {
    fileprivate static func readAll(_ reader: RuleReader, _ catalogue: FieldCatalogue) -> [FieldComparison]? {
        guard let items = reader.items(limit: 20) else { return nil }
        let fields = items.map { read($0, catalogue) }
        return fields.contains { $0 == nil } ? nil : fields.compactMap { $0 }
    }

    private static func read(_ reader: RuleReader, _ catalogue: FieldCatalogue) -> FieldComparison? {
        guard let object = reader.object(keys: ["field", "compare", "levels", "finds"]) else { return nil }
        let field = object.required("field", "a field of text, such as phone.")?.field(of: catalogue, types: [.text])
        let known = standard.first { $0.field == field?.name }
        let compare = object["compare"].map { $0.choice(Comparison.self) } ?? known?.compare ?? .text
        let levels = object["levels"].map { ComparisonLevel.readAll($0) } ?? known?.levels
        guard let field, let compare else { return nil }
        guard let levels else {
            if object["levels"] == nil {
                reader.fault(
                    .missing, "“levels” is missing: what likeness of “\(field.name)” says, as [{ at_least: 1, m: 0.9, u: 0.001 }].")
            }
            return nil
        }
        var comparison = known ?? FieldComparison(field.name, compare, levels: levels)
        comparison.compare = compare
        comparison.levels = levels
        if let reader = object["finds"] {
            guard let finds = reader.boolean() else { return nil }
            comparison.finds = finds
        }
        return comparison
    }
}

extension ComparisonLevel {
    fileprivate static func readAll(_ reader: RuleReader) -> [ComparisonLevel]? {
        guard let items = reader.items(limit: 10) else { return nil }
        let levels = items.map { item -> ComparisonLevel? in
            guard let object = item.object(keys: ["at_least", "m", "u"]) else { return nil }
            let likeness = object.required("at_least", "the likeness from 0 to 1 where this level begins.")?.number()
            let m = object.required("m", "the share of pairs of one customer that are so alike.")?.number()
            let u = object.required("u", "the share of pairs of different customers that are so alike.")?.number()
            guard let likeness, let m, let u else { return nil }
            return ComparisonLevel(atLeast: likeness, m: m, u: u)
        }
        return levels.contains { $0 == nil } ? nil : levels.compactMap { $0 }
    }
}

extension MatchCard {
    fileprivate static func read(_ reader: RuleReader) -> MatchCard? {
        let points = ["phone", "name", "credit_code", "comparable"]
        let bands = ["review", "highlight", "link"]
        guard let object = reader.object(keys: points + bands) else { return nil }
        var card = MatchCard()
        let places: [WritableKeyPath<MatchCard, Int>] = [\.phone, \.name, \.creditCode, \.comparable]
        for (key, place) in zip(points, places) {
            guard let member = object[key] else { continue }
            guard let value = member.integer(in: 0...100) else { return nil }
            card[keyPath: place] = value
        }
        let limits: [WritableKeyPath<MatchCard, Double>] = [\.review, \.highlight, \.link]
        for (key, place) in zip(bands, limits) {
            guard let member = object[key] else { continue }
            guard let value = member.number() else { return nil }
            card[keyPath: place] = value
        }
        return card
    }
}
