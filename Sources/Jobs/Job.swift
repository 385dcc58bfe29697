import Foundation
import Tenancy

/// A job's number, issued once, shown to callers as a string.
public struct JobID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public init?(text: String) {
        guard let value = Int64(text), value > 0, String(value) == text else { return nil }
        self.init(value)
    }

    public var description: String { String(rawValue) }

    public static func < (a: JobID, b: JobID) -> Bool { a.rawValue < b.rawValue }
}

/// A job on its way into the ledger: checked against its kind, not yet numbered.
public struct NewJob: Sendable {
    public var tenant: TenantID
    public var kind: String
    /// A JSON object, UTF-8, already checked; stored as it is.
    public var arguments: [UInt8]
    /// 0…9, 9 first.
    public var priority: Int
    /// When it may start at the earliest; nil: at once.
    public var runAt: Date?
    public var maxAttempts: Int
    /// While a job of this tenant and kind with this key has not ended, another is not made.
    public var uniqueKey: String?
    /// What it depends on outside; part of its flow.
    public var dependency: String?
    /// W3C traceparent of the request that asked for it.
    public var traceContext: String?

    public init(
        tenant: TenantID, kind: String, arguments: [UInt8], priority: Int = 5, runAt: Date? = nil, maxAttempts: Int = 5,
        uniqueKey: String? = nil, dependency: String? = nil, traceContext: String? = nil
    ) {
        self.tenant = tenant
        self.kind = kind
        self.arguments = arguments
        self.priority = priority
        self.runAt = runAt
        self.maxAttempts = maxAttempts
        self.uniqueKey = uniqueKey
        self.dependency = dependency
        self.traceContext = traceContext
    }

    /// Jobs of one flow wait for the same outside thing: kind, or kind@dependency.
    public var flow: String { dependency.map { "\(kind)@\($0)" } ?? kind }
}

/// A job someone was granted to run: one attempt, under one fence.
public struct Attempt: Sendable {
    public let id: JobID
    public let tenant: TenantID
    public let kind: String
    /// A JSON object, UTF-8, as it was enqueued.
    public let arguments: [UInt8]
    /// 1 for the first.
    public let number: Int
    public let maxAttempts: Int
    /// How often a process died while running it.
    public let lost: Int
    public let fence: Int64
    public let token: Int64
    public let priority: Int
    public let enqueuedAt: Date
    public let startedAt: Date
    /// Whether its end frees a unique key.
    public let hasUniqueKey: Bool
    /// What it needs outside.
    public let dependency: String?
    /// The batch its end counts for.
    public let batch: Int64?
    /// W3C traceparent it was enqueued under.
    public let traceContext: String?
    /// Takes word of how far it is; set by the worker that runs it.
    public var tell: (@Sendable (Attempt, JobProgress) -> Void)?
    /// The states of that dependency's breakers it began in; set by the worker that runs it.
    public var breakerEpochs: BreakerEpochs?

    public init(
        id: JobID, tenant: TenantID, kind: String, arguments: [UInt8], number: Int, maxAttempts: Int, lost: Int, fence: Int64, token: Int64,
        priority: Int, enqueuedAt: Date, startedAt: Date, hasUniqueKey: Bool = false, dependency: String? = nil, batch: Int64? = nil,
        traceContext: String? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.kind = kind
        self.arguments = arguments
        self.number = number
        self.maxAttempts = maxAttempts
        self.lost = lost
        self.fence = fence
        self.token = token
        self.priority = priority
        self.enqueuedAt = enqueuedAt
        self.startedAt = startedAt
        self.hasUniqueKey = hasUniqueKey
        self.dependency = dependency
        self.batch = batch
        self.traceContext = traceContext
    }
}

/// The epochs of the breakers an attempt has passed. What it says of the dependency counts only while they last.
public struct BreakerEpochs: Sendable, Hashable {
    /// Of its tenant's breaker.
    public var tenant: Int64
    /// Of everybody's.
    public var shared: Int64

    public init(tenant: Int64, shared: Int64) {
        self.tenant = tenant
        self.shared = shared
    }
}
