import Foundation
import SalesModel

/// What follows from giving a lead to somebody: until when its clocks run, and what its owner is told. Compiled once per set of
/// versions; a tenant without clock and message rules pays nothing for it.
struct LeadConsequences: Sendable {
    /// The message its owner is told by, where a message rule set has one of this name.
    static let newLead = "new_lead"

    private let clocks: [CompiledClock]
    private let notice: Message?
    private let timeZone: TimeZone

    init(clocks: ClockRules?, messages: MessageRules?, timeZone: TimeZone) {
        self.clocks = (clocks?.clocks ?? []).filter { $0.subject == .lead }.map(CompiledClock.init)
        notice = messages?[Self.newLead]
        self.timeZone = timeZone
    }

    var isEmpty: Bool { clocks.isEmpty && notice == nil }

    /// - Parameters:
    ///   - values: the lead's fields by name, as they were mapped and scored.
    ///   - owner: whose it is now; nil: nobody is told.
    func follow(_ lead: Lead, values: [String: FieldValue], owner: String?, state: String, decidedAt: Date) -> (
        clocks: [LeadClock], notice: LeadNotice?
    ) {
        var values = values
        values["state"] = .text(state)
        if let owner { values["owner.name"] = .text(owner) }
        var events = [SubjectEvent("created", at: lead.receivedAt)]
        if owner != nil { events.append(SubjectEvent("assigned", at: decidedAt)) }
        let facts = SubjectFacts(.lead, id: lead.id.description, values: values, events: events)
        let running = clocks.flatMap { clock in
            let reading = clock.reading(of: facts, now: decidedAt)
            guard reading.state == .running || reading.state == .notStarted else { return [LeadClock]() }
            return reading.levels.map { LeadClock(clock: reading.clock, level: $0.id, dueAt: $0.dueAt) }
        }
        guard owner != nil, let notice else { return (running, nil) }
        if let due = running.map(\.dueAt).filter({ $0 > decidedAt }).min() { values["due_at"] = .date(due) }
        func text(_ language: Language) -> String? {
            try? notice.rendered(on: .inApp, in: language, values, timeZone: timeZone).get().body
        }
        // A text with a hole in it is not sent in either language; what was decided stands all the same.
        guard let english = text(.english), let chinese = text(.chinese) else { return (running, nil) }
        return (running, LeadNotice(english: english, chinese: chinese))
    }
}

extension TenantRules {
    /// What follows from a decision about a lead, as the clock and message rules have it.
    public func consequences(of judgement: Judgement, for lead: Lead, owner: String?, state: String, at decidedAt: Date) -> (
        clocks: [LeadClock], notice: LeadNotice?
    ) {
        guard !following.isEmpty else { return ([], nil) }
        let values = Dictionary(uniqueKeysWithValues: zip(table.names, judgement.mapped.values))
        return following.follow(lead, values: values, owner: owner, state: state, decidedAt: decidedAt)
    }
}
