import JSONEnvelope

/// The list of leads.
public enum LeadsView {
    /// What the list was asked for.
    public struct Query: Sendable {
        /// What its source calls it.
        public var externalID = ""
        public var state = ""
        public var source = ""
        public var cursor: String?

        public init() {}

        /// As the API takes them.
        public var parameters: String {
            Console.query([("state", state), ("source", source), ("external_id", externalID), ("cursor", cursor)])
        }

        fileprivate var isEmpty: Bool { externalID.isEmpty && state.isEmpty && source.isEmpty }

        fileprivate func href(cursor: String?) -> String {
            Layout.path("leads") + Console.query([("state", state), ("source", source), ("id", externalID), ("cursor", cursor)])
        }
    }

    static let states = ["awaiting_assignment", "assigned", "pooled", "with_marketing", "manual_queue", "held"]

    /// - Parameter page: `GET /v1/leads`.
    public static func page(_ layout: Layout, _ clerk: Clerk, page: JSONNode, sellers: SellerNames, query: Query) -> View {
        let words = layout.words
        let leads = page["items"]?.elements ?? []
        let next = page["next_cursor"]?.string
        return layout.page(
            words["leads_title"],
            [
                "asOf": clerk.when(clerk.now), "searchAction": .text(Layout.path("leads")),
                "query": ["id": .text(query.externalID), "source": .text(query.source)],
                "sources": .list(Set(leads.compactMap { $0["source"]?.string }).sorted().map { .text($0) }),
                "stateOptions": .list(
                    Option.list(states.map { ($0, words["lead_state_\($0)"]) }, chosen: query.state, all: words["state_any"])),
                "clearHref": query.isEmpty ? .nothing : .text(Layout.path("leads")), "hasLeads": .flag(!leads.isEmpty),
                "leads": .list(leads.map { row($0, sellers, clerk) }),
                "pager": Pager.view(
                    words, shown: leads.count, first: query.cursor == nil ? nil : query.href(cursor: nil),
                    next: next.map { query.href(cursor: $0) }),
                "emptyTitle": .text(words[query.isEmpty ? "leads_none" : "leads_none_found"]),
                "emptyWhy": .text(words[query.isEmpty ? "leads_none_why" : "leads_none_found_why"]), "emptyLink": .flag(!query.isEmpty),
                "emptyHref": .text(Layout.path("leads")), "emptyLabel": .text(words["word_clear"]),
            ])
    }

    private static func row(_ lead: JSONNode, _ sellers: SellerNames, _ clerk: Clerk) -> View {
        let id = lead["id"]?.string ?? ""
        let owner = lead["owner"]?.string
        let score = LeadWords.score(lead, clerk)
        return [
            "leadHref": .text(Layout.path("leads/\(id)")), "leadName": .text(LeadWords.name(lead)), "leadNumber": .text(id),
            "source": .text(lead["source"]?.string), "state": LeadWords.chip(lead, clerk.words),
            "owner": .text(sellers.name(owner) ?? lead["pool"]?.string ?? "–"), "ownerTeam": .text(sellers.team(owner)),
            "rule": .text(lead["assignment"]?["matched_rule"]?.string ?? "–"),
            "ruleVersion": .text(lead["assignment"]?["rule_version"]?.string), "score": .text(score ?? "–"),
            "scoreX": score == nil ? .nothing : .text(Picture.length((lead["score"]?.double ?? 0) / 100)),
            "touch": LeadWords.touch(lead, clerk),
            "received": clerk.when(lead["received_at"]),
        ]
    }
}
