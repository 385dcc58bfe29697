import Foundation
import JSONEnvelope

/// What a guard has seen and what it allows, in counts and percentages, as somebody reads them who knows leads and no statistics.
struct GuardWords {
    private let reading: JSONNode
    private let rollout: JSONNode
    private let clerk: Clerk

    init(_ reading: JSONNode, of rollout: JSONNode, _ clerk: Clerk) {
        self.reading = reading
        self.rollout = rollout
        self.clerk = clerk
    }

    /// What is said of a running rollout in one line: of the guard it waits for what that has seen, and what it wants.
    static func line(_ rollout: JSONNode, _ clerk: Clerk) -> String? {
        guard let told = rollout["words"]?.string else { return nil }
        // What was found has its reason in its own words.
        guard rollout["decision"]?.string != "abort" else { return Sentences.said(told, clerk.words) }
        // `first_touch: 212 of 500 leads; …`
        let readings = rollout["guards"]?.elements ?? []
        let behind = readings.first { told == "\($0["name"]?.string ?? ""): \($0["words"]?.string ?? "")" }
        return behind.map { GuardWords($0, of: rollout, clerk).line } ?? Sentences.said(told, clerk.words)
    }

    private var line: String {
        let parts = [seen, isTooFew ? progress : allowed].compactMap(\.self)
        return words.known("guard", name) + words["colon"] + parts.joined(separator: words["clause_separator"])
    }

    private var words: Words { clerk.words }
    private var name: String { reading["name"]?.string ?? "" }
    private var judged: Int { count("n") }
    private var isTooFew: Bool { name != "sample_ratio" && Int64(judged) < rollout["least_judged"]?.integer ?? 0 }

    private func count(_ field: String) -> Int { Int(reading[field]?.integer ?? 0) }

    private var progress: String {
        RolloutWords.said(
            "guard_judged", of: rollout, words,
            ["n": clerk.number(judged), "most": clerk.number(rollout["least_judged"]) ?? "–"])
    }

    // MARK: What was seen

    /// The canary's share, beside stable's where the two are compared; nil: nothing was judged yet.
    var seen: String? {
        guard judged > 0 else { return nil }
        return switch name {
        case "sample_ratio": drawn
        case "success", "first_touch": compared
        default: failed
        }
    }

    /// What went well in either arm: `canary 85 % (85 of 100), stable 90 % (180 of 200)`
    private var compared: String {
        func good(_ all: Int, _ failures: String) -> String { part(all - count(failures), of: all) }
        return words[
            "guard_seen_compared",
            ["canary": good(judged, "failures"), "stable": good(count("stable_n"), "stable_failures")]]
    }

    /// `5 % (47 of 951) of the customers are in the canary; 48 would be expected`
    private var drawn: String? {
        guard let expected = reading["expected"]?.double else { return nil }
        return RolloutWords.said(
            "guard_seen_drawn", of: rollout, words,
            ["part": part(judged, of: judged + count("stable_n")), "expected": clerk.number(Int(expected.rounded()))])
    }

    /// `0.2 % (1 of 612) of the canary's leads failed that stable would have placed`
    private var failed: String? {
        guard let failures = reading["failures"]?.integer else { return nil }
        return words["guard_seen_\(name)", ["part": part(Int(failures), of: judged)]]
    }

    /// `2.4 % (23 of 951)`
    private func part(_ count: Int, of whole: Int) -> String {
        guard whole > 0 else { return "–" }
        let share = clerk.percent(Double(count) / Double(whole))
        return words["guard_part", ["share": share, "count": clerk.number(count), "whole": clerk.number(whole)]]
    }

    // MARK: What is allowed

    /// How much worse the canary may be, and how bad it may still be by what was seen; nil where that is not a matter of more or less.
    var allowed: String? {
        let (rate, margin) = (reading["rate_percent"]?.double, reading["margin_points"]?.double)
        let bound = judged > 0 ? reading["lower_bound_points"]?.double : nil
        return switch (rate, margin) {
        case (let rate?, let margin?): ofRate(rate, margin, bound)
        case (let rate?, nil): words["guard_allowed_rate", ["rate": percent(rate)]]
        case (nil, let margin?): ofMargin(margin, bound)
        case (nil, nil): nil
        }
    }

    /// The bound is that of the share of good ones, held against what the rate leaves for them.
    private func ofRate(_ rate: Double, _ margin: Double, _ bound: Double?) -> String {
        let most = words["guard_allowed_rate", ["rate": percent(rate)]]
        guard let bound else { return most }
        let worst = words["guard_worst_rate", ["worst": percent(rate - bound), "most": percent(rate + margin)]]
        return most + words["clause_separator"] + worst
    }

    private func ofMargin(_ margin: Double, _ bound: Double?) -> String {
        let most = words["guard_allowed_points", ["points": points(margin)]]
        guard let bound else { return most }
        let worst = bound < 0 ? words["guard_worst_points", ["points": points(-bound)]] : words["guard_no_worse"]
        return most + words["clause_separator"] + worst
    }

    private func percent(_ hundredths: Double) -> String { clerk.percent(hundredths / 100, decimals: 2) }
    private func points(_ points: Double) -> String { words["rollout_points", ["n": clerk.number(points, decimals: 1)]] }
}

extension Clerk {
    /// Evidence of harm as a percentage: in so many harmless changes, at most, chance alone gives evidence as strong at any look; where the
    /// share it is held against was estimated, what the estimate may be wrong by comes on top.
    ///
    /// That is 1 ÷ evidence (Ville's inequality): 100 % of evidence 1, 2.4 % of 41, 0.2 % of 500.
    func chance(of evidence: Double) -> String {
        let chance = 1 / max(1, evidence)
        guard chance >= 0.000_1 else { return "< " + percent(0.000_1, decimals: 2) }
        return percent(chance, decimals: chance < 0.01 ? 2 : chance < 0.1 ? 1 : 0)
    }
}
