import Foundation
import JSONEnvelope

/// How a version did on recorded leads.
public enum RoundView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/rounds/{id}`
        public var round: JSONNode
        /// `GET …/versions/{version}/rounds`
        public var rounds: JSONNode?
        /// A page of `GET /v1/rounds/{id}/differences`
        public var differences: JSONNode
        public var sellers: SellerNames
        public var isFirst: Bool

        public init(round: JSONNode, rounds: JSONNode?, differences: JSONNode, sellers: SellerNames, isFirst: Bool) {
            self.round = round
            self.rounds = rounds
            self.differences = differences
            self.sellers = sellers
            self.isFirst = isFirst
        }
    }

    /// One round, with the decisions that would have been others.
    ///
    /// - Parameter fault: why there is no such page of those; nil: there is.
    public static func page(_ layout: Layout, _ clerk: Clerk, _ facts: Facts, fault: Refusal? = nil) -> View {
        let (words, round) = (layout.words, facts.round)
        let id = round["round_id"]?.string ?? ""
        // `route/default@5`
        let version = (round["rule_version"]?.string ?? "").split(separator: "@").map(String.init)
        let (set, number) = (version.first ?? "", version.last ?? "")
        let differences = facts.differences["items"]?.elements ?? []
        let state = round["state"]?.string ?? ""
        let path = Layout.path("rounds/\(id)")
        let said = lead(round, Int(round["replayed"]?.integer ?? 0), clerk)
        let failure = round["result"]?["error"]?.string
        let asker = clerk.actor(round["actor"]?.string).map { words["round_asked_by", ["actor": $0]] }
        let none =
            state == "running" || failure != nil
            ? "round_differences_unknown"
            : (round["replayed"]?.integer ?? 0) == 0
                ? "round_differences_nothing" : facts.isFirst ? "round_differences_none" : "round_differences_end"
        let heading = words["round_of", ["version": RolloutWords.version(number, of: set, words)]]
        return layout.page(
            heading,
            [
                "asOf": clerk.when(clerk.now), "problem": fault.map { $0.view(on: layout, ofSearch: [:]) } ?? .nothing,
                "listHref": .text(Layout.path("rules")),
                "ruleHref": .text(Layout.path("rules/\(set)") + query([("version", number)])), "ruleName": .text(set), "number": .text(id),
                "heading": .text(heading), "state": chip(round, words),
                "summary": .text([said, asker].compactMap(\.self).joined(separator: " · ")),
                "replay": view(facts.rounds, round, facts.sellers, clerk), "hasDifferences": .flag(!differences.isEmpty),
                "differences": .list(differences.map { difference($0, facts.sellers, clerk) }),
                "failure": .text(failure.map { words["round_did_not_run", ["error": Sentences.said($0, words)]] }),
                "differencesNone": .text(words[none]), "differencesNoneWhy": .text(words["\(none)_why"]),
                "pager": Pager.view(
                    words, shown: differences.count, first: facts.isFirst ? nil : path,
                    next: facts.differences["next_cursor"]?.string.map { path + query([("cursor", $0)]) }),
            ])
    }

    static func chip(_ round: JSONNode, _ words: Words) -> View {
        if isOfNothing(round) { return .chip(.idle, words["rule_round_nothing"]) }
        let state = round["state"]?.string ?? ""
        return .chip(state == "passed" ? .good : state == "failed" ? .bad : .info, words.known("rule_round", state))
    }

    /// Whether it came upon no decision, and nothing else was found: that speaks neither for the version nor against it.
    static func isOfNothing(_ round: JSONNode) -> Bool {
        let result = round["result"]
        let (replayed, found) = (result?["replayed"] ?? round["replayed"], result?["findings"] ?? round["reasons"])
        return replayed?.integer == 0 && found?.elements.count ?? 0 <= 1
    }

    private static func difference(_ difference: JSONNode, _ sellers: SellerNames, _ clerk: Clerk) -> View {
        let lead = difference["lead_id"]?.string ?? ""
        func place(_ side: JSONNode?) -> View {
            let place = RolloutWords.place(side?["outcome"]?.string ?? "", side?["seller_or_pool"]?.string, sellers, clerk.words)
            // Where the lead is at the same place, what follows otherwise.
            return .text(side?["follows"]?.string.map { "\(place): \(Sentences.said($0, clerk.words))" } ?? place)
        }
        func rule(_ side: JSONNode?) -> View {
            .text(side?["rule"]?.string.map { clerk.words["round_rule", ["rule": LeadWords.rule($0, clerk.words)]] })
        }
        let (live, candidate) = (difference["live"], difference["candidate"])
        return [
            "leadHref": .text(Layout.path("leads/\(lead)")), "leadNumber": .text(lead), "livePlace": place(live), "liveRule": rule(live),
            "candidatePlace": place(candidate), "candidateRule": rule(candidate), "decided": clerk.when(difference["decided_at"]),
        ]
    }

    /// - Parameters:
    ///   - rounds: `GET …/rounds`.
    ///   - round: `GET /v1/rounds/{id}` of the newest that has ended; nil: none has.
    static func view(_ rounds: JSONNode?, _ round: JSONNode?, _ names: SellerNames, _ clerk: Clerk) -> View {
        guard let round, let result = round["result"], result.type == .object, let live = result["live"],
            let candidate = result["candidate"]
        else {
            return .nothing
        }
        let words = clerk.words
        let hasPassed = result["passed"]?.bool == true
        let (replayed, differing) = (Int(result["replayed"]?.integer ?? 0), Int(result["differing"]?.integer ?? 0))
        let isOfNothing = isOfNothing(round)
        // The verdict says as much.
        let findings =
            isOfNothing
            ? [] : result["findings"]?.elements.compactMap { $0["message"]?.string.map { Sentences.said($0, words) } } ?? []
        let sellers = result["by_seller"]?.elements.prefix(10) ?? []
        let most = Double(sellers.flatMap { [$0["live"]?.integer ?? 0, $0["candidate"]?.integer ?? 0] }.max() ?? 0)
        let verdict = words[
            replayed == 0 ? "round_nothing" : hasPassed ? "round_passed" : "round_failed",
            [
                "differing": clerk.number(differing),
                "share": replayed == 0 ? "–" : clerk.percent(Double(differing) / Double(replayed)),
            ]]
        return [
            "replayLead": .text(lead(round, replayed, clerk)),
            "replayTone": .text((hasPassed ? Tone.good : isOfNothing ? .idle : .bad).rawValue),
            "replayVerdict": .text(words.passage([verdict, passed(rounds, words)].compactMap(\.self))),
            "replayAdvice": .text(replayed == 0 ? advice(rounds, words) : nil), "hasFindings": .flag(!findings.isEmpty),
            "findings": .list(findings.map { .text($0) }),
            "roundHref": .text(Layout.path("rounds/\(round["round_id"]?.string ?? "")")), "replayRows": .list(rows(live, candidate, clerk)),
            "replaySellers": .list(
                sellers.map { seller in
                    let (before, after) = (Int(seller["live"]?.integer ?? 0), Int(seller["candidate"]?.integer ?? 0))
                    return [
                        "sellerName": .text(names.name(seller["name"]?.string)), "liveCount": .text(clerk.number(before)),
                        "candidateCount": .text(clerk.number(after)), "liveX": .text(Picture.length(most == 0 ? 0 : Double(before) / most)),
                        "candidateX": .text(Picture.length(most == 0 ? 0 : Double(after) / most)),
                    ]
                }),
        ]
    }

    /// How many rounds the version has passed of those that are asked for; nil: it is not known.
    private static func passed(_ rounds: JSONNode?, _ words: Words) -> String? {
        guard let passed = rounds?["passed"]?.integer, let required = rounds?["required"]?.integer else { return nil }
        if required == 0 { return words["rule_rounds_free"] }
        if passed >= required { return words["rounds_enough", ["passed": String(passed)]] }
        return words["rounds_passed", ["passed": String(passed), "required": String(required)]]
    }

    /// What to do where a round found nothing to decide again. Fewer rounds help only where some are wanting.
    private static func advice(_ rounds: JSONNode?, _ words: Words) -> String {
        let isWanting = rounds?["passed"]?.integer ?? 0 < rounds?["required"]?.integer ?? 0
        return words.passage([words["round_nothing_do"]] + (isWanting ? [words["round_nothing_fewer"]] : []))
    }

    private static func lead(_ round: JSONNode, _ replayed: Int, _ clerk: Clerk) -> String {
        func day(_ name: String) -> String { round[name]?.date.map { clerk.day($0) } ?? "–" }
        guard let finished = round["finished_at"]?.date else { return "\(day("from")) – \(day("to"))" }
        var said = ["from": day("from"), "to": day("to"), "n": clerk.number(replayed), "ago": clerk.ago(finished)]
        // Where every decision is about a lead of its own, nobody has to be told so.
        guard let leads = round["result"]?["leads"]?.integer, leads < replayed else { return clerk.words["round_lead", said] }
        said["leads"] = clerk.number(Int(leads))
        return clerk.words[leads == 1 ? "round_lead_repeats_one_lead" : "round_lead_repeats", said]
    }

    private static func rows(_ live: JSONNode, _ candidate: JSONNode, _ clerk: Clerk) -> [View] {
        func share(_ name: String) -> (String, (JSONNode) -> String) {
            ("round_\(name)", { $0[name]?.double.map { clerk.percent($0) } ?? "–" })
        }
        func count(_ name: String) -> (String, (JSONNode) -> String) { ("round_\(name)", { clerk.number($0[name]) ?? "–" }) }
        let measures = [
            share("unmatched_share"), share("unknown_path_share"), count("to_inactive"), count("over_capacity"), share("top_three_share"),
            count("peak_pending"), count("first_touch_missed"),
        ]
        return measures.map { name, value in
            ["measure": .text(clerk.words[name]), "liveValue": .text(value(live)), "candidateValue": .text(value(candidate))]
        }
    }
}
