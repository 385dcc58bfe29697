import Foundation
import JSONEnvelope
import Jobs
import Records
import Replay
import Rules
import SalesModel
import Tenancy

/// Makes a time's decisions again, by the rules that were live and by another version, and tells where they part (RULE-05).
///
/// Read page by page, so a replay of any length takes the same memory but for some tens of bytes a lead. Differences are kept as
/// they are found, under the number of this run; they count once the run is settled.
public struct ReplayRules: PerformingHandler {
    public struct Arguments: JobArguments {
        var round: Int64
        var touchWithin: Int

        public init(json: [UInt8]) throws {
            let reader = try ArgumentReader(json)
            guard let round = try reader.string("round_id").flatMap({ Int64($0) }) else { throw Failure(.permanent, "round_id is missing") }
            self.round = round
            touchWithin = try reader.integer("touch_within_s") ?? ReplayRules.touchWithin
        }
    }

    /// A first touch counts as in time within four minutes (J2), where nobody says otherwise.
    public static let touchWithin = 240

    public let kind = ReplayRules.definition
    private let records: RoutingReader
    private let pageSize: Int

    public init(records: RoutingReader, pageSize: Int = 1_000) {
        self.records = records
        self.pageSize = pageSize
    }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "replay_rules",
        arguments: ArgumentSchema([
            .required("round_id", .string(maxLength: 20), "the round, as begun by a replay"),
            .optional("touch_within_s", .integer(1...31_536_000), "what counts as a first touch in time"),
        ]), timeout: .seconds(3_600), isPublic: false)

    public func outcome(of job: Job<Arguments>) async throws -> Outcome {
        let past = records.past(of: job.tenant)
        guard let round = try await past.round(job.arguments.round) else {
            return .failed(.permanent, "there is no round \(job.arguments.round)")
        }
        guard round.state == .running else { return .completed("ended_before") }
        let run = job.attempt.fence
        let replayed = try await RulesReplay.run(
            past, window: round.window, touchWithin: job.arguments.touchWithin,
            candidate: RuleSetReference(kind: round.kind, name: round.name, version: round.version), pageSize: pageSize
        ) { try await past.keep($0, of: round.id, run: run) }
        let result = replayed.json(of: round)
        return Outcome(
            .completed(replayed.verdict.isPassed ? "passed" : "failed"),
            effects: [
                SandboxRoundEffect(
                    round: round.id, run: run, isPassed: replayed.verdict.isPassed, replayed: replayed.summary.live.decided,
                    differing: replayed.summary.differing, result: result)
            ], ruleVersion: "\(round.kind)/\(round.name)@\(round.version)", result: result)
    }
}
