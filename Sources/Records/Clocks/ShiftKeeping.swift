import Foundation
import PostgresClient
import Tenancy

extension PostgresTransaction {
    /// Works out anew which hours sellers' shifts follow, and keeps what changed under the version in hand. The routing version is locked.
    ///
    /// - Parameter seller: only this one, by external id; nil: all of the tenant's.
    /// - Returns: whether anybody's changed; what those sellers are is kept then.
    @discardableResult
    func keepShifts(of seller: String? = nil, _ tenant: TenantID) throws -> Bool {
        let rows = try pipeline([
            "SELECT scope, name, body FROM calendar_layer WHERE tenant_id = \(tenant.rawValue)",
            """
            SELECT s.id, s.external_id, s.team, s.shift, t.time_zone
            FROM seller s JOIN tenant t ON t.id = s.tenant_id
            WHERE s.tenant_id = \(tenant.rawValue) AND (\(seller)::text IS NULL OR s.external_id = \(seller)) ORDER BY s.id
            """,
            NationalNotice.kept,
        ])
        let layers = try Layers(rows[0])
        let notices = try rows[2].map { try NationalNotice($0) }
        var changed: [Int64] = []
        var names: [String?] = []
        var plans: [String: String] = [:]
        for row in rows[1] {
            let kept = try row.get("shift", as: String?.self)
            let zone: String = try row.get("time_zone")
            let own = layers.shift(of: try row.get("external_id"), in: try row.get("team"))
            let plan = own.map { ShiftPlan(zone: zone, layers: $0, notices: notices) }
            guard plan?.hash != kept else { continue }
            changed.append(try row.get("id"))
            names.append(plan?.hash)
            if let plan { plans[plan.hash] = plan.body }
        }
        guard !changed.isEmpty else { return false }
        _ = try pipeline([
            """
            INSERT INTO shift_plan (tenant_id, hash, body)
            SELECT \(tenant.rawValue), hash, body FROM unnest(\(Array(plans.keys)), \(Array(plans.values))) AS n(hash, body)
            ON CONFLICT DO NOTHING
            """,
            """
            UPDATE seller s SET shift = n.shift FROM unnest(\(changed), \(names)) AS n(id, shift)
            WHERE s.tenant_id = \(tenant.rawValue) AND s.id = n.id
            """,
            .keepSellers(changed, of: tenant),
        ])
        return true
    }
}

extension Statement {
    /// Keeps what sellers are from the version of the routing state in hand on, for those who decide again later.
    static func keepSellers(_ sellers: [Int64], of tenant: TenantID) -> Statement {
        """
        INSERT INTO seller_change AS c (tenant_id, version, seller_id, external_id, team, status, regions, industries, capacity, weight, newcomer,
            frozen_at, frozen_until, shift)
        SELECT s.tenant_id, r.version, id, external_id, team, status, regions, industries, capacity, weight, newcomer, frozen_at, frozen_until, shift
        FROM seller s JOIN routing_state r ON r.tenant_id = s.tenant_id
        WHERE s.tenant_id = \(tenant.rawValue) AND s.id = ANY(\(sellers))
        """
    }
}

/// A tenant's calendars by whose they are.
private struct Layers {
    private typealias Layer = (body: JSONBytes, isShift: Bool?)

    private var whole: JSONBytes?
    private var teams: [String: Layer] = [:]
    private var sellers: [String: Layer] = [:]

    init(_ rows: Rows) throws {
        for row in rows {
            let body = try row.get("body", as: JSONBytes.self)
            guard let document = CalendarDocument(kept: body.bytes) else { continue }
            let name: String = try row.get("name")
            switch try row.get("scope", as: String.self) {
            case "tenant": whole = body
            case "team": teams[name] = (body, document.isShift)
            default: sellers[name] = (body, document.isShift)
            }
        }
    }

    /// The layers of a seller who gets leads within hours only; nil: at all hours. What the seller's own says comes before what the team's does.
    func shift(of seller: String, in team: String?) -> [JSONBytes]? {
        let (own, theirs) = (sellers[seller], team.flatMap { teams[$0] })
        guard own?.isShift ?? theirs?.isShift ?? false else { return nil }
        return [whole, theirs?.body, own?.body].compactMap { $0 }
    }
}
