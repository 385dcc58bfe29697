import Foundation
import JSONEnvelope

/// How a version did on recorded leads.
enum RoundView {
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
        let findings = result["findings"]?.elements.compactMap { $0["message"]?.string.map { Sentences.said($0, words) } } ?? []
        let sellers = result["by_seller"]?.elements.prefix(10) ?? []
        let most = Double(sellers.flatMap { [$0["live"]?.integer ?? 0, $0["candidate"]?.integer ?? 0] }.max() ?? 0)
        return [
            "replayLead": .text(lead(round, replayed, clerk)), "replayTone": .text((hasPassed ? Tone.good : .bad).rawValue),
            "replayVerdict": .text(
                words[
                    hasPassed ? "round_passed" : "round_failed",
                    [
                        "passed": RolloutWords.number(rounds?["passed"]), "required": RolloutWords.number(rounds?["required"]),
                        "differing": clerk.number(differing),
                        "share": replayed == 0 ? "–" : clerk.percent(Double(differing) / Double(replayed)),
                    ]]),
            "hasFindings": .flag(!findings.isEmpty), "findings": .list(findings.map { .text($0) }),
            "replayRows": .list(rows(live, candidate, clerk)),
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

    private static func lead(_ round: JSONNode, _ replayed: Int, _ clerk: Clerk) -> String {
        func day(_ name: String) -> String { round[name]?.date.map { clerk.day($0) } ?? "–" }
        let finished = round["finished_at"]?.date.map { clerk.ago($0) } ?? "–"
        return clerk.words["round_lead", ["from": day("from"), "to": day("to"), "n": clerk.number(replayed), "ago": finished]]
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
