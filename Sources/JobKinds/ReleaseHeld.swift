import Foundation
import Jobs
import Records
import SalesModel
import Tenancy

/// Has a tenant's held leads assigned again after a map was published, a page at a time.
public struct ReleaseHeld: DecidingHandler {
    public struct Arguments: JobArguments, Decodable {
        var after: String?
        var until: String?
        /// Also those that wait for a person: the fuse was closed, or the route is another.
        var manual: Bool?
        var trigger: AssignmentTrigger?
    }

    /// The leads one job lets go, where it ends, and why.
    public struct Page: Sendable {
        var leads: [HeldLead]
        var until: LeadID
        var orManual = false
        var trigger = AssignmentTrigger.mappingFixed
    }

    public let kind = ReleaseHeld.definition
    private let records: RoutingReader
    private let pageSize: Int

    public init(records: RoutingReader, pageSize: Int = 500) {
        self.records = records
        self.pageSize = pageSize
    }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "release_held",
        arguments: ArgumentSchema([
            .optional("after", .string(maxLength: 20), "the lead after which to go on"),
            .optional("until", .string(maxLength: 20), "the last lead to let go"),
            .optional("manual", .boolean, "also leads that wait for a person"),
            .optional("trigger", .choice(AssignmentTrigger.allCases.map(\.rawValue)), "why they are assigned again"),
        ]), isPublic: false)

    public func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> [JobID: Page] {
        var pages: [JobID: Page] = [:]
        for job in jobs {
            let orManual = job.arguments.manual ?? false
            let last = try await records.lastHeldLead(of: tenant, orManual: orManual)
            guard let until = job.arguments.until.flatMap(LeadID.init) ?? last else { continue }
            let after = job.arguments.after.flatMap(LeadID.init) ?? LeadID(0)
            let leads = try await records.heldLeads(of: tenant, orManual: orManual, after: after, until: until, limit: pageSize)
            let trigger = job.arguments.trigger ?? (orManual ? .fuseReset : .mappingFixed)
            pages[job.id] = Page(leads: leads, until: until, orManual: orManual, trigger: trigger)
        }
        return pages
    }

    public func outcome(of job: Job<Arguments>, given facts: inout [JobID: Page], at now: Date) -> Outcome {
        guard let page = facts[job.id], let last = page.leads.last else { return .completed("done") }
        var next = page.leads.map { NewJob.assignLead($0.id.rawValue, of: job.tenant, trigger: page.trigger, epoch: $0.epoch + 1) }
        if page.leads.count == pageSize {
            next.append(.releaseHeld(of: job.tenant, orManual: page.orManual, for: page.trigger, after: last.id, until: page.until))
        }
        return Outcome(.completed("released"), effects: [ReleaseHeldEffect(leads: page.leads)], followUps: next)
    }
}
