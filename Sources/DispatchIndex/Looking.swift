import Foundation
import Jobs
import RedisClient
import Tenancy

/// Why a job is not running.
public enum WaitingReason: Sendable, Hashable {
    /// It is.
    case running
    case scheduled(until: Date)
    case atGate(Gate, since: Date)
    /// Its tenant has used up its rate.
    case throttled(until: Date)
    /// Its tenant has as many running as it may.
    case capped(running: Int)
    /// Jobs of its flow that go before it.
    case inLine(before: Int)
    /// Its line is full: it is kept in the ledger until the line drains.
    case deferred(Deferral)
    /// Not in the index: not pushed yet, or far in the future.
    case absent
}

/// What is waiting and running in one flow of a tenant.
public struct FlowState: Sendable, Hashable {
    public var name: String
    public var ready: Int
    public var running: Int
    /// Worker-time a job is expected to take.
    public var cost: Duration?
    public var blocked: (gate: Gate, since: Date)?
    /// The job first in line.
    public var first: JobID?
    /// What of it is not in the index because its line is full; `ready` does not count it.
    public var deferral: Deferral?

    /// The kind of its jobs.
    public var kind: String { String(name.prefix { $0 != "@" }) }

    public static func == (a: FlowState, b: FlowState) -> Bool {
        a.name == b.name && a.ready == b.ready && a.running == b.running && a.first == b.first && a.blocked?.gate == b.blocked?.gate
            && a.deferral == b.deferral
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A tenant as the index sees it.
public struct TenantState: Sendable {
    public var running: Int
    /// Worker-time received since the index was built.
    public var received: Duration
    /// Time it had work but no token.
    public var throttled: Duration
    /// Those used lately, at most 1,000.
    public var flows: [FlowState]
    /// Whether these are all there are.
    public var isWhole: Bool
}

/// What a tenant is entitled to of the worker-time, and what it gets.
public struct TenantFairness: Sendable, Hashable {
    public var tenant: TenantID
    public var weight: Int
    /// Whether it has jobs that may run now.
    public var hasWork: Bool
    /// Its part of the worker-time given in the last minutes, 0 to 1; nil: none was given.
    public var shareReceived: Double?
    /// Its weight among those of all tenants with jobs that may run, itself included, 0 to 1.
    public var shareEntitled: Double
    /// Worker-time received since the index was built.
    public var received: Duration
    /// Time it had work but no token.
    public var throttled: Duration
}

extension Dispatch {
    /// What tenants are entitled to and got, at most 200 of them.
    public func fairness(of tenants: [TenantID]) async throws -> [TenantFairness] {
        let arguments = tenants.prefix(200).map { RedisArgument($0.rawValue) }
        let reply = try await evaluate(.shares, under: try current(), arguments).array ?? []
        let numbers = reply.map { $0.string.flatMap(Double.init) ?? $0.int.map(Double.init) }
        guard numbers.count == 1 + arguments.count * 5, let sum = numbers[0] else { throw DispatchError.epochLost }
        return zip(tenants, stride(from: 1, to: numbers.count, by: 5)).map { tenant, i in
            let (weight, hasWork) = (numbers[i] ?? 1, numbers[i + 1] == 1)
            return TenantFairness(
                tenant: tenant, weight: Int(weight), hasWork: hasWork, shareReceived: numbers[i + 2],
                shareEntitled: weight / max(weight, hasWork ? sum : sum + weight), received: .milliseconds(numbers[i + 3] ?? 0),
                throttled: .milliseconds(numbers[i + 4] ?? 0))
        }
    }

    /// Worker-time a job of each flow is expected to take, and one of any; and how many claims are out. At most 1,000 flows.
    public func costs(of flows: [(tenant: TenantID, flow: String)]) async throws -> (costs: [Duration], mean: Duration, running: Int) {
        let arguments = flows.prefix(1_000).flatMap { [RedisArgument($0.tenant.rawValue), RedisArgument($0.flow)] }
        let reply = try await evaluate(.costs, under: try current(), arguments).array ?? []
        guard reply.count == 2 + arguments.count / 2, let running = reply[0].int, let mean = reply[1].string.flatMap(Double.init) else {
            throw DispatchError.epochLost
        }
        let costs = reply.dropFirst(2).map { Duration.milliseconds($0.string.flatMap(Double.init) ?? mean) }
        return (costs, .milliseconds(mean), running)
    }

    /// Why a waiting job waits, from the same state the claim uses.
    public func explain(_ id: JobID, tenant: TenantID, flow: String, priority: Int) async throws -> WaitingReason {
        let reply =
            try await evaluate(
                .explain, under: try current(),
                [RedisArgument(id.rawValue), RedisArgument(tenant.rawValue), RedisArgument(flow), RedisArgument(priority)]
            ).array ?? []
        func number(_ i: Int) -> Double { i < reply.count ? reply[i].string.flatMap(Double.init) ?? Double(reply[i].int ?? 0) : 0 }
        switch reply.first?.string {
        case "running": return .running
        case "scheduled": return .scheduled(until: Date(milliseconds: number(1)))
        case "gate":
            guard let gate = reply[1].string.flatMap(Gate.init(name:)) else { return .absent }
            return .atGate(gate, since: Date(milliseconds: number(2)))
        case "throttled": return .throttled(until: Date(milliseconds: number(1)))
        case "capped": return .capped(running: Int(number(1)))
        case "line": return .inLine(before: Int(number(1)))
        case "deferred": return Deferral(reply[1], reply[2]).map(WaitingReason.deferred) ?? .absent
        default: return .absent
        }
    }

    /// So many of a tenant's flows the index lists (`Keys`).
    private static let flowsListed = 1_000

    /// What is waiting and running of a tenant.
    public func state(of tenant: TenantID) async throws -> TenantState {
        let reply = try await evaluate(.flows, under: try current(), [RedisArgument(tenant.rawValue)]).array ?? []
        func number(_ i: Int) -> Double? { reply[i].string.flatMap(Double.init) ?? reply[i].int.map(Double.init) }
        guard reply.count >= 3 else { throw DispatchError.epochLost }
        let flows = stride(from: 3, to: reply.count - 8, by: 9).map { i in
            FlowState(
                name: reply[i].string ?? "", ready: Int(number(i + 1) ?? 0), running: Int(number(i + 2) ?? 0),
                cost: number(i + 3).map { .milliseconds($0) },
                blocked: reply[i + 4].string.flatMap(Gate.init(name:)).map { ($0, Date(milliseconds: number(i + 5) ?? 0)) },
                first: reply[i + 6].int64.map(JobID.init), deferral: Deferral(reply[i + 7], reply[i + 8]))
        }
        note(flows, of: tenant)
        return TenantState(
            running: Int(number(0) ?? 0), received: .milliseconds(number(1) ?? 0), throttled: .milliseconds(number(2) ?? 0), flows: flows,
            isWhole: flows.count < Self.flowsListed)
    }

    /// Of jobs that should be in the index, those that are not.
    public func unknown(_ jobs: [Push]) async throws -> [JobID] {
        let epoch = try current()
        var unknown: [JobID] = []
        for chunk in jobs.chunks(of: 500) {
            let arguments = chunk.flatMap {
                [RedisArgument($0.id.rawValue), RedisArgument($0.tenant.rawValue), RedisArgument($0.flow), RedisArgument($0.priority)]
            }
            unknown += try await evaluate(.unknown, under: epoch, arguments).array?.compactMap { $0.int64.map(JobID.init) } ?? []
        }
        return unknown
    }

    /// How many jobs of a tenant are ready to be claimed.
    public func ready(of tenant: TenantID) async throws -> Int { try await state(of: tenant).flows.reduce(0) { $0 + $1.ready } }

    /// These, and those that are deferred; nil where there are more flows than the index lists.
    public func readyOrDeferred(of tenant: TenantID) async throws -> Int? {
        let state = try await state(of: tenant)
        return state.isWhole ? state.flows.reduce(0) { $0 + $1.ready + ($1.deferral?.jobs ?? 0) } : nil
    }
}

extension Date {
    init(milliseconds: Double) { self.init(timeIntervalSince1970: milliseconds / 1000) }
}
