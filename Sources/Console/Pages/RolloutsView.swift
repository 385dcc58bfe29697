import Foundation
import JSONEnvelope

/// Changes of rules under way and those that ended, and the start of another.
public enum RolloutsView {
    /// - Parameters:
    ///   - running: `GET /v1/rollouts?running=true`.
    ///   - all: a page of `GET /v1/rollouts`.
    ///   - ruleSets: `GET /v1/rulesets`.
    ///   - isFirst: whether the page is the list's first.
    ///   - chosen: the draft that is to be rolled out, `route/default@5`.
    ///   - fault: why there is no such page of the list, or why `chosen` is not chosen; nil: there is, and it is.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, running: JSONNode, all: JSONNode, ruleSets: JSONNode, isFirst: Bool, chosen: String? = nil,
        once: String, refusal: Refusal? = nil, fault: Refusal? = nil
    ) -> View {
        let words = layout.words
        let current = running["items"]?.elements ?? []
        let ended = (all["items"]?.elements ?? []).filter { !RolloutWords.isRunning($0) }
        let next = all["next_cursor"]?.string
        let drafts = drafts(running, ruleSets)
        let ready = drafts.filter(isReplayed)
        let early = layout.may(.operator) ? drafts.filter { !isReplayed($0) } : []
        let noStart: String? =
            !layout.may(.operator) ? "rollouts_no_role" : drafts.isEmpty ? "rollouts_no_draft" : ready.isEmpty ? "rollouts_none_ready" : nil
        return layout.page(
            words["rollouts_title"],
            [
                "asOf": clerk.when(clerk.now),
                "problem": refusal.map { $0.view(words) } ?? fault.map {
                    $0.view(on: layout, ofSearch: ["version": "rollouts_address"], instead: "advice_no_draft")
                } ?? .nothing,
                "isListed": .flag(fault?.isOfPage != true), "hasRunning": .flag(!current.isEmpty),
                "running": .list(current.map { row($0, clerk) }), "hasEnded": .flag(!ended.isEmpty),
                "ended": .list(ended.map { endedRow($0, ruleSets, clerk) }),
                "pager": Pager.view(
                    words, shown: ended.count, first: isFirst ? nil : Layout.path("rollouts"),
                    next: next.map { Layout.path("rollouts") + query([("cursor", $0)]) }),
                "start": noStart == nil ? start(layout, clerk, ready, chosen, once: once, refusal) : .nothing,
                "hasEarly": .flag(!early.isEmpty), "early": .list(early.map { earlyRow($0, words) }),
                "noStart": .text(noStart.map { words[$0] }),
            ])
    }

    /// Why the draft that is named cannot be chosen; nil: it can, or none is named.
    public static func fault(ofDraft chosen: String?, running: JSONNode, ruleSets: JSONNode) -> Refusal? {
        let ready = drafts(running, ruleSets).filter(isReplayed)
        guard let chosen, !ready.contains(where: { name(of: $0) == chosen }) else { return nil }
        // Only a link names one: where no draft is ready, the page has no field for it.
        return .search("version", "asks for “\(chosen.prefix(100))”, which is no draft that can be rolled out now")
    }

    /// Those of rule sets that are live, which are not being rolled out.
    private static func drafts(_ running: JSONNode, _ ruleSets: JSONNode) -> [JSONNode] {
        let underWay = Set((running["items"]?.elements ?? []).map { "\(RolloutWords.lineage($0))@\($0["version"]?.integer ?? 0)" })
        return (ruleSets["items"]?.elements ?? []).filter {
            $0["newest_state"]?.string == "draft" && $0["can_be_rolled_out"]?.bool == true && $0["live_version"]?.integer != nil
                && !underWay.contains(name(of: $0))
        }
    }

    private static func isReplayed(_ draft: JSONNode) -> Bool {
        draft["rounds_passed"]?.integer ?? 0 >= draft["rounds_required"]?.integer ?? 0
    }

    /// `route/default@5`
    private static func name(of draft: JSONNode) -> String { "\(RolloutWords.lineage(draft))@\(draft["newest_version"]?.integer ?? 0)" }

    /// A draft that has not passed the rounds its tenant asks for.
    private static func earlyRow(_ draft: JSONNode, _ words: Words) -> View {
        let (name, version) = (RolloutWords.lineage(draft), RolloutWords.number(draft["newest_version"]))
        return [
            "earlyName": .text(RolloutWords.version(version, of: name, words)), "earlyHref": .text(Layout.path("rules/\(name)")),
            "earlyRounds": .text(
                words[
                    "rollouts_rounds",
                    ["passed": RolloutWords.number(draft["rounds_passed"]), "required": RolloutWords.number(draft["rounds_required"])]]),
        ]
    }

    private static func row(_ rollout: JSONNode, _ clerk: Clerk) -> View {
        let words = clerk.words
        let isShadow = rollout["state"]?.string == "shadow"
        let said = isShadow ? RolloutWords.shadow(rollout, clerk) : GuardWords.line(rollout, clerk)
        return [
            "rolloutHref": .text(Layout.path("rollouts/\(rollout["id"]?.string ?? "")")),
            "ruleSet": .text(RolloutWords.title(rollout, words)),
            "versions": .text(RolloutWords.versions(rollout, words)), "state": RolloutWords.chip(rollout, words),
            "percent": .text(RolloutWords.percent(rollout, words)),
            "percentX": .text(Picture.length((rollout["percent"]?.double ?? 0) / 100)),
            "decision": RolloutWords.decision(rollout["decision"]?.string, words), "guardWords": .text(said),
            "canaryLeads": .text(clerk.number(rollout["arms"]?["canary"]?["n"]) ?? "–"), "started": clerk.when(rollout["started_at"]),
            "startedBy": .text(clerk.actor(rollout["started_by"]?.string)),
        ]
    }

    private static func endedRow(_ rollout: JSONNode, _ ruleSets: JSONNode, _ clerk: Clerk) -> View {
        let live = ruleSets["items"]?.elements.first { RolloutWords.lineage($0) == RolloutWords.lineage(rollout) }?["live_version"]?.integer
        let replacedBy = RolloutWords.isReplaced(rollout, live: live) ? live : nil
        return [
            "rolloutHref": .text(Layout.path("rollouts/\(rollout["id"]?.string ?? "")")),
            "ruleSet": .text(RolloutWords.title(rollout, clerk.words)),
            "versions": .text(RolloutWords.versions(rollout, clerk.words)),
            "state": replacedBy == nil
                ? RolloutWords.chip(rollout, clerk.words) : .chip(.idle, clerk.words["rollout_state_replaced"]),
            "replacedBy": .text(replacedBy.map { clerk.words["rollouts_live_now", ["version": String($0)]] }),
            "endReason": .text(rollout["end_reason"]?.string.map { Sentences.said($0, clerk.words) }),
            "endedAt": clerk.when(rollout["ended_at"]),
        ]
    }

    private static func start(_ layout: Layout, _ clerk: Clerk, _ drafts: [JSONNode], _ chosen: String?, once: String, _ refusal: Refusal?)
        -> View
    {
        let words = layout.words
        let control = Control("start", action: Layout.path("rollouts"), once: once, refusal: refusal)
        let options = drafts.map { draft -> (value: String, label: String) in
            let (name, version) = (RolloutWords.lineage(draft), RolloutWords.number(draft["newest_version"]))
            return ("\(name)@\(version)", RolloutWords.version(version, of: name, words))
        }
        let promotions = ["manual", "automatic"].map { ($0, words["rollouts_promotion_\($0)"]) }
        return control.view([
            "draftOptions": .list(Option.list(options, chosen: control.draft("version", chosen ?? options.first?.value ?? ""))),
            "percentDraft": .text(control.draft("percent", "0")), "touchMinutes": .text(control.draft("first_touch_minutes", "4")),
            "leastLeads": .text(control.draft("least_leads", "500")),
            "promotionOptions": .list(Option.list(promotions, chosen: control.draft("promotion", "manual"))),
        ])
    }
}
