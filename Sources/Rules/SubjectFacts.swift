import Foundation
import SalesModel

/// Something that happened to a subject.
public struct SubjectEvent: Sendable, Hashable {
    public let type: String
    public let at: Date
    public let data: [String: FieldValue]
    /// From when on events stop a clock that begins with this one; its own moment, unless what came before counts as come with it.
    public let since: Date

    public init(_ type: String, at: Date, _ data: [String: FieldValue] = [:], since: Date? = nil) {
        self.type = type
        self.at = at
        self.data = data
        self.since = since ?? at
    }

    /// Whether rules that name this event mean it: by its type, or as a contact.
    func isOf(_ name: String) -> Bool { type == name || name == Contact.name && Contact.isMade(by: type, data) }
}

/// What is known of one subject: its fields, and what happened to it. Clocks, gates and measures read nothing else, so they can be
/// computed again as of any moment.
public struct SubjectFacts: Sendable, Hashable {
    public let subject: SubjectType
    public let id: String
    /// A field that is not here was never mapped: what reads it is unknown.
    public let values: [String: FieldValue]
    /// In the order of their time.
    public let events: [SubjectEvent]
    /// Since when it is known here; nil: always. What was due long before is history.
    public let knownSince: Date?

    public init(
        _ subject: SubjectType, id: String, values: [String: FieldValue], events: [SubjectEvent] = [], knownSince: Date? = nil
    ) {
        self.knownSince = knownSince
        self.subject = subject
        self.id = id
        self.values = values
        self.events = events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }

    func values(in table: FieldTable) -> [FieldValue] { table.names.map { values[$0] ?? .unmapped } }
}

/// What happened up to a moment: what counts look at.
public struct Happenings: Sendable {
    /// In the order of their time.
    public let events: [SubjectEvent]
    public let now: Date
    /// Of the clock, where there is one.
    public let start: Date?

    public init(_ events: [SubjectEvent], now: Date, start: Date? = nil) {
        self.events = events
        self.now = now
        self.start = start
    }
}

/// A condition over events, ready to be asked.
struct CompiledFilter: Sendable {
    private let condition: CompiledCondition
    private let table: FieldTable

    init(_ condition: Condition) {
        table = FieldTable(condition.fields)
        self.condition = CompiledCondition(condition, in: table)
    }

    /// An event says all there is to say of it, so what it does not carry is empty.
    func truth(of event: SubjectEvent) -> Truth { condition.truth(of: table.names.map { event.data[$0] ?? .empty }) }
}

/// A count ready to be compared.
public struct CompiledCount: Sendable {
    private let count: EventCount
    private let comparison: Condition.Comparison
    private let filter: CompiledFilter?

    init(_ count: EventCount, _ comparison: Condition.Comparison) {
        self.count = count
        self.comparison = comparison
        filter = count.filter.map(CompiledFilter.init)
    }

    func truth(in happenings: Happenings?) -> Truth {
        guard let bounds = bounds(in: happenings) else { return .unknown }
        // What is true of the least and of the most possible count alike is true of the count, but for `equals` in between.
        let ends = [bounds.lowerBound, bounds.upperBound].map { comparison.truth(of: .number(Double($0))) }
        guard bounds.count > 1 else { return ends[0] }
        if case .equals(.number(let wanted)) = comparison {
            return bounds.contains(Int(wanted)) ? .unknown : .no
        }
        return ends[0] == ends[1] ? ends[0] : .unknown
    }

    func deciding(in happenings: Happenings?) -> DecidingTest {
        let value = bounds(in: happenings).map { FieldValue.number(Double($0.lowerBound)) } ?? .unmapped
        return DecidingTest(
            test: Condition.Test(field: count.name, comparison: comparison), value: value, truth: truth(in: happenings))
    }

    /// The events that certainly count, and those that may.
    private func bounds(in happenings: Happenings?) -> ClosedRange<Int>? {
        guard let happenings, let (from, to) = span(in: happenings) else { return nil }
        var (certain, possible) = (0, 0)
        for event in happenings.events where event.isOf(count.type) && event.at >= from && event.at <= to {
            switch filter?.truth(of: event) ?? .yes {
            case .yes: certain += 1
            case .unknown: possible += 1
            case .no: break
            }
        }
        return certain...(certain + possible)
    }

    private func span(in happenings: Happenings) -> (Date, Date)? {
        switch count.window {
        case .ever: return (.distantPast, happenings.now)
        case .last(let seconds): return (happenings.now.addingTimeInterval(-Double(seconds)), happenings.now)
        case .sinceStart(let seconds):
            guard let start = happenings.start else { return nil }
            return (start, seconds.map { min(happenings.now, start.addingTimeInterval(Double($0))) } ?? happenings.now)
        }
    }
}
