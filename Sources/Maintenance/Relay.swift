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
        try await ledger.confirm(scheduled: nearing.scheduled, epoch: epoch)
        return nearing.scheduled.count >= 5_000
    }
}

/// Keeps tenants' weights and caps in the index as the ledger has them.
actor ShareKeeper {
    private let ledger: Ledger
    private let dispatch: Dispatch
    private var told: Set<TenantShare> = []
    private var toldUnder: Int64?

    init(ledger: Ledger, dispatch: Dispatch) {
        self.ledger = ledger
        self.dispatch = dispatch
    }

    func run() async throws {
        let shares = Set(try await ledger.shares().map { TenantShare(tenant: $0.tenant, weight: $0.weight, cap: $0.cap) })
        if toldUnder != dispatch.epoch { told = [] }
        let epoch = dispatch.epoch
        let fresh = shares.subtracting(told)
        if !fresh.isEmpty { try await dispatch.configure(Array(fresh)) }
        told = shares
        toldUnder = epoch
    }
}
