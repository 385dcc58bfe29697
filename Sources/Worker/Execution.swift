import DispatchIndex
import Foundation
import Jobs
import Ledger
import Synchronization
import Telemetry
import Tenancy

/// Runs granted attempts through their handlers. Never throws: a failure is an outcome.
final class Execution: Sendable {
    private let handlers: [String: AnyHandler]
    private let running: RunningJobs
    private let settler: Settler
    private let watch: DependencyWatch
    private let traces: Traces?
    private let tell: @Sendable (Attempt, JobProgress) -> Void
    private let lanes = Mutex<[Lane: LaneState]>([:])
    /// By dependency: what this process has seen of each.
    private let budgets = Mutex<[String: RetryBudget]>([:])
    private let now: @Sendable () -> Date

    /// Deciding jobs of one kind and tenant go one group after another, so that a group sees what the one before it decided.
    private struct Lane: Hashable {
        var kind: String
        var tenant: TenantID
    }

    private struct LaneState {
        var waiting: [Attempt] = []
        /// Groups in a row that found their facts changed; another process is deciding for the same tenant.
        var staleInARow = 0
    }

    private let groupSize = 200

    init(
        handlers: [AnyHandler], running: RunningJobs, settler: Settler, watch: DependencyWatch, progress: ProgressBoard, traces: Traces?,
        now: @escaping @Sendable () -> Date
    ) {
        self.handlers = Dictionary(uniqueKeysWithValues: handlers.map { ($0.kind.name, $0) })
        self.running = running
        self.settler = settler
        self.watch = watch
        self.traces = traces
        tell = { progress.note($1, of: $0) }
        self.now = now
    }

    /// Runs the attempts; their slots are released when they are settled.
    func run(_ attempts: [Attempt]) async {
        var brief: [(attempt: Attempt, body: @Sendable () async -> Outcome)] = []
        for var attempt in attempts {
            attempt.breakerEpochs = watch.epochs(for: attempt)
            guard let handler = handlers[attempt.kind] else {
                running.start(attempt, deadline: nil)
                finish(attempt, .unknownKind(attempt.kind, at: now()))
                continue
            }
            running.start(attempt, deadline: now().addingTimeInterval(handler.kind.timeout.seconds))
            switch handler.style {
            case .deciding(let decide):
                enter(Lane(kind: attempt.kind, tenant: attempt.tenant), attempt, decide)
            case .performing(let perform):
                attempt.tell = tell
                let (isBrief, body) = perform(attempt)
                if isBrief { brief.append((attempt, body)) } else { start(attempt, body) }
            }
        }
        await run(brief)
    }

    /// Ends attempts that took too long. The handler is cancelled; if it answers all the same, nobody listens.
    func endOverdue() {
        for (attempt, task) in running.overdue(at: now()) {
            let limit = handlers[attempt.kind]?.kind.timeout ?? .zero
            finish(attempt, .failed(.transient, "the attempt took longer than \(limit)"), spent: limit)
            task?.cancel()
        }
    }

    /// Ends attempts that were asked to stop, as cancelled; what their handlers still answer is not heard. A deciding job whose
    /// group is being decided is left alone: it ends in a moment, and its group rests on it.
    func cancel(_ requests: [CancelRequest]) {
        let asked = Dictionary(requests.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        for (attempt, task) in running.unfinished() {
            guard let request = asked[attempt.id], request.token == attempt.token, leaveLane(attempt) else { continue }
            finish(attempt, .failed(.cancelled, request.reason))
            task?.cancel()
        }
    }

    // MARK: Performing

    private func start(_ attempt: Attempt, _ body: @escaping @Sendable () async -> Outcome) {
        let task = Task {
            let start = ContinuousClock.now
            let outcome = await body()
            finish(attempt, outcome, spent: .now - start)
        }
        running.attach(task, to: attempt)
    }

    private func run(_ brief: [(attempt: Attempt, body: @Sendable () async -> Outcome)]) async {
        var settlements: [Settlement] = []
        settlements.reserveCapacity(brief.count)
        for (attempt, body) in brief {
            let start = ContinuousClock.now
            let outcome = await body()
            if running.finish(attempt) { settlements.append(settlement(attempt, outcome, spent: .now - start)) }
        }
        submit(settlements)
    }

    private func finish(_ attempt: Attempt, _ outcome: Outcome, spent: Duration? = nil) {
        if running.finish(attempt) { submit([settlement(attempt, outcome, spent: spent)]) }
    }

    private func submit(_ settlements: [Settlement]) {
        guard !settlements.isEmpty else { return }
        settler.submit(settlements) { stale in
            if !stale.isEmpty { Task { await self.run(stale) } }
        }
    }

    /// - Parameters:
    ///   - began: when it was handled; nil: `spent` before now.
    ///   - factsAt: when its facts had been read, where it was decided on some.
    private func settlement(
        _ attempt: Attempt, _ outcome: Outcome, spent: Duration?, since began: Date? = nil, factsAt: Date? = nil
    ) -> Settlement {
        let now = now()
        watch.record(outcome, of: attempt, spent: spent, now: now)
        if case .completed = outcome.end { budget(attempt) { $0.noteSuccess(at: now) } }
        let policy = handlers[attempt.kind]?.kind.retry ?? RetryPolicy()
        let disposition = outcome.disposition(of: attempt, policy: policy, now: now, chance: .random(in: 0..<1)) {
            budget(attempt) { $0.noteRetry(at: now) } ?? 0
        }
        return Settlement(
            attempt: attempt, outcome: outcome, disposition: disposition, spent: spent,
            trace: traces.flatMap {
                AttemptSpans($0, attempt, began: began ?? spent.map { now.addingTimeInterval(-$0.seconds) }, factsAt: factsAt, handled: now)
            })
    }

    /// The retry budget of what an attempt depends on; nil when it depends on nothing.
    private func budget<R>(_ attempt: Attempt, _ change: (inout RetryBudget) -> R) -> R? {
        guard let dependency = attempt.dependency else { return nil }
        return budgets.withLock { budgets in
            // Names are the callers' choice: when there are very many, all begin anew.
            if budgets.count > 10_000 { budgets = [:] }
            return change(&budgets[dependency, default: RetryBudget()])
        }
    }

    // MARK: Deciding

    private typealias Decide = @Sendable (_ attempts: [Attempt], _ now: @Sendable () -> Date) async -> AnyHandler.Decisions

    private func enter(_ lane: Lane, _ attempt: Attempt, _ decide: @escaping Decide) {
        let starts = lanes.withLock { lanes in
            let isNew = lanes[lane] == nil
            lanes[lane, default: LaneState()].waiting.append(attempt)
            return isNew
        }
        if starts { Task { await advance(lane, decide) } }
    }

    /// Whether an attempt waits in no lane, or did and was taken out; false when it is just being decided.
    private func leaveLane(_ attempt: Attempt) -> Bool {
        guard case .deciding = handlers[attempt.kind]?.style else { return true }
        return lanes.withLock { lanes in
            let lane = Lane(kind: attempt.kind, tenant: attempt.tenant)
            guard let place = lanes[lane]?.waiting.firstIndex(where: { $0.id == attempt.id && $0.token == attempt.token }) else {
                return false
            }
            lanes[lane]?.waiting.remove(at: place)
            return true
        }
    }

    /// Decides group after group until the lane is empty.
    private func advance(_ lane: Lane, _ decide: Decide) async {
        while let group = next(in: lane) {
            let (start, began) = (ContinuousClock.now, now())
            let decisions = await decide(group, now)
            let spent = (ContinuousClock.now - start) / group.count
            let settlements = zip(group, decisions.outcomes).filter { running.finish($0.0) }.map {
                settlement($0, $1, spent: spent, since: began, factsAt: decisions.factsAt)
            }
            guard !settlements.isEmpty else { continue }
            let stale = await withCheckedContinuation { answer in settler.submit(settlements) { answer.resume(returning: $0) } }
            await again(stale, in: lane)
        }
    }

    private func next(in lane: Lane) -> [Attempt]? {
        lanes.withLock { lanes in
            guard var state = lanes[lane], !state.waiting.isEmpty else {
                lanes[lane] = nil
                return nil
            }
            let group = Array(state.waiting.prefix(groupSize))
            state.waiting.removeFirst(group.count)
            lanes[lane] = state
            return group
        }
    }

    /// Puts attempts whose facts had changed first in line. After some such groups in a row this process steps back for a
    /// moment, so that two processes deciding for one tenant don't keep undoing each other's work.
    private func again(_ stale: [Attempt], in lane: Lane) async {
        for attempt in stale { running.start(attempt, deadline: nil) }
        let inARow = lanes.withLock { lanes in
            var state = lanes[lane] ?? LaneState()
            state.waiting.insert(contentsOf: stale, at: 0)
            state.staleInARow = stale.isEmpty ? 0 : state.staleInARow + 1
            lanes[lane] = state
            return state.staleInARow
        }
        if inARow > 2 { try? await Task.sleep(for: .milliseconds(Int.random(in: 1...(10 * min(inARow, 10))))) }
    }
}

extension Outcome {
    /// A newer process enqueued it: some other worker will know the kind. No attempt is charged, nothing is thrown away.
    static func unknownKind(_ kind: String, at now: Date) -> Outcome {
        .failed(.dependency, "no handler for the kind \(kind) in this worker", retryAfter: now.addingTimeInterval(30))
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
