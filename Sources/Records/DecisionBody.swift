import Foundation
import JSONEnvelope
import PostgresClient
import Rollouts
import Routing
import SalesModel

/// A decision as it is kept in the decision log and shown by the API: one JSON object.
enum DecisionBody {
    static func json(_ tried: TriedLead, customer: CustomerChange? = nil) -> JSONBytes {
        let isTried = tried.trials.contains { $0.arm != nil }
        return json(
            tried.routed.decision, arm: tried.arm.rawValue, rollouts: isTried ? rollouts(tried.trials) : nil, customer: customer?.json)
    }

    /// - Parameters:
    ///   - rollouts: the arms it was decided in, a JSON array; nil: no rollout served it.
    ///   - customer: whom it was taken for, a JSON object; nil: that was not asked.
    static func json(_ decision: LeadDecision, arm: String, rollouts: [UInt8]?, customer: [UInt8]?) -> JSONBytes {
        JSONBytes(
            JSONWriter.object(capacity: 1_024) { body in
                body.member("outcome", decision.outcome.rawValue)
                body.member("customer", json: customer)
                body.member("seller_id", decision.owner?.externalID)
                body.member("pool", decision.pool)
                body.member("team", decision.team)
                body.member("rule_version", decision.routeVersion)
                body.member("rule_sets", decision.ruleSets.map(\.description))
                if !decision.otherMaps.isEmpty { body.member("other_maps", decision.otherMaps.map(\.description)) }
                body.member("arm", arm)
                if let rollouts { body.member("rollouts", json: rollouts) }
                body.member("matched_rule", decision.matchedRule)
                body.member("score", json: decision.score.map(json))
                body.member("band", decision.band?.rawValue)
                body.member("intent_grade", decision.intent?.rawValue)
                body.member("candidates", json: candidates(decision))
                body.member("candidate_count", decision.candidateCount)
                body.member("excluded", json: excluded(decision))
                body.member("excluded_count", decision.exclusions.reduce(0) { $0 + $1.count })
                let shortened = decision.exclusions.filter { $0.count > $0.sellers.count }
                if !shortened.isEmpty {
                    body.object("excluded_counts") { for one in shortened { $0.member(one.code.rawValue, one.count) } }
                }
                body.member("reasons", json: json(decision.reasons))
                if !decision.clocks.isEmpty { body.member("clocks", json: clocks(decision.clocks)) }
                body.member("unmapped", decision.unmappedFields)
                body.member("defaulted", decision.defaultedFields)
            })
    }

    private static func clocks(_ clocks: [LeadClock]) -> [UInt8] {
        JSONWriter.array { list in
            for clock in clocks {
                list.object { item in
                    item.member("clock", clock.clock)
                    item.member("level", clock.level)
                    item.member("due_at", clock.dueAt)
                }
            }
        }
    }

    private static func rollouts(_ trials: [Trial]) -> [UInt8] {
        JSONWriter.array { list in
            for trial in trials {
                guard let arm = trial.arm else { continue }
                list.object { item in
                    item.member("rollout_id", String(trial.rollout))
                    item.member("arm", arm.rawValue)
                    item.member("percent", json: Array(trial.percent.description.utf8))
                }
            }
        }
    }

    private static func json(_ score: Score) -> [UInt8] {
        JSONWriter.object { body in
            body.member("total", score.total)
            for dimension in ScoreDimension.allCases { body.member(dimension.rawValue, score.parts[dimension] ?? 0) }
            body.member("missing", score.missing.map(\.rawValue))
        }
    }

    private static func candidates(_ decision: LeadDecision) -> [UInt8] {
        JSONWriter.array(capacity: 64 * decision.candidates.count) { list in
            for candidate in decision.candidates {
                list.object {
                    $0.member("seller_id", candidate.seller)
                    $0.member("metric", candidate.metric)
                    $0.member("pending", candidate.pending)
                }
            }
        }
    }

    private static func excluded(_ decision: LeadDecision) -> [UInt8] {
        JSONWriter.array(capacity: 48 * decision.exclusions.reduce(0) { $0 + $1.sellers.count }) { list in
            for exclusion in decision.exclusions {
                for seller in exclusion.sellers {
                    list.object {
                        $0.member("seller_id", seller)
                        $0.member("code", exclusion.code.rawValue)
                    }
                }
            }
        }
    }

    static func json(_ reasons: [Reason]) -> [UInt8] {
        JSONWriter.array(capacity: 512) { list in
            for reason in reasons {
                list.object { item in
                    item.member("code", reason.code.rawValue)
                    item.object("params") { parameters in
                        for (name, value) in reason.parameters.sorted(by: { $0.key < $1.key }) {
                            switch value {
                            case .text(let text): parameters.member(name, text)
                            case .integer(let integer): parameters.member(name, integer)
                            case .number(let number): parameters.member(name, number)
                            }
                        }
                    }
                }
            }
        }
    }
}

extension LeadDecision {
    /// `route/default@3`; nil when no route rules were live.
    public var routeVersion: String? { ruleSets.first { $0.kind == "route" }?.description }
}

extension LeadRecord {
    /// Why the lead is where it is, in the words of a language, from what was recorded when it was decided or could not be.
    public func reasons(in language: Language) -> [String] {
        if let heldDetail { return heldDetail.reasons(in: language) }
        guard let decision, let body = try? JSONDecoder().decode(Recorded.self, from: Data(decision.bytes)) else { return [] }
        return body.reasons.map { $0.text(in: language) }
    }

    /// Who was left out of its decision and why, in the words of a language.
    public func exclusions(in language: Language) -> [String] {
        guard let decision, let body = try? JSONDecoder().decode(Recorded.self, from: Data(decision.bytes)) else { return [] }
        let sellers = Dictionary(grouping: body.excluded ?? []) { ExclusionCode(rawValue: $0.code) }
        return ExclusionCode.allCases.sorted().compactMap { code in
            sellers[code].map {
                Exclusion(code: code, sellers: $0.map(\.seller), count: body.counts?[code.rawValue]).text(in: language)
            }
        }
    }

    private struct Recorded: Decodable {
        struct Excluded: Decodable {
            var seller: String
            var code: String

            enum CodingKeys: String, CodingKey {
                case seller = "seller_id"
                case code
            }
        }

        var reasons: [Reason]
        var excluded: [Excluded]?
        /// Of the codes of which not everybody is listed.
        var counts: [String: Int]?

        enum CodingKeys: String, CodingKey {
            case reasons, excluded
            case counts = "excluded_counts"
        }
    }
}

extension DecisionSummary {
    /// Why it was decided so, in the words of a language, from what was recorded then.
    public func reasons(in language: Language) -> [String] { recorded?.reasons(in: language) ?? [] }
}

extension JSONBytes {
    /// An array of reasons in words; what is none says nothing.
    fileprivate func reasons(in language: Language) -> [String] {
        ((try? JSONDecoder().decode([Reason].self, from: Data(bytes))) ?? []).map { $0.text(in: language) }
    }
}

extension TriedLead {
    /// Canary when any of the rollouts it was decided under served it the candidate.
    public var arm: Arm { trials.contains { $0.arm == .canary } ? .canary : .stable }
}

extension OwnerClaim {
    /// As it is kept beside the decision.
    var json: JSONBytes {
        JSONBytes(
            JSONWriter.object { object in
                object.member("seller", seller.rawValue)
                object.member("customer", customer)
                object.member("suspicion", suspicion)
            })
    }

    /// Nil when it is none.
    init?(json: JSONBytes) {
        guard let members = try? JSONEnvelope(json.bytes, levels: 2, limits: .stored).root.members else { return nil }
        func member(_ name: String) -> JSONNode? { members.first { $0.key == name }?.value }
        guard let seller = member("seller")?.double, let customer = member("customer")?.string else { return nil }
        self.init(seller: SellerID(Int64(seller)), customer: customer, suspicion: member("suspicion")?.double)
    }
}
