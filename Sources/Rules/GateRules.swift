import SalesModel

/// What must be true before it moves?
public struct GateRules: Sendable, Hashable {
    public let subject: SubjectType
    /// In their order; a stage that is not here does not exist.
    public let stages: [Stage]
    public let gates: [Gate]
}

public struct Stage: Sendable, Hashable {
    public let id: String
    public let label: Label
    /// Nothing leads out of it.
    public let isFinal: Bool
}

/// What must be true to go into a stage.
public struct Gate: Sendable, Hashable {
    public let id: String
    /// Empty: from any stage.
    public let from: [String]
    public let to: [String]
    public let requirements: [GateRequirement]
    /// Whether it is a stage's list of mandatory actions: three to five of them (STAGE-09).
    public let isActionList: Bool
}

public struct GateRequirement: Sendable, Hashable {
    public enum Otherwise: Sendable, Hashable {
        /// The transition is refused.
        case refuse
        /// It goes to this stage instead and waits there until the requirement is met (STAGE-08).
        case wait(stage: String)
        /// It is only told (CLOSE-07).
        case warn
    }

    public let id: String
    public let label: Label
    public let when: Condition
    public let otherwise: Otherwise
}

extension GateRules {
    static func read(_ reader: RuleReader, _ scope: SubjectScope) -> GateRules? {
        guard let object = reader.object(keys: ["subject", "stages", "gates"]) else { return nil }
        let subject = object["subject"].map { $0.choice(SubjectType.self) } ?? .opportunity
        let stages = object.required("stages", "the stages in their order: [{ id: quoted, label: … }, …].")?.items(limit: 50)
        if let stages, stages.isEmpty { object["stages"]?.fault(.empty, "Name at least one stage.") }
        let known = (stages ?? []).map(Stage.read)
        (stages ?? []).refuseRepeated(known.map { $0?.id })
        guard let items = object.required("gates", "a list of { id: …, to: STAGE, requires: […] }.")?.items(limit: 200) else { return nil }
        let names = known.compactMap { $0?.id }
        guard let subject else { return nil }
        let gates = items.map { Gate.read($0, names, known.compactMap { $0 }, scope.conditions(subject)) }
        items.refuseRepeated(gates.map { $0?.id })
        guard stages != nil, !known.contains(where: { $0 == nil }), !gates.contains(where: { $0 == nil }) else { return nil }
        let rules = GateRules(subject: subject, stages: known.compactMap { $0 }, gates: gates.compactMap { $0 })
        for (reader, gate) in zip(items, rules.gates) { rules.refuseUnasked(gate, reader) }
        return rules
    }

    /// Whoever waits in a stage goes there without its gates being asked; nor is there a way on from a final one.
    private func refuseUnasked(_ gate: Gate, _ reader: RuleReader) {
        for (place, requirement) in gate.requirements.enumerated() {
            guard case .wait(let stage) = requirement.otherwise else { continue }
            let member = reader.at(["requires", "\(place)", "otherwise", "wait_in"])
            if stages.contains(where: { $0.id == stage && $0.isFinal }) {
                member.fault(.conflict, "“\(stage)” is final: what waits there never goes on. Wait in another stage.")
            }
            if let other = gates.first(where: { $0.to.contains(stage) && $0.meets(gate) }) {
                member.fault(
                    .conflict, "“\(stage)” is guarded by “\(other.id)”, which waiting would pass by. Wait in a stage without a gate.")
            }
        }
    }
}

extension Stage {
    fileprivate static func read(_ reader: RuleReader) -> Stage? {
        guard reader.isObject else { return reader.identifier().map { Stage(id: $0, label: Label($0, $0), isFinal: false) } }
        guard let object = reader.object(keys: ["id", "label", "final"]) else { return nil }
        let id = object.required("id", "a short name, such as quoted.")?.identifier()
        let label = object["label"].map { $0.label() } ?? id.map { Label($0, $0) }
        let isFinal = object["final"].map { $0.boolean() } ?? false
        guard let id, let label, let isFinal else { return nil }
        return Stage(id: id, label: label, isFinal: isFinal)
    }

    /// The names of stages that exist.
    fileprivate static func read(_ reader: RuleReader, among names: [String]) -> [String]? {
        guard let items = reader.itemsOrOne(limit: 50) else { return nil }
        if items.isEmpty { reader.fault(.empty, "Name at least one stage.") }
        let stages = items.map { readOne($0, among: names) }
        items.refuseRepeated(stages)
        return stages.isEmpty || stages.contains(nil) ? nil : stages.compactMap { $0 }
    }

    fileprivate static func readOne(_ reader: RuleReader, among names: [String]) -> String? {
        guard let name = reader.text(limit: 64) else { return nil }
        guard names.contains(name) else {
            let guess = RuleReader.closest(to: name, among: names).map { "did you mean “\($0)”?" }
            reader.fault(
                .unknownValue,
                "There is no stage “\(name)” in “stages”; \(guess ?? "add it there, or name one of: \(names.joined(separator: ", ")).")")
            return nil
        }
        return name
    }
}

extension Gate {
    /// Whether some transition may be asked of both by where it comes from.
    fileprivate func meets(_ other: Gate) -> Bool { from.isEmpty || other.from.isEmpty || !Set(from).isDisjoint(with: other.from) }

    fileprivate static func read(_ reader: RuleReader, _ names: [String], _ stages: [Stage], _ conditions: ConditionScope) -> Gate? {
        guard let object = reader.object(keys: ["id", "from", "to", "requires", "action_list"]) else { return nil }
        let id = object.required("id", "a short name; answers show it.")?.identifier()
        let from = object["from"].map { Stage.read($0, among: names) } ?? []
        let to = object.required("to", "the stage it guards.").flatMap { Stage.read($0, among: names) }
        for (reader, name) in zip(object["from"]?.itemsOrOneQuietly ?? [], from ?? [])
        where stages.contains(where: { $0.id == name && $0.isFinal }) {
            reader.fault(.unreachable, "“\(name)” is final: nothing leaves it, so this gate is never asked from there.")
        }
        guard let items = object.required("requires", "a list of { id: …, label: …, when: … }.")?.items(limit: 50) else { return nil }
        if items.isEmpty {
            object["requires"]?.fault(.empty, "A gate that requires nothing is open; name a requirement, or remove the gate.")
        }
        let requirements = items.map { GateRequirement.read($0, names, to ?? [], conditions) }
        items.refuseRepeated(requirements.map { $0?.id })
        let isActionList = object["action_list"].map { $0.boolean() } ?? false
        guard let id, let from, let to, let isActionList, !requirements.isEmpty, !requirements.contains(where: { $0 == nil }) else {
            return nil
        }
        return Gate(id: id, from: from, to: to, requirements: requirements.compactMap { $0 }, isActionList: isActionList)
    }
}

extension GateRequirement {
    fileprivate static func read(_ reader: RuleReader, _ names: [String], _ guarded: [String], _ conditions: ConditionScope)
        -> GateRequirement?
    {
        guard let object = reader.object(keys: ["id", "label", "when", "otherwise"]) else { return nil }
        let id = object.required("id", "a short name; a refusal shows it.")?.identifier()
        let label = object["label"].map { $0.label(limit: 200) } ?? id.map { Label($0, $0) }
        let when = object.required("when", "the condition that must be true.").flatMap { Condition.read($0, in: conditions) }
        let otherwise = object["otherwise"].map { Otherwise.read($0, names, guarded) } ?? .refuse
        guard let id, let label, let when, let otherwise else { return nil }
        return GateRequirement(id: id, label: label, when: when, otherwise: otherwise)
    }
}

extension GateRequirement.Otherwise {
    fileprivate static func read(_ reader: RuleReader, _ names: [String], _ guarded: [String]) -> Self? {
        if reader.isObject {
            guard let object = reader.object(keys: ["wait_in"]), let member = object.required("wait_in", "the stage it waits in.") else {
                return nil
            }
            guard let stage = Stage.readOne(member, among: names) else { return nil }
            guard !guarded.contains(stage) else {
                member.fault(.conflict, "It cannot wait in “\(stage)”, the very stage this gate guards.")
                return nil
            }
            return .wait(stage: stage)
        }
        if reader.isWord("refuse") { return .refuse }
        if reader.isWord("warn") { return .warn }
        reader.fault(.unknownValue, "“otherwise” is refuse, warn, or { wait_in: STAGE }.")
        return nil
    }
}

extension RuleReader {
    /// Without a word about what does not fit; it was said before.
    fileprivate var itemsOrOneQuietly: [RuleReader] {
        if case .list(let items) = node.content {
            return items.enumerated().map { RuleReader(node: $1, path: "\(path)[\($0)]", faults: faults) }
        }
        return [self]
    }
}
