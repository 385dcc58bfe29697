import CrashPoints
import DispatchIndex
import Foundation
import Ledger
import Logging
import Synchronization

/// Pushes what was just committed, so that a job waits for nobody.
///
/// It may fail as it likes: what it did not push and confirm, the relay finds in the outbox.
public final class Pusher: Sendable {
    private struct State {
        var waiting: [Enqueued] = []
        var isPushing = false
        /// What was pushed, by the epoch it was pushed under, to be noted together.
        var pushed: [Int64: Pushed] = [:]
    }

    private struct Pushed {
        /// To be deleted.
        var outbox: [Int64] = []
        /// What of their jobs the index had no room for, to be deferred.
        var surplus: [SurplusJob] = []
    }

    private let state = Mutex(State())
    private let ledger: Ledger
    private let dispatch: Dispatch
    /// Above this many jobs waiting to be pushed, new ones are left to the relay.
    private let limit = 100_000

    public init(ledger: Ledger, dispatch: Dispatch) {
        self.ledger = ledger
        self.dispatch = dispatch
        ledger.onEnqueued { [weak self] in self?.take($0) }
    }

    private func take(_ enqueued: Enqueued) {
        guard dispatch.epoch != nil, !dispatch.isFull else { return }
        let starts = state.withLock { state in
            guard state.waiting.count < limit else { return false }
            state.waiting.append(enqueued)
            guard !state.isPushing else { return false }
            state.isPushing = true
            return true
        }
        if starts { Task { await push() } }
    }

    private func push() async {
        while let batch = next() {
            guard let offered = try? await dispatch.offer(batch.flatMap(\.jobs).map(Push.init)) else { continue }
            CrashPoint.afterPush.reached()
            let rows = batch.map(\.outbox).filter { $0 > 0 }
            guard !rows.isEmpty || !offered.surplus.isEmpty else { continue }
            state.withLock {
                $0.pushed[offered.epoch, default: Pushed()].outbox += rows
                $0.pushed[offered.epoch, default: Pushed()].surplus += offered.surplus.map(SurplusJob.init)
            }
        }
    }

    private func next() -> [Enqueued]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isPushing = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// Deletes the outbox rows of what was pushed since the last call, and defers what of it was surplus: one commit for many.
    public func confirm() async {
        let pushed = state.withLock { state in
            defer { state.pushed = [:] }
            return state.pushed
        }
        for (epoch, pushed) in pushed { try? await ledger.defer(pushed.surplus, confirming: pushed.outbox, epoch: epoch) }
    }
}

extension Push {
    init(_ job: Enqueued.Job) {
        self.init(id: job.id, tenant: job.tenant, flow: job.flow, priority: job.priority, since: job.enqueuedAt, due: job.runAt)
    }

    init(_ job: WaitingJob) {
        self.init(id: job.id, tenant: job.tenant, flow: job.flow, priority: job.priority, since: job.enqueuedAt, due: job.runAt)
    }
}

extension SurplusJob {
    init(_ push: Push) {
        self.init(
            id: push.id, tenant: push.tenant, flow: push.flow, priority: push.priority, place: push.place, since: push.since)
    }
}
