import Foundation
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// A seller's freeze: no new lead for a time, by a manager's word.
public struct SellerFreeze: Sendable, Hashable {
    public let since: Date
    /// Nil: until thawed.
    public let until: Date?
    public let reason: String
    /// Who decided it, by the tenant's own name; nil: whoever bears the key, or the breaker of lost deals.
    public let by: String?

    public init(since: Date, until: Date?, reason: String, by: String?) {
        self.since = since
        self.until = until
        self.reason = reason
        self.by = by
    }

    public func holds(at moment: Date) -> Bool { until.map { moment < $0 } ?? true }

    /// Nil: the row says of none.
    init?(_ row: Row) throws {
        guard let since = try row.get("frozen_at", as: Date?.self) else { return nil }
        self.init(
            since: since, until: try row.get("frozen_until"), reason: try row.get("frozen_reason", as: String?.self) ?? "",
            by: try row.get("frozen_by"))
    }

    /// As the audit log keeps it.
    var note: [String: String] {
        var note = ["since": since.ISO8601Format(), "until": until?.ISO8601Format() ?? "thawed", "reason": reason]
        note["by"] = by
        return note
    }
}

/// A wish to freeze or thaw a seller.
public struct FreezeWish: Sendable {
    /// External id.
    public var seller: String
    public var isFrozen: Bool
    /// Of a freeze; nil: until thawed.
    public var until: Date?
    /// Who decided it, by external id.
    public var by: String?
    public var reason: String
    /// Whether `by` has to be a manager above the seller.
    public var needsManager: Bool

    public init(seller: String, isFrozen: Bool, until: Date? = nil, by: String?, reason: String, needsManager: Bool) {
        self.seller = seller
        self.isFrozen = isFrozen
        self.until = until
        self.by = by
        self.reason = reason
        self.needsManager = needsManager
    }
}

/// Why a seller is not frozen or thawed.
public enum FreezeRefusal: Error, Sendable, Hashable {
    case noSeller
    /// Who is named leads neither the seller's team nor one above it.
    case notManager
    case notFrozen
}

extension Records {
    /// Freezes or thaws a seller: the same lock as every assignment, so whichever commits first is what counts. Leads the seller has stay.
    ///
    /// - Throws: `FreezeRefusal`.
    public func setFreeze(
        _ wish: FreezeWish, of tenant: TenantID, by actor: String, key: IdempotencyKey?, now: Date = Date(),
        answer: @Sendable @escaping (SellerRecord) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant, on: engine) { transaction in
            try transaction.once(key) { answer(try transaction.set(wish, of: tenant, by: actor, now: now)) }
        }
    }
}

extension PostgresTransaction {
    fileprivate func set(_ wish: FreezeWish, of tenant: TenantID, by actor: String, now: Date) throws -> SellerRecord {
        let rows = try pipeline([
            .bumpRouting(tenant),
            """
            SELECT id, name, frozen_at, frozen_until, frozen_reason, frozen_by FROM seller
            WHERE tenant_id = \(tenant.rawValue) AND external_id = \(wish.seller) FOR UPDATE
            """, .managers(of: wish.seller, tenant),
        ])
        guard let seller = rows[1].first else { throw FreezeRefusal.noSeller }
        if wish.needsManager {
            let managers = try rows[2].map { try $0.get("manager", as: String.self) }
            guard let by = wish.by, by != wish.seller, managers.contains(by) else { throw FreezeRefusal.notManager }
        }
        let before = try SellerFreeze(seller).flatMap { $0.holds(at: now) ? $0 : nil }
        guard wish.isFrozen || before != nil else { throw FreezeRefusal.notFrozen }
        let after =
            wish.isFrozen
            ? SellerFreeze(since: before?.since ?? now, until: wish.until, reason: wish.reason, by: wish.by) : nil
        let id: Int64 = try seller.get("id")
        _ = try pipeline([
            .freeze(id, after, breaker: nil, of: tenant), .keepSellers([id], of: tenant),
            .audit(
                tenant, by: wish.by.map { "\(actor) for \($0)" } ?? actor, wish.isFrozen ? "seller.freeze" : "seller.thaw", wish.seller,
                before: before.map { .encoding($0.note) }, after: after.map { .encoding($0.note) }, reason: wish.reason),
            after.map { .notify($0, of: wish.seller, tenant) } ?? .notifyThawed(wish.seller, wish.reason, tenant),
        ])
        return try query("\(unescaped: SellerRecord.select) WHERE s.tenant_id = \(tenant.rawValue) AND s.id = \(id)").first
            .map(SellerRecord.init)!  // locked above
    }
}

extension Statement {
    /// Sets or ends a freeze. Under the routing version's lock; the seller is to be kept for replays in the same transaction.
    /// - Parameter breaker: the deals for which it is the breaker's doing; nil: somebody's.
    static func freeze(_ seller: Int64, _ freeze: SellerFreeze?, breaker deals: [Int64]?, of tenant: TenantID) -> Statement {
        """
        UPDATE seller SET frozen_at = \(freeze?.since), frozen_until = \(freeze?.until), frozen_reason = \(freeze?.reason), frozen_by = \(freeze?.by),
            breaker_open = \(deals != nil), breaker_deals = COALESCE(\(deals), breaker_deals), updated_at = now()
        WHERE tenant_id = \(tenant.rawValue) AND id = \(seller)
        """
    }

    /// Who leads a seller's team, and the teams above it: a circle of teams ends by itself.
    static func managers(of seller: String, _ tenant: TenantID) -> Statement {
        """
        WITH RECURSIVE above AS (
            SELECT t.external_id, t.manager, t.superior FROM seller s JOIN team t ON t.tenant_id = s.tenant_id AND t.external_id = s.team
            WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(seller)
            UNION
            SELECT t.external_id, t.manager, t.superior FROM above a JOIN team t ON t.external_id = a.superior
            WHERE t.tenant_id = \(tenant.rawValue))
        SELECT DISTINCT manager FROM above WHERE manager IS NOT NULL
        """
    }

    static func notify(_ freeze: SellerFreeze, chinese: String? = nil, of seller: String, _ tenant: TenantID) -> Statement {
        let until = freeze.until?.ISO8601Format()
        return .notify(
            seller, "seller_frozen", seller, of: tenant,
            english: "You get no new leads " + (until.map { "until \($0)" } ?? "for now")
                + ": \(freeze.reason). Those you have stay yours.",
            chinese: "暂停向您分配新线索" + (until.map { "，至 \($0)" } ?? "") + "：\(chinese ?? freeze.reason)。现有线索不受影响。")
    }

    static func notifyThawed(_ seller: String, _ reason: String, _ tenant: TenantID) -> Statement {
        .notify(
            seller, "seller_thawed", seller, of: tenant, english: "You get new leads again: \(reason).", chinese: "已恢复向您分配新线索：\(reason)。")
    }
}
