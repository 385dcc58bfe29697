import DispatchIndex
import Foundation
import JSONEnvelope
import Jobs
import Records
import Tenancy

extension API {
    static let queueEndpoints = [
        Endpoint(.get, "/v1/queues", answer: listQueues),
        Endpoint(.put, "/v1/queues/{kind}", .platform) { call in try await call.limit(.kind(try call.kind())) },
        Endpoint(.post, "/v1/queues/{kind}/pause", .tenantOrAll(.operator)) { call in try await call.pause(try call.kindGate(), true) },
        Endpoint(.post, "/v1/queues/{kind}/resume", .tenantOrAll(.operator)) { call in try await call.pause(try call.kindGate(), false) },
        Endpoint(.put, "/v1/dependencies/{name}", .platform) { call in try await call.limit(.dependency(try call.dependency())) },
        Endpoint(.post, "/v1/dependencies/{name}/pause", .tenantOrAll(.operator)) { call in
            try await call.pause(try call.dependencyGate(), true)
        },
        Endpoint(.post, "/v1/dependencies/{name}/resume", .tenantOrAll(.operator)) { call in
            try await call.pause(try call.dependencyGate(), false)
        },
    ]
}

extension Call {
    fileprivate func kindGate() throws -> Gate {
        let kind = try kind()
        return tenantOrAll.map { .tenantKind($0, kind) } ?? .kind(kind)
    }

    fileprivate func dependencyGate() throws -> Gate {
        let name = try dependency()
        return tenantOrAll.map { .tenantDependency($0, name) } ?? .dependency(name)
    }
}

/// `GET /v1/queues`
@Sendable private func listQueues(_ call: Call) async throws -> Answer {
    let (dispatch, tenant) = (call.api.dispatch, call.tenant.id)
    let holds = try await call.records.holds(of: tenant)
    let index = await promptly { (try await dispatch.state(of: tenant), try await dispatch.fairness(of: [tenant])) }
    let isWithoutWorker = await call.api.isWithoutWorker
    let kinds = Set(call.api.kinds.keys).union(index?.0.flows.map(\.kind) ?? [])
    var queues = kinds.sorted().map { QueueView($0, of: tenant, holds) }
    if let (state, fairness) = index {
        for position in queues.indices { queues[position].add(state, fairness.first, holds, of: tenant) }
        let since = try await call.records.claimableSince(queues.flatMap(\.first), of: tenant)
        let now = Date()
        for position in queues.indices { queues[position].note(since, now: now) }
    }
    return Answer(
        200,
        JSONWriter.object(capacity: 256 * queues.count) { object in
            object.array("items") { list in for queue in queues { list.element(json: queue.json) } }
            object.member("next_cursor", String?.none)
            object.member("index", index == nil ? "away" : "up")
            object.member("workers", isWithoutWorker ? "none" : "up")
        })
}

/// A tenant's jobs of one kind, as they wait and run now.
private struct QueueView {
    let kind: String
    /// What holds back all of them.
    let hold: Hold?
    /// Most at once over all tenants.
    let limit: Int?
    var ready: Int?
    var running: Int?
    var parked: Int?
    /// Not in the index because their line is full.
    var deferred: Int?
    /// Until they are, of the line that takes longest; nil: not known.
    var drainTime: Duration?
    /// Why those parked are.
    var parkedBy: [WhyWaiting] = []
    /// First in line of each flow that may run.
    var first: [JobID] = []
    var oldestClaimable: TimeInterval?
    var fairness: TenantFairness?

    init(_ kind: String, of tenant: TenantID, _ holds: [Hold]) {
        self.kind = kind
        let own = Set(Gate.passed(by: kind, of: tenant).map(\.name)).union([""])
        hold = holds.first { $0.isClosed && own.contains($0.gate) }
        limit = holds.first { $0.cause == .limit && own.contains($0.gate) }?.limit
    }

    mutating func add(_ state: TenantState, _ fairness: TenantFairness?, _ holds: [Hold], of tenant: TenantID) {
        self.fairness = fairness
        var (ready, running, parked, deferred) = (0, 0, 0, 0)
        var isDrainKnown = true
        for flow in state.flows where flow.kind == kind {
            running += flow.running
            if let deferral = flow.deferral {
                deferred += deferral.jobs
                drainTime = max(drainTime ?? .zero, deferral.drainTime ?? .zero)
                if deferral.drainTime == nil { isDrainKnown = false }
            }
            let gates = Set(Gate.passed(by: flow.name, of: tenant).map(\.name)).union([""])
            if let hold = holds.first(where: { $0.isClosed && gates.contains($0.gate) }) {
                parked += flow.ready
                let why = WhyWaiting(hold)
                if flow.ready > 0, parkedBy.count < 20, !parkedBy.contains(why) { parkedBy.append(why) }
            } else {
                ready += flow.ready
                if let job = flow.first { first.append(job) }
            }
        }
        (self.ready, self.running, self.parked, self.deferred) = (ready, running, parked, deferred)
        if !isDrainKnown { drainTime = nil }
    }

    mutating func note(_ since: [JobID: Date], now: Date) {
        oldestClaimable = first.compactMap { since[$0] }.min().map { max(0, now.timeIntervalSince($0)) }
    }

    /// Whether the tenant's own hand holds it back. What the platform does, for all or for the whole tenant, only the platform lets go.
    private var isOwnHold: Bool {
        if case .tenantKind? = hold.flatMap({ Gate(name: $0.gate) }) { true } else { false }
    }

    var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("kind", kind)
            object.member("ready", ready)
            object.member("running", running)
            object.member("parked", parked)
            object.member("deferred", deferred)
            object.member("estimated_drain_seconds", drainTime.map(wholeSeconds))
            object.member("oldest_claimable_ms", oldestClaimable.map { ($0 * 1_000).rounded() })
            object.member("share_received", fairness?.shareReceived)
            object.member("share_entitled", fairness?.shareEntitled)
            object.member("limit", limit)
            object.member("paused", hold != nil)
            object.member("paused_reason", hold?.reason)
            object.member("paused_by", hold?.setBy)
            object.member("paused_since", hold?.since)
            object.member("paused_scope", hold == nil ? nil : isOwnHold ? "tenant" : "all")
            object.array("parked_by") { list in
                for why in parkedBy {
                    list.object { item in
                        item.member("code", why.code)
                        item.member("text", why.text)
                    }
                }
            }
        }
    }
}
