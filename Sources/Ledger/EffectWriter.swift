import Foundation
import Jobs
import PostgresClient
import Tenancy

/// A decided attempt on its way to its end.
public struct Settlement: Sendable {
    public let attempt: Attempt
    public let outcome: Outcome
    public let disposition: Disposition
    /// Worker-time the attempt took; nil: not known.
    public let spent: Duration?
    /// Its spans, where it is traced.
    public let trace: (any AttemptTrace)?

    public init(attempt: Attempt, outcome: Outcome, disposition: Disposition, spent: Duration? = nil, trace: (any AttemptTrace)? = nil) {
        self.attempt = attempt
        self.outcome = outcome
        self.disposition = disposition
        self.spent = spent
        self.trace = trace
    }
}

/// An effect of a job whose end is being committed.
public struct SettledEffect: Sendable {
    public let job: JobID
    public let tenant: TenantID
    public let attempt: Int
    public let at: Date
    public let effect: any Effect
}

/// A job that is set aside for good or cancelled, without having been done.
public struct DiscardedJob: Sendable {
    public let id: JobID
    public let tenant: TenantID
    public let kind: String
    /// A JSON object, UTF-8, as it was enqueued.
    public let arguments: [UInt8]
    public let failure: Failure
}

/// Writes what handlers decided, inside the ledger's transaction.
///
/// The transaction already sees only the tenants of its jobs.
public protocol EffectWriter: Sendable {
    /// Whether such an effect rests on facts that may have changed, so that `stale` must be asked before it is written.
    func mustBeJudged(_ effect: any Effect) -> Bool

    /// Those of the granted jobs that decided on facts which have changed since; they are handled again, nothing of them is written.
    /// Locks what it judges by, in one order. `missing` lost their fence and will not be written either.
    func stale(among settlements: [Settlement], missing: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID>

    /// What writes the effects: tables in one order, rows in key order, so that two settles cannot deadlock.
    func statements(for effects: [SettledEffect]) throws -> [Statement]

    /// What tells those concerned that these jobs will not be done: committed with their ends, so nothing waits for them in silence.
    /// Comes after everything else that is written.
    func statements(for discarded: [DiscardedJob]) throws -> [Statement]
}
