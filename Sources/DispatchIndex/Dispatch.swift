import Foundation
import Jobs
import RedisClient
import Synchronization
import Tenancy

/// A claim on a job: Redis says it is this process's turn; the ledger still has to grant it.
public struct Claim: Sendable, Hashable {
    public let id: JobID
    public let tenant: TenantID
    /// Grows with every claim ever made, over restarts and losses of Redis too.
    public let token: Int64

    public init(id: JobID, tenant: TenantID, token: Int64) {
        self.id = id
        self.tenant = tenant
        self.token = token
    }
}

/// A job on its way into the index.
public struct Push: Sendable, Hashable {
    public let id: JobID
    public let tenant: TenantID
    /// Its line within the tenant: kind, or kind@dependency.
    public let flow: String
    public let priority: Int
    /// Its place in line.
    public let since: Date
    /// When it may run; nil or past: now.
    public let due: Date?

    public init(id: JobID, tenant: TenantID, flow: String, priority: Int, since: Date, due: Date?) {
        self.id = id
        self.tenant = tenant
        self.flow = flow
        self.priority = priority
        self.since = since
        self.due = due
    }
}

extension Collection<Push> {
    /// As the script takes them.
    /// - Parameter bounded: whether capacity counts.
    func arguments(bounded: Bool) -> [RedisArgument] {
        var arguments: [RedisArgument] = [bounded ? 1 : 0]
        arguments.reserveCapacity(1 + count * 6)
        for job in self {
            arguments += [
                RedisArgument(job.id.rawValue), RedisArgument(job.tenant.rawValue), RedisArgument(job.flow), RedisArgument(job.priority),
                RedisArgument(job.since.milliseconds), RedisArgument(job.due?.milliseconds ?? 0),
            ]
        }
        return arguments
    }
}

/// The end of a claim.
public struct Acknowledgement: Sendable {
    public enum Next: Sendable, Equatable {
        case done
        /// Back in line at once.
        case again
        case later(Date)
    }

    public let claim: Claim
    public let priority: Int
    public let next: Next
    /// Worker-time it took; nil: what was expected. A job that did not run is charged nothing: zero.
    public let spent: Duration?

    /// A claim on a job that already runs under another one, whose holder came late. That one's end may find the index without
    /// the job: so it stays in the index, and somebody looks again in a while.
    public init(runningElsewhere claim: Claim, at now: Date) {
        self.init(claim, next: .later(now.addingTimeInterval(5)), spent: .zero)
    }

    public init(_ claim: Claim, priority: Int = 5, next: Next = .done, spent: Duration? = nil) {
        self.claim = claim
        self.priority = priority
        self.next = next
        self.spent = spent
    }
}

/// What a claim brought.
public struct ClaimReply: Sendable {
    public var claims: [Claim]
    /// More could be claimed at once.
    public var more: Bool
    /// Until the next scheduled job is due or the next throttled tenant may go on; nil: there is none.
    public var nextDue: Duration?
    /// Tenants passed over because they had nothing of the kinds asked for.
    public var passed: Int
}

/// How often something was asked of the index, and how long the answers took together.
public struct RoundTrips: Sendable, Hashable {
    public private(set) var count = 0
    public private(set) var time = Duration.zero
    /// Those that took longer than `slowness`.
    public private(set) var slow = 0

    /// No script may take as long in Redis; what is above it has waited, there or on its way.
    public static let slowness = Duration.milliseconds(5)

    public init() {}

    mutating func add(_ duration: Duration) {
        count += 1
        time += duration
        if duration > Self.slowness { slow += 1 }
    }
}

public enum DispatchError: Error, Sendable, Equatable {
    /// The index is not the one we knew: lost, older, or being rebuilt. Maintenance finds the current one or builds it.
    case epochLost
    /// Redis has too little memory left to take more jobs. They are safe in the ledger, and pushed when there is room again.
    case full
}

/// The index in Redis that decides what runs next. Holds nothing that could not be rebuilt from the ledger.
///
/// Every call is one script, so every change is atomic, and carries the epoch this process believes in.
public final class Dispatch: Sendable {
    let redis: RedisClient
    let keys: Keys
    public let lease: Duration
    private let known = Mutex<Int64?>(nil)
    private let trips = Mutex<[String: RoundTrips]>([:])
    /// Whether Redis has too little memory left.
    let full = Atomic(false)
    let lastMemory = Mutex<IndexMemory?>(nil)
    /// What was last heard of lines with surplus.
    let deferrals = Mutex<[Line: Deferral]>([:])

    /// - Parameter namespace: put before every key; tests of one server keep apart by it.
    public init(redis: RedisClient, namespace: String = "", lease: Duration = .seconds(30)) {
        self.redis = redis
        self.keys = Keys(namespace: namespace)
        self.lease = lease
    }

    /// The epoch this process works under; nil before the first was found and after it was lost.
    public var epoch: Int64? { known.withLock { $0 } }

    /// Works under this epoch from now on; nil: none is known.
    public func adopt(_ epoch: Int64?) { known.withLock { $0 = epoch } }

    /// Makes jobs claimable, whatever the capacity of their lines.
    /// - Returns: the epoch they were pushed under.
    @discardableResult
    public func push(_ jobs: [Push]) async throws -> Int64 {
        let epoch = try current()
        if isFull, !jobs.isEmpty { throw DispatchError.full }
        for chunk in jobs.chunks(of: 1_000) { _ = try await evaluate(.push, under: epoch, chunk.arguments(bounded: false)) }
        return epoch
    }

    /// Takes a job that waits no longer out of its line, lest it be counted until its turn. One that is claimed stays so.
    public func withdraw(_ job: JobID, tenant: TenantID, flow: String, priority: Int) async throws {
        _ = try await evaluate(
            .withdraw, under: try current(),
            [RedisArgument(job.rawValue), RedisArgument(tenant.rawValue), RedisArgument(flow), RedisArgument(priority)])
    }

    /// Takes up to `want` jobs that run next, each under a lease.
    ///
    /// - Parameters:
    ///   - kinds: only these; nil: all.
    ///   - avoiding: not what depends on these, `tenant/dependency`.
    ///   - passing: how many tenants to pass over at first; what an empty reply that knows of more said it had passed.
    public func claim(_ want: Int, kinds: Set<String>? = nil, avoiding: Set<String> = [], passing: Int = 0) async throws -> ClaimReply {
        let epoch = try current()
        let reply =
            try await evaluate(
                .claim, under: epoch,
                [
                    RedisArgument(min(want, 500)), RedisArgument(lease.milliseconds),
                    RedisArgument(kinds.map(Self.list) ?? ""), RedisArgument(passing),
                    RedisArgument(avoiding.isEmpty ? "" : Self.list(avoiding)),
                ]
            ).array ?? []
        guard reply.count >= 3, let wait = reply[0].int, let more = reply[1].int, let passed = reply[2].int else {
            throw DispatchError.epochLost
        }
        var claims: [Claim] = []
        claims.reserveCapacity(reply.count / 3)
        var i = 3
        while i + 2 < reply.count {
            if let id = reply[i].int64, let tenant = reply[i + 1].int64, let token = reply[i + 2].int64 {
                claims.append(Claim(id: JobID(id), tenant: TenantID(tenant), token: token))
            }
            i += 3
        }
        return ClaimReply(claims: claims, more: more == 1, nextDue: wait < 0 ? nil : .milliseconds(wait), passed: passed)
    }

    /// Ends claims. Repeating it is harmless.
    public func acknowledge(_ ends: [Acknowledgement]) async throws {
        let epoch = try current()
        for chunk in ends.chunks(of: 1_000) {
            var arguments: [RedisArgument] = []
            arguments.reserveCapacity(chunk.count * 6)
            for end in chunk {
                let again: Int64 =
                    switch end.next {
                    case .done: -1
                    case .again: 0
                    case .later(let at): max(1, at.milliseconds)
                    }
                arguments += [
                    RedisArgument(end.claim.id.rawValue), RedisArgument(end.claim.tenant.rawValue), RedisArgument(end.claim.token),
                    RedisArgument(end.priority), RedisArgument(again), RedisArgument(end.spent.map(Self.charge) ?? -1),
                ]
            }
            _ = try await evaluate(.acknowledge, under: epoch, arguments)
        }
    }

    /// As the script looks for its members.
    private static func list(_ names: Set<String>) -> String { ",\(names.sorted().joined(separator: ","))," }

    /// Worker-time in whole milliseconds: what ran counts as one at least, so that the many short jobs are charged exactly as expected.
    private static func charge(_ spent: Duration) -> Int64 { spent == .zero ? 0 : max(1, spent.milliseconds) }

    /// Renews the leases of claims.
    /// - Returns: those that are no longer ours.
    public func heartbeat(_ claims: [Claim]) async throws -> [JobID] {
        let epoch = try current()
        var lost: [JobID] = []
        for chunk in claims.chunks(of: 1_000) {
            var arguments: [RedisArgument] = [RedisArgument(lease.milliseconds)]
            for claim in chunk { arguments += [RedisArgument(claim.id.rawValue), RedisArgument("\(claim.tenant):\(claim.token)")] }
            let reply = try await evaluate(.heartbeat, under: epoch, arguments).array ?? []
            lost += reply.compactMap { $0.int64.map(JobID.init) }
        }
        return lost
    }

    /// Claims whose lease has ended; the caller has `handover` to look into them.
    public func expired(limit: Int = 20, handover: Duration = .seconds(5)) async throws -> [Claim] {
        let arguments = [RedisArgument(lease.milliseconds), RedisArgument(handover.milliseconds), RedisArgument(limit)]
        let reply = try await evaluate(.reap, under: try current(), arguments).array ?? []
        return stride(from: 0, to: reply.count - 1, by: 2).compactMap { i in
            guard let id = reply[i].int64, let parts = reply[i + 1].string?.split(separator: ":", maxSplits: 2), parts.count == 3,
                let tenant = Int64(parts[0]), let token = Int64(parts[1])
            else { return nil }
            return Claim(id: JobID(id), tenant: TenantID(tenant), token: token)
        }
    }

    func key(_ name: String) throws -> String { keys.named(name, epoch: try current()) }

    func current() throws -> Int64 {
        guard let epoch else { throw DispatchError.epochLost }
        return epoch
    }

    /// Round trips of this process since it started, by what was called.
    public var roundTrips: [String: RoundTrips] { trips.withLock { $0 } }

    /// - Parameter caller: what the round trip counts as; the function that makes it.
    func evaluate(
        _ script: RedisScript, under epoch: Int64, _ arguments: [RedisArgument], caller: StaticString = #function
    ) async throws -> RedisValue {
        let start = ContinuousClock.now
        defer {
            let took = ContinuousClock.now - start
            let name = String("\(caller)".prefix { $0 != "(" })
            trips.withLock { $0[name, default: RoundTrips()].add(took) }
        }
        do {
            return try await redis.evaluate(script, keys: [keys.epoch], arguments: [RedisArgument(epoch)] + arguments)
        } catch let error as RedisError where error.prefix == "EPOCHLOST" {
            // While this process builds that very epoch, the others of its calls only have to wait.
            if !error.message.hasSuffix(" B\(epoch)") { known.withLock { if $0 == epoch { $0 = nil } } }
            throw DispatchError.epochLost
        } catch let error as RedisError where error.prefix == "OOM" {
            noteRefusal()
            throw DispatchError.full
        }
    }
}

extension Date {
    /// Since 1970, rounded down.
    var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded(.down)) }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

extension RedisValue {
    var int64: Int64? { int.map(Int64.init) ?? string.flatMap { Int64($0) } }
}

extension Array {
    func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
