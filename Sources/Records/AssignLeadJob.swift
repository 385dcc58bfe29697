import Jobs
import PostgresClient
import Tenancy

/// Why a lead is to be assigned.
public enum AssignmentTrigger: String, Sendable, CaseIterable, Decodable {
    case created
    case batchImport = "batch_import"
    case mappingFixed = "mapping_fixed"
    case rulesChanged = "rules_changed"
    case marketingCompleted = "marketing_completed"
    case fuseReset = "fuse_reset"
    case manualRequeue = "manual_requeue"
    case rolloutAborted = "rollout_aborted"
    case sellerLeft = "seller_left"
    case recycled
}

extension NewJob {
    /// The kind of the jobs that assign leads.
    public static let assignLeadKind = "assign_lead"

    /// The job that assigns a lead. Every legitimate reassignment has an epoch of its own, so each is a job of its own.
    public static func assignLead(_ lead: Int64, of tenant: TenantID, trigger: AssignmentTrigger, epoch: Int) -> NewJob {
        NewJob(
            tenant: tenant, kind: assignLeadKind,
            arguments: Array(#"{"lead_id":"\#(lead)","trigger":"\#(trigger.rawValue)","assignment_epoch":\#(epoch)}"#.utf8))
    }
}
