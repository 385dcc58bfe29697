import Foundation
import Jobs
import Records
import SalesModel
import Tenancy

/// Judges a seller's last deals (BRK-01): enqueued when one is told to be lost, or a lost one is corrected.
public struct EvaluateSellerBreaker: DecidingHandler {
    public struct Arguments: JobArguments, Decodable {
        let seller: String
    }

    public let kind = EvaluateSellerBreaker.definition
    private let records: RoutingReader
    private let breaker = SellerBreaker()

    public init(records: RoutingReader) { self.records = records }

    /// The kind, for those who only need to know of it. Nobody asks for it: who may freeze whom is for managers and operators to say.
    public static let definition = JobKind(
        "evaluate_seller_breaker", arguments: ArgumentSchema([.required("seller", .string(maxLength: 200), "whose deals")]), isPublic: false
    )

    public func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> [JobID: SellerBreakerFacts] {
        var facts: [JobID: SellerBreakerFacts] = [:]
        for job in jobs {
            facts[job.id] = try await records.breakerFacts(
                ofSeller: job.arguments.seller, last: breaker.deals, of: tenant)
        }
        return facts
    }

    public func outcome(of job: Job<Arguments>, given facts: inout [JobID: SellerBreakerFacts], at now: Date) -> Outcome {
        guard let known = facts[job.id] else { return .completed("unknown_seller") }
        let verdict = breaker.verdict(on: known.deals, known.state(at: now))
        switch verdict {
        case .opens:
            var outcome = Outcome.completed("frozen", [SellerBreakerEffect(known, breaker, verdict)])
            // Who corrected a deal while this was judged has had it judged on a seller that was not frozen yet.
            outcome.followUps = [.sellerBreaker(of: job.arguments.seller, job.tenant)]
            return outcome
        case .closes: return .completed("thawed", [SellerBreakerEffect(known, breaker, verdict)])
        case .stays: return .completed("unchanged")
        }
    }
}
