import JSONEnvelope

/// The list of leads.
public enum LeadsView {
    /// What the list was asked for.
    public struct Query: Sendable {
        /// Part of its outside id or of a field.
        public var text = ""
        /// The seller who has it, by the id or the name.
        public var owner = ""
        public var state = ""
        public var source = ""
        /// How it stands with its first touch: one of `touches`.
        public var touch = ""
        public var cursor: String?

        public init() {}

        /// As the API takes them.
        /// - Parameters:
        ///   - sellers: whom the owner is looked up among; the API knows ids.
        ///   - isExact: asks for the outside id instead of a part of anything.
        ///   - limit: how many leads a page has.
        public func parameters(_ sellers: SellerNames, isExact: Bool = false, limit: Int = 50) -> String {
            let asked = (owner: sellers.id(of: owner), cursor: isExact ? nil : cursor)
            return Console.query([
                (isExact ? "external_id" : "text", text), ("owner", asked.owner), ("state", state), ("source", source),
                ("touch", touch), ("cursor", asked.cursor), ("limit", String(limit)),
            ])
        }

        private var parts: [(String, String?)] {
            [("text", text), ("owner", owner), ("state", state), ("source", source), ("touch", touch)]
        }

        fileprivate var isEmpty: Bool { parts.allSatisfy { $0.1?.isEmpty ?? true } }

        /// Whether it asks for a number and for nothing else.
        public var isNumber: Bool {
            !text.isEmpty && text.allSatisfy(\.isWholeNumber) && cursor == nil
                && [owner, state, source, touch].allSatisfy(\.isEmpty)
        }

        fileprivate func href(cursor: String?) -> String {
            Layout.path("leads") + Console.query(parts + [("cursor", cursor)])
        }

        /// All of it, for a spreadsheet.
        /// Says whose leads the page shows, as its forms do: nothing in the table tells it.
        fileprivate func tableHref(_ layout: Layout) -> String {
            Layout.path("leads.csv") + Console.query(parts + [("for", layout.actingFor)])
        }
    }

    /// What the form calls what the API is asked for.
    private static let labels = [
        "text": "leads_find", "owner": "leads_owner", "state": "word_state", "source": "leads_source", "touch": "leads_touch",
    ]

    /// So many sellers are offered to choose from; others are typed.
    private static let mostOffered = 200

    static let states = ["awaiting_assignment", "assigned", "pooled", "with_marketing", "manual_queue", "held"]

    private static let touches = ["late", "untouched", "touched"]

    /// A page that found nothing may have a next one: text is looked for in so many leads at once.
    private static func empty(_ layout: Layout, _ query: Query, next: String?) -> [String: View] {
        let (words, isFurther) = (layout.words, query.cursor != nil)
        // Who is held to cities is not told whether there are others.
        let none = layout.reach == .leadsOnly ? "leads_none_seen" : query.isEmpty ? "leads_none" : "leads_none_found"
        let word = next != nil ? "leads_none_yet" : isFurther ? "leads_none_further" : none
        return [
            "emptyTitle": .text(words[word]), "emptyWhy": .text(words["\(word)_why"]), "emptyLink": .flag(!query.isEmpty || isFurther),
            "emptyHref": .text(
                next.map { query.href(cursor: $0) } ?? (isFurther ? query.href(cursor: nil) : Layout.path("leads"))),
            "emptyLabel": .text(words[next != nil ? "leads_further" : isFurther ? "pager_first" : "word_clear"]),
        ]
    }

    /// Sellers who have the name that was asked for, to choose from; nothing where it says who is meant.
    private static func namesakes(_ sellers: SellerNames, _ query: Query, _ words: Words) -> View {
        let found = sellers.namesakes(of: query.owner).compactMap { $0["external_id"]?.string }
        guard !found.isEmpty else { return .nothing }
        return [
            "namesakesTitle": .text(words["leads_namesakes", ["n": String(found.count), "name": query.owner]]),
            "choices": .list(
                found.map { id in
                    var chosen = query
                    chosen.owner = id
                    return [
                        "choiceHref": .text(chosen.href(cursor: nil)), "choiceID": .text(id), "choiceTeam": .text(sellers.team(id)),
                    ]
                }),
        ]
    }

    /// - Parameters:
    ///   - page: `GET /v1/leads`.
    ///   - exact: those that are called just as was asked; they stand first, however old they are.
    ///   - refusal: why nothing was looked for.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, page: JSONNode, exact: JSONNode? = nil, sellers: SellerNames, query: Query,
        refusal: Refusal? = nil
    ) -> View {
        let words = layout.words
        let first = exact?["items"]?.elements ?? []
        let known = Set(first.compactMap { $0["id"]?.string })
        let leads = first + (page["items"]?.elements ?? []).filter { !known.contains($0["id"]?.string ?? "") }
        let next = page["next_cursor"]?.string
        return layout.page(
            words["leads_title"],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "searchAction": .text(Layout.path("leads")), "namesakes": namesakes(sellers, query, words),
                "isNarrow": .flag(!query.source.isEmpty || !query.touch.isEmpty),
                "query": ["text": .text(query.text), "owner": .text(query.owner), "source": .text(query.source)],
                "owners": .list(
                    sellers.all.prefix(Self.mostOffered).map {
                        ["ownerID": .text($0["external_id"]?.string), "ownerName": .text($0["name"]?.string)]
                    }),
                "sources": .list(Set(leads.compactMap { $0["source"]?.string }).sorted().map { .text($0) }),
                "stateOptions": .list(
                    Option.list(states.map { ($0, words["lead_state_\($0)"]) }, chosen: query.state, all: words["state_any"])),
                "touchOptions": .list(
                    Option.list(touches.map { ($0, words["leads_touch_\($0)"]) }, chosen: query.touch, all: words["leads_touch_any"])),
                "clearHref": query.isEmpty ? .nothing : .text(Layout.path("leads")), "hasLeads": .flag(!leads.isEmpty),
                // What is looked for in so many leads is not looked for again whenever one comes.
                "liveOn": .text(query.text.isEmpty && refusal == nil ? "lead" : nil),
                "leads": .list(leads.map { row($0, sellers, clerk) }), "tableHref": .text(query.tableHref(layout)),
                "tableLabel": .text(words["leads_table", ["n": clerk.number(LeadsTable.most)]]),
                "pager": Pager.view(
                    words, shown: leads.count, first: query.cursor == nil ? nil : query.href(cursor: nil),
                    next: next.map { query.href(cursor: $0) }),
            ]
        ).merging(empty(layout, query, next: next))
    }

    /// The rule it came by, or the other way it came to whoever has it; nil: nobody knows of one.
    static func way(_ decision: JSONNode?, _ words: Words) -> String? {
        way(
            rule: decision?["matched_rule"]?.string, outcome: decision?["outcome"]?.string,
            reason: decision?["reasons"]?.elements.first?["code"]?.string, words)
    }

    /// The same of what a decision came to, with the code of its first reason.
    public static func way(rule: String?, outcome: String?, reason: String?, _ words: Words) -> String? {
        if let rule { return LeadWords.rule(rule, words) }
        if outcome == "assigned_existing_owner" { return words["leads_way_customer"] }
        return switch reason {
        case "assigned_by_hand": words["leads_way_hand"]
        case "transferred_overdue": words["leads_way_overdue"]
        default: nil
        }
    }

    /// Whoever has it, or the pool it is in; nil: nobody has it.
    static func place(of lead: JSONNode, _ sellers: SellerNames, _ words: Words) -> String? {
        sellers.name(lead["owner"]?.string) ?? lead["pool"]?.string.map { words["lead_pool", ["name": $0]] }
    }

    private static func row(_ lead: JSONNode, _ sellers: SellerNames, _ clerk: Clerk) -> View {
        let id = lead["id"]?.string ?? ""
        let owner = lead["owner"]?.string
        let score = LeadWords.score(lead, clerk)
        return [
            "leadHref": .text(Layout.path("leads/\(id)")), "leadName": .text(LeadWords.name(lead)), "leadNumber": .text(id),
            "source": .text(lead["source"]?.string), "state": LeadWords.chip(lead, clerk.words),
            "heldWhy": .text(LeadWords.heldWhy(lead, clerk.words)),
            "owner": .text(place(of: lead, sellers, clerk.words) ?? "–"),
            "ownerTeam": .text(sellers.team(owner)), "rule": .text(way(lead["assignment"], clerk.words) ?? "–"),
            "ruleVersion": .text(lead["assignment"]?["rule_version"]?.string), "score": .text(score ?? "–"),
            "scoreX": score == nil ? .nothing : .text(Picture.length((lead["score"]?.double ?? 0) / 100)),
            "touch": LeadWords.touch(lead, clerk),
            "received": clerk.when(lead["received_at"]),
        ]
    }
}
