import Foundation
import Tenancy

/// A job as its handler sees it: who asked, with what arguments, which attempt.
public struct Job<Arguments: Sendable>: Sendable {
    public let attempt: Attempt
    public let arguments: Arguments

    public var id: JobID { attempt.id }
    public var tenant: TenantID { attempt.tenant }

    /// Tells how far a performing job is. As often as it likes: what is kept and shown is the last word, at most once a second.
    public func tell(_ progress: JobProgress) { attempt.tell?(attempt, progress) }
}

/// What a kind takes: read once for each attempt. Decodable types need nothing more; kinds that run very often may read for themselves.
public protocol JobArguments: Sendable {
    /// - Parameter json: a JSON object, as it was enqueued.
    init(json: [UInt8]) throws
}

/// Everything that is wrong with a job's arguments, of each where: `period.from`; empty for the arguments as a whole.
public struct ArgumentFaults: Error, Sendable, Hashable {
    public struct Fault: Sendable, Hashable {
        public let field: String
        public let message: String

        public init(_ field: String, _ message: String) {
            self.field = field
            self.message = message
        }
    }

    public let faults: [Fault]

    public init(_ faults: [Fault]) { self.faults = faults }

    /// The first in words.
    var message: String { faults.first.map { $0.field.isEmpty ? $0.message : "\($0.field) \($0.message)" } ?? "they can't be read" }
}

extension JobArguments where Self: Decodable {
    public init(json: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(json)) }
}

/// Handles one kind by deciding: the facts of many jobs are read at once, then each job is decided by pure code.
///
/// `outcome` may change the facts it was given, so that a later job of the same batch sees what an earlier one
/// decided; nothing else remembers it. When the facts turn out to have changed at settle, the whole group is
/// handled again on fresh ones and no attempt is charged.
public protocol DecidingHandler: Sendable {
    associatedtype Arguments: JobArguments
    associatedtype Facts: Sendable

    var kind: JobKind { get }

    /// Reads what the jobs need. All are of one tenant. A thrown `Failure` fails them with its class; anything else is transient.
    func facts(for jobs: [Job<Arguments>], of tenant: TenantID) async throws -> Facts

    /// Decides one job. Pure.
    func outcome(of job: Job<Arguments>, given facts: inout Facts, at now: Date) -> Outcome
}

/// Handles one kind by doing: may wait for the world outside. Called once for each attempt, many at a time.
public protocol PerformingHandler: Sendable {
    associatedtype Arguments: JobArguments

    var kind: JobKind { get }

    /// A thrown `Failure` fails the attempt with its class; anything else is transient.
    func outcome(of job: Job<Arguments>) async throws -> Outcome

    /// Whether such a job waits for nothing, so that many can run one after another without a task of their own.
    func isBrief(_ arguments: Arguments) -> Bool
}

extension PerformingHandler {
    public func isBrief(_ arguments: Arguments) -> Bool { false }
}

/// A handler of some kind, its types put away.
public struct AnyHandler: Sendable {
    public enum Style: Sendable {
        /// All attempts are of one tenant; answers one outcome for each, in order.
        case deciding(@Sendable (_ attempts: [Attempt], _ now: @Sendable () -> Date) async -> Decisions)
        /// `isBrief` tells whether the call waits for nothing.
        case performing(@Sendable (_ attempt: Attempt) -> (isBrief: Bool, run: @Sendable () async -> Outcome))
    }

    /// What a group of jobs was decided to.
    public struct Decisions: Sendable {
        /// One for each attempt, in order.
        public var outcomes: [Outcome]
        /// When their facts had been read; nil where there were none to read.
        public var factsAt: Date?
    }

    public let kind: JobKind
    public let style: Style

    public init<H: DecidingHandler>(_ handler: H) {
        kind = handler.kind
        style = .deciding { attempts, now in
            var outcomes = [Outcome?](repeating: nil, count: attempts.count)
            var jobs: [(index: Int, job: Job<H.Arguments>)] = []
            var factsAt: Date?
            for (index, attempt) in attempts.enumerated() {
                switch decode(H.Arguments.self, from: attempt) {
                case .success(let arguments): jobs.append((index, Job(attempt: attempt, arguments: arguments)))
                case .failure(let failure): outcomes[index] = Outcome(.failed(failure))
                }
            }
            do {
                if let tenant = jobs.first?.job.tenant {
                    var facts = try await handler.facts(for: jobs.map(\.job), of: tenant)
                    let now = now()
                    factsAt = now
                    for (index, job) in jobs { outcomes[index] = handler.outcome(of: job, given: &facts, at: now) }
                }
            } catch {
                for (index, _) in jobs { outcomes[index] = Outcome(.failed(failure(from: error))) }
            }
            // Every index is either undecodable, decided, or failed with its facts.
            return Decisions(outcomes: outcomes.map { $0! }, factsAt: factsAt)
        }
    }

    public init<H: PerformingHandler>(_ handler: H) {
        kind = handler.kind
        style = .performing { attempt in
            switch decode(H.Arguments.self, from: attempt) {
            case .failure(let failure): return (true, { Outcome(.failed(failure)) })
            case .success(let arguments):
                let job = Job(attempt: attempt, arguments: arguments)
                return (
                    handler.isBrief(arguments),
                    {
                        do { return try await handler.outcome(of: job) } catch { return Outcome(.failed(failure(from: error))) }
                    }
                )
            }
        }
    }
}

private func decode<A: JobArguments>(_ type: A.Type, from attempt: Attempt) -> Result<A, Failure> {
    do { return .success(try A(json: attempt.arguments)) } catch let failure as Failure {
        return .failure(Failure(.permanent, "the arguments do not fit the kind \(attempt.kind): \(failure.message)"))
    } catch let faults as ArgumentFaults {
        return .failure(Failure(.permanent, "the arguments do not fit the kind \(attempt.kind): \(faults.message)"))
    } catch {
        return .failure(Failure(.permanent, "the arguments do not fit the kind \(attempt.kind)"))
    }
}

/// The one place where a handler's error becomes a failure of its attempt.
private func failure(from error: any Error) -> Failure {
    switch error {
    case let failure as Failure: failure
    case is CancellationError: Failure(.transient, "the attempt was interrupted")
    default: Failure(.transient, String(describing: error))
    }
}
