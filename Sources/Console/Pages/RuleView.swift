import Foundation
import JSONEnvelope

/// One version of a rule set: its text to edit and check, what it changes, and its way to being live.
public enum RuleView {
    /// As the API answers them; nil: there is none.
    public struct Facts: Sendable {
        public var kind: String
        public var name: String
        /// `GET …/versions`; nil: never saved.
        public var versions: JSONNode?
        /// `GET …/versions/{version}`, the one that is shown.
        public var shown: JSONNode?
        /// `GET …/diff`
        public var diff: JSONNode?
        /// `GET …/rounds`
        public var rounds: JSONNode?
        /// The rollout of this rule set that runs, of `GET /v1/rollouts?running=true`; nil: none does.
        public var rollout: JSONNode?
        /// Which version the shown one is held against.
        public var from: Int64?
        /// A pack's text that is to be edited instead of the shown one.
        public var fromPack: (pack: String, source: String)?
        /// Whether another name decides already for this kind: a first version of this one is a draft then.
        public var isAnotherLive = false

        public init(kind: String, name: String) {
            self.kind = kind
            self.name = name
        }
    }

    /// What a check of a text found.
    public struct Check: Sendable {
        public var source: String
        public var refusal: Refusal?
        /// `findings` of a dry run.
        public var findings: JSONNode?

        public init(source: String, refusal: Refusal?, findings: JSONNode?) {
            self.source = source
            self.refusal = refusal
            self.findings = findings
        }
    }

    /// - Parameter fault: why the version is held against none.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, _ facts: Facts, check: Check? = nil, once: String, refusal: Refusal? = nil, fault: Refusal? = nil
    ) -> View {
        let words = layout.words
        let path = Layout.path("rules/\(facts.kind)/\(facts.name)")
        let version = facts.shown?["version"]?.integer
        let lineage = "\(facts.kind)/\(facts.name)"
        let heading = version.map { RolloutWords.version(String($0), of: lineage, words) } ?? lineage
        let source =
            check?.source ?? refusal.flatMap { $0.formID == "edit" ? $0.draft["source"] : nil } ?? facts.fromPack?.source
            ?? facts.shown?["source"]?.string ?? ""
        let changes = facts.diff?["changes"]?.elements ?? []
        let versions = facts.versions?["items"]?.elements ?? []
        let life = RuleLife(layout: layout, clerk: clerk, facts: facts, path: path, once: once, refusal: refusal)
        let unheld = fault.map { $0.view(words, ofSearch: ["from": "rule_compare"], instead: "advice_no_comparison") }
        let noChangesWhy = fault != nil ? "advice_no_comparison" : facts.diff == nil ? "rule_no_diff" : "rollout_diff_none_why"
        var members: [String: View] = [
            "asOf": clerk.when(clerk.now), "problem": refusal.map { problem($0, words) } ?? unheld ?? .nothing,
            "listHref": .text(Layout.path("rules")),
            "kindName": .text(words.known("rule_kind", facts.kind)), "heading": .text(heading), "state": state(facts.shown, words),
            "summary": .text(life.summary),
            "textTitle": .text(
                facts.fromPack.map { words["rule_from_pack", ["pack": words.known("pack", $0.pack)]] }
                    ?? version.map { words["rollout_version", ["n": String($0)]] } ?? words["rule_first"]),
            "source": .text(source),
            "editor": Control("edit", action: path, once: once, refusal: refusal).view([
                "checkAction": .text("\(path)/check"), "saveLabel": .text(words[life.isLiveOnceSaved ? "rule_save_live" : "rule_save"]),
            ]),
            "diffLead": .text(diffLead(facts, words)), "hasChanges": .flag(!changes.isEmpty),
            "changes": .list(
                changes.map { ["changeWords": .text($0[words.language.rawValue]?.string), "changePath": .text($0["path"]?.string)] }),
            "noChangesWhy": .text(words[noChangesWhy]),
            "hasVersions": .flag(!versions.isEmpty),
            "versions": .list(versions.map { row($0, path, shown: version, clerk) }), "sandbox": life.sandbox,
            "rolloutLink": life.rollout, "publish": life.publish, "noControls": .text(life.whyNot),
        ]
        members.merge(RuleFaultsView.members(check, refusal, words)) { $1 }
        return layout.page(heading, members)
    }

    /// What is wrong with a text is told below it, and not once more above.
    private static func problem(_ refusal: Refusal, _ words: Words) -> View {
        var refusal = refusal
        if refusal.formID == "edit" { refusal.faults = [] }
        return refusal.view(words)
    }

    static func state(_ version: JSONNode?, _ words: Words) -> View {
        guard let state = version?["state"]?.string else { return .nothing }
        return .chip(state == "live" ? .good : .idle, words.known("rule_state", state))
    }

    private static func diffLead(_ facts: Facts, _ words: Words) -> String? {
        guard let to = facts.shown?["version"]?.integer, let from = facts.from else { return nil }
        return words["rollout_diff_lead", ["to": String(to), "from": String(from)]]
    }

    private static func row(_ version: JSONNode, _ path: String, shown: Int64?, _ clerk: Clerk) -> View {
        let number = version["version"]?.integer ?? 0
        return [
            "versionHref": .text("\(path)?version=\(number)"), "versionName": .text(clerk.words["rollout_version", ["n": String(number)]]),
            "versionState": state(version, clerk.words), "savedBy": .text(clerk.actor(version["actor"]?.string)),
            "saved": clerk.when(version["created_at"]),
            "isShown": .flag(number == shown), "compareHref": number > 1 ? .text("\(path)?version=\(number)&from=\(number - 1)") : .nothing,
        ]
    }
}
