import CrashPoints
import DispatchIndex
import Jobs
import Ledger
import Logging
import Tenancy

/// Finds the current life of the index, and builds a new one from the ledger when it is lost.
///
/// Lost means: the epoch's key is missing or another than the ledger's, or the server is not the process the epoch was built
/// in (a restart or a failover may have lost the last second, or brought back an old one).
public actor IndexKeeper {
    private let ledger: Ledger
    private let dispatch: Dispatch
    private let logger: Logger
    private var seenConnections = 0
    /// A rebuild that has not finished within this time belongs to a process that died.
    private let patience: Duration
    private var building: (epoch: Int64, since: ContinuousClock.Instant)?

    public init(ledger: Ledger, dispatch: Dispatch, patience: Duration, logger: Logger) {
        self.ledger = ledger
        self.dispatch = dispatch
        self.patience = patience
        self.logger = logger
    }

    /// One look. Cheap when all is well: nothing is asked unless the connection is new or the epoch was found lost.
    public func run() async throws {
        if dispatch.epoch != nil, dispatch.connections == seenConnections { return }
        let connections = dispatch.connections
        let index = try await dispatch.life()
        let known = try await ledger.epoch()
        if known.server == index.server, index.life == .open(known.epoch), known.isReady {
            dispatch.adopt(known.epoch)
            seenConnections = max(connections, 1)
        } else if known.server == index.server, index.life == .building(known.epoch), isPatient(with: known.epoch) {
            dispatch.adopt(nil)
        } else {
            dispatch.adopt(nil)
            guard let epoch = try await ledger.beginEpoch(after: known.epoch, server: index.server) else { return }
            do { try await rebuild(under: epoch) } catch {
                dispatch.adopt(nil)
                throw error
            }
        }
    }

    /// Offers jobs to the index that is being built; what it has no room or no memory for comes back.
    private func surplus(of jobs: [Push]) async throws -> [Push] {
        do { return try await dispatch.offer(jobs).surplus } catch DispatchError.full { return jobs }
    }

    private func isPatient(with epoch: Int64) -> Bool {
        guard let building, building.epoch == epoch else {
            self.building = (epoch, .now)
            return true
        }
        return ContinuousClock.now - building.since < patience
    }

    /// Reads every unfinished job from the ledger. Jobs that are enqueued meanwhile are pushed by whoever enqueued them.
    ///
    /// Deferred jobs are offered like all others, and deferred anew as far as they are surplus again; what was deferred before is then
    /// forgotten. A rebuild that breaks off leaves both, which is harmless: a job that is found in the line a second time is passed over.
    private func rebuild(under epoch: Int64) async throws {
        let start = ContinuousClock.now
        let deferral = try await ledger.lastDeferral()
        try await dispatch.beginRebuild(under: epoch)
        try await dispatch.configure(try await ledger.tenantLimits().map(TenantShare.init))
        try await dispatch.limit(gates: try await ledger.gateLimits())
        var last = JobID(0)
        var total = 0
        while true {
            let page = try await ledger.live(after: last)
            guard let end = page.last else { break }
            let running = page.jobs.compactMap { job in
                job.token.map { (claim: Claim(id: job.waiting.id, tenant: job.waiting.tenant, token: $0), flow: job.waiting.flow) }
            }
            try await dispatch.restore(running)
            let waiting = page.jobs.filter { $0.token == nil }.map { Push($0.waiting) }
            let surplus = try await surplus(of: waiting)
            if !surplus.isEmpty { try await ledger.defer(surplus.map(SurplusJob.init), epoch: epoch) }
            total += page.jobs.count
            CrashPoint.inRebuild.reached()
            last = end
        }
        guard try await dispatch.finishRebuild(under: epoch) else { return dispatch.adopt(nil) }
        try await ledger.finishEpoch(epoch, replacingUpTo: deferral)
        logger.notice(
            "rebuilt the index", metadata: ["epoch": "\(epoch)", "jobs": "\(total)", "took": "\(ContinuousClock.now - start)"])
        try? await dispatch.sweep(olderThan: epoch)
    }
}
