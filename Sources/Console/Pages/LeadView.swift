import Foundation
import JSONEnvelope
import SalesModel

/// One lead: why it has this owner, who else was looked at, and what has become of it.
public enum LeadView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/leads/{id}`
        public var lead: JSONNode
        /// `GET /v1/leads/{id}?decision=`, with a decision before the newest; nil: nobody asked for one.
        public var earlier: JSONNode?
        /// That decision's number.
        public var number: Int64?
        public var sellers: SellerNames
        /// `GET /v1/jobs/{id}` of the job that decided it; nil: there is none.
        public var job: JSONNode?
        /// `GET /v1/escalations` of this lead; nil: not for whoever looks.
        public var escalations: JSONNode?
        /// `GET /v1/fuses/assignment`
        public var fuse: JSONNode

        public init(
            lead: JSONNode, earlier: JSONNode? = nil, number: Int64? = nil, sellers: SellerNames, job: JSONNode?, escalations: JSONNode?,
            fuse: JSONNode
        ) {
            self.lead = lead
            self.earlier = earlier
            self.number = number
            self.sellers = sellers
            self.job = job
            self.escalations = escalations
            self.fuse = fuse
        }
    }

    /// What the page calls what its address asks for.
    private static let labels = ["decision": "lead_decision"]

    /// - Parameter fault: why the decision that was asked for is not shown, but the one that holds.
    public static func page(
        _ layout: Layout, _ clerk: Clerk, _ facts: Facts, once: String, refusal: Refusal? = nil, fault: Refusal? = nil
    ) -> View {
        let (words, lead) = (layout.words, facts.lead)
        let owner = facts.sellers.name(lead["owner"]?.string)
        // What is told of the decision is told of the one that is shown, the rest of the lead as it is now.
        let shown = facts.earlier ?? lead
        let decision = shown["assignment"].flatMap { $0.type == .object ? $0 : nil }
        let chosen = facts.earlier == nil ? lead["owner"]?.string : decision?["seller_id"]?.string
        let isDecided = decision != nil
        let reasons = LeadReasons(lead: shown, sellers: facts.sellers, clerk: clerk).sentences
        let tables = LeadDecisionTables(decision: decision, owner: chosen, sellers: facts.sellers, clerk: clerk)
        let assigning = AssignForm(layout: layout, clerk: clerk, facts: facts, once: once, refusal: refusal)
        let clocks = lead["clocks"]?.elements ?? []
        let fields = fields(lead, decision, words)
        return layout.page(
            LeadWords.name(lead),
            [
                "asOf": clerk.when(clerk.now),
                "problem": refusal.map { $0.view(words) }
                    ?? fault.map { $0.view(words, ofSearch: labels, instead: "advice_decision") } ?? .nothing,
                "listHref": .text(Layout.path("leads")),
                "number": .text(lead["id"]?.string), "heading": .text(LeadWords.name(lead)), "state": LeadWords.chip(lead, words),
                "summary": .text(summary(lead, owner, clerk)), "held": facts.earlier == nil ? held(lead, reasons, layout) : .nothing,
                "past": past(facts, decision, clerk),
                "whyTitle": .text(facts.sellers.name(chosen).map { words["lead_why", ["owner": $0]] } ?? words["lead_why_place"]),
                "decidedBy": .text(decidedBy(decision, words)), "hasReasons": .flag(!reasons.isEmpty), "isDecided": .flag(isDecided),
                "reasons": .list(reasons.map { .text($0) }),
                "candidatesWords": .text(tables.candidatesWords), "hasCandidates": .flag(!tables.candidates.isEmpty),
                "candidatesNoneWhy": .text(words[isByHand(decision) ? "lead_by_hand_none" : "lead_candidates_none_why"]),
                "excludedNoneWhy": .text(
                    words[
                        isByHand(decision)
                            ? "lead_by_hand_none" : tables.candidates.isEmpty ? "lead_candidates_none_why" : "lead_excluded_none_why"]),
                "metricName": .text(tables.metricName),
                "candidates": .list(tables.candidates), "excludedWords": .text(tables.excludedWords),
                "hasExcluded": .flag(!tables.excluded.isEmpty), "excluded": .list(tables.excluded), "score": tables.score(of: lead),
                "changes": changes(decision, facts.sellers, clerk),
                "story": .list(LeadStory(facts: facts, owner: owner, clerk: clerk).steps), "hasClocks": .flag(!clocks.isEmpty),
                "clocks": .list(clocks.map { clock($0, lead, clerk) }), "clocksNoneWhy": .text(noClocks(lead, clerk)),
                "facts": .list(self.facts(facts, decision, layout, clerk)),
                "hasFields": .flag(!fields.isEmpty), "fields": .list(fields), "assign": assigning.view,
                "noControls": .text(assigning.whyNot),
            ])
    }

    /// Nothing where nothing that was recorded could have been otherwise.
    private static func changes(_ decision: JSONNode?, _ sellers: SellerNames, _ clerk: Clerk) -> View {
        let sentences = decision.map { LeadChanges(decision: $0, sellers: sellers, clerk: clerk).sentences } ?? []
        return sentences.isEmpty ? .nothing : ["sentences": .list(sentences.map { .text($0) })]
    }

    /// That what is shown was decided before, when, and the way to what holds now.
    private static func past(_ facts: Facts, _ decision: JSONNode?, _ clerk: Clerk) -> View {
        guard facts.earlier != nil, let id = facts.lead["id"]?.string else { return .nothing }
        let outcome = clerk.words.known("outcome", decision?["outcome"]?.string ?? "")
        return [
            "pastTitle": .text(clerk.words["lead_past", ["outcome": outcome]]), "pastWords": .text(clerk.words["lead_past_words"]),
            "pastHref": .text(Layout.path("leads/\(id)")),
        ]
    }

    /// Whether a person gave it, whom no rule was asked for.
    private static func isByHand(_ decision: JSONNode?) -> Bool {
        decision?["reasons"]?.elements.contains { $0["code"]?.string == "assigned_by_hand" } == true
    }

    private static func summary(_ lead: JSONNode, _ owner: String?, _ clerk: Clerk) -> String {
        let received = lead["received_at"]?.date
        let values = ["source": lead["source"]?.string ?? "–", "ago": received.map { clerk.ago($0) } ?? "–", "owner": owner ?? ""]
        return clerk.words[owner == nil ? "lead_summary" : "lead_summary_owned", values]
    }

    private static func decidedBy(_ decision: JSONNode?, _ words: Words) -> String? {
        guard let decision, let version = decision["rule_version"]?.string else { return nil }
        let arm = decision["arm"]?.string.map { words.known("arm", $0) } ?? ""
        guard let rule = decision["matched_rule"]?.string else { return words["lead_decided", ["version": version, "arm": arm]] }
        return words["lead_decided_by", ["version": version, "arm": arm, "rule": LeadWords.rule(rule, words)]]
    }

    private static func held(_ lead: JSONNode, _ reasons: [String], _ layout: Layout) -> View {
        let words = layout.words
        guard let why = LeadWords.heldWhy(lead, words) else { return .nothing }
        let isMapping = lead["held_reason"]?.string == "held_mapping_error"
        let toMap = isMapping ? layout.door("rules", in: "rules") : nil
        let told = reasons + (isMapping ? [words["lead_held_do"]] : [])
        return [
            "heldTitle": .text(words["lead_held", ["reason": why]]),
            "heldWords": .text(words.passage(told)),
            "heldHref": .text(toMap), "heldLinkLabel": .text(toMap == nil ? nil : words["lead_to_map"]),
        ]
    }

    /// Clocks are set by whoever gets it; until then nothing counts, though its arrival may count then. Those of a lead that was given
    /// by hand are set by a job of their own.
    private static func noClocks(_ lead: JSONNode, _ clerk: Clerk) -> String {
        let isFresh = lead["decided_at"]?.date.map { clerk.now.timeIntervalSince($0) < 60 } ?? false
        if isFresh, lead["owner"]?.string != nil, lead["touched_at"]?.string == nil { return clerk.words["lead_clocks_soon"] }
        let isWaiting = LeadWords.waitsForPerson(lead) || lead["state"]?.string == "awaiting_assignment"
        guard isWaiting, let received = lead["received_at"]?.date else { return clerk.words["lead_clocks_none_why"] }
        return clerk.words["lead_clocks_later", ["at": clerk.full(received)]]
    }

    private static func clock(_ clock: JSONNode, _ lead: JSONNode, _ clerk: Clerk) -> View {
        let words = clerk.words
        let due = clock["due_at"]?.date
        let state = clock["state"]?.string ?? (lead["touched_at"]?.string == nil ? "running" : "met")
        let began = lead["received_at"]?.date
        let elapsed = due.flatMap { due in
            began.flatMap { began in due > began ? clerk.now.timeIntervalSince(began) / due.timeIntervalSince(began) : nil }
        }
        let isPending = clock["pending"]?.bool == true
        let isHistory = LeadWords.isHistory(clock)
        // Less than a second is said by the state alone.
        let late = clock["late_by"]?.double.flatMap { $0 < 1 ? nil : $0 }
        return [
            "clockName": .text(words.known("clock", clock["clock"]?.string ?? "")),
            "levelName": .text(clock["level"]?.string.map { words.known("level", $0) }),
            "dueWords": .text(
                due.map { due -> String in
                    if isHistory {
                        let taken = lead["created_at"]?.date.map { clerk.full($0) } ?? "–"
                        return words["lead_clock_history", ["at": clerk.full(due), "taken": taken]]
                    }
                    // It grows later until it is done.
                    if isPending {
                        let span = clerk.span(max(0, clerk.now.timeIntervalSince(due)))
                        return words["lead_clock_pending", ["at": clerk.full(due), "span": span]]
                    }
                    if let late { return words["lead_clock_late", ["at": clerk.full(due), "span": clerk.span(late)]] }
                    // What has ended counts down no more.
                    guard state == "running" else { return words["lead_clock_at", ["at": clerk.full(due)]] }
                    return words["lead_clock_due", ["at": clerk.full(due), "ago": clerk.ago(due)]]
                }), "isProvisional": .flag(clock["provisional"]?.bool == true),
            "elapsedX": state == "running" ? .text(elapsed.map(Picture.length)) : .nothing,
            "elapsedTone": .text((elapsed ?? 0) >= 1 ? "bad" : "one"),
            "state": .chip(
                isHistory ? .idle : state == "missed" ? .bad : state == "met" ? .good : state == "running" ? .info : .idle,
                words.known("clock_state", state)),
        ]
    }

    private static func facts(_ facts: Facts, _ decision: JSONNode?, _ layout: Layout, _ clerk: Clerk) -> [View] {
        let (lead, words) = (facts.lead, layout.words)
        let past = facts.earlier.flatMap { _ in lead["earlier"]?.elements.first { $0["number"]?.integer == facts.number } }
        // `route/default@3`
        let sets = (decision?["rule_sets"]?.elements ?? []).compactMap(\.string).map { set -> View? in
            let parts = set.split(separator: "@").map(String.init)
            let kind = set.prefix { $0 != "/" }
            let href = parts.count == 2 ? layout.door("rules/\(parts[0])" + query([("version", parts[1])]), in: "rules") : nil
            return View.fact(words.known("rule_kind", String(kind)), set, href: href)
        }
        let job = isByHand(decision) ? nil : (past ?? lead)["job_id"]?.string
        return
            ([View.fact(words["leads_rule"], decision?["matched_rule"]?.string.map { LeadWords.rule($0, words) })] + sets + [
                View.fact(words["job_arm"], isByHand(decision) ? nil : decision?["arm"]?.string.map { words.known("arm", $0) }),
                View.fact(words["lead_customer"], lead["customer_id"]?.string),
                // Given by hand it keeps the score of the decision before, whose parts stand there.
                View.fact(words["lead_score"], isByHand(decision) && past == nil ? LeadWords.score(lead, clerk) : nil),
                View.fact(words["lead_grade"], past != nil ? nil : lead["intent_grade"]?.string.map { words.known("grade", $0) }),
                View.fact(
                    words["lead_epoch"],
                    past != nil ? nil : lead["assignment_epoch"].flatMap { $0.integer == 0 ? nil : RolloutWords.number($0) }),
                View.fact(words["lead_job"], job, href: job.map { Layout.path("jobs/\($0)") }),
            ]).compactMap(\.self)
    }

    private static func fields(_ lead: JSONNode, _ decision: JSONNode?, _ words: Words) -> [View] {
        let unmapped = Set(decision?["unmapped"]?.elements.compactMap(\.string) ?? [])
        // Those that every tenant has come first, in the order in which people ask for them.
        func place(_ name: String) -> Int { LeadWords.fields.firstIndex(of: name) ?? LeadWords.fields.count }
        let fields = (lead["fields"]?.members ?? []).sorted { (place($0.key), $0.key) < (place($1.key), $1.key) }
        return fields.map { name, value in
            [
                "fieldName": .text(name), "fieldLabel": .text(LeadWords.label(name, words)?.withCapital),
                "fieldValue": .text(value.type == .null ? "–" : value.string ?? Indented.text(value)),
                "fieldNote": .text(unmapped.contains(name) ? words["lead_field_unmapped"] : nil),
            ]
        }
    }
}
