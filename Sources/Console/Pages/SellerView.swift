import Foundation
import JSONEnvelope

/// One seller: whether they get leads now, what waits with them, and the freeze that keeps new leads away.
public enum SellerView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/sellers/{ext}`
        public var seller: JSONNode
        /// `GET /v1/sellers/{ext}/load`
        public var load: JSONNode
        /// `GET /v1/fuses/assignment`
        public var fuse: JSONNode
        /// Whose key it is; nil: nobody's in particular.
        public var person: String?

        public init(seller: JSONNode, load: JSONNode, fuse: JSONNode, person: String? = nil) {
            self.seller = seller
            self.load = load
            self.fuse = fuse
            self.person = person
        }
    }

    static func href(_ id: String) -> String { Layout.path("sellers/\(encoded(id))") }

    /// Frozen, or as they were told of.
    static func chip(_ seller: JSONNode, _ words: Words) -> View {
        if seller["freeze"]?.type == .object { return .chip(.warn, words["seller_frozen"]) }
        switch seller["status"]?.string {
        case "active": return .chip(.good, words["seller_active"])
        case let status?: return .chip(.idle, words.known("seller", status))
        case nil: return .chip(.idle, words["seller_untold"])
        }
    }

    public static func page(_ layout: Layout, _ clerk: Clerk, _ facts: Facts, once: String, refusal: Refusal? = nil) -> View {
        let (words, seller) = (layout.words, facts.seller)
        let id = seller["external_id"]?.string ?? ""
        return layout.page(
            seller["name"]?.string ?? id,
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(words) } ?? .nothing,
                "listHref": .text(Layout.path("sellers")), "number": .text(id), "heading": .text(seller["name"]?.string ?? id),
                "state": chip(seller, words), "summary": .text(team(seller, words)), "tiles": .list(tiles(facts.load, clerk)),
                "getsWords": .list(gets(facts, clerk).map { .text($0) }), "facts": .list(self.facts(seller, clerk)),
                "healthHref": layout.reach.includes("process-health")
                    ? .text(Layout.path("process-health") + query([("team", seller["team"]?.string)])) : .nothing,
                "leadsHref": .text(Layout.path("leads") + query([("owner", id)])),
                "noControls": .text(mayFreeze(layout, facts) ? nil : words["seller_no_role"]),
            ]
        ).merging([
            "freezes": .list(
                mayFreeze(layout, facts) ? forms(facts).map { freezing($0, layout, clerk, facts, once: once, refusal) } : [])
        ])
    }

    /// What can be done: who is frozen is thawed, or frozen until another time.
    private static func forms(_ facts: Facts) -> [String] {
        facts.seller["freeze"]?.type == .object ? ["thaw", "refreeze"] : ["freeze"]
    }

    private static func freezing(
        _ kind: String, _ layout: Layout, _ clerk: Clerk, _ facts: Facts, once: String, _ refusal: Refusal?
    ) -> View {
        let (words, id) = (clerk.words, facts.seller["external_id"]?.string ?? "")
        let control = Control(kind, action: href(id) + "/freeze", once: once, refusal: refusal)
        let until = facts.seller["freeze"]?["until"]?.date.map { local($0, clerk) } ?? ""
        return control.view([
            "freezeTitle": .text(words["seller_\(kind)"]),
            "freezeWords": .text(
                words[kind == "thaw" ? thawWords(facts.seller) : "seller_\(kind)_words", ["name": facts.seller["name"]?.string ?? id]]),
            "frozen": .text(kind == "thaw" ? "false" : "true"), "asksUntil": .flag(kind != "thaw"), "isNew": .flag(kind == "freeze"),
            "earliest": .text(local(clerk.now, clerk)), "until": .text(control.draft("until", until)),
            "untilHint": .text(words["seller_until_hint", ["zone": clerk.zoneName]]),
            "asksBy": .flag(!layout.may(.operator) && facts.person == nil), "by": .text(control.draft("by")),
        ])
    }

    /// What comes of thawing: leads for who is at work, within their shift where they have one.
    private static func thawWords(_ seller: JSONNode) -> String {
        guard seller["status"]?.string == "active" else { return "seller_thaw_words_away" }
        return seller["has_shift"]?.bool == true ? "seller_thaw_words_shift" : "seller_thaw_words"
    }

    /// As a field for a time has it, in the company's time.
    private static func local(_ moment: Date, _ clerk: Clerk) -> String { "\(clerk.day(moment))T\(clerk.clock(moment).prefix(5))" }

    /// An operator may, who leads the seller's team or one above it, and whoever says who of these decided it.
    private static func mayFreeze(_ layout: Layout, _ facts: Facts) -> Bool {
        guard !layout.may(.operator), let person = facts.person else { return true }
        return facts.load["managers"]?.elements.contains { $0.string == person } == true && facts.seller["external_id"]?.string != person
    }

    private static func team(_ seller: JSONNode, _ words: Words) -> String {
        (seller["team_name"]?.string ?? seller["team"]?.string).map { words["seller_of_team", ["team": words.teamAlone($0)]] }
            ?? words["seller_of_none"]
    }

    private static func tiles(_ load: JSONNode, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        let (pending, overdue) = (load["pending"]?.integer ?? 0, load["overdue"]?.integer ?? 0)
        let since = load["week_since"]?.date.map { clerk.day($0) } ?? "–"
        return [
            .tile(
                words["seller_waiting"], clerk.number(Int(pending)),
                words["seller_capacity", ["n": clerk.number(load["capacity"]) ?? "–"]]),
            .tile(words["seller_overdue"], clerk.number(Int(overdue)), words["seller_overdue_note"], overdue > 0 ? .bad : .plain),
            .tile(words["seller_won"], clerk.number(load["won_this_week"]) ?? "–", words["seller_since", ["day": since]]),
            .tile(words["seller_lost"], clerk.number(load["lost_this_week"]) ?? "–", words["seller_since", ["day": since]]),
        ]
    }

    /// What keeps new leads away, or that nothing does.
    private static func gets(_ facts: Facts, _ clerk: Clerk) -> [String] {
        let (words, seller, load) = (clerk.words, facts.seller, facts.load)
        var told: [String] = []
        if facts.fuse["state"]?.string == "open" { told.append(words["seller_fuse_open"]) }
        if let freeze = seller["freeze"], freeze.type == .object {
            let until = freeze["until"]?.date.map { words["seller_frozen_until", ["at": clerk.full($0)]] } ?? words["seller_frozen_on"]
            let values = [
                "since": freeze["since"]?.date.map { clerk.full($0) } ?? "–", "until": until,
                "reason": Sentences.relayed(freeze["reason"]?.string ?? "–", words),
            ]
            told.append(words["seller_is_frozen", values])
        }
        if let status = seller["status"]?.string {
            if status != "active" { told.append(words["seller_not_active"]) }
        } else {
            told.append(words["seller_untold_why"])
        }
        let (pending, capacity) = (load["pending"]?.integer ?? 0, load["capacity"]?.integer ?? 0)
        if pending > capacity {
            told.append(words["seller_is_full", ["n": clerk.number(Int(pending)), "of": clerk.number(Int(capacity))]])
        }
        if seller["has_shift"]?.bool == true { told.append(words["seller_has_shift"]) }
        return told.isEmpty ? [words["seller_gets"]] : told
    }

    private static func facts(_ seller: JSONNode, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        func list(_ name: String) -> String? {
            let items = seller[name]?.elements.compactMap(\.string) ?? []
            return items.isEmpty ? nil : items.joined(separator: words["list_separator"])
        }
        let channels = seller["channels"]?.members.map { words.known("channel", $0.key) } ?? []
        return [
            View.fact(words["seller_regions"], list("regions")), View.fact(words["seller_industries"], list("industries")),
            View.fact(words["seller_weight"], clerk.number(seller["weight"])),
            View.fact(words["seller_newcomer"], seller["newcomer"]?.bool == true ? words["value_true"] : nil),
            View.fact(words["seller_assigned"], clerk.number(seller["assigned"])),
            View.fact(words["seller_last"], seller["last_assigned_at"]?.date.map { clerk.full($0) }),
            View.fact(words["seller_channels"], channels.isEmpty ? nil : channels.joined(separator: words["list_separator"])),
        ].compactMap(\.self)
    }
}
