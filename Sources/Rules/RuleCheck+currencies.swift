import SalesModel

extension RuleCheck {
    /// Amounts a rule set compares with and that come in another currency from some source: two currencies do not compare, so a lead that
    /// has one is held. What a lead names its own currency for is not known here.
    static func currencies(_ ruleSet: RuleSet, _ maps: [MapRules]) -> [RuleFinding] {
        ruleSet.comparedCurrencies.flatMap { compared -> [RuleFinding] in
            foreign(to: compared, maps).map { currency, sources in
                .warning(
                    compared.path, .otherCurrency,
                    "“\(compared.field)” is compared with an amount in \(compared.currency), but comes in \(currency) from \(words(sources)): such leads would be held. Write both in one currency."
                )
            }
        }
    }

    /// The same of the rules that read a map, which speaks for its sources.
    static func currencies(_ reader: RuleSet, calledAs who: String, readingBy map: MapRules) -> [RuleFinding] {
        var said: Set<String> = []
        return reader.comparedCurrencies.flatMap { compared -> [RuleFinding] in
            foreign(to: compared, [map]).compactMap { currency, _ -> RuleFinding? in
                guard said.insert("\(compared.field) \(compared.currency)").inserted else { return nil }
                return .warning(
                    "fields.\(compared.field).currency", .otherCurrency,
                    "\(who) compare “\(compared.field)” with an amount in \(compared.currency), which this map gives in \(currency): such leads would be held. Write both in one currency."
                )
            }
        }
    }

    /// The other currencies in which a field comes, each with the sources it comes from.
    private static func foreign(to compared: ComparedCurrency, _ maps: [MapRules]) -> [(currency: String, sources: [String])] {
        var sources: [String: Set<String>] = [:]
        for map in maps {
            for field in map.fields where field.field.name == compared.field {
                guard let currency = field.currency, currency != compared.currency else { continue }
                sources[currency, default: []].formUnion(map.sources)
            }
        }
        return sources.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted()) }
    }
}

/// A currency in which a rule set compares a field of leads, and where it does so.
private struct ComparedCurrency: Hashable {
    let path: String
    let field: String
    let currency: String
}

extension RuleSet {
    /// Each once for each place.
    fileprivate var comparedCurrencies: [ComparedCurrency] {
        var found: Set<ComparedCurrency> = []
        return leadConditions.flatMap { path, condition -> [ComparedCurrency] in
            condition.tests.flatMap { test -> [ComparedCurrency] in
                test.comparison.currencies.map { ComparedCurrency(path: path, field: test.field, currency: $0) }
            }
        }.filter { found.insert($0).inserted }
    }
}

extension Condition.Comparison {
    /// Of the amounts it compares with.
    var currencies: [String] {
        let operands: [FieldValue] =
            switch self {
            case .equals(let value), .greater(let value), .greaterOrEqual(let value), .less(let value), .lessOrEqual(let value): [value]
            case .isIn(let values): values
            case .contains, .isEmpty, .isPresent, .isFilled: []
            }
        return operands.compactMap(\.currency)
    }
}

extension FieldValue {
    /// Of an amount.
    var currency: String? { if case .money(let money) = self { money.currency } else { nil } }
}
