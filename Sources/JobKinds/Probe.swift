import CrashPoints
import Jobs
import Records

/// A job for checks, smoke tests and benchmarks: waits, fails as told, leaves one effect row.
public struct Probe: PerformingHandler {
    public struct Arguments: JobArguments {
        var sleepMilliseconds: Int?
        var failTimes: Int?
        var errorClass: ErrorClass?
        var effectKey: String?
        var dependency: String?
        var progress: Int?

        public init(json: [UInt8]) throws {
            let reader = try ArgumentReader(json)
            sleepMilliseconds = try reader.integer("sleep_ms")
            failTimes = try reader.integer("fail_times")
            if let name = try reader.string("error_class") {
                guard let known = ErrorClass(rawValue: name) else { throw Failure(.permanent, "\(name) is no class of errors") }
                errorClass = known
            }
            effectKey = try reader.string("effect_key")
            dependency = try reader.string("dependency")
            progress = try reader.integer("progress")
        }
    }

    public let kind = Probe.definition
    private let dependencies: ProbeDependencies

    public init(dependencies: ProbeDependencies) { self.dependencies = dependencies }

    static let definition = JobKind(
        "probe",
        arguments: ArgumentSchema([
            .optional("sleep_ms", .integer(0...600_000), "how long it runs"),
            .optional("fail_times", .integer(0...1_000), "how many attempts fail before one succeeds"),
            .optional("error_class", .choice(ErrorClass.allCases.map(\.rawValue)), "how those attempts fail; default transient"),
            .optional("effect_key", .string(maxLength: 200), "leaves a row under this key when it completes"),
            .optional("payload", .any(maxBytes: 65_536), "carried along, not read"),
            .optional("progress", .integer(1...1_000), "in how many steps it tells how far it is, while it runs"),
            .optional("dependency", .name, "fails as long as this pretended dependency is set to fail"),
        ]),
        timeout: .seconds(900))

    public func isBrief(_ arguments: Arguments) -> Bool {
        (arguments.sleepMilliseconds ?? 0) == 0 && arguments.dependency == nil && arguments.progress == nil
    }

    public func outcome(of job: Job<Arguments>) async throws -> Outcome {
        let arguments = job.arguments
        if arguments.effectKey?.hasPrefix("poison") == true { CrashPoint.onPoison.reached() }
        try await rest(job)
        if let name = arguments.dependency, try await dependencies.isFailing(name, of: job.tenant) {
            return .failed(.dependency, "the dependency \(name) is down")
        }
        let failures = arguments.failTimes ?? 0
        if tries(of: job) <= failures {
            return .failed(arguments.errorClass ?? .transient, "told to fail \(failures == 1 ? "once" : "\(failures) times")")
        }
        return .completed("done", arguments.effectKey.map { [ProbeEffect(key: $0)] } ?? [])
    }

    /// Sleeps as long as it was told to, in steps if it shall tell of them.
    private func rest(_ job: Job<Arguments>) async throws {
        let pause = Duration.milliseconds(job.arguments.sleepMilliseconds ?? 0)
        guard let steps = job.arguments.progress else {
            if pause > .zero { try await Task.sleep(for: pause) }
            return
        }
        for step in 1...max(1, steps) {
            try await Task.sleep(for: pause / steps)
            job.tell(JobProgress(Double(step) / Double(steps), "step \(step) of \(steps)"))
        }
    }

    /// Which try this is, counting those that were charged no attempt: every grant and every loss moved the fence by one.
    private func tries(of job: Job<Arguments>) -> Int { Int(job.attempt.fence) - 2 * job.attempt.lost }
}
