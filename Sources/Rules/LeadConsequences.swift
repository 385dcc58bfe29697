import Foundation
import SalesModel

/// What follows from giving a lead to somebody: until when its clocks run, and what its owner is told. Compiled once per set of
/// versions; a tenant without clock and message rules pays nothing for it.
struct LeadConsequences: Sendable {
    /// The message its owner is told by, where a message rule set has one of this name.
    static let newLead = "new_lead"

    /// Those that know no working time: the others are read by whoever looks at the lead's clocks.
    private let clocks: [CompiledClock]
    private let needsCalendar: Bool
    private let watchesCustomers: Bool
    private let notice: Message?
    private let timeZone: TimeZone

    init(clocks: ClockRules?, messages: MessageRules?, timeZone: TimeZone) {
        let compiled = (clocks?.clocks ?? []).filter { $0.subject == .lead }.map(CompiledClock.init)
        self.clocks = compiled.filter { !$0.needsCalendar }
        watchesCustomers = (clocks?.clocks ?? []).contains { $0.subject == .customer }
        needsCalendar = compiled.contains(where: \.needsCalendar)
        notice = messages?[Self.newLead]
        self.timeZone = timeZone
    }

    var isEmpty: Bool { clocks.isEmpty && !needsCalendar && !watchesCustomers && notice == nil }

    /// - Parameters:
    ///   - values: the lead's fields by name, as they were mapped and scored.
    ///   - owner: whose it is now; nil: nobody is told.
    func follow(_ lead: Lead, values: [String: FieldValue], owner: String?, state: String, decidedAt: Date) -> DecisionConsequences {
        var values = values
        values["state"] = .text(state)
        if let owner { values["owner.name"] = .text(owner) }
        var events = [SubjectEvent("created", at: lead.receivedAt)]
        if owner != nil { events.append(SubjectEvent("assigned", at: decidedAt)) }
        if state == "with_marketing" { events.append(SubjectEvent("transferred", at: decidedAt, ["to": .text("marketing")])) }
        let facts = SubjectFacts(.lead, id: lead.id.description, values: values, events: events)
        var isUnknown = needsCalendar
        let running = clocks.flatMap { clock in
            let reading = clock.reading(of: facts, now: decidedAt)
            if case .unknown = reading.state { isUnknown = true }
            guard reading.state == .running || reading.state == .notStarted else { return [LeadClock]() }
            return reading.levels.map { LeadClock(clock: reading.clock, level: $0.id, dueAt: $0.dueAt) }
        }
        // What could not be read here is looked at again at once, and told of.
        let looksAt = isUnknown ? decidedAt : running.map(\.dueAt).min()
        guard owner != nil, let notice else {
            return DecisionConsequences(clocks: running, looksAt: looksAt, watchesCustomer: watchesCustomers)
        }
        if let due = running.map(\.dueAt).filter({ $0 > decidedAt }).min() { values["due_at"] = .date(due) }
        func text(_ language: Language) -> String? {
            try? notice.rendered(on: .inApp, in: language, values, timeZone: timeZone).get().body
        }
        // A text with a hole in it is not sent in either language; what was decided stands all the same.
        guard let english = text(.english), let chinese = text(.chinese) else {
            return DecisionConsequences(clocks: running, looksAt: looksAt, watchesCustomer: watchesCustomers)
        }
        return DecisionConsequences(
            clocks: running, looksAt: looksAt, watchesCustomer: watchesCustomers, notice: LeadNotice(english: english, chinese: chinese))
    }
}

/// What follows from a decision about a lead.
public struct DecisionConsequences: Sendable {
    /// The levels that are to come, of clocks that know no working time.
    public var clocks: [LeadClock] = []
    /// When the lead's clocks are to be looked at; nil: none runs.
    public var looksAt: Date?
    /// Whether clocks watch the customer it comes from.
    public var watchesCustomer = false
    /// What its owner is told.
    public var notice: LeadNotice?
}

extension TenantRules {
    /// What follows from a decision about a lead, as the clock and message rules have it.
    public func consequences(
        of judgement: Judgement, for lead: Lead, owner: String?, state: String, at decidedAt: Date
    ) -> DecisionConsequences {
        guard !following.isEmpty else { return DecisionConsequences() }
        let values = Dictionary(uniqueKeysWithValues: zip(table.names, judgement.mapped.values))
        return following.follow(lead, values: values, owner: owner, state: state, decidedAt: decidedAt)
    }
}

extension TenantRules {
    /// Whether leads are scored, where their fields can be read.
    public var areLeadsScored: Bool { score != nil }

    /// A lead's fields by name, as they are mapped and scored now: what its clocks read.
    public func values(of lead: Lead) -> [String: FieldValue] {
        let judgement = judgement(of: lead)
        var values = Dictionary(uniqueKeysWithValues: zip(table.names, judgement.mapped.values))
        // Judged, and of no grade: that is known.
        if judgement.score != nil, judgement.intent == nil { values["intent"] = .empty }
        return values
    }
}
