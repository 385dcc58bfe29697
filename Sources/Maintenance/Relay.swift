import CrashPoints
import DispatchIndex
import Ledger

/// Pushes what the pusher did not: its process died, Redis was away, the epoch changed.
struct Relay: Sendable {
    let ledger: Ledger
    let dispatch: Dispatch
    let age: Duration

    /// One round; true when there may be more at once.
    func run() async throws -> Bool {
        if dispatch.isFull { return false }
        let owed = try await ledger.owed(olderThan: age)
        guard !owed.outbox.isEmpty else { return false }
        let offered = try await dispatch.offer(owed.jobs.map(Push.init))
        CrashPoint.inRelay.reached()
        try await ledger.defer(offered.surplus.map(SurplusJob.init), confirming: owed.outbox, epoch: offered.epoch)
        return owed.outbox.count >= 100
    }
}

/// Moves scheduled jobs into the index as their time comes near.
struct Promoter: Sendable {
    let ledger: Ledger
    let dispatch: Dispatch

    func run() async throws -> Bool {
        if dispatch.isFull { return false }
        let nearing = try await ledger.nearing()
        guard !nearing.scheduled.isEmpty else { return false }
        let offered = try await dispatch.offer(nearing.jobs.map(Push.init))
        CrashPoint.inPromoter.reached()
        try await ledger.defer(offered.surplus.map(SurplusJob.init), scheduled: nearing.scheduled, epoch: offered.epoch)
        return nearing.scheduled.count >= 5_000
    }
}
