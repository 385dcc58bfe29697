import PostgresClient
import Tenancy

extension Statement {
    /// Leads that were touched no longer weigh on whoever has them. The one place where a touch of a lead becomes its owner's: as it is told,
    /// and as a lead that was touched before anybody had it is given to somebody.
    ///
    /// In the same transaction the counter was moved (`moveLoads`) and the owners' loads and the leads are locked.
    static func endWaiting(of leads: [Int64], _ tenant: TenantID) -> Statement {
        """
        WITH first AS (
            UPDATE assignment a SET touched_at = l.touched_at
            FROM lead l
            WHERE l.tenant_id = \(tenant.rawValue) AND l.id = ANY(\(leads)) AND l.touched_at IS NOT NULL
                AND a.tenant_id = l.tenant_id AND a.lead_id = l.id AND a.active AND a.touched_at IS NULL
            RETURNING a.lead_id, a.seller_id),
        kept AS (
            INSERT INTO load_change (tenant_id, seq, lead_id, seller_id, change)
            SELECT c.tenant_id, c.load_seq, f.lead_id, f.seller_id, -1
            FROM first f JOIN routing_clock c ON c.tenant_id = \(tenant.rawValue))
        UPDATE seller_load s SET pending = s.pending - f.touched
        FROM (SELECT seller_id, count(*)::integer AS touched FROM first GROUP BY seller_id) f
        WHERE s.tenant_id = \(tenant.rawValue) AND s.seller_id = f.seller_id
        """
    }
}
