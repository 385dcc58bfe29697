import Foundation
import PostgresClient
import ProcessHealth
import Tenancy

/// What one seller has to do, all of one moment (LOAD-02).
public struct SellerLoadRecord: Sendable, Hashable {
    public let externalID: String
    public let asOf: Date
    /// Leads that wait for a first touch: what routing counts.
    public let pending: Int
    public let capacity: Int
    /// Of those, leads of which a clock was missed.
    public let overdue: Int
    /// Deals closed since this week's Monday, in the tenant's time zone.
    public let wonThisWeek: Int
    public let lostThisWeek: Int
    public let weekSince: Date
    public let status: SellerStatus?
    public let freeze: SellerFreeze?
    /// Who leads the seller's team or one above it, by external id.
    public let managers: [String]

    /// Why no new lead comes now; nil: one may, as far as the shift allows.
    public var paused: String? {
        if status != .active { return status == nil ? "unknown_status" : "inactive" }
        if freeze?.holds(at: asOf) == true { return "frozen" }
        return pending > capacity ? "over_load" : nil
    }
}

extension Records {
    /// Nil when there is no such seller.
    public func sellerLoad(_ externalID: String, of tenant: TenantID, now: Date = Date()) async throws -> SellerLoadRecord? {
        let known = try await app.pipeline([
            .tenants([tenant]), "SELECT time_zone FROM tenant WHERE id = \(tenant.rawValue)", .managers(of: externalID, tenant),
        ])
        let zone = try known[1].first.flatMap { TimeZone(identifier: try $0.get("time_zone")) } ?? .gmt
        let monday = Week(containing: now, in: zone).start(in: zone)
        let managers = try known[2].map { try $0.get("manager", as: String.self) }.sorted()
        // One statement sees one moment.
        return try await read(
            tenant,
            """
            SELECT s.external_id, s.status, s.capacity, s.frozen_at, s.frozen_until, s.frozen_reason, s.frozen_by,
                COALESCE((SELECT l.pending FROM seller_load l WHERE l.tenant_id = s.tenant_id AND l.seller_id = s.id), 0) AS pending,
                (SELECT count(DISTINCT e.subject_id) FROM escalation e JOIN lead l ON l.tenant_id = e.tenant_id AND l.id = e.subject_id
                 WHERE e.tenant_id = s.tenant_id AND e.subject_type = 'lead' AND e.met_at IS NULL AND e.withdrawn_at IS NULL AND NOT e.history
                    AND l.owner_id = s.id AND l.touched_at IS NULL) AS overdue,
                (SELECT count(*) FROM opportunity o
                 WHERE o.tenant_id = s.tenant_id AND o.owner = s.external_id AND o.won AND o.closed_at >= \(monday) AND o.closed_at <= \(now)) AS won,
                (SELECT count(*) FROM opportunity o
                 WHERE o.tenant_id = s.tenant_id AND o.owner = s.external_id AND NOT o.won AND o.closed_at >= \(monday) AND o.closed_at <= \(now)) AS lost
            FROM seller s WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(externalID)
            """
        ).first.map { row in
            SellerLoadRecord(
                externalID: try row.get("external_id"), asOf: now, pending: Int(try row.get("pending", as: Int32.self)),
                capacity: Int(try row.get("capacity", as: Int32.self)), overdue: Int(try row.get("overdue", as: Int64.self)),
                wonThisWeek: Int(try row.get("won", as: Int64.self)), lostThisWeek: Int(try row.get("lost", as: Int64.self)),
                weekSince: monday, status: try row.get("status", as: String?.self).flatMap(SellerStatus.init),
                freeze: try SellerFreeze(row), managers: managers)
        }
    }
}
