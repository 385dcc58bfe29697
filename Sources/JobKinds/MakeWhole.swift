import Foundation
import Jobs
import Records
import SalesModel
import Tenancy

/// After a rule change was taken back: has the leads it decided, and nobody touched, assigned once more, a page at a time. Those it took for
/// another customer than the live rules do are first put to whom these take them for.
public struct MakeWhole: DecidingHandler {
    public struct Arguments: JobArguments, Decodable {
        var rollout: String
        var after: String?

        enum CodingKeys: String, CodingKey {
            case rollout = "rollout_id"
            case after
        }
    }

    public let kind = MakeWhole.definition
    private let records: RoutingReader
    private let pageSize: Int

    public init(records: RoutingReader, pageSize: Int = 200) {
        self.records = records
        self.pageSize = pageSize
    }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "make_whole",
        arguments: ArgumentSchema([
            .required("rollout_id", .string(maxLength: 20), "the rollout that was taken back"),
            .optional("after", .string(maxLength: 20), "the lead after which to go on"),
        ]), isPublic: false)

    public func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> [JobID: HarmedLeads] {
        var pages: [JobID: HarmedLeads] = [:]
        for job in jobs {
            guard let rollout = Int64(job.arguments.rollout) else { throw Failure(.permanent, "rollout_id is no number") }
            let after = job.arguments.after.flatMap(LeadID.init) ?? LeadID(0)
            pages[job.id] = try await records.harmedLeads(by: rollout, of: tenant, after: after, limit: pageSize)
        }
        return pages
    }

    public func outcome(of job: Job<Arguments>, given facts: inout [JobID: HarmedLeads], at now: Date) -> Outcome {
        guard let rollout = Int64(job.arguments.rollout), let page = facts[job.id], !page.leads.isEmpty else {
            return .completed("done")
        }
        var outcome = Outcome.takenBack(
            page.leads, as: "made_whole", .rolloutAborted(rollout), .rolloutAborted, of: job.tenant,
            rest: page.next.map { .makeWhole(rollout: rollout, of: job.tenant, after: $0) })
        if let recognition = page.recognition { outcome.effects.append(recognition) }
        return outcome
    }
}
