import Jobs
import Records
import SalesModel
import Tenancy

extension Outcome {
    /// A page of leads is taken back and each assigned once more; `rest`, where there is one, goes on with the next page.
    static func takenBack(
        _ leads: [PlacedLead], as word: String, _ cause: TakeBackCause, _ trigger: AssignmentTrigger, of tenant: TenantID, rest: NewJob?
    ) -> Outcome {
        let again = leads.map { NewJob.assignLead($0.id.rawValue, of: tenant, trigger: trigger, epoch: $0.epoch + 1) }
        return Outcome(.completed(word), effects: [TakeBackEffect(cause, leads)], followUps: again + (rest.map { [$0] } ?? []))
    }
}
