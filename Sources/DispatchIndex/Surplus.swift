import Foundation
import Jobs
import RedisClient
import Tenancy

/// A line of jobs: one flow of one tenant.
public struct Line: Sendable, Hashable {
    public let tenant: TenantID
    /// Kind, or kind@dependency.
    public let flow: String

    public init(tenant: TenantID, flow: String) {
        self.tenant = tenant
        self.flow = flow
    }
}

/// What of a line is deferred: ready, above its tenant's capacity, and so kept in the ledger and not in the index.
public struct Deferral: Sendable, Hashable {
    /// Jobs deferred; those that ended meanwhile are counted until their turn.
    public var jobs: Int
    /// How many a second the line drained when it was last filled; nil: not known, or not known any more.
    public var jobsPerSecond: Double?

    public init(jobs: Int, jobsPerSecond: Double?) {
        self.jobs = jobs
        self.jobsPerSecond = jobsPerSecond
    }

    /// Until the last of them is in the index, should the line go on draining as it did; nil: not known.
    public var drainTime: Duration? {
        guard let jobsPerSecond, jobsPerSecond > 0 else { return nil }
        return .seconds(Double(jobs) / jobsPerSecond)
    }
}

/// What became of jobs that were offered to the index.
public struct Offered: Sendable {
    /// They were offered under this epoch.
    public let epoch: Int64
    /// Not taken: their line is full. To be kept until it drains.
    public let surplus: [Push]
}

extension Push {
    /// Where it stands in its line, milliseconds.
    public var place: Int64 {
        Order.score(atMilliseconds: max(since.milliseconds, due?.milliseconds ?? 0), priority: priority)
    }

    /// The line it stands in.
    public var line: Line { Line(tenant: tenant, flow: flow) }
}

extension Dispatch {
    /// Makes jobs claimable as far as their tenants' capacity goes; what is surplus is the caller's to keep.
    public func offer(_ jobs: [Push]) async throws -> Offered {
        let epoch = try current()
        if isFull, !jobs.isEmpty { throw DispatchError.full }
        var surplus: [Push] = []
        for chunk in jobs.chunks(of: 1_000) {
            let reply = try await evaluate(.push, under: epoch, chunk.arguments(bounded: true)).array ?? []
            guard reply.count >= 2, let count = reply[1].int, reply.count >= 2 + count else { throw DispatchError.epochLost }
            surplus += reply[2..<2 + count].compactMap { position in
                position.int.flatMap { chunk.indices.contains(chunk.startIndex + $0 - 1) ? chunk[chunk.startIndex + $0 - 1] : nil }
            }
            note(Self.deferrals(reply[(2 + count)...]), of: chunk)
        }
        return Offered(epoch: epoch, surplus: surplus)
    }

    /// Lines with surplus and room for it, and how many jobs each wants. Whoever is told of a line has five seconds to fill it.
    /// - Parameter known: lines that have surplus according to the ledger, which the index may have forgotten.
    public func thirsty(known: [Line] = []) async throws -> [(line: Line, wants: Int)] {
        let arguments = known.prefix(500).flatMap { [RedisArgument($0.tenant.rawValue), RedisArgument($0.flow)] }
        let reply = try await evaluate(.thirsty, under: try current(), arguments).array ?? []
        return stride(from: 0, to: reply.count - 2, by: 3).compactMap { i in
            guard let tenant = reply[i].int64, let flow = reply[i + 1].string, let wants = reply[i + 2].int64 else { return nil }
            return (Line(tenant: TenantID(tenant), flow: flow), Int(wants))
        }
    }

    /// Notes that jobs of a line that were deferred are in the index now.
    ///
    /// - Parameters:
    ///   - count: how many are deferred no longer, those included that have ended.
    ///   - next: the place of the first that still is; nil: none.
    public func noteFilled(_ line: Line, by count: Int, next: Int64?) async throws {
        _ = try await evaluate(
            .filled, under: try current(),
            [
                RedisArgument(line.tenant.rawValue), RedisArgument(line.flow), RedisArgument(count),
                next.map { RedisArgument($0) } ?? RedisArgument(""),
            ])
    }

    /// What this process last heard of a line; nil: nothing of it is deferred, as far as it knows. Asks nobody.
    public func deferral(of tenant: TenantID, flow: String) -> Deferral? {
        deferrals.withLock { $0.isEmpty ? nil : $0[Line(tenant: tenant, flow: flow)] }
    }

    /// - Parameter reply: tenant, flow, jobs, rate of each line with surplus.
    private static func deferrals(_ reply: ArraySlice<RedisValue>) -> [Line: Deferral] {
        let values = Array(reply)
        return stride(from: 0, to: values.count - 3, by: 4).reduce(into: [:]) { deferrals, i in
            guard let tenant = values[i].int64, let flow = values[i + 1].string else { return }
            deferrals[Line(tenant: TenantID(tenant), flow: flow)] = Deferral(values[i + 2], values[i + 3])
        }
    }

    private func note(_ found: [Line: Deferral], of offered: ArraySlice<Push>) {
        deferrals.withLock { known in
            if !known.isEmpty { for line in Set(offered.map(\.line)) where found[line] == nil { known[line] = nil } }
            if !found.isEmpty { known.merge(found) { $1 } }
            if known.count > 10_000 { known = found }
        }
    }

    /// Takes note of all lines of a tenant.
    func note(_ flows: [FlowState], of tenant: TenantID) {
        deferrals.withLock { known in
            if !known.isEmpty { known = known.filter { $0.key.tenant != tenant } }
            for flow in flows { known[Line(tenant: tenant, flow: flow.name)] = flow.deferral }
        }
    }
}

extension Deferral {
    /// As the scripts tell; nil where nothing is deferred.
    init?(_ jobs: RedisValue, _ rate: RedisValue) {
        guard let jobs = jobs.int64 else { return nil }
        self.init(jobs: max(1, Int(jobs)), jobsPerSecond: rate.string.flatMap(Double.init))
    }
}
