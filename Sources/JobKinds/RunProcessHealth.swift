import Foundation
import JSONEnvelope
import Jobs
import ProcessHealth
import Records
import Tenancy

/// Process health (J4): works out sellers' weeks, trains and judges models, and foresees who will fall below the base line.
///
/// A page of sellers a job; the next page is a follow-up. What a chained run finds due comes after its last page: reports, then training
/// where the last is four weeks old, then predictions for the week that ended.
public struct RunProcessHealth: PerformingHandler {
    public struct Arguments: JobArguments {
        enum Mode: String, CaseIterable { case score, train, predict, backtest }

        var mode: Mode
        var asOf: Date?
        var sellers: [String]?
        var weeks: Int?
        var modelVersion: Int?
        var after: String?
        var chain: Bool

        private static let earliest = Date(timeIntervalSince1970: 946_684_800)

        public init(json: [UInt8]) throws {
            guard let root = try? JSONEnvelope(json, levels: 3, limits: .stored).root else {
                throw Failure(.permanent, "the arguments are no JSON object")
            }
            var reader = FieldReader(root)
            mode = reader.choice("mode", of: Mode.allCases.map(\.rawValue)).flatMap(Mode.init) ?? .score
            asOf = reader.date("as_of")
            if let asOf, asOf < Self.earliest { reader.fail("as_of", .outOfRange, "is before the year 2000") }
            sellers = reader.strings("seller_ids", count: 0...10_000)
            weeks = reader.integer("weeks", in: 1...26)
            modelVersion = reader.integer("model_version", in: 1...1_000_000)
            after = reader.string("after", length: 1...20)
            chain = reader.bool("chain") ?? false
            if let after, Int64(after) == nil { reader.fail("after", .badFormat, "must be a seller's number") }
            try reader.finishArguments()
        }
    }

    public let kind = RunProcessHealth.definition
    let records: HealthReader
    let pageSize: Int
    let now: @Sendable () -> Date

    /// - Parameter pageSize: sellers a job.
    public init(records: HealthReader, pageSize: Int = 200, now: @Sendable @escaping () -> Date = { Date() }) {
        self.records = records
        self.pageSize = pageSize
        self.now = now
    }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        NewJob.runHealthKind,
        arguments: ArgumentSchema([
            .optional("mode", .choice(Arguments.Mode.allCases.map(\.rawValue)), "what is done; default: score"),
            .optional("as_of", .string(maxLength: 40), "what was recorded later is not looked at; default: now"),
            .optional("seller_ids", .any(maxBytes: 100_000), "external ids of sellers, as a list; default: all"),
            .optional("weeks", .integer(1...26), "score: complete weeks besides the running one; default 1"),
            .optional("model_version", .integer(1...1_000_000), "predict: default the live one"),
            .optional("after", .string(maxLength: 20), "the seller after whom to go on"),
            .optional("chain", .boolean, "whether what is due of training and prediction follows"),
        ]), timeout: .seconds(3_600), reading: Arguments.self)

    /// Weeks a model may learn from and be judged on.
    static let span = 78
    /// Weeks until a model is trained anew.
    static let trainEvery = 4

    public func outcome(of job: Job<Arguments>) async throws -> Outcome {
        let now = now()
        let asOf = job.arguments.asOf ?? now
        guard asOf <= now else { return .failed(.permanent, "as_of has not come yet") }
        let zone = try await records.zone(of: job.tenant)
        let run = Run(job: job, asOf: asOf, zone: zone)
        switch job.arguments.mode {
        case .score: return try await score(run)
        case .train: return try await train(run)
        case .predict: return try await predict(run)
        case .backtest: return try await backtest(run)
        }
    }

    /// One job's moment.
    struct Run: Sendable {
        let job: Job<Arguments>
        let asOf: Date
        let zone: TimeZone

        var tenant: TenantID { job.tenant }
        /// The week that runs, and the last one that is over.
        var running: Week { Week(containing: asOf, in: zone) }
        var last: Week { running - 1 }
        var isChained: Bool { job.arguments.chain }
    }
}
