import Foundation
import Jobs
import Records
import SalesModel
import Tenancy

/// Has leads assigned to others, a page at a time: a departed seller's (LOAD-07), or those nobody touched (LEAD-ROUTE-18).
///
/// To be scheduled daily for the second; the first is enqueued when a seller is told to be inactive.
public struct RebalanceLeads: DecidingHandler {
    public struct Arguments: JobArguments {
        /// Whose leads; nil: those that wait for a first touch.
        let seller: String?
        let lead: LeadID?
        let start: LeadID
        /// Days.
        let limit: Int

        public init(json: [UInt8]) throws {
            let reader = try ArgumentReader(json)
            seller = try reader.string("seller")
            lead = try Self.lead("lead_id", reader)
            start = try Self.lead("after", reader, least: 0) ?? LeadID(0)
            limit = try reader.integer("days") ?? 15
        }

        /// What is no lead's number must not count as if nobody had named a lead.
        private static func lead(_ name: String, _ reader: ArgumentReader, least: Int64 = 1) throws -> LeadID? {
            guard let text = try reader.string(name) else { return nil }
            guard let number = Int64(text), number >= least else { throw ArgumentFaults([.init(name, "must be a lead's number")]) }
            return LeadID(number)
        }
    }

    public let kind = RebalanceLeads.definition
    private let records: RoutingReader
    private let pageSize: Int

    public init(records: RoutingReader, pageSize: Int = 200) {
        self.records = records
        self.pageSize = pageSize
    }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "rebalance_leads",
        arguments: ArgumentSchema([
            .optional("seller", .string(maxLength: 200), "a seller who is inactive: their leads go to others"),
            .optional("days", .integer(1...365), "without a seller: leads untouched for so many days, default 15"),
            .optional("lead_id", .string(maxLength: 20), "only this lead, however long it waits"),
            .optional("after", .string(maxLength: 20), "the lead after which to go on"),
        ]), reading: Arguments.self)

    public func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> [JobID: [PlacedLead]] {
        var pages: [JobID: [PlacedLead]] = [:]
        for job in jobs {
            let wanted = job.arguments
            if let seller = wanted.seller {
                pages[job.id] = try await records.leads(leftBy: seller, of: tenant, after: wanted.start, limit: pageSize)
                continue
            }
            let waits = wanted.lead == nil ? TimeInterval(wanted.limit) * 86_400 : 0
            pages[job.id] = try await records.leads(
                untouchedFor: waits, wanted.lead, of: tenant, after: wanted.start, limit: pageSize)
        }
        return pages
    }

    public func outcome(of job: Job<Arguments>, given facts: inout [JobID: [PlacedLead]], at now: Date) -> Outcome {
        guard let leads = facts[job.id], let last = leads.last else { return .completed("done") }
        let wanted = job.arguments
        let isWhole = leads.count < pageSize
        guard let seller = wanted.seller else {
            return .takenBack(
                leads, as: "rebalanced", .untouched(days: wanted.limit), .recycled, of: job.tenant,
                rest: isWhole ? nil : .rebalance(untouchedFor: wanted.limit, of: job.tenant, after: last.id))
        }
        return .takenBack(
            leads, as: "rebalanced", .sellerLeft, .sellerLeft, of: job.tenant,
            rest: isWhole ? nil : .rebalance(leftBy: seller, of: job.tenant, after: last.id))
    }
}
