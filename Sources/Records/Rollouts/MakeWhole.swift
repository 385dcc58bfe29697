import Jobs
import SalesModel
import Tenancy

extension NewJob {
    /// The job that has the untouched leads of a rollout's canary assigned again after it was taken back.
    /// - Parameter after: where to go on.
    public static func makeWhole(rollout: Int64, of tenant: TenantID, after: LeadID = LeadID(0)) -> NewJob {
        NewJob(tenant: tenant, kind: "make_whole", arguments: Array(#"{"rollout_id":"\#(rollout)","after":"\#(after)"}"#.utf8))
    }
}
