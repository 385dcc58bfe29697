import Foundation
import Jobs
import Records
import Routing
import SalesModel
import Tenancy

/// Gives a lead to the seller whom the tenant's rules name: finds out who it is, maps it, scores it, routes it, and says why.
///
/// A batch of one tenant is read at once and decided one lead after another on a roster that each decision changes, so two
/// leads never count on the same free place.
public struct AssignLead: DecidingHandler {
    public struct Arguments: JobArguments {
        var lead: String
        var trigger: String?
        var epoch: Int?

        public init(json: [UInt8]) throws {
            let reader = try ArgumentReader(json)
            guard let lead = try reader.string("lead_id") else { throw Failure(.permanent, "lead_id is missing") }
            self.lead = lead
            trigger = try reader.string("trigger")
            epoch = try reader.integer("assignment_epoch")
        }
    }

    public let kind = AssignLead.definition
    private let records: RoutingReader
    private let now: @Sendable () -> Date

    /// - Parameter now: as of when past deals are counted.
    public init(records: RoutingReader, now: @escaping @Sendable () -> Date = { Date() }) {
        self.records = records
        self.now = now
    }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "assign_lead",
        arguments: ArgumentSchema([
            .required("lead_id", .string(maxLength: 20), "the lead's id"),
            .optional("trigger", .choice(AssignmentTrigger.allCases.map(\.rawValue)), "why it is to be assigned"),
            .optional("assignment_epoch", .integer(0...Int64(Int32.max)), "which assignment of the lead this is; default: the current one"),
        ]))

    public func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> RoutingFacts {
        try await records.facts(for: jobs.compactMap { LeadID($0.arguments.lead) }, of: tenant, at: now())
    }

    public func outcome(of job: Job<Arguments>, given facts: inout RoutingFacts, at now: Date) -> Outcome {
        guard let id = LeadID(job.arguments.lead), let lead = facts.leads[id] else {
            return .failed(.permanent, "there is no lead \(job.arguments.lead)")
        }
        let epoch = job.arguments.epoch ?? lead.epoch
        guard epoch <= lead.epoch else { return .failed(.permanent, "lead \(id) is in its assignment \(lead.epoch), not yet in \(epoch)") }
        // A later assignment has a job of its own.
        guard epoch == lead.epoch, !lead.isAssigned else { return .completed(AssignmentOutcome.alreadyAssigned.rawValue) }
        if let decided = lead.decided { return Outcome(decided) }

        // Who it is comes first: all leads of a customer are decided under the same arm, and go to whoever has the customer.
        let resolutions = facts.customers.resolutions(of: id)
        let tried =
            facts.isFuseOpen
            ? facts.roster.leftToPeople(at: now) : facts.roster.decision(for: lead.lead, as: resolutions.identities, at: now)
        let decision = tried.routed.decision
        var outcome = Outcome(decision.outcome)
        let effect = LeadDecisionEffect(tried, about: lead, as: resolutions, on: &facts)
        outcome.effects = [effect]
        outcome.ruleVersion = decision.routeVersion
        outcome.arm = tried.arm.rawValue
        // What a harmful change has done is made whole as soon as it is taken back.
        for rollout in effect.takesBack {
            outcome.followUps += [.makeWhole(rollout: rollout, of: job.tenant), .releaseHeld(of: job.tenant)]
        }
        return outcome
    }
}

extension Outcome {
    /// Held leads and those a person must assign count as failures of the kind.
    fileprivate init(_ outcome: AssignmentOutcome) {
        self.init(outcome.isSuccess ? .completed(outcome.rawValue) : .held(outcome.rawValue))
    }
}
