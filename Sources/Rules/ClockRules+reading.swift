import SalesModel

extension ClockRules {
    static func read(_ reader: RuleReader, _ scope: SubjectScope) -> ClockRules? {
        guard let object = reader.object(keys: ["clocks"]) else { return nil }
        guard let items = object.required("clocks", "a list of { id: …, subject: …, starts: …, levels: […] }.")?.items(limit: 100) else {
            return nil
        }
        if items.isEmpty { object["clocks"]?.fault(.empty, "Name at least one clock.") }
        let clocks = items.map { Clock.read($0, scope) }
        items.refuseRepeated(clocks.map { $0?.id })
        return clocks.contains { $0 == nil } ? nil : ClockRules(clocks: clocks.compactMap { $0 })
    }
}

extension Clock {
    private static let keys = [
        "id", "label", "subject", "starts", "when", "stops", "budget", "calendar", "grace", "catch_up", "levels",
    ]

    fileprivate static func read(_ reader: RuleReader, _ scope: SubjectScope) -> Clock? {
        guard let object = reader.object(keys: keys) else { return nil }
        let id = object.required("id", "a short name; receipts and messages show it.")?.identifier()
        let label = object["label"].map { $0.label() } ?? id.map { Label($0, $0) }
        let offHours = OffHours.read(object)
        let subject = object.required("subject", "what it watches: \(SubjectType.names).")?.choice(SubjectType.self)
        guard let subject else { return nil }
        let fields = scope.catalogue(subject)
        let conditions = scope.conditions(subject, hasStart: true)
        let start = object.required("starts", "{ on: EVENT } or { at: DATE FIELD }.").flatMap { Start.read($0, subject, fields) }
        let when = object["when"].map { Condition.read($0, in: conditions) }
        let stop = object["stops"].map { Stop.read($0, subject, conditions) }
        let budget = object["budget"].map { Budget.read($0, fields) }
        let catchUp = object["catch_up"].map { $0.choice(CatchUp.self) } ?? .highest
        let written: Written = object["budget"] == nil ? .absent : (budget ?? nil).map(Written.read) ?? .unread
        let levels = ClockLevel.readAll(object, budget: written)
        guard let id, let label, let start, let offHours, let catchUp, let levels, when != .some(nil), stop != .some(nil),
            budget != .some(nil)
        else {
            return nil
        }
        return Clock(
            id: id, label: label, subject: subject, start: start, when: when ?? nil, stop: stop ?? nil, budget: budget ?? nil,
            offHours: offHours, catchUp: catchUp, levels: levels)
    }

    /// A budget as the levels see it: whether it is there, and what it says.
    enum Written {
        case absent, unread
        case read(Budget)
    }
}

extension Clock.OffHours {
    fileprivate static func read(_ object: RuleObject) -> Clock.OffHours? {
        let grace = object["grace"].map { $0.seconds() } ?? 0
        guard let grace else { return nil }
        guard let reader = object["calendar"] else {
            object["grace"]?.fault(.conflict, "“grace” belongs to calendar: next_open.")
            return .always
        }
        guard let name = reader.text(limit: 64) else { return nil }
        if name != "next_open" { object["grace"]?.fault(.conflict, "“grace” belongs to calendar: next_open.") }
        switch name {
        case "24x7": return .always
        case "working": return .working
        case "next_open": return .nextOpening(graceSeconds: grace)
        default:
            reader.fault(
                .unknownValue,
                "“calendar” is 24x7 (day and night count), working (working time counts) or next_open (what comes outside working hours begins when they open)."
            )
            return nil
        }
    }
}

extension Clock.Start {
    fileprivate static func read(_ reader: RuleReader, _ subject: SubjectType, _ fields: FieldCatalogue) -> Clock.Start? {
        guard let object = reader.object(keys: ["on", "where", "which", "else_on", "at", "before"]) else { return nil }
        switch (object["on"], object["at"]) {
        case (let on?, nil):
            object["before"]?.fault(.conflict, "“before” belongs to at: DATE FIELD; an event is not known beforehand.")
            guard let events = EventFilter.read(on, object["where"], subject) else { return nil }
            var isLatest = false
            if let which = object["which"] {
                let word = which.text()
                if let word, !["first", "latest"].contains(word) {
                    which.fault(.unknownValue, "“which” is first (it begins once) or latest (each such event begins it anew).")
                }
                isLatest = word == "latest"
            }
            let fallback = object["else_on"].map { EventType.read($0, .standard, subject)?.name }
            return fallback == .some(nil)
                ? nil : .events(events.types, filter: events.filter, isLatest: isLatest, fallback: fallback ?? nil)
        case (nil, let at?):
            for key in ["where", "which", "else_on"] { object[key]?.fault(.conflict, "“\(key)” belongs to on: EVENT.") }
            let before = object["before"].map { $0.seconds() } ?? 0
            guard let name = at.field(of: fields, types: [.date])?.name, let before else { return nil }
            return .field(name, secondsBefore: before)
        default:
            reader.fault(
                object["on"] == nil ? .missing : .conflict, "A clock starts either on: EVENT, or at: DATE FIELD (before: so long).")
            return nil
        }
    }
}

extension Clock.Stop {
    fileprivate static func read(_ reader: RuleReader, _ subject: SubjectType, _ conditions: ConditionScope) -> Clock.Stop? {
        guard let object = reader.object(keys: ["on", "where", "when"]) else { return nil }
        if object["on"] == nil, object["when"] == nil {
            reader.fault(.missing, "Say what stops it: on: EVENT, or when: CONDITION.")
            return nil
        }
        if object["on"] == nil { object["where"]?.fault(.conflict, "“where” is asked of the event that “on” names; there is none.") }
        let events = object["on"].map { EventFilter.read($0, object["where"], subject) }
        let when = object["when"].map { Condition.read($0, in: conditions) }
        if case .some(let condition?) = when, !condition.fields.isEmpty {
            object["when"]?.fault(
                .conflict,
                "A field does not say since when it is so: stop on an event or on a count, and write what must hold meanwhile under the clock's own “when”."
            )
        }
        guard events != .some(nil), when != .some(nil) else { return nil }
        return Clock.Stop(events: events??.types ?? [], filter: events??.filter, when: when ?? nil)
    }
}

/// Events by name, and what must be true of them.
private struct EventFilter: Equatable {
    let types: [String]
    let filter: Condition?

    static func read(_ reader: RuleReader, _ filter: RuleReader?, _ subject: SubjectType) -> EventFilter? {
        guard let items = reader.itemsOrOne(limit: 20) else { return nil }
        if items.isEmpty { reader.fault(.empty, "Name at least one event.") }
        let types = items.map { EventType.read($0, .standard, subject) }
        items.refuseRepeated(types.map { $0?.name })
        guard !types.isEmpty, !types.contains(where: { $0 == nil }) else { return nil }
        let known = types.compactMap { $0 }
        var condition: Condition?
        if let filter {
            // What every one of them has.
            let shared = known[0].fields.names.filter { name in known.allSatisfy { $0.fields[name] == known[0].fields[name] } }
            let catalogue = FieldCatalogue(shared.compactMap { known[0].fields[$0] })
            guard let read = Condition.read(filter, in: ConditionScope(catalogue: catalogue, isScored: true)) else { return nil }
            condition = read
        }
        return EventFilter(types: known.map(\.name), filter: condition)
    }
}

extension Clock.Budget {
    fileprivate static func read(_ reader: RuleReader, _ fields: FieldCatalogue) -> Clock.Budget? {
        guard reader.isObject else { return reader.seconds().map(Clock.Budget.seconds) }
        guard let object = reader.object(keys: ["by", "classes", "otherwise"]) else { return nil }
        let field = object.required("by", "the field that tells the classes apart, such as intent.")?.field(
            of: fields, types: [.text, .list])
        let members = object.required("classes", "{ high: 30m, mid: 2h, low: 24h }.")?.members(limit: 100)
        if let members, members.isEmpty { object["classes"]?.fault(.empty, "Name at least one class.") }
        let classes = (members ?? []).compactMap { name, reader in reader.seconds().map { (name, $0) } }
        if let field, let known = gradeNames[field.name] {
            for (name, reader) in members ?? [] where !known.contains(name) {
                reader.fault(.unknownValue, "“\(field.name)” is \(known.joined(separator: ", ")); never “\(name)”.")
            }
        }
        guard let otherwise = object.required("otherwise", "how long there is for a value that is not listed, or none: no clock for it.")
        else {
            return nil
        }
        let rest = otherwise.isWord("none") ? nil : otherwise.seconds()
        guard let field, let members, classes.count == members.count, rest != nil || otherwise.isWord("none") else { return nil }
        return .classes(field: field.name, Dictionary(classes, uniquingKeysWith: { first, _ in first }), otherwise: rest)
    }

    private static let gradeNames = ["intent": IntentGrade.allCases.map(\.rawValue), "band": Band.allCases.map(\.rawValue)]
}

extension ClockLevel {
    fileprivate static func readAll(_ object: RuleObject, budget: Clock.Written) -> [ClockLevel]? {
        guard let reader = object.required("levels", "its ladder: a list of { after: 4m, to: [owner], … }."),
            let items = reader.items(limit: 20)
        else { return nil }
        if items.isEmpty { reader.fault(.empty, "A clock without a level would tell nobody; name at least one.") }
        let levels = items.enumerated().map { read($1, place: $0, budget) }
        items.refuseRepeated(levels.map { $0?.id })
        guard !levels.isEmpty, !levels.contains(where: { $0 == nil }) else { return nil }
        let known = levels.compactMap { $0 }
        checkOrder(known, items, budget)
        return known
    }

    private static func read(_ reader: RuleReader, place: Int, _ budget: Clock.Written) -> ClockLevel? {
        guard let object = reader.object(keys: ["id", "after", "at", "to", "channels", "message", "do", "urgency"]) else { return nil }
        let id = object["id"].map { $0.identifier() } ?? "level_\(place + 1)"
        let due: Due?
        switch (object["after"], object["at"]) {
        case (let after?, nil): due = after.seconds(in: 0...366 * 86_400).map(Due.after)
        case (nil, let at?):
            due = at.percent().map(Due.percent)
            if case .absent = budget {
                at.fault(.conflict, "“at” is a part of the budget, and the clock has none; use after: 4m, or add “budget”.")
            }
        default:
            reader.fault(
                object["at"] == nil ? .missing : .conflict, "Say when: either after: 4m (from the start), or at: 100% (of the budget).")
            due = nil
        }
        let recipients = object.required("to", "who hears of it: \(Recipient.names).")?.choices(Recipient.self, limit: 10)
        let channels = object["channels"].map { $0.choices(Channel.self, limit: 4) } ?? [.inApp]
        let message = object["message"].map { $0.identifier() }
        let action = object["do"].map { $0.choice(ClockAction.self) } ?? .notify
        let urgency = object["urgency"].map { $0.choice(Urgency.self) }
        guard let id, let due, let recipients, let channels, message != .some(nil), let action, urgency != .some(nil) else {
            return nil
        }
        return ClockLevel(
            id: id, due: due, recipients: recipients, channels: channels, message: message ?? nil, action: action,
            urgency: urgency ?? nil)
    }

    /// A ladder goes upwards, in whatever class.
    private static func checkOrder(_ levels: [ClockLevel], _ items: [RuleReader], _ budget: Clock.Written) {
        let budgets: [Int]
        switch budget {
        case .unread: return
        case .absent: budgets = [0]
        case .read(.seconds(let seconds)): budgets = [seconds]
        case .read(.classes(_, let classes, let otherwise)): budgets = classes.values + (otherwise.map { [$0] } ?? [])
        }
        for place in levels.indices.dropFirst() {
            guard budgets.contains(where: { levels[place].due.seconds(of: $0) <= levels[place - 1].due.seconds(of: $0) }) else { continue }
            items[place].fault(
                .conflict, "A ladder goes upwards: this level is due no later than the one before it; put them in order of time.")
        }
    }
}

extension ClockLevel.Due {
    /// Seconds after the start.
    func seconds(of budget: Int) -> Int {
        switch self {
        case .after(let seconds): seconds
        case .percent(let percent): budget * percent / 100
        }
    }
}
