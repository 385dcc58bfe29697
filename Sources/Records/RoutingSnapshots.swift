import Foundation
import PostgresClient
import Tenancy

extension Records {
    /// Keeps what routing rests on of every tenant where enough has happened since the last time: a day, or many decisions. A replay
    /// begins at the last one before the time it is about.
    ///
    /// - Parameter versions: so many assignments' groups and changes are enough before a day is over.
    /// - Returns: how many were kept.
    @discardableResult
    public func keepRoutingSnapshots(versions: Int64 = 5_000) async throws -> Int {
        var kept = 0
        var last: Int64 = 0
        while true {
            let ids: [Int64] = try await engine.query("SELECT id FROM tenant WHERE id > \(last) ORDER BY id LIMIT 500").map {
                try $0.get("id")
            }
            guard let end = ids.last else { return kept }
            last = end
            kept += try await engine.pipeline([.tenants(ids.map(TenantID.init)), Self.snapshots(of: ids, versions)])[1].count
        }
    }

    /// One statement, and so of one moment: loads, turns and sellers are those of the version and the counters beside them.
    private static func snapshots(of tenants: [Int64], _ versions: Int64) -> Statement {
        """
        INSERT INTO routing_snapshot (tenant_id, version, load_seq, deal_seq, sellers, cursors)
        SELECT r.tenant_id, r.version, COALESCE(c.load_seq, 0), COALESCE(c.deal_seq, 0),
            COALESCE((
                SELECT jsonb_agg(jsonb_build_object('id', s.id, 'external_id', s.external_id, 'team', s.team, 'status', s.status,
                    'regions', to_jsonb(s.regions), 'industries', to_jsonb(s.industries), 'capacity', s.capacity, 'weight', s.weight,
                    'newcomer', s.newcomer, 'frozen_at', s.frozen_at, 'frozen_until', s.frozen_until, 'shift', s.shift, 'pending', COALESCE(l.pending, 0), 'last_assigned_at', l.last_assigned_at) ORDER BY s.id)
                FROM seller s LEFT JOIN seller_load l ON l.tenant_id = s.tenant_id AND l.seller_id = s.id
                WHERE s.tenant_id = r.tenant_id), '[]'),
            COALESCE((
                SELECT jsonb_agg(jsonb_build_object('pool', p.pool, 'sellers', to_jsonb(p.sellers), 'credits', to_jsonb(p.credits)))
                FROM route_cursor p WHERE p.tenant_id = r.tenant_id), '[]')
        FROM routing_state r
            LEFT JOIN routing_clock c ON c.tenant_id = r.tenant_id
            LEFT JOIN LATERAL (
                SELECT s.version, s.at FROM routing_snapshot s WHERE s.tenant_id = r.tenant_id ORDER BY s.at DESC LIMIT 1) last ON true
        WHERE r.tenant_id = ANY(\(tenants))
            AND (last.at IS NULL
                OR (r.version <> last.version AND last.at < now() - interval '1 day')
                OR (r.version >= last.version + \(versions) AND last.at < now() - interval '5 minutes'))
        ON CONFLICT DO NOTHING
        RETURNING tenant_id
        """
    }
}
