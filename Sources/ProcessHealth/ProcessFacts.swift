import Foundation

/// A lead somebody was given: whether it is visited in time is the first dimension.
public struct LeadFact: Sendable, Hashable {
    public var customer: String
    public var capturedAt: Date
    /// When it was given to the seller; nil: when it was captured.
    public var assignedAt: Date?
    public var touchedAt: Date?
    public var visitedAt: Date?
    /// When we learned of the lead, of its first touch and of its visit.
    public var recordedAt: Date
    public var touchRecordedAt: Date?
    public var visitRecordedAt: Date?

    public init(
        customer: String, capturedAt: Date, assignedAt: Date? = nil, touchedAt: Date? = nil, visitedAt: Date? = nil,
        recordedAt: Date? = nil,
        touchRecordedAt: Date? = nil, visitRecordedAt: Date? = nil
    ) {
        self.customer = customer
        self.capturedAt = capturedAt
        self.assignedAt = assignedAt
        self.touchedAt = touchedAt
        self.visitedAt = visitedAt
        self.recordedAt = recordedAt ?? capturedAt
        self.touchRecordedAt = touchRecordedAt ?? touchedAt
        self.visitRecordedAt = visitRecordedAt ?? visitedAt
    }
}

/// Something between a seller and a customer.
public struct ContactFact: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, Codable {
        /// From the seller, with something in it: keeps the rhythm.
        case followUp
        /// From the seller, but a record that says nothing: keeps no rhythm (FOLLOW-05).
        case emptyFollowUp
        /// From the customer.
        case reply
        /// A proposal or quotation made anew.
        case revision
        /// The relation ended: won, lost or given to somebody else. No interval runs beyond it.
        case ended
    }

    public var customer: String
    public var kind: Kind
    public var at: Date
    public var recordedAt: Date

    public init(_ kind: Kind, customer: String, at: Date, recordedAt: Date? = nil) {
        self.customer = customer
        self.kind = kind
        self.at = at
        self.recordedAt = recordedAt ?? at
    }
}

/// A deal that entered a stage which asks for evidence.
public struct EntryFact: Sendable, Hashable {
    public var customer: String
    public var stage: String
    public var at: Date
    /// When all the evidence was there; nil: never.
    public var evidenceAt: Date?
    public var recordedAt: Date

    public init(customer: String, stage: String, at: Date, evidenceAt: Date?, recordedAt: Date? = nil) {
        self.customer = customer
        self.stage = stage
        self.at = at
        self.evidenceAt = evidenceAt
        self.recordedAt = recordedAt ?? at
    }
}

/// A stay of a deal in a stage.
public struct StayFact: Sendable, Hashable {
    public var customer: String
    public var stage: String
    public var from: Date
    /// Nil: still there.
    public var to: Date?
    public var recordedAt: Date

    public init(customer: String, stage: String, from: Date, to: Date? = nil, recordedAt: Date? = nil) {
        self.customer = customer
        self.stage = stage
        self.from = from
        self.to = to
        self.recordedAt = recordedAt ?? from
    }
}

/// What was said of a seller's absence: on leave, or frozen.
public struct AbsenceFact: Sendable, Hashable {
    /// When it was said.
    public var at: Date
    /// Until when; nil: nobody knows. Not after `at`: the seller is there.
    public var until: Date?

    public init(at: Date, until: Date?) {
        self.at = at
        self.until = until
    }
}

/// Everything one seller's process health rests on.
public struct ProcessFacts: Sendable, Hashable {
    public var leads: [LeadFact]
    public var contacts: [ContactFact]
    public var entries: [EntryFact]
    public var stays: [StayFact]
    /// In the order in which they were said.
    public var absences: [AbsenceFact]

    public init(
        leads: [LeadFact] = [], contacts: [ContactFact] = [], entries: [EntryFact] = [], stays: [StayFact] = [],
        absences: [AbsenceFact] = []
    ) {
        self.leads = leads
        self.contacts = contacts
        self.entries = entries
        self.stays = stays
        self.absences = absences
    }

    /// What was known at an instant: recorded by then, and not of a time after it.
    public func known(at instant: Date) -> ProcessFacts {
        func isKnown(_ at: Date, _ recordedAt: Date) -> Bool { at <= instant && recordedAt <= instant }
        var known = ProcessFacts(absences: absences.filter { $0.at <= instant })
        known.leads = leads.filter { isKnown($0.capturedAt, $0.recordedAt) }.map { lead in
            var lead = lead
            if let at = lead.touchedAt, !isKnown(at, lead.touchRecordedAt ?? at) { (lead.touchedAt, lead.touchRecordedAt) = (nil, nil) }
            if let at = lead.visitedAt, !isKnown(at, lead.visitRecordedAt ?? at) { (lead.visitedAt, lead.visitRecordedAt) = (nil, nil) }
            return lead
        }
        known.contacts = contacts.filter { isKnown($0.at, $0.recordedAt) }
        known.entries = entries.filter { isKnown($0.at, $0.recordedAt) }
        known.stays = stays.filter { isKnown($0.from, $0.recordedAt) }.map { stay in
            var stay = stay
            if let to = stay.to, to > instant { stay.to = nil }
            return stay
        }
        return known
    }

    /// Whoever is spoken of.
    public var customers: Set<String> {
        Set(leads.map(\.customer) + contacts.map(\.customer) + entries.map(\.customer) + stays.map(\.customer))
    }

    /// The same with customers called otherwise: those that get one name are one.
    public func renamed(_ name: (String) -> String) -> ProcessFacts {
        var facts = self
        for place in facts.leads.indices { facts.leads[place].customer = name(leads[place].customer) }
        for place in facts.contacts.indices { facts.contacts[place].customer = name(contacts[place].customer) }
        for place in facts.entries.indices { facts.entries[place].customer = name(entries[place].customer) }
        for place in facts.stays.indices { facts.stays[place].customer = name(stays[place].customer) }
        return facts
    }

    /// Of the fortnight after an instant, the days the seller will be away as far as was known then; one begun counts whole.
    func daysAway(after instant: Date) -> Int {
        guard let last = absences.last(where: { $0.at <= instant }) else { return 0 }
        let end = min(last.until ?? .distantFuture, instant + 14 * 86_400)
        return Int((max(0, end.timeIntervalSince(instant)) / 86_400).rounded(.up))
    }
}
