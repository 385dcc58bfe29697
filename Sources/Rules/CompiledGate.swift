import Foundation
import SalesModel

/// Gates ready to be asked.
public struct CompiledGates: Sendable {
    public let rules: GateRules
    private let table: FieldTable
    private let gates: [(gate: Gate, conditions: [CompiledCondition])]

    public init(_ rules: GateRules) {
        self.rules = rules
        let fields = rules.gates.flatMap { $0.requirements.flatMap(\.when.fields) }
        let table = FieldTable(Set(fields))
        self.table = table
        gates = rules.gates.map { gate in (gate, gate.requirements.map { CompiledCondition($0.when, in: table) }) }
    }
}

/// What keeps a transition from being made, or what it lacks all the same.
public struct UnmetRequirement: Sendable, Hashable {
    public let gate: String
    public let requirement: GateRequirement
    /// Not `yes`. Unknown is not met, and says so.
    public let truth: Truth
    public let tests: [DecidingTest]

    /// The requirement by name, and what there is instead.
    public func text(in language: Language) -> String {
        let found = tests.map { Reason($0).text(in: language) }.joined(separator: language == .chinese ? "" : " ")
        switch (language, truth) {
        case (.english, .unknown): return "\(requirement.label.english): not known. \(found)"
        case (.english, _): return "\(requirement.label.english): missing. \(found)"
        case (.chinese, .unknown): return "\(requirement.label.chinese)：无法判断。\(found)"
        case (.chinese, _): return "\(requirement.label.chinese)：缺少。\(found)"
        }
    }
}

public enum GateAnswer: Sendable, Hashable {
    /// It may go; `warnings` is what it lacks without being stopped.
    case open(warnings: [UnmetRequirement])
    /// It goes to this stage and waits for the rest.
    case waiting(stage: String, unmet: [UnmetRequirement])
    /// Every requirement that is not met, of all gates.
    case shut([UnmetRequirement])
    case noSuchStage(String)
    /// The stage it stands in is final.
    case final(String)
}

extension CompiledGates {
    /// May the subject go from one stage to another?
    ///
    /// - Parameter from: nil: it has none yet.
    public func answer(from: String?, to: String, _ facts: SubjectFacts, now: Date) -> GateAnswer {
        guard rules.stages.contains(where: { $0.id == to }) else { return .noSuchStage(to) }
        if let from, rules.stages.contains(where: { $0.id == from && $0.isFinal }) { return .final(from) }
        let values = facts.values(in: table)
        let happenings = Happenings(facts.events.filter { $0.at <= now }, now: now)
        var unmet: [UnmetRequirement] = []
        for (gate, conditions) in gates where gate.to.contains(to) && (gate.from.isEmpty || from.map(gate.from.contains) ?? false) {
            for (requirement, condition) in zip(gate.requirements, conditions) {
                let truth = condition.truth(of: values, happenings)
                guard truth != .yes else { continue }
                let tests = condition.decidingTests(for: values, happenings)
                unmet.append(UnmetRequirement(gate: gate.id, requirement: requirement, truth: truth, tests: tests))
            }
        }
        let refusing = unmet.filter { $0.requirement.otherwise == .refuse }
        guard refusing.isEmpty else { return .shut(unmet.filter { $0.requirement.otherwise != .warn }) }
        for lacking in unmet {
            if case .wait(let stage) = lacking.requirement.otherwise { return .waiting(stage: stage, unmet: unmet) }
        }
        return .open(warnings: unmet)
    }
}
