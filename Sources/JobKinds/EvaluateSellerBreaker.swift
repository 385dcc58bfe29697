import Foundation
import JSONEnvelope
import Jobs
import Records
import SalesModel
import Tenancy

/// Judges a seller's last deals (BRK-01): enqueued when one is told to be lost, or a lost one is corrected.
public struct EvaluateSellerBreaker: DecidingHandler {
    public struct Arguments: JobArguments {
        let seller: String
        let breaker: SellerBreaker

        public init(json: [UInt8]) throws {
            let reader = try ArgumentReader(json)
            guard let seller = try reader.string("seller") else { throw ArgumentFaults([.init("seller", "is required")]) }
            self.seller = seller
            let usual = SellerBreaker()
            breaker = SellerBreaker(
                deals: try reader.integer("deals") ?? usual.deals, percent: try reader.integer("percent") ?? usual.percent,
                reason: try reader.string("reason") ?? usual.reason, days: try reader.integer("days") ?? usual.days)
        }
    }

    public let kind = EvaluateSellerBreaker.definition
    private let records: RoutingReader

    public init(records: RoutingReader) { self.records = records }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "evaluate_seller_breaker",
        arguments: ArgumentSchema([
            .required("seller", .string(maxLength: 200), "whose deals"),
            .optional("deals", .integer(2...20), "how many of the last deals must all be lost, default 3"),
            .optional("percent", .integer(0...99), "of a hundred of them more must be lost for the reason, default 60"),
            .optional("reason", .string(maxLength: 100), "the loss_reason that counts, default slow_proposal_response"),
            .optional("days", .integer(1...365), "how long no new leads come, default 14"),
        ]), reading: Arguments.self)

    public func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> [JobID: SellerBreakerFacts] {
        var facts: [JobID: SellerBreakerFacts] = [:]
        for job in jobs {
            facts[job.id] = try await records.breakerFacts(
                ofSeller: job.arguments.seller, last: job.arguments.breaker.deals, of: tenant)
        }
        return facts
    }

    public func outcome(of job: Job<Arguments>, given facts: inout [JobID: SellerBreakerFacts], at now: Date) -> Outcome {
        guard let known = facts[job.id] else { return .completed("unknown_seller") }
        let breaker = job.arguments.breaker
        let verdict = breaker.verdict(on: known.deals, known.state(at: now))
        return switch verdict {
        case .opens: .completed("frozen", [SellerBreakerEffect(known, breaker, verdict)])
        case .closes: .completed("thawed", [SellerBreakerEffect(known, breaker, verdict)])
        case .stays: .completed("unchanged")
        }
    }
}
