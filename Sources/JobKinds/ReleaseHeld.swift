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
    }

    /// The leads one job lets go, and where it ends.
    public struct Page: Sendable {
        var leads: [HeldLead]
        var until: LeadID
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
        ]), isPublic: false)

    public func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> [JobID: Page] {
        var pages: [JobID: Page] = [:]
        let last = try await records.lastHeldLead(of: tenant)
        for job in jobs {
            guard let until = job.arguments.until.flatMap(LeadID.init) ?? last else { continue }
            let after = job.arguments.after.flatMap(LeadID.init) ?? LeadID(0)
            pages[job.id] = Page(leads: try await records.heldLeads(of: tenant, after: after, until: until, limit: pageSize), until: until)
        }
        return pages
    }

    public func outcome(of job: Job<Arguments>, given facts: inout [JobID: Page], at now: Date) -> Outcome {
        guard let page = facts[job.id], let last = page.leads.last else { return .completed("done") }
        var next = page.leads.map { NewJob.assignLead($0.id.rawValue, of: job.tenant, trigger: .mappingFixed, epoch: $0.epoch + 1) }
        if page.leads.count == pageSize { next.append(.releaseHeld(of: job.tenant, after: last.id, until: page.until)) }
        return Outcome(.completed("released"), effects: [ReleaseHeldEffect(leads: page.leads)], followUps: next)
    }
}
