import Foundation
import JSONEnvelope

/// One change of rules: where it stands, what its guards say, and what can be done.
public enum RolloutView {
    /// As the API answers them; nil: there is none.
    public struct Facts: Sendable {
        /// `GET /v1/rollouts/{id}`
        public var rollout: JSONNode
        /// `GET /v1/rollouts/{id}/readings`
        public var readings: JSONNode?
        /// `GET …/versions/{version}/diff?from=`
        public var diff: JSONNode?
        /// `GET …/versions/{version}/rounds`
        public var rounds: JSONNode?
        /// `GET /v1/rounds/{id}` of the newest that has ended.
        public var round: JSONNode?
        /// The version that is live now; nil: not known.
        public var live: Int64?
        /// `GET /v1/leads?ids=` of those it would have decided otherwise; nil: there are none.
        public var leads: JSONNode?
        /// Whether automatic assignment is stopped while it runs.
        public var isFuseOpen: Bool
        public var sellers: SellerNames

        public init(
            rollout: JSONNode, readings: JSONNode? = nil, diff: JSONNode?, rounds: JSONNode?, round: JSONNode?, live: Int64? = nil,
            leads: JSONNode? = nil, isFuseOpen: Bool = false, sellers: SellerNames
        ) {
            self.leads = leads
            self.isFuseOpen = isFuseOpen
            self.rollout = rollout
            self.readings = readings
            self.diff = diff
            self.rounds = rounds
            self.round = round
            self.live = live
            self.sellers = sellers
        }
    }

    public static func page(_ layout: Layout, _ clerk: Clerk, _ facts: Facts, once: String, refusal: Refusal? = nil) -> View {
        let words = layout.words
        let rollout = facts.rollout
        let heading = words[
            "rule_of_version", ["set": RolloutWords.title(rollout, words), "version": RolloutWords.versions(rollout, words)]]
        let isOfWarnings = RolloutWords.isOfWarnings(rollout)
        func said(_ name: String) -> View { .text(RolloutWords.said(name, of: rollout, words)) }
        let nothingBefore: String? = RolloutWords.isFirst(rollout) ? isOfWarnings ? "rollout_first_model" : "rule_no_diff" : nil
        let isRunning = RolloutWords.isRunning(rollout)
        let controls = RolloutControls(layout: layout, clerk: clerk, rollout: rollout, once: once, refusal: refusal)
        let guards = rollout["guards"]?.elements ?? []
        let changes = facts.diff?["changes"]?.elements ?? []
        let differences = rollout["differences"]?.elements ?? []
        let leads = LeadWords.byNumber(facts.leads)
        return layout.page(
            heading,
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(words) } ?? .nothing,
                "listHref": .text(Layout.path("rollouts")),
                "number": .text(rollout["id"]?.string), "heading": .text(heading),
                "state": isReplaced(facts)
                    ? .chip(.idle, words["rollout_state_replaced"]) : RolloutWords.chip(rollout, words, withPercent: true),
                "summary": .text(summary(rollout, clerk)),
                "verdictTone": .text(verdictTone(facts).rawValue),
                "verdictTitle": .text(verdictTitle(facts, words)),
                "verdictWords": .text(
                    isRunning ? GuardWords.line(rollout, clerk) : rollout["end_reason"]?.string.map { Sentences.said($0, words) }),
                "guardNote": .text(rollout["warnings"]?.elements.first?.string.map { Sentences.said($0, words) }),
                "fuseNote": .text(facts.isFuseOpen && isRunning && !isOfWarnings ? words["rollout_fuse_open"] : nil),
                "lifeSteps": .list(life(facts, words)), "hasGuards": .flag(!guards.isEmpty),
                "guards": .list(guards.map { reading($0, facts, clerk) }), "arms": .list(arms(rollout, clerk)),
                "guardsLead": said("rollout_guards_lead"), "guardsNote": said("rollout_guards_note"),
                "membersLabel": said("rollout_customers"), "unitsLabel": said("rollout_leads"), "judgedLabel": said("rollout_judged"),
                "failedLabel": said("rollout_failed"),
                "armsLead": said(guards.contains { $0["name"]?.string == "technical" } ? "rollout_arms_technical" : "rollout_arms_lead"),
                "hasTouches": .flag(!isOfWarnings),
                "diffNoneWhy": nothingBefore.map { .text(words[$0]) } ?? said("rollout_diff_none_why"),
                "diffLead": .text(diffLead(rollout, words)), "hasChanges": .flag(!changes.isEmpty),
                "changes": .list(
                    changes.map {
                        ["changeWords": .text($0[words.language.rawValue]?.string), "changePath": .text($0["path"]?.string)]
                    }),
                "canBeReplayed": .flag(!isOfWarnings), "replay": RoundView.view(facts.rounds, facts.round, facts.sellers, clerk),
                "shadowTitle": said("rollout_shadow"), "shadowLead": .text(RolloutWords.shadow(rollout, clerk)),
                "hasDifferences": .flag(!differences.isEmpty),
                "differences": .list(differences.map { difference($0, leads, facts.sellers, clerk) }),
                "hadShadow": .flag(!differences.isEmpty && rollout["shadow"]?["leads"]?.integer ?? 0 > 0),
                "takenBack": .text(isOfWarnings ? nil : takenBack(rollout, clerk)), "shadowNoneWhy": shadowNone(rollout, words),
                "control": controls.percent, "promote": controls.promote, "abort": controls.abort, "noControls": controls.none,
                "history": .list((rollout["history"]?.elements ?? []).map { step($0, clerk) }),
            ])
    }

    // MARK: Where it stands

    private static func summary(_ rollout: JSONNode, _ clerk: Clerk) -> String {
        let words = clerk.words
        let started = rollout["started_at"]?.date.map { clerk.ago($0) } ?? ""
        let promotion = words["rollout_promotion_\(rollout["promotion"]?.string ?? "manual")"]
        let values = ["ago": started, "actor": clerk.actor(rollout["started_by"]?.string) ?? "", "promotion": promotion]
        return words[RolloutWords.isRunning(rollout) ? "rollout_summary" : "rollout_summary_ended", values]
    }

    /// Whether it was promoted and something else is live by now.
    private static func isReplaced(_ facts: Facts) -> Bool {
        RolloutWords.isReplaced(facts.rollout, live: facts.live)
    }

    private static func verdictTone(_ facts: Facts) -> Tone {
        switch (facts.rollout["state"]?.string, facts.rollout["decision"]?.string) {
        case ("aborted", _), (_, "abort"): .bad
        case ("live", _) where isReplaced(facts): .info
        case ("live", _), (_, "promotable"): .good
        default: .info
        }
    }

    private static func verdictTitle(_ facts: Facts, _ words: Words) -> String {
        let rollout = facts.rollout
        if isReplaced(facts), let live = facts.live { return words["rollout_ended_replaced", ["version": String(live)]] }
        guard RolloutWords.isRunning(rollout) else { return words["rollout_ended_\(rollout["state"]?.string ?? "")"] }
        if rollout["state"]?.string == "shadow" { return RolloutWords.said("rollout_verdict_shadow", of: rollout, words) }
        let decision = rollout["decision"]?.string ?? "continue"
        let isEarly = decision == "continue" && rollout["guards"]?.elements.contains { isTooFew($0, rollout) } == true
        return words["rollout_verdict_\(isEarly ? "too_few" : decision)"]
    }

    /// Draft, checked, replayed, shadow, canary, live: what was done, left out, and where it is.
    private static func life(_ facts: Facts, _ words: Words) -> [View] {
        let rollout = facts.rollout
        let state = rollout["state"]?.string ?? ""
        let actions = Set((rollout["history"]?.elements ?? []).compactMap { $0["action"]?.string })
        // The oldest comes first.
        let began = rollout["history"]?.elements.first
        let hadShadow = began?["percent"]?.double == 0 || state == "shadow"
        let hadCanary = !(rollout["stages"]?.elements.isEmpty ?? true)
        let hasPassed = (facts.rounds?["passed"]?.integer ?? 0) > 0
        var steps: [(name: String, isDone: Bool)] = [("draft", true), ("checked", true)]
        // What a model predicts is not decided again on recorded leads.
        if !RolloutWords.isOfWarnings(rollout) { steps.append(("replayed", hasPassed)) }
        steps += [("shadow", hadShadow), ("canary", hadCanary)]
        steps.append((state == "aborted" ? "aborted" : "live", actions.contains("promote") || state == "live"))
        return steps.enumerated().compactMap { place, step in
            let isHere = step.name == state && !isReplaced(facts)
            let hasEnded = step.name == "aborted"
            // Of what was taken back, the steps it never came to are not shown.
            if state == "aborted", !step.isDone, !hasEnded { return nil }
            let isAhead = !step.isDone && !isHere && !(["replayed", "shadow"].contains(step.name))
            let label = words["life_\(step.name)"] + (isHere && state == "canary" ? " \(RolloutWords.percent(rollout, words))" : "")
            return [
                "stepClass": .text(hasEnded ? "ended" : isHere ? "here" : step.isDone ? "done" : ""),
                "stepMark": .text(hasEnded ? "✕" : step.isDone && !isHere ? "✓" : String(place + 1)), "stepLabel": .text(label),
                "stepWords": .text(isHere || isAhead ? nil : words[step.isDone ? "life_done" : "life_skipped"]), "isHere": .flag(isHere),
            ]
        }
    }

    // MARK: Evidence

    private static func reading(_ guardReading: JSONNode, _ facts: Facts, _ clerk: Clerk) -> View {
        let words = clerk.words
        let name = guardReading["name"]?.string ?? ""
        let (evidence, threshold) = (guardReading["e_value"]?.double ?? 0, guardReading["threshold"]?.double ?? 1)
        let missing = guardReading["missing"]?.integer ?? 0
        let judged = guardReading["n"]?.integer ?? 0
        let isTooFew = isTooFew(guardReading, facts.rollout)
        let chart = EvidenceChart(facts.readings, of: name, facts.rollout, clerk)?.view
        let said = GuardWords(guardReading, of: facts.rollout, clerk)
        return [
            "guardId": .text(name), "guardName": .text(words.known("guard", name)),
            "guardMeaning": .text(meaning(of: name, facts.rollout, words)),
            // What has ended does not go on.
            "decision": RolloutWords.isRunning(facts.rollout) || guardReading["decision"]?.string != "continue"
                ? RolloutWords.decision(isTooFew ? "too_few" : guardReading["decision"]?.string, words) : .nothing,
            "judgedLeast": .text(isTooFew ? words["rollout_least", ["n": clerk.number(facts.rollout["least_judged"]) ?? "–"]] : nil),
            "evidenceChart": chart ?? .nothing,
            "guardBar": judged == 0 || chart != nil ? .nothing : bar(evidence, threshold, clerk),
            "hasNoPicture": .flag(judged == 0 && chart == nil), "evidence": .text(clerk.chance(of: evidence)),
            "threshold": .text(clerk.chance(of: threshold)), "judged": .text(clerk.number(Int(judged))),
            "missing": .text(missing > 0 ? words["rollout_missing", ["n": clerk.number(Int(missing))]] : nil),
            "guardSeen": .text(said.seen), "guardAllowed": .text(said.allowed),
        ]
    }

    /// What a guard asks; of teams where customers are not what is drawn.
    private static func meaning(of name: String, _ rollout: JSONNode, _ words: Words) -> String? {
        let ofModel = RolloutWords.isOfWarnings(rollout) ? words.all["guard_\(name)_meaning_model"] : nil
        return ofModel ?? words.all["guard_\(name)_meaning"]
    }

    /// Whether a guard that goes on has seen less than has to be seen before anything is promoted.
    private static func isTooFew(_ reading: JSONNode, _ rollout: JSONNode) -> Bool {
        guard reading["decision"]?.string == "continue", reading["name"]?.string != "sample_ratio", RolloutWords.isRunning(rollout) else {
            return false
        }
        return reading["n"]?.integer ?? 0 < rollout["least_judged"]?.integer ?? 0
    }

    /// How far the evidence is on its way to the threshold. Evidence multiplies, so the way is measured in logarithms; below 1 there is none.
    private static func bar(_ evidence: Double, _ threshold: Double, _ clerk: Clerk) -> View {
        let way = EvidenceChart.way(of: evidence, to: threshold)
        return [
            "barX": .text(Picture.length(way)), "barTone": .text(way >= 1 ? "bad" : "one"),
            "barWords": .text(clerk.words["rollout_evidence_words", ["percent": clerk.percent(min(1, way), decimals: 0)]]),
        ]
    }

    private static func arms(_ rollout: JSONNode, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        return ["stable", "canary"].map { name in
            func sum(_ field: String) -> Int { RolloutWords.sum("\(name)_\(field)", of: rollout) }
            let arm = rollout["arms"]?[name]
            let (leads, failed) = (Int(arm?["n"]?.integer ?? 0), Int(arm?["failures"]?.integer ?? 0))
            let (due, late) = (sum("touches_due"), sum("touches_late"))
            return [
                "armName": .text(words["arm_\(name)"]),
                "armVersion": .text(words["rollout_version", ["n": RolloutWords.number(arm?["version"])]]),
                "customers": .text(clerk.number(sum("customers"))), "leads": .text(clerk.number(leads)),
                "failed": .text(part(failed, of: leads, clerk)), "touchLate": .text(part(late, of: due, clerk)),
                "touchX": .text(Picture.length(due == 0 ? 0 : Double(late) / Double(due))),
                "touchTone": .text(name == "canary" ? "one" : "idle"),
            ]
        }
    }

    /// `29 (0.3 %)`
    private static func part(_ count: Int, of whole: Int, _ clerk: Clerk) -> String {
        whole == 0 ? "–" : "\(clerk.number(count)) (\(clerk.percent(Double(count) / Double(whole))))"
    }

    private static func diffLead(_ rollout: JSONNode, _ words: Words) -> String? {
        if RolloutWords.isFirst(rollout) { return nil }
        return words[
            "rollout_diff_lead",
            [
                "to": RolloutWords.number(rollout["arms"]?["canary"]?["version"]),
                "from": RolloutWords.number(rollout["arms"]?["stable"]?["version"]),
            ]]
    }

    /// Why no difference is listed; nothing where a model had some, which are counted alone.
    private static func shadowNone(_ rollout: JSONNode, _ words: Words) -> View {
        let (asked, different) = (rollout["shadow"]?["leads"]?.integer ?? 0, rollout["shadow"]?["different"]?.integer ?? 0)
        guard !RolloutWords.isOfWarnings(rollout) || different == 0 else { return .nothing }
        return .text(RolloutWords.said(asked == 0 ? "rollout_shadow_none_yet" : "rollout_shadow_alike", of: rollout, words))
    }

    /// What became of the leads of a change that was taken back; nil: it had put none elsewhere.
    private static func takenBack(_ rollout: JSONNode, _ clerk: Clerk) -> String? {
        guard let leads = rollout["taken_back"], let elsewhere = leads["elsewhere"]?.integer else { return nil }
        let parts = ["again", "touched", "waiting"].map { ($0, leads[$0]?.integer ?? 0) }.filter { $0.1 > 0 }
            .map { clerk.words["rollout_taken_back_\($0)", ["n": clerk.number(Int($1))]] }
        return clerk.words["rollout_taken_back", ["n": clerk.number(Int(elsewhere))]]
            + parts.joined(separator: clerk.words["list_separator"])
            + (clerk.words.language == .chinese ? "。" : ".")
    }

    private static func difference(
        _ difference: JSONNode, _ leads: [String: JSONNode], _ sellers: SellerNames, _ clerk: Clerk
    ) -> View {
        let lead = difference["lead_id"]?.string ?? ""
        /// `assigned anna`, `pooled shared`
        func place(_ told: String?) -> String? {
            let parts = told?.split(separator: " ", maxSplits: 1).map(String.init) ?? []
            return parts.first.map { RolloutWords.place($0, parts.count == 2 ? parts[1] : nil, sellers, clerk.words) }
        }
        return [
            "leadHref": .text(Layout.path("leads/\(lead)")), "leadNumber": .text(lead),
            "leadName": .text(leads[lead].map(LeadWords.name) ?? clerk.words["audit_of_lead", ["id": lead]]),
            "armName": .text(clerk.words["arm_\(difference["arm"]?.string ?? "stable")"]),
            "nowPlace": .text(place(difference["now"]?.string)), "decided": .text(place(difference["decided"]?.string)),
            "otherwise": .text(place(difference["otherwise"]?.string)), "at": clerk.when(difference["at"]),
        ]
    }

    private static func step(_ event: JSONNode, _ clerk: Clerk) -> View {
        let words = clerk.words
        let action = event["action"]?.string ?? ""
        let tone: Tone =
            switch action {
            case "abort": .bad
            case "promote": .good
            case "canary": .info
            default: .idle
            }
        return .step(
            event["at"]?.date, tone, words["rollout_did_\(action)", ["percent": words.percent(RolloutWords.number(event["percent"]))]],
            detail: [clerk.actor(event["actor"]?.string), event["reason"]?.string.map { Sentences.said($0, words) }].compactMap(\.self)
                .joined(separator: words["colon"]), clerk)
    }
}
