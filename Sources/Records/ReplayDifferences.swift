import Foundation
import PostgresClient
import Replay
import Routing
import SalesModel
import Tenancy

/// A decision a candidate would have made otherwise.
public struct ReplayDifference: Sendable, Hashable {
    /// Its place among the differences of its round, from 1.
    public let place: Int64
    public let lead: Int64
    public let decidedAt: Date
    public let live: Side
    public let candidate: Side

    public struct Side: Sendable, Hashable {
        public let outcome: String
        /// The seller's external id.
        public let seller: String?
        /// The rule that matched.
        public let rule: String?
        /// Where the lead is at the same place: what follows from that otherwise, in words.
        public let follows: String?

        init(outcome: String, seller: String?, rule: String?, follows: String?) {
            self.outcome = outcome
            self.seller = seller
            self.rule = rule
            self.follows = follows
        }

        init(_ decision: LeadDecision, follows: String?) {
            self.init(
                outcome: decision.outcome.rawValue, seller: decision.owner?.externalID ?? decision.pool, rule: decision.matchedRule,
                follows: follows)
        }
    }

    /// Nil when there is no difference.
    public init?(_ step: Replay.Step, place: Int) {
        guard step.isDifferent, let candidate = step.candidate else { return nil }
        self.place = Int64(place)
        lead = step.past.lead.id.rawValue
        decidedAt = step.past.decidedAt
        let following = candidate.isElsewhere(than: step.live) ? nil : step.live.following(unlike: candidate)
        live = Side(step.live, follows: following?.own)
        self.candidate = Side(candidate, follows: following?.others)
    }

    init(_ row: Row) throws {
        place = try row.get("place")
        lead = try row.get("lead_id")
        decidedAt = try row.get("decided_at")
        live = Side(
            outcome: try row.get("live_outcome"), seller: try row.get("live_seller"), rule: try row.get("live_rule"),
            follows: try row.get("live_follows"))
        candidate = Side(
            outcome: try row.get("outcome"), seller: try row.get("seller"), rule: try row.get("rule"), follows: try row.get("follows"))
    }
}

extension Records {
    /// Differences of a finished round in the order of deciding.
    public func differences(of round: SandboxRound, of tenant: TenantID, after cursor: Int64 = 0, limit: Int) async throws
        -> Page<ReplayDifference>
    {
        guard let run = round.run else { return Page(items: [], next: nil) }
        let rows = try await read(
            tenant,
            """
            SELECT place, lead_id, decided_at, live_outcome, live_seller, live_rule, outcome, seller, rule, live_follows, follows
            FROM replay_difference
            WHERE tenant_id = \(tenant.rawValue) AND round_id = \(round.id) AND run = \(run) AND place > \(cursor)
            ORDER BY place LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(ReplayDifference.init)
        return Page(items: items, next: rows.count > limit ? items.last?.place : nil)
    }
}

extension PastReader {
    /// The round a job is to replay; nil when there is none.
    public func round(_ id: Int64) async throws -> SandboxRound? {
        try await read(["\(unescaped: SandboxRound.select) WHERE tenant_id = \(tenant.rawValue) AND id = \(id)"])[0].first.map(
            SandboxRound.init)
    }

    /// Keeps differences while a replay runs, under the number of its run. They are its round's once the run is settled: an effect
    /// that carried all of them would hold the settle of others up for seconds.
    public func keep(_ differences: [ReplayDifference], of round: Int64, run: Int64) async throws {
        guard !differences.isEmpty else { return }
        _ = try await read([
            """
            INSERT INTO replay_difference (tenant_id, round_id, run, place, lead_id, decided_at, live_outcome, live_seller, live_rule, outcome, seller,
                rule, live_follows, follows)
            SELECT \(tenant.rawValue), \(round), \(run), n.*
            FROM unnest(\(differences.map(\.place)), \(differences.map(\.lead)), \(differences.map(\.decidedAt)), \(differences.map(\.live.outcome)),
                \(differences.map(\.live.seller)), \(differences.map(\.live.rule)), \(differences.map(\.candidate.outcome)),
                \(differences.map(\.candidate.seller)), \(differences.map(\.candidate.rule)), \(differences.map(\.live.follows)),
                \(differences.map(\.candidate.follows))) AS n
            ON CONFLICT DO NOTHING
            """
        ])
    }
}
