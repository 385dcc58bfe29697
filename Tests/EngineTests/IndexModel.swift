import Benchmarks
import DispatchIndex
import Foundation
import Jobs
import RedisClient
import Sampling
import Tenancy
import Testing

/// Does random things to an index in Redis, remembers what must be true of it, and compares after every step.
struct IndexModel {
    struct Job: Equatable {
        enum Place: Equatable {
            case waiting
            /// It was surplus, and is kept elsewhere.
            case deferred
            case running(Claim)
            case ended
        }

        var tenant: TenantID
        var flow: String
        var priority: Int
        /// As the ledger has it: a repeated push says the same.
        var due: Date?
        var place: Place
    }

    let dispatch: Dispatch
    let redis: RedisClient
    let namespace: String
    let seed: UInt64
    var random: SeededNumbers
    var jobs: [JobID: Job] = [:]
    var shares: [TenantID: TenantShare] = [:]
    var limits: [String: Int] = [:]
    /// What a tenant may have begun since its rate was set: when that was, how many it began, and how often time that never was gave it tokens.
    var begun: [TenantID: (since: ContinuousClock.Instant, count: Int, gifts: Int)] = [:]
    /// Jobs whose time is the index's: its clock has not stepped since they were put on the schedule.
    var timely: Set<JobID> = []
    /// Jobs that stand in their line where their first push put them.
    var placed: [JobID: Int64] = [:]
    var ended: [Claim] = []
    var epoch: Int64 = 1
    var log: [String] = []

    let tenants = (1...4).map { TenantID(Int64($0)) }
    let flows = ["a", "b", "a@x", "b@x", "a@y"]
    var gates: [DispatchIndex.Gate] {
        [.kind("a"), .kind("b"), .dependency("x"), .dependency("y")]
            + tenants.prefix(2).flatMap { [DispatchIndex.Gate.tenantKind($0, "a"), .tenantDependency($0, "x")] }
    }

    init(_ dispatch: Dispatch, _ redis: RedisClient, namespace: String, seed: UInt64) {
        self.dispatch = dispatch
        self.redis = redis
        self.namespace = namespace
        self.seed = seed
        random = SeededNumbers(seed: seed)
    }

    mutating func run(steps: Int) async throws {
        try await dispatch.beginRebuild(under: epoch)
        _ = try await dispatch.finishRebuild(under: epoch)
        for tenant in tenants { try await configure(tenant) }
        for _ in 0..<steps {
            try await step()
            try await check()
        }
    }

    private mutating func step() async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<25: try await push()
        case ..<55: try await claim()
        case ..<80: try await acknowledge()
        case ..<84: try await repeatAcknowledgements()
        case ..<88: try await configure(tenants.randomElement(using: &random)!)
        case ..<94: try await setGate()
        case ..<95: try await heartbeat()
        case ..<97: try await refill()
        case ..<99: try await stepClock()
        default: try await rebuild()
        }
    }

    // MARK: What can happen

    private mutating func push() async throws {
        var pushes: [Push] = []
        var fresh: Set<JobID> = []
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let id = JobID(Int64(jobs.count + 1))
            let job = Job(
                tenant: tenants.randomElement(using: &random)!, flow: flows.randomElement(using: &random)!,
                priority: Int.random(in: 0...9, using: &random), due: Int.random(in: 0..<4, using: &random) == 0 ? soon() : nil,
                place: .waiting)
            jobs[id] = job
            fresh.insert(id)
            pushes.append(push(id, job))
        }
        // The relay repeats pushes: of what waits, of what runs; what has ended it does not find in the ledger.
        for (id, job) in jobs.sorted(by: { $0.key < $1.key })
        where job.place != .ended && !fresh.contains(id) && Int.random(in: 0..<20, using: &random) == 0 {
            pushes.append(push(id, job))
        }
        log.append("push \(pushes.map { "\($0.id):\($0.tenant)/\($0.flow)" })")
        let surplus = Set(try await dispatch.offer(pushes.shuffled(using: &random)).surplus.map(\.id))
        for push in pushes {
            guard let place = jobs[push.id]?.place, place == .waiting || place == .deferred else { continue }
            // What waits already goes on waiting; a new one that is surplus is not in the index.
            if surplus.contains(push.id) {
                if fresh.contains(push.id) { jobs[push.id]?.place = .deferred }
            } else {
                jobs[push.id]?.place = .waiting
                if fresh.contains(push.id) { (placed[push.id], _) = (push.place, timely.insert(push.id)) }
            }
        }
        log.append("surplus \(surplus.sorted())")
    }

    /// Fills lines that have surplus and room.
    private mutating func refill() async throws {
        for (line, wants) in try await dispatch.thirsty() {
            let kept = jobs.filter { $0.value.place == .deferred && $0.value.tenant == line.tenant && $0.value.flow == line.flow }
                .map { push($0.key, $0.value) }.sorted { ($0.place, $0.id) < ($1.place, $1.id) }
            let some = kept.prefix(wants)
            log.append("refill \(line.tenant)/\(line.flow) with \(some.map(\.id))")
            try await dispatch.push(Array(some))
            for push in some { jobs[push.id]?.place = .waiting }
            try await dispatch.noteFilled(line, by: some.count, next: kept.dropFirst(some.count).first?.place)
        }
    }

    private func push(_ id: JobID, _ job: Job) -> Push {
        Push(
            id: id, tenant: job.tenant, flow: job.flow, priority: job.priority, since: Date(timeIntervalSince1970: Double(id.rawValue)),
            due: job.due)
    }

    private mutating func soon() -> Date { Date().addingTimeInterval(.random(in: -0.01...0.03, using: &random)) }

    private mutating func claim() async throws {
        let want = Int.random(in: 1...20, using: &random)
        let kinds: Set<String>? = Int.random(in: 0..<4, using: &random) == 0 ? ["a"] : nil
        let before = try await snapshot()
        let reply = try await dispatch.claim(want, kinds: kinds)
        log.append("claim \(want) of \(kinds?.sorted() ?? []) -> \(reply.claims.map { "\($0.id)" }) more \(reply.more)")
        try #require(reply.claims.count <= want, "\(story)")
        for claim in reply.claims {
            try #require(jobs[claim.id]?.place == .waiting, "claimed \(claim.id), which does not wait; \(story)")
            if let kinds { try #require(kinds.contains(String(jobs[claim.id]!.flow.prefix(1))), "\(story)") }
            if let due = jobs[claim.id]?.due, timely.contains(claim.id) {
                try #require(due <= Date().addingTimeInterval(0.001), "\(claim.id) was claimed before its time; \(story)")
            }
            jobs[claim.id]?.place = .running(claim)
            placed[claim.id] = nil
            begun[claim.tenant]?.count += 1
        }
        try checkOrder(of: reply.claims, before)
        try await checkLimits(after: reply)
        if reply.claims.count < want, !reply.more, kinds == nil { try await checkNothingIsLeft() }
    }

    private mutating func acknowledge() async throws {
        var ends: [Acknowledgement] = []
        for (id, job) in jobs.sorted(by: { $0.key < $1.key }) {
            guard case .running(let claim) = job.place, Bool.random(using: &random) else { continue }
            let spent: Duration? = Bool.random(using: &random) ? .milliseconds(Int.random(in: 0...200, using: &random)) : nil
            switch Int.random(in: 0..<5, using: &random) {
            case 0: ends.append(Acknowledgement(claim, priority: job.priority, next: .again, spent: spent))
            case 1:
                let due = soon()
                jobs[id]?.due = due
                timely.insert(id)
                ends.append(Acknowledgement(claim, priority: job.priority, next: .later(due), spent: spent))
            default: ends.append(Acknowledgement(claim, spent: spent))
            }
            jobs[id]?.place = ends.last!.next == .done ? .ended : .waiting
            ended.append(claim)
        }
        log.append("ack \(ends.map { "\($0.claim.id) \($0.next)" })")
        try await dispatch.acknowledge(ends + ends.prefix(2))
    }

    /// Acknowledgements arrive twice, and late.
    private mutating func repeatAcknowledgements() async throws {
        log.append("ack again")
        try await dispatch.acknowledge(ended.suffix(30).map { Acknowledgement($0, next: .again) })
    }

    private mutating func configure(_ tenant: TenantID) async throws {
        let isLimited = Int.random(in: 0..<3, using: &random) == 0
        let share = TenantShare(
            tenant: tenant, weight: Int.random(in: 1...4, using: &random), cap: [0, 1, 3, 10, 1000].randomElement(using: &random)!,
            rate: isLimited ? Double(Int.random(in: 20...400, using: &random)) : nil,
            burst: isLimited ? Int.random(in: 1...5, using: &random) : nil,
            capacity: [1, 2, 5, 1000].randomElement(using: &random)!)
        log.append("configure \(share)")
        if share.rate != shares[tenant]?.rate || share.burst != shares[tenant]?.burst { begun[tenant] = (.now, 0, 0) }
        shares[tenant] = share
        try await dispatch.configure([share])
    }

    private mutating func setGate() async throws {
        let gate = gates.randomElement(using: &random)!
        var limit: Int? = [nil, nil, 0, 1, 2, 5].randomElement(using: &random)!
        if case .tenantKind = gate, limit != nil { limit = 0 }
        limits[gate.name] = limit
        log.append("gate \(gate.name) \(limit.map(String.init) ?? "open")")
        try await dispatch.limit(gate, to: limit)
    }

    private mutating func heartbeat() async throws {
        let claims = jobs.values.compactMap { if case .running(let claim) = $0.place { claim } else { nil } }
        let running = Set(claims.map(\.id))
        let lost = try await dispatch.heartbeat(claims + ended.suffix(10))
        try #require(lost.allSatisfy { id in !running.contains(id) || ended.contains { $0.id == id } }, "\(story)")
    }

    /// The clock steps between two looks of whoever reaps.
    private mutating func stepClock() async throws {
        let step = Duration.milliseconds(Int.random(in: -3_600_000...3_600_000, using: &random))
        log.append("clock \(step)")
        _ = try await dispatch.expired(limit: 100)
        try await redis.stepClock(ofIndex: "\(namespace){q:0}:\(epoch):", by: step)
        // Where a job stands that was to come later hangs on when it came due.
        timely = []
        placed = placed.filter { jobs[$0.key]?.due == nil }
        if step > .zero { for tenant in tenants { begun[tenant]?.gifts += 1 } }
        let taken = try await dispatch.expired(limit: 100)
        try #require(taken.isEmpty || (.zero ... .seconds(10)).contains(step), "taken from workers who could not beat; \(story)")
    }

    private mutating func rebuild() async throws {
        epoch += 1
        log.append("rebuild \(epoch)")
        try await dispatch.beginRebuild(under: epoch)
        try await dispatch.configure(Array(shares.values))
        try await dispatch.limit(gates: limits.mapValues { $0 })
        let sorted = jobs.sorted { $0.key < $1.key }
        try await dispatch.restore(
            sorted.compactMap { if case .running(let claim) = $0.value.place { (claim, $0.value.flow) } else { nil } })
        for (id, job) in sorted where job.place == .waiting || job.place == .deferred {
            let surplus = try await dispatch.offer([push(id, job)]).surplus
            jobs[id]?.place = surplus.isEmpty ? .waiting : .deferred
        }
        let isOpen = try await dispatch.finishRebuild(under: epoch)
        try #require(isOpen)
        // Its schedule and its lines are new, and by a clock that has not stepped.
        timely = Set(jobs.filter { $0.value.place == .waiting }.keys)
        placed = [:]
        for (id, job) in jobs where job.place == .waiting { placed[id] = push(id, job).place }
    }

    // MARK: What must hold

    var story: Comment { "seed \(seed), last steps: \(log.suffix(12).joined(separator: "; "))" }

    private func snapshot() async throws -> IndexSnapshot {
        try await IndexSnapshot(
            redis, base: "\(namespace){q:0}:\(epoch):", tenants: tenants, flows: flows, gates: gates.map(\.name))
    }

    private func check() async throws {
        let index = try await snapshot()
        try checkPlaces(index)
        try checkCounts(index)
        for tenant in tenants { try checkMembership(of: tenant, in: index) }
        for (gate, waiting) in index.blocked where !waiting.isEmpty {
            let isFull = index.limits[gate].map { $0 <= index.passing[gate] ?? 0 } ?? false
            try #require(isFull || index.waking.contains(gate), "flows wait at \(gate), which has room; \(story)")
        }
        try #require(index.limits == limits, "\(story)")
    }

    /// What was in line before and is claimed was the beginning of its line, and what stands where it was put stands in order.
    private func checkOrder(of claims: [Claim], _ before: IndexSnapshot) throws {
        let claimed = claims.map(\.id.description)
        for (tenant, state) in before.tenants {
            for (name, flow) in state.flows {
                let ofLine = claimed.filter(Set(flow.ready).contains)
                try #require(ofLine == Array(flow.ready.prefix(ofLine.count)), "\(tenant)/\(name) was not served in order; \(story)")
                let places = flow.ready.compactMap { JobID(text: $0).flatMap { placed[$0] } }
                try #require(places == places.sorted(), "\(tenant)/\(name) is not in order; \(story)")
            }
        }
    }

    /// Every job is in one place, the one it should be in.
    private func checkPlaces(_ index: IndexSnapshot) throws {
        var waiting: [JobID: Int] = [:]
        for (tenant, state) in index.tenants {
            for (name, flow) in state.flows {
                for text in flow.ready {
                    let id = JobID(text: text)!
                    waiting[id, default: 0] += 1
                    try #require(jobs[id]?.tenant == tenant && jobs[id]?.flow == name, "\(id) is in another's line; \(story)")
                }
            }
        }
        for member in index.scheduled { waiting[JobID(text: String(member.split(separator: ":")[2]))!, default: 0] += 1 }
        let shouldWait = jobs.filter { $0.value.place == .waiting }
        try #require(waiting.allSatisfy { $0.value == 1 }, "in line twice: \(waiting.filter { $0.value > 1 }.keys); \(story)")
        try #require(
            Set(waiting.keys) == Set(shouldWait.keys),
            "lost: \(Set(shouldWait.keys).subtracting(waiting.keys)), too many: \(Set(waiting.keys).subtracting(shouldWait.keys)); \(story)"
        )
        let running = jobs.filter { if case .running = $0.value.place { true } else { false } }
        try #require(Set(index.running.keys) == Set(running.keys.map(\.description)), "\(story)")
        try #require(Set(index.leases) == Set(index.running.keys), "every claim has its lease; \(story)")
    }

    /// What is counted is what is there.
    private func checkCounts(_ index: IndexSnapshot) throws {
        var byGate: [String: Int] = [:]
        var byTenant: [TenantID: Int] = [:]
        var byFlow: [String: Int] = [:]
        for job in jobs.values {
            guard case .running = job.place else { continue }
            byTenant[job.tenant, default: 0] += 1
            byFlow["\(job.tenant):\(job.flow)", default: 0] += 1
            let parts = job.flow.split(separator: "@")
            byGate["k:\(parts[0])", default: 0] += 1
            if parts.count == 2 {
                byGate["d:\(parts[1])", default: 0] += 1
                byGate["\(job.tenant)/d:\(parts[1])", default: 0] += 1
            }
        }
        try #require(index.passing == byGate, "claims through gates; \(story)")
        for (tenant, state) in index.tenants {
            try #require(state.running == byTenant[tenant] ?? 0, "claims of tenant \(tenant); \(story)")
            for (name, flow) in state.flows { try #require(flow.running == byFlow["\(tenant):\(name)"] ?? 0, "\(story)") }
        }
    }

    /// A flow with jobs competes or waits at one gate; a tenant with competing flows is eligible, throttled or full, and no other is.
    private func checkMembership(of tenant: TenantID, in index: IndexSnapshot) throws {
        let state = index.tenants[tenant]!
        for (name, flow) in state.flows {
            let gate = flow.hash["blk"]
            let waitsAt = index.blocked.filter { $0.value.contains("\(tenant):\(name)") }.map(\.key)
            try #require(
                waitsAt == (gate.map { [$0] } ?? []), "\(tenant)/\(name) waits at \(waitsAt), knows of \(gate ?? "none"); \(story)")
            let competes = state.competing[name] != nil
            try #require(competes == (!flow.ready.isEmpty && gate == nil), "\(tenant)/\(name) competes: \(competes); \(story)")
        }
        let (isActive, isThrottled) = (index.active["\(tenant)"] != nil, index.throttled["\(tenant)"] != nil)
        try #require(!(isActive && isThrottled), "\(story)")
        // The slowest rate here gives a token every 50 ms.
        let longest = Date().timeIntervalSince1970 * 1000 + 51
        try #require(index.throttled["\(tenant)"] ?? 0 <= longest, "tenant \(tenant) waits for longer than a token takes; \(story)")
        if state.competing.isEmpty {
            try #require(!isActive && !isThrottled, "tenant \(tenant) competes without work; \(story)")
        } else {
            try #require(isActive || isThrottled || state.running >= state.cap, "tenant \(tenant) is forgotten; \(story)")
        }
    }

    private func checkLimits(after reply: ClaimReply) async throws {
        let index = try await snapshot()
        for tenant in Set(reply.claims.map(\.tenant)) {
            try #require(index.tenants[tenant]!.running <= shares[tenant]!.cap, "tenant \(tenant) is above its cap; \(story)")
            if let rate = shares[tenant]?.rate, let burst = shares[tenant]?.burst, let (since, count, gifts) = begun[tenant] {
                let elapsed =
                    Double((ContinuousClock.now - since).components.attoseconds) / 1e18
                    + Double((ContinuousClock.now - since).components.seconds)
                try #require(
                    Double(count) <= rate * elapsed + Double(burst * (1 + gifts)),
                    "tenant \(tenant) began \(count) in \(elapsed) s; \(story)")
            }
        }
        for claim in reply.claims {
            let parts = jobs[claim.id]!.flow.split(separator: "@").map(String.init)
            var names = ["k:\(parts[0])", "\(claim.tenant)/k:\(parts[0])"]
            if parts.count == 2 { names += ["d:\(parts[1])", "\(claim.tenant)/d:\(parts[1])"] }
            for name in names {
                if let limit = limits[name] {
                    try #require((index.passing[name] ?? 0) <= limit && limit > 0, "\(name) let too many through; \(story)")
                }
            }
        }
    }

    /// After a claim that found less than it wanted and knows of no more, whatever is ready is held back by something.
    private func checkNothingIsLeft() async throws {
        let index = try await snapshot()
        for (tenant, state) in index.tenants where state.running < state.cap && index.throttled["\(tenant)"] == nil {
            for (name, flow) in state.flows where !flow.ready.isEmpty {
                try #require(flow.hash["blk"] != nil, "\(tenant)/\(name) could have been claimed; \(story)")
            }
        }
    }
}
