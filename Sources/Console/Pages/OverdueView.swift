import Foundation
import JSONEnvelope

/// Leads nobody has touched in time, by whoever has them, and when in the week it happens.
public enum OverdueView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/sla/first-touch` of the team; nil: it is being counted.
        public var board: JSONNode?
        /// `GET /v1/sla/heat-map`; nil: it is being counted.
        public var map: JSONNode?
        /// `GET /v1/escalations`
        public var escalations: JSONNode
        /// `GET /v1/leads?ids=` of those that were missed; nil: none was, or they are not for whoever looks.
        public var leads: JSONNode?
        /// Those that were missed lately, to choose from.
        public var clocks: Set<String>
        public var sellers: SellerNames
        public var clock: String
        /// `2026-11`
        public var month: String
        /// Whether notices go anywhere beside this console; nil: that is not for whoever looks.
        public var isConnected: Bool?
        /// Empty: every team.
        public var team: String
        /// Whether what was due before its subject was known here stands in the list, too.
        public var withHistory: Bool
        public var cursor: String?

        public init(
            board: JSONNode?, map: JSONNode?, escalations: JSONNode, leads: JSONNode? = nil, clocks: Set<String>, sellers: SellerNames,
            clock: String, month: String, team: String = "", withHistory: Bool = false, cursor: String?
        ) {
            self.board = board
            self.map = map
            self.escalations = escalations
            self.leads = leads
            self.team = team
            self.withHistory = withHistory
            self.clocks = clocks
            self.sellers = sellers
            self.clock = clock
            self.month = month
            self.cursor = cursor
        }

        /// Whether a team is one of those who were read, or of what is late.
        public func knows(team: String) -> Bool {
            let late = (board?["people"]?.elements ?? []) + (board?["teams"]?.elements ?? [])
            return sellers.hasTeam(team) || late.contains { $0["team"]?.string == team }
        }
    }

    public static let firstTouch = "lead_first_touch"

    /// What the form calls what the API is asked for.
    private static let labels = ["clock": "overdue_clock", "month": "overdue_month", "team": "health_team"]

    /// - Parameter fault: why nothing was counted: the page is its form, for what it would show by itself answers another question.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, _ facts: Facts, once: String, refusal: Refusal? = nil, fault: Refusal? = nil
    ) -> View {
        let words = layout.words
        let people = facts.board?["people"]?.elements ?? []
        let leads = LeadWords.byNumber(facts.leads)
        let spokenOf = people.compactMap { $0["team"]?.string } + (facts.team.isEmpty ? [] : [facts.team])
        let teams = facts.board?["teams"]?.elements ?? []
        let reasons = facts.map?["reasons"]?.elements ?? []
        let escalations = facts.escalations["items"]?.elements ?? []
        let most = Double(people.compactMap { $0["late"]?.integer }.max() ?? 0)
        let clocks = facts.clocks.union([firstTouch, facts.clock]).sorted()
        let next = facts.escalations["next_cursor"]?.string
        let chosen: [(String, String?)] = [("clock", facts.clock), ("month", facts.month), ("team", facts.team)]
        let here = chosen + [("history", facts.withHistory ? "true" : nil)]
        return layout.page(
            words["overdue_title"],
            [
                "asOf": clerk.when(clerk.now),
                "problem": refusal.map { $0.view(words) } ?? fault.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "isAnswered": .flag(fault == nil), "searchAction": .text(Layout.path("overdue")),
                "clockOptions": .list(Option.list(clocks.map { ($0, words.known("clock", $0)) }, chosen: facts.clock)),
                "monthOptions": .list(Option.list(months(facts.month, clerk).map { ($0, $0) }, chosen: facts.month)),
                "teamOptions": .list(
                    Option.list(facts.sellers.teamChoices(and: spokenOf), chosen: facts.team, all: words["health_all_teams"])),
                "isCountingLate": .flag(facts.board == nil), "isCountingMonth": .flag(facts.map == nil),
                "tiles": .list(tiles(facts, clerk)), "hasPeople": .flag(!people.isEmpty),
                "nobodyWhy": .text(words[cameLate(facts, clerk) == nil ? "overdue_none_why" : "overdue_none_but_why"]),
                "people": .list(people.prefix(shown).map { person($0, most, facts, clerk) }),
                "morePeople": .text(people.count >= 1_000 ? words["overdue_more_many"] : more(people.count, clerk)),
                "isByTeam": .flag(facts.team.isEmpty && (facts.board == nil || !people.isEmpty)),
                "moreTeams": .text(more(teams.count, clerk)), "hasTeams": .flag(!teams.isEmpty),
                "teams": .list(
                    counted(teams, "late").prefix(shown).map { team, part in
                        [
                            "teamName": .text(facts.sellers.teamName(team["team"]?.string)),
                            "teamHref": .text(
                                Layout.path("overdue")
                                    + query([("clock", facts.clock), ("month", facts.month), ("team", team["team"]?.string)])),
                            "teamX": .text(Picture.length(part)),
                            "teamLate": .text(clerk.number(team["late"])),
                        ]
                    }), "hasReasons": .flag(!reasons.isEmpty),
                "reasonsLead": .text(ofTeam(words["overdue_reasons_lead", ["month": facts.month]], facts, words)),
                "reasons": .list(
                    counted(reasons, "count").map { reason, part in
                        [
                            "reasonName": .text(words.known("late", reason["reason"]?.string ?? "")),
                            "reasonX": .text(Picture.length(part)),
                            "reasonTone": "one", "reasonCount": .text(clerk.number(reason["count"])),
                        ]
                    }),
                "heatLead": .text(
                    ofTeam(
                        words[
                            "heat_lead",
                            [
                                "month": facts.month, "zone": facts.map?["time_zone"]?.string ?? "",
                                "at": clerk.clock(facts.map?["as_of"]?.date ?? clerk.now),
                            ]], facts, words)),
                "heat": facts.map.map { HeatMap($0, clerk).view } ?? .nothing, "hasEscalations": .flag(!escalations.isEmpty),
                "unconnected": .flag(facts.isConnected == false),
                "escalations": .list(escalations.map { escalation(layout, $0, facts, leads, once: once, refusal, clerk) }),
                "withHistory": .flag(facts.withHistory),
                "historyHref": .text(
                    Layout.path("overdue") + query(chosen + [("history", facts.withHistory ? nil : "true")]) + "#escalations"),
                "pager": Pager.view(
                    words, shown: escalations.count, first: facts.cursor == nil ? nil : Layout.path("overdue") + query(here),
                    next: next.map { Layout.path("overdue") + query(here + [("cursor", $0)]) }),
            ])
    }

    /// The last six, this one first, and the one that is shown, lest the form names another.
    private static func months(_ shown: String, _ clerk: Clerk) -> [String] {
        var (year, month) = (Int(clerk.day(clerk.now).prefix(4)) ?? 2_000, Int(clerk.day(clerk.now).dropFirst(5).prefix(2)) ?? 1)
        let last = (0..<6).map { _ in
            defer { (year, month) = month == 1 ? (year - 1, 12) : (year, month - 1) }
            return "\(year)-\(month < 10 ? "0" : "")\(month)"
        }
        return last.contains(shown) ? last : last + [shown]
    }

    /// Each with its part of the largest.
    private static func counted(_ items: [JSONNode], _ name: String) -> [(JSONNode, Double)] {
        let most = Double(items.compactMap { $0[name]?.integer }.max() ?? 0)
        return items.map { ($0, most == 0 ? 0 : Double($0[name]?.integer ?? 0) / most) }
    }

    /// So many people and teams are shown; the API tells more.
    private static let shown = 20

    private static func more(_ count: Int, _ clerk: Clerk) -> String? {
        count > shown ? clerk.words["overdue_more", ["n": clerk.number(count - shown)]] : nil
    }

    /// Says whose it is, where that is not everybody's.
    private static func ofTeam(_ note: String, _ facts: Facts, _ words: Words) -> String {
        guard !facts.team.isEmpty, let team = facts.sellers.teamName(facts.team) else { return note.withCapital }
        return words["overdue_of_team", ["team": team, "note": note]]
    }

    /// Of the chosen team, or of everybody.
    private static func tiles(_ facts: Facts, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        let late = Int(facts.board?["late"]?.integer ?? 0)
        let latest = facts.board?["latest_by"]?.double
        let cells = facts.map?["cells"]?.elements ?? []
        func sum(_ name: String) -> Int { cells.reduce(0) { $0 + Int($1[name]?.integer ?? 0) } }
        let (leads, missed) = (sum("leads") - sum("open"), sum("late"))
        return [
            .tile(
                words["overdue_late"], facts.board == nil ? NowView.counting : clerk.number(late),
                [ofTeam(words["overdue_late_note"], facts, words), cameLate(facts, clerk)].compactMap(\.self)
                    .joined(separator: words.language == .chinese ? "；" : "; "), late > 0 ? .bad : .plain),
            .tile(
                words["overdue_latest"], facts.board == nil ? NowView.counting : latest.map { clerk.span($0) } ?? "–",
                ofTeam(words["overdue_latest_note"], facts, words)),
            .tile(
                words["overdue_in_time"],
                facts.map == nil ? NowView.counting : leads == 0 ? "–" : clerk.percent(1 - Double(missed) / Double(leads)),
                ofTeam(words["overdue_in_time_note", ["n": clerk.number(leads), "month": facts.month]], facts, words)),
        ]
    }

    /// Leads whose time was over before anybody here knew of them; nil: there are none.
    private static func cameLate(_ facts: Facts, _ clerk: Clerk) -> String? {
        guard let count = facts.board?["history"]?.integer, count > 0 else { return nil }
        return clerk.words["overdue_came_late", ["n": clerk.number(Int(count))]]
    }

    private static func person(_ person: JSONNode, _ most: Double, _ facts: Facts, _ clerk: Clerk) -> View {
        let late = Int(person["late"]?.integer ?? 0)
        // Of those nobody has, none came to anybody.
        let before = person["owner"]?.string == nil ? 0 : Int(person["late_before"]?.integer ?? 0)
        return [
            "personName": .text(person["name"]?.string ?? person["owner"]?.string ?? clerk.words["overdue_nobody"]),
            // The list of leads knows of the first touch alone who is late.
            "personHref": .text(
                person["owner"]?.string.map {
                    Layout.path("leads") + query([("owner", $0), ("touch", facts.clock == firstTouch ? "late" : nil)])
                }),
            "personTeam": .text(facts.sellers.teamName(person["team"]?.string)), "lateCount": .text(clerk.number(late)),
            "lateBefore": .text(before > 0 ? clerk.words["overdue_late_before", ["n": clerk.number(before)]] : nil),
            "lateX": .text(Picture.length(most == 0 ? 0 : Double(late) / most)),
            "latestBy": .text(person["latest_by"]?.double.map { clerk.span($0) } ?? "–"),
        ]
    }

    /// Seconds from when it was due until it was made good, or until now; nil: less than one, or it was in time after all.
    private static func lateness(of missed: JSONNode, _ clerk: Clerk) -> Double? {
        guard missed["state"]?.string != "withdrawn", let dueAt = missed["due_at"]?.date else { return nil }
        let seconds = (missed["met_at"]?.date ?? clerk.now).timeIntervalSince(dueAt)
        return seconds < 1 ? nil : seconds
    }

    private static func escalation(
        _ layout: Layout, _ missed: JSONNode, _ facts: Facts, _ leads: [String: JSONNode], once: String, _ refusal: Refusal?, _ clerk: Clerk
    ) -> View {
        let words = clerk.words
        let (id, subject) = (missed["id"]?.string ?? "", missed["subject_id"]?.string ?? "")
        let isLead = missed["subject_type"]?.string == "lead"
        let state = missed["state"]?.string ?? ""
        let reason = missed["reason"]?.string
        let names = missed["recipients"]?.elements.compactMap(\.string).map { facts.sellers.addressee($0, words) } ?? []
        let held = missed["held_until"]?.date
        let isHistory = missed["history"]?.bool == true
        let told =
            isHistory
            ? words["overdue_told_nobody"]
            : missed["told"]?.string == "held"
                ? held.map { words["overdue_held", ["at": clerk.full($0)]] }
                : names.isEmpty ? words["overdue_told_higher"] : names.joined(separator: words["list_separator"])
        let choices = ["not_answered", "busy", "transferred"].map { ($0, words["late_\($0)"]) }
        let control = Control("reason-\(id)", action: Layout.path("escalations/\(encoded(id))/reason"), once: once, refusal: refusal)
        let number = "\(words.known("subject", missed["subject_type"]?.string ?? "")) \(subject)"
        let name = isLead ? leads[subject].map(LeadWords.name) : nil
        return [
            "subjectHref": .text(isLead ? Layout.path("leads/\(subject)") : nil),
            "subjectName": .text(name ?? number), "subjectNumber": .text(name == nil ? nil : number),
            "levelName": .text(
                words[
                    "overdue_level",
                    [
                        "clock": words.known("clock", missed["clock"]?.string ?? ""),
                        "level": words.known("level", missed["level"]?.string ?? ""),
                    ]]),
            "lateBy": .text(lateness(of: missed, clerk).map { words["lead_late_by", ["span": clerk.span($0)]] }),
            "owner": .text(facts.sellers.name(missed["owner"]?.string) ?? "–"),
            "ownerHref": .text(missed["owner"]?.string.map(SellerView.href)),
            "ownerTeam": .text(facts.sellers.teamName(missed["team"]?.string)),
            "told": .text(told), "state": .chip(state != "open" ? .good : isHistory ? .idle : .bad, words.known("overdue_state", state)),
            "lateReason": .text(reason.map { words.known("late", $0) }),
            "reasonForm": reason == nil && !isHistory
                ? control.view(["reasonOptions": .list(Option.list(choices, chosen: "", all: words["overdue_choose"]))]) : .nothing,
        ]
    }
}
