import Jobs
import Records

/// Tries in the name of each role and in each data domain whether its people can do what they have to (ACCESS-09): a check that looks at one
/// page stays green while some can create nothing any more.
///
/// Once an hour for every tenant that has said anything of permissions, and when an operator asks for it.
public struct ProbeAccess: PerformingHandler {
    public struct Arguments: JobArguments, Decodable {}

    public let kind = ProbeAccess.definition
    private let prober: AccessProber

    public init(prober: AccessProber) { self.prober = prober }

    /// The kind, for those who only need to know of it. Nobody enqueues it themselves: one that waits is enough.
    public static let definition = JobKind("probe_access", arguments: ArgumentSchema([]), timeout: .seconds(300), isPublic: false)

    public func outcome(of job: Job<Arguments>) async throws -> Outcome {
        let round = try await prober.round(of: job.tenant)
        return Outcome(
            .completed(round.hasPassed ? "passed" : "failures_found"), effects: [AccessProbeEffect(round)], result: round.json)
    }
}
