import Foundation
import Jobs
import Ledger
import PostgresClient
import SalesModel
import Tenancy

extension RoutingReader {
    /// Leads the rollout's canary decided that are still where it put them, untouched, in the order of their ids. Held ones are not among
    /// them: those are released with all other held leads.
    public func harmedLeads(by rollout: Int64, of tenant: TenantID, after: LeadID, limit: Int) async throws -> [PlacedLead] {
        try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT c.lead_id, c.epoch, a.seller_id, s.external_id, false AS touched
            FROM rollout_case c
                JOIN lead l ON l.tenant_id = c.tenant_id AND l.id = c.lead_id AND l.assignment_epoch = c.epoch
                LEFT JOIN assignment a ON a.tenant_id = c.tenant_id AND a.lead_id = c.lead_id AND a.epoch = c.epoch AND a.active
                LEFT JOIN seller s ON s.tenant_id = a.tenant_id AND s.id = a.seller_id
            WHERE c.tenant_id = \(tenant.rawValue) AND c.rollout_id = \(rollout) AND c.arm = 'canary' AND c.lead_id > \(after.rawValue)
                AND l.state IN ('assigned', 'pooled', 'with_marketing', 'manual_queue') AND l.touched_at IS NULL AND a.touched_at IS NULL
            ORDER BY c.lead_id LIMIT \(limit)
            """,
        ])[1].map(PlacedLead.init)
    }
}

extension NewJob {
    /// The job that has the untouched leads of a rollout's canary assigned again after it was taken back.
    /// - Parameter after: where to go on.
    public static func makeWhole(rollout: Int64, of tenant: TenantID, after: LeadID = LeadID(0)) -> NewJob {
        NewJob(tenant: tenant, kind: "make_whole", arguments: Array(#"{"rollout_id":"\#(rollout)","after":"\#(after)"}"#.utf8))
    }
}
