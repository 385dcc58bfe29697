import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// What a seller's breaker is judged by.
public struct SellerBreakerFacts: Sendable {
    let seller: Int64
    let externalID: String
    /// Of the seller's row: whatever changed it since makes the judgement void.
    let updatedAt: Date
    let freeze: SellerFreeze?
    let managers: [String]
    /// Those that have ended, the last one first.
    public let deals: [SellerBreaker.Deal]
    /// What ended longer ago, as an import tells it, freezes nobody today.
    static let memory: TimeInterval = 90 * 86_400

    private let isOpen: Bool
    private let tripped: [Int64]

    public func state(at now: Date) -> SellerBreaker.State {
        let isFrozen = freeze?.holds(at: now) ?? false
        return SellerBreaker.State(isFrozen: isFrozen, isOpen: isFrozen && isOpen, deals: tripped)
    }

    fileprivate init(_ row: Row, managers: [String], deals: [SellerBreaker.Deal]) throws {
        seller = try row.get("id")
        externalID = try row.get("external_id")
        updatedAt = try row.get("updated_at")
        freeze = try SellerFreeze(row)
        isOpen = try row.get("breaker_open")
        tripped = try row.get("breaker_deals")
        self.managers = managers
        self.deals = deals
    }
}

extension RoutingReader {
    /// - Parameter count: of the last deals, beside those the breaker opened for.
    /// - Returns: nil: there is no such seller.
    public func breakerFacts(ofSeller seller: String, last count: Int, of tenant: TenantID) async throws -> SellerBreakerFacts? {
        let since = Date().addingTimeInterval(-SellerBreakerFacts.memory)
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT id, external_id, updated_at, frozen_at, frozen_until, frozen_reason, frozen_by, breaker_open, breaker_deals FROM seller
            WHERE tenant_id = \(tenant.rawValue) AND external_id = \(seller)
            """, .managers(of: seller, tenant),
            """
            WITH ended AS NOT MATERIALIZED (
                SELECT id, won, closed_at, fields->>'loss_reason' AS reason FROM opportunity
                WHERE tenant_id = \(tenant.rawValue) AND owner = \(seller) AND won IS NOT NULL)
            (SELECT * FROM ended WHERE closed_at > \(since) ORDER BY closed_at DESC, id DESC LIMIT \(count))
            UNION
            SELECT e.* FROM ended e JOIN seller s ON e.id = ANY(s.breaker_deals)
            WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(seller)
            ORDER BY closed_at DESC, id DESC
            """,
        ])
        return try rows[1].first.map { row in
            try SellerBreakerFacts(
                row, managers: try rows[2].map { try $0.get("manager") },
                deals: try rows[3].map {
                    SellerBreaker.Deal(id: try $0.get("id"), isWon: try $0.get("won"), reason: try $0.get("reason"))
                })
        }
    }
}

/// Freezes a seller for lost deals, with the training for it, or ends that freeze (BRK-01).
public struct SellerBreakerEffect: JudgedEffect {
    let facts: SellerBreakerFacts
    let breaker: SellerBreaker
    let verdict: SellerBreaker.Verdict

    public init(_ facts: SellerBreakerFacts, _ breaker: SellerBreaker, _ verdict: SellerBreaker.Verdict) {
        self.facts = facts
        self.breaker = breaker
        self.verdict = verdict
    }

    /// Those whose seller was changed in the meantime. Locks the routing version and the seller, as freezing by hand does.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let all = settlements.flatMap { settlement in
            settlement.outcome.effects.compactMap { $0 as? SellerBreakerEffect }.map { (attempt: settlement.attempt, effect: $0) }
        }
        var judged: Set<Int64> = []
        return try all.sorted { ($0.attempt.tenant, $0.attempt.id) < ($1.attempt.tenant, $1.attempt.id) }.reduce(into: []) { stale, one in
            let tenant = one.attempt.tenant.rawValue
            let rows = try transaction.pipeline([
                "SELECT version FROM routing_state WHERE tenant_id = \(tenant) FOR UPDATE",
                "SELECT updated_at FROM seller WHERE tenant_id = \(tenant) AND id = \(one.effect.facts.seller) FOR UPDATE",
            ])
            let isSame = try rows[1].first?.get("updated_at", as: Date.self) == one.effect.facts.updatedAt
            // Of two judgements of one seller the second looks again.
            if !isSame || !judged.insert(one.effect.facts.seller).inserted { stale.insert(one.attempt.id) }
        }
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.flatMap { settled -> [Statement] in
            guard let effect = settled.effect as? SellerBreakerEffect else { return [] }
            return switch effect.verdict {
            case .opens(let deals, let matching): effect.opening(deals, matching, of: settled.tenant, at: settled.at)
            case .closes: effect.closing(of: settled.tenant)
            case .stays: []
            }
        }
    }

    private func opening(_ deals: [Int64], _ matching: Int, of tenant: TenantID, at now: Date) -> [Statement] {
        let english = "\(matching) of the last \(deals.count) lost deals were lost for: \(breaker.reason)"
        let chinese = "最近 \(deals.count) 个丢单中有 \(matching) 个的原因是“\(breaker.chineseReason)”"
        let freeze = SellerFreeze(since: now, until: now.addingTimeInterval(Double(breaker.days) * 86_400), reason: english, by: nil)
        let until = freeze.until?.ISO8601Format() ?? ""
        let seller = facts.externalID
        return [
            .bumpRouting(tenant), .freeze(facts.seller, freeze, breaker: deals, of: tenant), .keepSellers([facts.seller], of: tenant),
            .audit(
                tenant, by: Self.actor, "seller.freeze", seller, before: facts.freeze.map { .encoding($0.note) },
                after: .encoding(freeze.note),
                reason: english),
            .notify(freeze, chinese: chinese, of: seller, tenant),
            .notify(
                seller, "training_due", breaker.reason, of: tenant,
                english: "Training for you: \(breaker.reason). Your manager ends the freeze once it is passed.",
                chinese: "请参加针对“\(breaker.chineseReason)”的培训，通过后由您的主管解除冻结。"),
        ]
            + facts.managers.filter { $0 != seller }.map { manager in
                .notify(
                    manager, "seller_frozen", seller, of: tenant,
                    english: "\(seller) gets no new leads until \(until): \(english).", chinese: "\(seller) 暂停接收新线索，至 \(until)：\(chinese)。")
            }
    }

    private func closing(of tenant: TenantID) -> [Statement] {
        let reason = "the reasons of the lost deals were corrected"
        return [
            .bumpRouting(tenant), .freeze(facts.seller, nil, breaker: nil, of: tenant), .keepSellers([facts.seller], of: tenant),
            .audit(
                tenant, by: Self.actor, "seller.thaw", facts.externalID, before: facts.freeze.map { .encoding($0.note) }, reason: reason),
            .notifyThawed(facts.externalID, reason, tenant),
        ]
    }

    private static let actor = "kiteline"
}

extension OpportunityTelling {
    /// Whose last deals are to be judged anew: where a deal is lost, or one that was lost is told otherwise.
    func breakers(owner: String?, won: Bool?, closedAt: Date?, fields: [UInt8]) -> [String] {
        let isRecent = closedAt.map { $0 > now.addingTimeInterval(-SellerBreakerFacts.memory) } ?? true
        guard won == false && isRecent || known?.won == false else { return [] }
        if let known, known.owner == owner, known.won == won, known.closedAt == closedAt,
            Self.lossReason(known.fields.bytes) == Self.lossReason(fields)
        {
            return []
        }
        return Set([owner, known?.owner].compactMap(\.self)).sorted()
    }

    private static func lossReason(_ fields: [UInt8]) -> String? {
        (try? JSONEnvelope(fields, levels: 1, limits: .stored))?.root["loss_reason"]?.string
    }
}

extension Records {
    /// A transaction that tells of opportunities; the breakers of the sellers it names are judged after it.
    func tell<R: Sendable>(
        _ tenant: TenantID, at now: Date,
        _ body: @Sendable @escaping (PostgresTransaction) throws -> (result: R, breakers: [String])
    ) async throws -> R {
        let ledger = ledger
        let ids = try await ledger.reserve(2)
        let (result, enqueued) = try await write(tenant, on: engine) { transaction -> (R, Enqueued?) in
            let told = try body(transaction)
            let sellers = try told.breakers.filter { name in
                // Owners may be people Kiteline was not told of.
                try !transaction.query("SELECT FROM seller WHERE tenant_id = \(tenant.rawValue) AND external_id = \(name)").isEmpty
            }
            guard !sellers.isEmpty else { return (told.result, nil) }
            let (statements, enqueued) = ledger.statements(
                enqueueing: sellers.map { .sellerBreaker(of: $0, tenant) }, as: Array(ids.prefix(sellers.count)), at: now)
            return (told.result, enqueued(try transaction.pipeline(statements).last!.first!.get("id")))
        }
        if let enqueued { ledger.announce(enqueued) } else { ledger.giveBack(ids) }
        return result
    }
}

extension NewJob {
    /// The job that judges a seller's last deals.
    public static func sellerBreaker(of seller: String, _ tenant: TenantID) -> NewJob {
        NewJob(tenant: tenant, kind: "evaluate_seller_breaker", arguments: JSONWriter.object { $0.member("seller", seller) })
    }
}
