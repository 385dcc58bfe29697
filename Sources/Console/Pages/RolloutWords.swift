import Foundation
import JSONEnvelope

/// What is said of a rollout in more than one place.
enum RolloutWords {
    static func chip(_ rollout: JSONNode, _ words: Words, withPercent: Bool = false) -> View {
        let state = rollout["state"]?.string ?? ""
        let tone: Tone =
            switch state {
            case "canary": .info
            case "live": .good
            case "aborted": .bad
            default: .idle
            }
        let label = words.known("rollout_state", state)
        return .chip(tone, withPercent && state == "canary" ? "\(label) \(percent(rollout, words))" : label)
    }

    static func decision(_ decision: String?, _ words: Words) -> View {
        guard let decision else { return .nothing }
        let tone: Tone =
            switch decision {
            case "promotable": .good
            case "abort": .bad
            default: .idle
            }
        return .chip(tone, words.known("decision", decision))
    }

    /// `route/default`
    static func lineage(_ rollout: JSONNode) -> String { "\(rollout["kind"]?.string ?? "")/\(rollout["name"]?.string ?? "")" }

    /// Whether it was promoted and another version is live by now.
    ///
    /// - Parameter live: which one is; nil: it is not known.
    static func isReplaced(_ rollout: JSONNode, live: Int64?) -> Bool {
        guard rollout["state"]?.string == "live", let live else { return false }
        return live != rollout["arms"]?["canary"]?["version"]?.integer
    }

    /// What people call what is rolled out: the rule set, or the model, of which there is one.
    static func title(_ rollout: JSONNode, _ words: Words) -> String {
        isOfWarnings(rollout) ? words["rule_kind_warning_model"] : lineage(rollout)
    }

    /// Whether a model is tried on teams, not rules on customers.
    static func isOfWarnings(_ rollout: JSONNode) -> Bool { rollout["kind"]?.string == "warning_model" }

    /// What is said of rules and their leads, or of a model and its warnings.
    static func said(_ name: String, of rollout: JSONNode, _ words: Words, _ values: [String: String] = [:]) -> String {
        words[isOfWarnings(rollout) ? "\(name)_model" : name, values]
    }

    /// `route/default, version 4`
    static func version(_ number: String, of set: String, _ words: Words) -> String {
        words["rule_of_version", ["set": set, "version": words["rollout_version", ["n": number]]]]
    }

    /// Whether nothing is live that it could be held against.
    static func isFirst(_ rollout: JSONNode) -> Bool { rollout["arms"]?["stable"]?["version"]?.integer == nil }

    static func versions(_ rollout: JSONNode, _ words: Words) -> String {
        let to = number(rollout["arms"]?["canary"]?["version"])
        if isFirst(rollout) { return words["rollout_version", ["n": to]] }
        return words["rollout_versions", ["from": number(rollout["arms"]?["stable"]?["version"]), "to": to]]
    }

    static func percent(_ rollout: JSONNode, _ words: Words) -> String { words.percent(number(rollout["percent"])) }

    /// As it was written: `12.5`; a dash where there is none.
    static func number(_ node: JSONNode?) -> String {
        guard let node, node.type != .null else { return "–" }
        return String(decoding: node.bytes, as: UTF8.self)
    }

    /// Where a decision leaves a lead: with whom, in which pool, or in which state.
    static func place(_ outcome: String, _ name: String?, _ sellers: SellerNames, _ words: Words) -> String {
        let state = words.all["lead_state_\(outcome)"] ?? words.known("outcome", outcome)
        guard let name else { return state }
        return words["rollout_place", ["state": state, "name": outcome == "pooled" ? name : sellers.name(name) ?? name]]
    }

    /// How often the shadow said otherwise. Empty where none was run: the differences shown are those of the canary then.
    static func shadow(_ rollout: JSONNode, _ clerk: Clerk) -> String {
        let shadow = rollout["shadow"]
        guard (shadow?["leads"]?.integer ?? 0) > 0 else { return "" }
        let counts = ["different": clerk.number(shadow?["different"]) ?? "0", "leads": clerk.number(shadow?["leads"]) ?? "0"]
        return said("rollout_shadow_words", of: rollout, clerk.words, counts)
    }

    /// Of all its stages.
    static func sum(_ field: String, of rollout: JSONNode) -> Int {
        (rollout["stages"]?.elements ?? []).reduce(0) { $0 + Int($1[field]?.integer ?? 0) }
    }

    static func isRunning(_ rollout: JSONNode) -> Bool { ["shadow", "canary"].contains(rollout["state"]?.string ?? "") }
}
