import AsyncHTTPClient
import Foundation
import Rules

/// A tenant's rule set, as the list of all of them tells of it.
struct StandingRuleSet: Decodable {
    let kind, name: String
    let liveVersion: Int?
    let roundsPassed, roundsRequired: Int
}

extension Remote {
    private struct RuleSets: Decodable {
        let items: [StandingRuleSet]
    }

    /// The rule set of this kind and name; nil: none was ever saved.
    func ruleSet(_ kind: RuleKind, _ name: String) async throws -> StandingRuleSet? {
        try JSON.read(RuleSets.self, from: try await request(.get, "/v1/rulesets")).items.first {
            $0.kind == kind.rawValue && $0.name == name
        }
    }

    /// Asks for versions of a rule set. Where the tenant has none of that kind and name, that is what is said.
    ///
    /// - Parameter rest: of the path, after `versions`.
    func request(
        _ method: Method = .get, of kind: RuleKind, _ name: String, _ rest: String = "", query: [String: String?] = [:],
        body: HTTPClientRequest.Body? = nil
    ) async throws -> Data {
        do {
            return try await request(method, "/v1/rulesets/\(kind.rawValue)/\(name)/versions\(rest)", query: query, body: body)
        } catch let refusal as Refusal where refusal.code == "not_found" {
            guard try await ruleSet(kind, name) == nil else { throw refusal }
            throw Failure(
                "this tenant has no rule set \(kind.rawValue)/\(name); kiteline rules show\(tenantOption) lists those it has")
        }
    }
}
