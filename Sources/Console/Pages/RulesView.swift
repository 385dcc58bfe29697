import JSONEnvelope

/// The rule sets a tenant has, by the question they answer.
public enum RulesView {
    public static let kinds = ["map", "match", "score", "route", "clock", "gate", "measure", "message"]

    /// - Parameters:
    ///   - sets: `GET /v1/rulesets`.
    ///   - rollouts: `GET /v1/rollouts?running=true`.
    ///   - packs: names of those a tenant can begin with.
    public static func page(_ layout: Layout, _ clerk: Clerk, sets: JSONNode, rollouts: JSONNode, packs: [String]) -> View {
        let words = layout.words
        let all = sets["items"]?.elements ?? []
        let running = rollouts["items"]?.elements ?? []
        return layout.page(
            words["rules_title"],
            [
                "asOf": clerk.when(clerk.now),
                "kinds": .list(
                    kinds.map { kind in
                        let own = all.filter { $0["kind"]?.string == kind }
                        return [
                            "kindName": .text(words["rule_kind_\(kind)"]),
                            "kindQuestion": .text(words["rule_question_\(kind)"]),
                            // The first of a kind is called default; others are named by who saves them.
                            "newHref": own.isEmpty ? .text(Layout.path("rules/\(kind)/default")) : .nothing,
                            "sets": .list(own.map { row($0, running, clerk) }),
                            "noSets": .text(words["rules_none"]),
                            "noSetsWhy": .text(words["rules_none_why"]),
                        ]
                    }),
                "packs": .list(
                    packs.map { pack in
                        [
                            "packName": .text(words.known("pack", pack)), "packWords": .text(words["pack_\(pack)_what"]),
                            "packHref": .text(Layout.path("packs/\(pack)")),
                        ]
                    }),
            ])
    }

    private static func row(_ set: JSONNode, _ running: [JSONNode], _ clerk: Clerk) -> View {
        let words = clerk.words
        let lineage = RolloutWords.lineage(set)
        let rollout = running.first { RolloutWords.lineage($0) == lineage }
        let live = set["live_version"]?.integer
        let isDraft = set["newest_state"]?.string == "draft"
        return [
            "setHref": .text(Layout.path("rules/\(lineage)")), "setName": .text(set["name"]?.string),
            "liveState": live.map { .chip(.good, words["rollout_version", ["n": String($0)]]) } ?? .chip(.idle, words["rules_not_live"]),
            "drafts": .text(
                isDraft ? words["rollout_version", ["n": RolloutWords.number(set["newest_version"])]] : words["rules_no_draft"]),
            "rolloutHref": .text(rollout.map { Layout.path("rollouts/\($0["id"]?.string ?? "")") }),
            "rolloutWords": .text(
                rollout.map { "\(words.known("rollout_state", $0["state"]?.string ?? "")) \(RolloutWords.percent($0, words))" }),
            "changed": clerk.when(set["saved_at"]), "changedBy": .text(clerk.actor(set["saved_by"]?.string)),
        ]
    }
}
