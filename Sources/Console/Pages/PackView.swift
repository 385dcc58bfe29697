import JSONEnvelope

/// A pack's rule sets, to be read and taken into the editor one by one.
public enum PackView {
    /// - Parameters:
    ///   - sets: `GET /v1/rulesets`: what the tenant has already, whose names the pack's texts are taken under.
    ///   - sources: the pack's text of each kind.
    public static func page(_ layout: Layout, _ clerk: Clerk, pack: String, sources: [String: String], sets: JSONNode) -> View {
        let words = layout.words
        let known = sets["items"]?.elements ?? []
        return layout.page(
            words.known("pack", pack),
            [
                "asOf": clerk.when(clerk.now), "listHref": .text(Layout.path("rules")), "packName": .text(words.known("pack", pack)),
                "packLead": .text(words["pack_\(pack)_what"]), "packCommand": .text("kiteline tenant create SLUG --pack \(pack)"),
                "sets": .list(
                    RulesView.kinds.compactMap { kind in
                        guard let source = sources[kind] else { return nil }
                        let own = known.filter { $0["kind"]?.string == kind }
                        let live = own.first { $0["live_version"]?.integer != nil } ?? own.first
                        let path = Layout.path("rules/\(kind)/\(live?["name"]?.string ?? "default")")
                        return [
                            "kind": .text(kind), "kindName": .text(words["rule_kind_\(kind)"]),
                            "kindQuestion": .text(words["rule_question_\(kind)"]), "source": .text(source),
                            "editHref": .text("\(path)?pack=\(pack)"),
                        ]
                    }),
            ])
    }
}
