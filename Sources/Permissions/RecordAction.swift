/// What people do with records, as far as policies judge it: the closed list.
public enum RecordAction: String, Sendable, Hashable, CaseIterable {
    case createLead = "lead.create"
    /// Telling again of a lead that is known, and giving it to a seller by hand.
    case editLead = "lead.edit"
    case queryLead = "lead.query"
    case createOpportunity = "opportunity.create"
    /// Telling again of an opportunity that is known, and moving it to another stage.
    case editOpportunity = "opportunity.edit"
    case queryOpportunity = "opportunity.query"
    /// What happened to a lead, an opportunity, a customer or a seller. It is kept for good: nobody edits it.
    case createActivity = "activity.create"
}
