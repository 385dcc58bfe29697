import DispatchIndex
import Jobs
import RedisClient
import Tenancy

/// Everything the index holds of some tenants, read key by key, so that a test can judge the scripts by what they left.
struct IndexSnapshot {
    struct Tenant {
        var hash: [String: String]
        var competing: [String: Double]
        var flows: [String: Flow]

        var running: Int { hash["inf"].flatMap { Int($0) } ?? 0 }
        var cap: Int { hash["cap"].flatMap { Int($0) } ?? 1000 }
    }

    struct Flow {
        var hash: [String: String]
        var ready: [String]
        var running: Int { hash["inf"].flatMap { Int($0) } ?? 0 }
    }

    var active: [String: Double]
    var throttled: [String: Double]
    var scheduled: [String]
    var leases: [String]
    var running: [String: String]
    var limits: [String: Int]
    var passing: [String: Int]
    var waking: Set<String>
    var blocked: [String: [String]]
    var tenants: [TenantID: Tenant]

    init(_ redis: RedisClient, base: String, tenants: [TenantID], flows: [String], gates: [String]) async throws {
        func key(_ name: String) -> RedisArgument { RedisArgument(base + name) }
        var commands: [RedisCommand] = [
            ["ZRANGE", key("act"), "0", "-1", "WITHSCORES"], ["ZRANGE", key("thr"), "0", "-1", "WITHSCORES"],
            ["ZRANGE", key("sch"), "0", "-1"], ["ZRANGE", key("lease"), "0", "-1"], ["HGETALL", key("run")], ["HGETALL", key("gate")],
            ["HGETALL", key("ginf")], ["SMEMBERS", key("wake")],
        ]
        commands += gates.map { ["ZRANGE", key("blk:\($0)"), "0", "-1"] }
        for tenant in tenants {
            commands += [["HGETALL", key("t:\(tenant)")], ["ZRANGE", key("ta:\(tenant)"), "0", "-1", "WITHSCORES"]]
            for flow in flows {
                commands += [["HGETALL", key("f:\(tenant):\(flow)")], ["ZRANGE", key("r:\(tenant):\(flow)"), "0", "-1"]]
            }
        }
        var replies = try await redis.pipeline(commands)[...]
        func list() -> [String] { replies.removeFirst().array?.compactMap(\.string) ?? [] }
        func pairs() -> [String: String] {
            let all = list()
            return Dictionary(uniqueKeysWithValues: stride(from: 0, to: all.count, by: 2).map { (all[$0], all[$0 + 1]) })
        }
        active = pairs().mapValues { Double($0)! }
        throttled = pairs().mapValues { Double($0)! }
        scheduled = list()
        leases = list()
        running = pairs()
        limits = pairs().mapValues { Int($0)! }
        passing = pairs().mapValues { Int($0)! }
        waking = Set(list())
        blocked = [:]
        for gate in gates { blocked[gate] = list() }
        self.tenants = [:]
        for tenant in tenants {
            var state = Tenant(hash: pairs(), competing: pairs().mapValues { Double($0)! }, flows: [:])
            for flow in flows { state.flows[flow] = Flow(hash: pairs(), ready: list()) }
            self.tenants[tenant] = state
        }
    }
}
