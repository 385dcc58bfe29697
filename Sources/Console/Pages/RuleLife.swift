import Foundation
import JSONEnvelope

/// A version's way: rounds on the past, a rollout, or live at once.
struct RuleLife {
    let layout: Layout
    let clerk: Clerk
    let facts: RuleView.Facts
    let path: String
    let once: String
    let refusal: Refusal?

    private var words: Words { layout.words }
    private var version: Int64? { facts.shown?["version"]?.integer }
    private var state: String? { facts.shown?["state"]?.string }
    private var live: Int64? {
        facts.versions?["items"]?.elements.first { $0["state"]?.string == "live" }?["version"]?.integer
    }
    /// Whether it has passed the rounds that are asked of a draft.
    private var isReplayed: Bool {
        state != "draft" || facts.rounds?["passed"]?.integer ?? 0 >= facts.rounds?["required"]?.integer ?? 0
    }
    private var decides: Bool { ["map", "score", "route", "clock", "message"].contains(facts.kind) }

    /// Whether the next version that is saved is live at once, as the first of a name is.
    var isLiveOnceSaved: Bool { facts.shown == nil && !facts.isAnotherLive }

    var summary: String {
        guard let shown = facts.shown else { return words[isLiveOnceSaved ? "rule_versions_none_why" : "rule_first_draft"] }
        let saved = shown["created_at"]?.date.map { clerk.ago($0) } ?? ""
        let text = words["rule_saved", ["ago": saved, "actor": clerk.actor(shown["actor"]?.string) ?? ""]]
        guard let live, live != version else { return text }
        return words.passage([text, words["rule_live_is", ["n": String(live)]]])
    }

    var sandbox: View {
        guard let version, let rounds = facts.rounds else { return .nothing }
        let items = rounds["items"]?.elements ?? []
        let control = Control("replay", action: "\(path)/versions/\(version)/replay", once: once, refusal: refusal)
        let quarter = clerk.now.addingTimeInterval(-90 * 86_400)
        return [
            "sandboxWords": .text(state == "draft" ? asked(of: rounds) : nil),
            "hasRounds": .flag(!items.isEmpty), "rounds": .list(items.prefix(10).map(round)),
            "replayForm": state == "draft" || state == "live"
                ? control.view([
                    "fromDay": .text(control.draft("from", clerk.day(quarter))), "toDay": .text(control.draft("to", clerk.day(clerk.now))),
                ]) : .nothing,
        ]
    }

    /// What a draft has to pass before it may be live.
    private func asked(of rounds: JSONNode) -> String {
        if rounds["required"]?.integer == 0 { return words["rule_rounds_free"] }
        return words["rule_rounds", ["passed": RolloutWords.number(rounds["passed"]), "required": RolloutWords.number(rounds["required"])]]
    }

    private func round(_ round: JSONNode) -> View {
        func day(_ name: String) -> String { round[name]?.date.map { clerk.day($0) } ?? "–" }
        let differ = clerk.number(round["differing"]).map {
            words["rule_round_differ", ["n": $0, "of": clerk.number(round["replayed"]) ?? "–"]]
        }
        let reasons = (round["reasons"]?.elements ?? []).compactMap { $0.string.map { Sentences.said($0, words) } }
        let detail =
            RoundView.isOfNothing(round)
            ? words["round_nothing"] : [differ, reasons.isEmpty ? nil : words.passage(reasons)].compactMap(\.self).joined(separator: " · ")
        return [
            "roundHref": .text(Layout.path("rounds/\(round["round_id"]?.string ?? "")")),
            "roundWords": .text("\(day("from")) – \(day("to"))"), "roundDetail": .text(detail.isEmpty ? nil : detail),
            "roundState": RoundView.chip(round, words),
        ]
    }

    /// To the rollout that runs, or to the start of one.
    var rollout: View {
        if let running = facts.rollout {
            let label = words[
                "rule_in_rollout",
                ["n": RolloutWords.number(running["version"]), "percent": RolloutWords.percent(running, words)]]
            return ["rolloutHref": .text(Layout.path("rollouts/\(running["id"]?.string ?? "")")), "rolloutLabel": .text(label)]
        }
        guard state == "draft", decides, live != nil, layout.may(.operator), isReplayed, let version else { return .nothing }
        let chosen = query([("version", "\(facts.kind)/\(facts.name)@\(version)")])
        return ["rolloutHref": .text(Layout.path("rollouts") + chosen + "#start-title"), "rolloutLabel": .text(words["rollouts_start"])]
    }

    var publish: View {
        guard let version, state == "draft" || state == "retired", layout.may(.operator), isReplayed, facts.rollout == nil else {
            return .nothing
        }
        let isBack = state == "retired"
        return Control("publish", action: "\(path)/versions/\(version)/publish", once: once, refusal: refusal).view([
            "publishLabel": .text(words[isBack ? "rule_go_back" : "rule_publish"]),
            "publishConsequence": .text(words["rule_publish_consequence", ["n": String(version)]]),
        ])
    }

    var whyNot: String? {
        guard state != "live", facts.shown != nil, facts.rollout == nil else { return nil }
        if state == "retired", layout.may(.operator), decides { return words["rule_retired_small"] }
        return !layout.may(.operator) ? words["rule_no_role"] : isReplayed ? nil : words["rule_rounds_first"]
    }
}
