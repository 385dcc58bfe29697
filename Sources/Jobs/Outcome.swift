import Foundation

/// What a handler answers: how the attempt ended and, as data, everything that shall be written because of it.
///
/// The ledger commits effects, follow-up jobs and the end of the job in one fenced transaction, so a handler that
/// writes nothing itself has its effects exactly once.
public struct Outcome: Sendable {
    public enum End: Sendable, Equatable {
        /// Done. The code says how, for example `assigned`.
        case completed(String)
        /// Done without success: the subject waits, visibly, for a person or a change. Counts as a failure of the kind.
        case held(String)
        case failed(Failure)
    }

    public var end: End
    public var effects: [any Effect]
    public var followUps: [NewJob]
    /// Which rule version decided, for the history.
    public var ruleVersion: String?
    /// Under which arm of a rollout it decided, for the history.
    public var arm: String?
    /// What came of it, for whoever asked: JSON, UTF-8, at most 64 KiB, kept with the history.
    public var result: [UInt8]?

    /// What it says of what the job depends on, where that is not what its end says.
    public var word: DependencyWord?

    /// The most bytes a result may have.
    public static let longestResult = 65_536

    public init(
        _ end: End, effects: [any Effect] = [], followUps: [NewJob] = [], ruleVersion: String? = nil, result: [UInt8]? = nil
    ) {
        self.result = result
        self.end = end
        self.effects = effects
        self.followUps = followUps
        self.ruleVersion = ruleVersion
    }

    public static func completed(_ code: String, _ effects: [any Effect] = []) -> Outcome { Outcome(.completed(code), effects: effects) }
    public static func held(_ code: String, _ effects: [any Effect] = []) -> Outcome { Outcome(.held(code), effects: effects) }
    public static func failed(_ class: ErrorClass, _ message: String, retryAfter: Date? = nil) -> Outcome {
        Outcome(.failed(Failure(`class`, message, retryAfter: retryAfter)))
    }
}

/// What an attempt says of what it depends on.
public enum DependencyWord: Sendable, Hashable {
    case answered
    /// No answer, or one that says it is down.
    case failed
    /// Nothing: it was not asked.
    case nothing
}

/// Something to be written to tenant data when the job settles. The tenant is the job's own, never the handler's choice.
public protocol Effect: Sendable {}

/// Why an attempt did not succeed.
public struct Failure: Error, Sendable, Equatable {
    public var errorClass: ErrorClass
    /// Safe to show to the tenant.
    public var message: String
    /// The dependency's own word on when to come back.
    public var retryAfter: Date?

    public init(_ errorClass: ErrorClass, _ message: String, retryAfter: Date? = nil) {
        self.errorClass = errorClass
        self.message = message
        self.retryAfter = retryAfter
    }
}

/// What kind of failure it was; this alone decides what happens next.
public enum ErrorClass: String, Sendable, Codable, CaseIterable {
    /// May pass by itself: tried again with backoff.
    case transient
    /// The other side asked for patience: tried again, no attempt charged.
    case rateLimited = "rate_limited"
    /// The other side is down: tried again, no attempt charged.
    case dependency
    /// Will fail again however often: set aside at once.
    case permanent
    /// Killed its worker too often.
    case poison
    case cancelled
}
