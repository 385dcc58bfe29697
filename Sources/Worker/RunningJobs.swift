import DispatchIndex
import Foundation
import Jobs
import Synchronization

/// The jobs this process holds, from claim to acknowledgement.
///
/// A job is known by its id and the token it was claimed under: the same job may come back while an earlier attempt of it,
/// given up long ago, still answers.
final class RunningJobs: Sendable {
    private struct Entry {
        var claim: Claim
        var attempt: Attempt?
        var deadline: Date?
        var task: Task<Void, Never>?
        /// An outcome is on its way to the ledger; no other counts.
        var isFinished = false
        /// No longer ours: whatever it answers is not written.
        var isLost = false
    }

    private struct State {
        var entries: [JobID: Entry] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.entries.count } }
    var claims: [Claim] { state.withLock { $0.entries.values.filter { !$0.isLost }.map(\.claim) } }

    func hold(_ claims: [Claim]) {
        state.withLock { for claim in claims { $0.entries[claim.id] = Entry(claim: claim) } }
    }

    func start(_ attempt: Attempt, deadline: Date?) {
        change(attempt) {
            $0.attempt = attempt
            $0.deadline = deadline
            $0.isFinished = false
        }
    }

    func attach(_ task: Task<Void, Never>, to attempt: Attempt) { change(attempt) { $0.task = task } }

    /// Whether this answer is the one that counts: the first, of an attempt still ours. The slot of a lost one is free from here on.
    func finish(_ attempt: Attempt) -> Bool {
        var counts = false
        var lost = false
        change(attempt) {
            counts = !$0.isFinished && !$0.isLost
            lost = $0.isLost
            $0.isFinished = true
        }
        if lost { release([Claim(attempt)]) }
        return counts
    }

    /// Frees slots and wakes who waits for one.
    func release(_ claims: some Sequence<Claim>) {
        let waiters = state.withLock { state in
            for claim in claims where state.entries[claim.id]?.claim.token == claim.token { state.entries[claim.id] = nil }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Marks jobs that others have taken over and stops them.
    ///
    /// - Parameter claims: those the index does not know as ours any more.
    /// - Returns: how many others have. What was acknowledged while the index was asked has ended, and a later claim of the same job is
    ///   another.
    @discardableResult
    func lose(_ claims: [Claim]) -> Int {
        let lost = state.withLock { state in
            claims.compactMap { claim -> Entry? in
                guard state.entries[claim.id]?.claim.token == claim.token else { return nil }
                state.entries[claim.id]?.isLost = true
                return state.entries[claim.id]
            }
        }
        for entry in lost { entry.task?.cancel() }
        return lost.count { !$0.isFinished }
    }

    /// Attempts that have run longer than they may, and their tasks.
    func overdue(at now: Date) -> [(attempt: Attempt, task: Task<Void, Never>?)] {
        unfinished { $0.deadline.map { $0 < now } ?? false }
    }

    /// Attempts not finished yet, and their tasks.
    func unfinished() -> [(attempt: Attempt, task: Task<Void, Never>?)] { unfinished { _ in true } }

    /// Wakes who waits for room, which a limit that has changed may have made.
    func lookAgain() { release([]) }

    /// Returns once no more than `limit` jobs are held, looking again after every release; false when the task is cancelled.
    func drained(to limit: @escaping @Sendable () -> Int) async -> Bool {
        while !Task.isCancelled {
            let isEnough = await withTaskCancellationHandler {
                await withCheckedContinuation { waiter in
                    let enough = state.withLock { state in
                        if state.entries.count <= limit() || Task.isCancelled { return true }
                        state.waiters.append(waiter)
                        return false
                    }
                    if enough { waiter.resume() }
                }
                return count <= limit()
            } onCancel: {
                release([])
            }
            if isEnough { return true }
        }
        return false
    }

    private func unfinished(where isWanted: (Entry) -> Bool) -> [(attempt: Attempt, task: Task<Void, Never>?)] {
        state.withLock {
            $0.entries.values.filter { !$0.isFinished && !$0.isLost && isWanted($0) }.compactMap { entry in
                entry.attempt.map { ($0, entry.task) }
            }
        }
    }

    private func change(_ attempt: Attempt, _ body: (inout Entry) -> Void) {
        state.withLock {
            guard $0.entries[attempt.id]?.claim.token == attempt.token else { return }
            body(&$0.entries[attempt.id]!)
        }
    }
}

extension Claim {
    init(_ attempt: Attempt) { self.init(id: attempt.id, tenant: attempt.tenant, token: attempt.token) }
}
