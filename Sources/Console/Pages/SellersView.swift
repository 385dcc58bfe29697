import JSONEnvelope

/// The list of sellers: who gets leads, and how many wait with whom.
public enum SellersView {
    /// What the list was asked for.
    public struct Query: Sendable {
        /// Part of the outside id or the name.
        public var text = ""
        public var team = ""
        public var state = ""
        public var cursor: String?

        public init() {}

        fileprivate var isEmpty: Bool { text.isEmpty && team.isEmpty && state.isEmpty }

        /// As the API takes them.
        public var parameters: String { Console.query(named(cursor: cursor) + [("limit", "50")]) }

        fileprivate func href(cursor: String?) -> String { Layout.path("sellers") + Console.query(named(cursor: cursor)) }

        private func named(cursor: String?) -> [(String, String?)] {
            [("text", text), ("team", team), ("state", state), ("cursor", cursor)]
        }
    }

    /// What the form calls what the API is asked for.
    private static let labels = ["text": "sellers_find", "team": "health_team", "state": "word_state"]

    private static let states = ["active", "frozen", "leave", "inactive"]

    /// - Parameters:
    ///   - page: `GET /v1/sellers` of the query.
    ///   - known: sellers whose teams are offered to choose from.
    ///   - refusal: why nothing was looked for.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, page: JSONNode, known: SellerNames, query: Query, refusal: Refusal? = nil
    ) -> View {
        let words = layout.words
        let sellers = page["items"]?.elements ?? []
        let next = page["next_cursor"]?.string
        let none = query.isEmpty ? "sellers_none" : "sellers_none_found"
        return layout.page(
            words["sellers_title"],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "searchAction": .text(Layout.path("sellers")), "text": .text(query.text), "liveOn": .text(refusal == nil ? "lead" : nil),
                "teamOptions": .list(
                    Option.list(
                        known.teamChoices(and: query.team.isEmpty ? [] : [query.team]), chosen: query.team, all: words["health_all_teams"])),
                "stateOptions": .list(
                    Option.list(states.map { ($0, words["seller_\($0)"]) }, chosen: query.state, all: words["state_any"])),
                "clearHref": query.isEmpty ? .nothing : .text(Layout.path("sellers")), "hasSellers": .flag(!sellers.isEmpty),
                "sellers": .list(sellers.map { row($0, clerk) }),
                "pager": Pager.view(
                    words, shown: sellers.count, first: query.cursor == nil ? nil : query.href(cursor: nil),
                    next: next.map { query.href(cursor: $0) }),
                "emptyTitle": .text(words[none]), "emptyWhy": .text(words["\(none)_why"]), "emptyLink": .flag(!query.isEmpty),
                "emptyHref": .text(Layout.path("sellers")), "emptyLabel": .text(words["word_clear"]),
            ])
    }

    private static func row(_ seller: JSONNode, _ clerk: Clerk) -> View {
        let id = seller["external_id"]?.string ?? ""
        let serves = ["regions", "industries"].flatMap { seller[$0]?.elements.compactMap(\.string) ?? [] }
        return waiting(seller, clerk).merging([
            "sellerHref": .text(SellerView.href(id)), "sellerName": .text(seller["name"]?.string), "sellerNumber": .text(id),
            "sellerTeam": .text(seller["team_name"]?.string ?? seller["team"]?.string), "state": SellerView.chip(seller, clerk.words),
            "serves": .text(serves.joined(separator: clerk.words["list_separator"])),
            "assigned": .text(clerk.number(seller["assigned"]) ?? "–"), "last": clerk.when(seller["last_assigned_at"]),
        ])
    }

    /// How many leads wait with somebody, of how many that may.
    private static func waiting(_ seller: JSONNode, _ clerk: Clerk) -> View {
        let (pending, capacity) = (seller["pending"]?.integer ?? 0, seller["capacity"]?.integer ?? 0)
        return [
            "waiting": .text(clerk.words["worker_of", ["n": clerk.number(Int(pending)), "places": clerk.number(Int(capacity))]]),
            "waitingX": .text(Picture.length(capacity > 0 ? min(1, Double(pending) / Double(capacity)) : 1)),
            "waitingTone": .text(pending > capacity ? "warn" : "one"),
        ]
    }
}
