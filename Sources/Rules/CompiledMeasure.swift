import Foundation
import SalesModel

/// Measures ready to be taken.
public struct CompiledMeasures: Sendable {
    public let rules: MeasureRules
    private let plain: [String: CompiledMeasure]

    public init(_ rules: MeasureRules) {
        self.rules = rules
        plain = Dictionary(rules.measures.map { ($0.id, CompiledMeasure($0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Returns: nil when there is no measure of that id.
    public func result(of id: String, over subjects: [SubjectFacts], now: Date) -> MeasureResult? {
        guard let compiled = plain[id] else { return nil }
        guard case .weighted(let parts) = compiled.measure.formula else { return compiled.result(over: subjects, now: now) }
        // A part without data gives its weight to the others (KPI-12); without any there is no figure.
        var (sum, weights) = (0.0, 0)
        var unknown: Set<String> = []
        for part in parts {
            guard let measure = plain[part.measure], let target = measure.measure.target else { continue }
            let result = measure.result(over: subjects, now: now)
            unknown.formUnion(result.unknown)
            guard let value = result.value.number else { continue }
            sum += Double(part.weight) * target.attainment(of: value)
            weights += part.weight
        }
        let value: MeasureValue = weights == 0 ? .noData(.noPart) : .number(100 * sum / Double(weights))
        return MeasureResult(id: id, value: value, counted: [], groups: [:], unknown: unknown.sorted())
    }
}

/// A figure, or why there is none. Nothing to divide by is no nought.
public enum MeasureValue: Sendable, Hashable {
    public enum Absence: String, Sendable, Hashable {
        /// Nothing falls into the window.
        case noSubjects = "no_subjects"
        case mixedCurrencies = "mixed_currencies"
        case noPart = "no_part"
        case overflow
    }

    case number(Double)
    case money(Money)
    case noData(Absence)

    /// In main units where it is money.
    public var number: Double? {
        switch self {
        case .number(let number): number
        case .money(let money):
            Double(money.amountMinor) / (0..<Money.decimals(of: money.currency)).reduce(1.0) { scale, _ in scale * 10 }
        case .noData: nil
        }
    }
}

public struct MeasureResult: Sendable, Hashable {
    public let id: String
    public let value: MeasureValue
    /// Whom it was counted over, by id: a figure opens to its records (EVID-13).
    public let counted: [String]
    /// By the values of the dimensions, in their order; an empty field is an empty text.
    public let groups: [[String]: MeasureValue]
    /// Whom it could not be told of. They are in no figure, and whoever shows one must say how many they are.
    public let unknown: [String]
}

extension Measure.Target {
    public func isReached(by value: Double) -> Bool { isAtLeast ? value >= self.value : value <= self.value }

    /// 1 when it is reached, else in proportion.
    func attainment(of value: Double) -> Double {
        if isReached(by: value) { return 1 }
        guard isAtLeast ? self.value > 0 : value > 0 else { return 0 }
        return max(0, min(1, isAtLeast ? value / self.value : self.value / value))
    }
}

struct CompiledMeasure: Sendable {
    let measure: Measure
    private let table: FieldTable
    private let among: CompiledCondition?
    private let ratio: CompiledCondition?

    init(_ measure: Measure) {
        self.measure = measure
        let table = FieldTable(measure.fields)
        self.table = table
        among = measure.among.map { CompiledCondition($0, in: table) }
        if case .ratio(let condition) = measure.formula { ratio = CompiledCondition(condition, in: table) } else { ratio = nil }
    }

    /// What one subject adds.
    private enum Share {
        case outside, unknown
        case counts(isHit: Bool, amount: FieldValue)
    }

    func result(over subjects: [SubjectFacts], now: Date) -> MeasureResult {
        var all = Tally()
        var groups: [[String]: Tally] = [:]
        var (counted, unknown): ([String], [String]) = ([], [])
        var isAnyKnown = false
        for facts in subjects where facts.subject == measure.subject {
            let values = facts.values(in: table)
            switch share(facts, values, now) {
            case .outside: isAnyKnown = true
            case .unknown: unknown.append(facts.id)
            case .counts(let isHit, let amount):
                guard let keys = keys(values) else {
                    unknown.append(facts.id)
                    continue
                }
                counted.append(facts.id)
                all.add(isHit, amount)
                if !measure.dimensions.isEmpty { for key in keys { groups[key, default: Tally()].add(isHit, amount) } }
            }
        }
        // None among those looked at is a count of 0; having looked at nobody is none.
        let isBlind = measure.formula == .count && counted.isEmpty && !isAnyKnown
        return MeasureResult(
            id: measure.id, value: isBlind ? .noData(.noSubjects) : all.value(of: measure.formula), counted: counted,
            groups: groups.mapValues { $0.value(of: measure.formula) }, unknown: unknown)
    }

    private func share(_ facts: SubjectFacts, _ values: [FieldValue], _ now: Date) -> Share {
        if let window = measure.window, let slot = table[window.field] {
            switch values[slot] {
            case .date(let date):
                guard date <= now, date > now.addingTimeInterval(-Double(window.seconds)) else { return .outside }
            case .empty: return .outside
            default: return .unknown
            }
        }
        let happenings = Happenings(facts.events.filter { $0.at <= now }, now: now)
        switch among?.truth(of: values, happenings) ?? .yes {
        case .no: return .outside
        case .unknown: return .unknown
        case .yes: break
        }
        switch measure.formula {
        case .count, .weighted: return .counts(isHit: true, amount: .empty)
        case .ratio:
            switch ratio?.truth(of: values, happenings) ?? .unknown {
            case .unknown: return .unknown
            case .yes: return .counts(isHit: true, amount: .empty)
            case .no: return .counts(isHit: false, amount: .empty)
            }
        case .sum(let name):
            guard let slot = table[name], values[slot] != .unmapped else { return .unknown }
            return values[slot] == .empty ? .outside : .counts(isHit: true, amount: values[slot])
        }
    }

    /// The groups it belongs to; of a list one for each item. nil: a dimension is not known.
    private func keys(_ values: [FieldValue]) -> [[String]]? {
        var keys: [[String]] = [[]]
        for name in measure.dimensions {
            let parts: [String]
            switch table[name].map({ values[$0] }) ?? .unmapped {
            case .unmapped: return nil
            case .list(let items): parts = items.isEmpty ? [""] : Array(Set(items)).sorted()
            case let value: parts = [value.description]
            }
            keys = keys.flatMap { key in parts.map { key + [$0] } }
        }
        return keys
    }
}

/// What was counted so far.
private struct Tally {
    private var count = 0
    private var hits = 0
    private var number = 0.0
    private var minor: [String: Int64] = [:]
    private var isTooLarge = false

    mutating func add(_ isHit: Bool, _ amount: FieldValue) {
        count += 1
        if isHit { hits += 1 }
        switch amount {
        case .number(let value): number += value
        case .money(let money):
            let (sum, overflow) = minor[money.currency, default: 0].addingReportingOverflow(money.amountMinor)
            minor[money.currency] = sum
            isTooLarge = isTooLarge || overflow
        default: break
        }
    }

    func value(of formula: Measure.Formula) -> MeasureValue {
        switch formula {
        case .count: return .number(Double(count))
        case .ratio: return count == 0 ? .noData(.noSubjects) : .number(Double(hits) / Double(count))
        case .weighted: return .noData(.noPart)
        case .sum:
            guard count > 0 else { return .noData(.noSubjects) }
            guard !isTooLarge else { return .noData(.overflow) }
            guard minor.count <= 1 else { return .noData(.mixedCurrencies) }
            if let (currency, amount) = minor.first { return .money(Money(amountMinor: amount, currency: currency)) }
            return number.isFinite ? .number(number) : .noData(.overflow)
        }
    }
}
