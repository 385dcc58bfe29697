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
        let owed = try await ledger.owed(olderThan: age)
        guard !owed.outbox.isEmpty else { return false }
        let epoch = try await dispatch.push(owed.jobs.map(Push.init))
        CrashPoint.inRelay.reached()
        try await ledger.confirm(outbox: owed.outbox, epoch: epoch)
        return owed.outbox.count >= 100
    }
}

/// Moves scheduled jobs into the index as their time comes near.
struct Promoter: Sendable {
    let ledger: Ledger
    let dispatch: Dispatch

    func run() async throws -> Bool {
        let nearing = try await ledger.nearing()
        guard !nearing.scheduled.isEmpty else { return false }
        let epoch = try await dispatch.push(nearing.jobs.map(Push.init))
        CrashPoint.inPromoter.reached()
        try await ledger.confirm(scheduled: nearing.scheduled, epoch: epoch)
        return nearing.scheduled.count >= 5_000
    }
}
