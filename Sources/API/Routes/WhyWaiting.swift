import DispatchIndex
import Foundation
import JSONEnvelope
import Records
import Tenancy

/// Why a job is not running: a code for programs, which never changes, and a sentence that says what would let it run.
struct WhyWaiting: Sendable, Hashable {
    let code: String
    let text: String
    /// Where it is deferred: until all that is deferred with it is in line, at the present pace; nil: not known.
    let drainTime: Duration?

    init(_ code: String, _ text: String, drainTime: Duration? = nil) {
        self.code = code
        self.text = text
        self.drainTime = drainTime
    }
}

extension Call {
    /// Why a job waits; nil when it does not. What the ledger knows goes first, then what the index says.
    func whyWaiting(_ job: JobView) async throws -> WhyWaiting? {
        guard let flow = job.flow, let priority = job.priority, job.state != .running else { return nil }
        if let runAt = job.runAt, runAt > Date(), job.state == .scheduled || job.state == .retryable { return WhyWaiting(job) }
        let holds = try await records.holds(on: Gate.passed(by: flow, of: tenant.id).map(\.name), of: tenant.id)
        if let hold = holds.first(where: \.isClosed) { return WhyWaiting(hold) }
        let (dispatch, tenant) = (api.dispatch, tenant.id)
        guard let reason = await promptly({ try await dispatch.explain(job.id, tenant: tenant, flow: flow, priority: priority) })
        else {
            return .indexAway
        }
        if reason == .absent, dispatch.isFull { return .indexFull }
        if case .inLine = reason, await api.isWithoutWorker { return .noWorker }
        return WhyWaiting(reason, holds)
    }
}

extension WhyWaiting {
    static let indexFull = WhyWaiting(
        "index_full",
        "Redis, which decides what runs next, is nearly out of memory. The job is safe in the ledger and gets in line when there is room again."
    )

    static let noWorker = WhyWaiting(
        "no_worker", "No worker takes new jobs. The job is safe in its line, and goes on when one is started.")

    static let indexAway = WhyWaiting(
        "index_away", "Redis, which decides what runs next, does not answer. The job is safe and goes on when Redis is back.")

    /// What the state alone says.
    init?(_ job: JobView) {
        let due = job.runAt.map(RFC3339.text) ?? "a later time"
        switch job.state {
        case .scheduled: self.init("scheduled", "It is due at \(due).")
        case .available: self.init("in_line", "It is ready and waits for its tenant's turn at a free worker.")
        case .retryable: self.init("retry", "Attempt \(job.attempt) failed; the next is due at \(due).")
        case .parked: self.init("parked", "It waits at a pause or a breaker; read the job to learn which.")
        case .running, .completed, .cancelled, .discarded: return nil
        }
    }

    init(_ hold: Hold) {
        let what = Gate(name: hold.gate)?.words ?? "the tenant"
        let reason = hold.reason.isEmpty ? "" : ": \(hold.reason)"
        switch hold.cause {
        case .tenantPause: self.init("tenant_paused", "The platform has paused the tenant\(reason). It goes on when the tenant is resumed.")
        case .pause:
            let isKind = Gate(name: hold.gate)?.kind != nil
            self.init(
                isKind ? "kind_paused" : "dependency_paused",
                "\(what.capitalizedFirst) are paused\(reason). It goes on when they are resumed.")
        case .limit: self.init("limit", "\(what.capitalizedFirst) run \(hold.limit) at once, no more\(reason). It goes on when one ends.")
        case .breaker(let state, let isForced, let until): self.init(breaker: hold, state.rawValue, isForced: isForced, until: until)
        }
    }

    private init(breaker hold: Hold, _ state: String, isForced: Bool, until: Date?) {
        let gate = Gate(name: hold.gate)
        let name = gate?.dependency ?? hold.gate
        let next = until.map { "at \(RFC3339.text($0))" } ?? "soon"
        switch state {
        case "open" where isForced:
            self.init("breaker_forced", "The breaker of \(name) was opened by hand: \(hold.reason). It goes on when somebody closes it.")
        case "open": self.init("breaker_open", "\(name) does not work: \(hold.reason). It is tried again \(next).")
        case "throttled": self.init("breaker_throttled", "\(name) asked for patience: \(hold.reason). It is called again \(next).")
        case "half_open":
            self.init("breaker_half_open", "\(name) is being tried with \(hold.limit) calls at once. The rest follows when they succeed.")
        default:
            self.init("breaker_ramping", "\(name) works again and is given more and more, \(hold.limit) at once now. It has its turn soon.")
        }
    }

    /// - Parameter holds: what limits the gates the job passes.
    init?(_ reason: WaitingReason, _ holds: [Hold]) {
        switch reason {
        case .running: self.init("starting", "A worker has taken it and is about to begin.")
        case .scheduled(let until): self.init("scheduled", "It is due at \(RFC3339.text(until)).")
        case .atGate(let gate, _):
            if let hold = holds.first(where: { $0.gate == gate.name }) {
                self.init(hold)
                return
            }
            self.init("gate", "It waits for \(gate.words), which were held back until a moment ago. It has its turn soon.")
        case .throttled(let until):
            self.init("rate", "Its tenant has begun as many jobs as its rate allows. It may go on at \(RFC3339.text(until)).")
        case .capped(let running):
            self.init("cap", "\(running) jobs of its tenant run, which is the most at once. It goes on when one of them ends.")
        case .inLine(0): self.init("in_line", "It is the first of its line, and waits for its tenant's turn at a free worker.")
        case .inLine(let before):
            self.init("in_line", "\(before) jobs of its line go before it. It waits for its tenant's turn at a free worker.")
        case .deferred(let deferral):
            let pace = deferral.drainTime.map {
                "at the present pace it takes about \(max(1, Int($0 / .seconds(1)))) s until all are in line"
            }
            self.init(
                "deferred",
                "Its line is full, so it is kept back with \(deferral.jobs) jobs in all until the line drains; \(pace ?? "how long that takes is not known yet").",
                drainTime: deferral.drainTime)
        case .absent: self.init("not_indexed", "It is on its way into the index, which takes a few seconds at most.")
        }
    }
}

extension Gate {
    /// The gates a flow's jobs pass.
    static func passed(by flow: String, of tenant: TenantID) -> [Gate] {
        let parts = flow.split(separator: "@", maxSplits: 1).map(String.init)
        guard let kind = parts.first else { return [] }
        let ofKind: [Gate] = [.kind(kind), .tenantKind(tenant, kind)]
        return parts.count == 2 ? ofKind + [.dependency(parts[1]), .tenantDependency(tenant, parts[1])] : ofKind
    }

    var kind: String? {
        switch self {
        case .kind(let kind), .tenantKind(_, let kind): kind
        case .dependency, .tenantDependency: nil
        }
    }

    var dependency: String? {
        switch self {
        case .kind, .tenantKind: nil
        case .dependency(let name), .tenantDependency(_, let name): name
        }
    }

    /// Whose jobs pass it.
    var words: String {
        switch self {
        case .kind(let kind): "jobs of kind \(kind), of every tenant,"
        case .tenantKind(_, let kind): "jobs of kind \(kind)"
        case .dependency(let name): "jobs that need \(name), of every tenant,"
        case .tenantDependency(_, let name): "jobs that need \(name)"
        }
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
