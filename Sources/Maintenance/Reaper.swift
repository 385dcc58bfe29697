import CrashPoints
import DispatchIndex
import Foundation
import Jobs
import Ledger
import Logging

/// Takes jobs back whose lease in Redis has ended.
struct LeaseReaper: Sendable {
    let ledger: Ledger
    let dispatch: Dispatch
    let logger: Logger

    func run() async throws -> Bool {
        let expired = try await dispatch.expired(limit: 100)
        guard !expired.isEmpty else { return false }
        let rescues = try await ledger.rescue(expired.map { ClaimedJob(id: $0.id, token: $0.token) })
        CrashPoint.inReaper.reached()
        try await dispatch.acknowledge(expired.map { Acknowledgement($0, after: rescues[$0.id] ?? .gone) })
        logger.warning("took jobs back from ended leases", metadata: ["jobs": "\(expired.count)"])
        return true
    }
}

/// Takes jobs back from workers that stopped beating: works even if Redis lost their leases.
///
/// Acts only on a worker whose beat did not move between two looks of our own, so that an outage of Postgres, which silences
/// everybody, kills nobody.
actor WorkerReaper {
    private let ledger: Ledger
    private let dispatch: Dispatch
    private let silence: Duration
    private let logger: Logger
    private var suspects: Set<WorkerBeat> = []

    init(ledger: Ledger, dispatch: Dispatch, silence: Duration, logger: Logger) {
        self.ledger = ledger
        self.dispatch = dispatch
        self.silence = silence
        self.logger = logger
    }

    func run() async throws {
        let silent = Set(try await ledger.silentWorkers(for: silence))
        let dead = Array(silent.intersection(suspects))
        suspects = silent
        guard !dead.isEmpty else { return }
        while true {
            let orphans = try await ledger.orphans(of: dead)
            guard !orphans.isEmpty else { break }
            let rescues = try await ledger.rescue(orphans.map { ClaimedJob(id: $0.id, token: $0.token) })
            let claims = orphans.map { Claim(id: $0.id, tenant: $0.tenant, token: $0.token) }
            try? await dispatch.acknowledge(claims.map { Acknowledgement($0, after: rescues[$0.id] ?? .gone) })
            // Where Redis no longer knew the claim, the acknowledgement did nothing: the job is pushed as if new.
            let pushes = orphans.compactMap { Push($0, after: rescues[$0.id]) }
            do { try await dispatch.push(pushes) } catch DispatchError.full {
                if let epoch = dispatch.epoch { try? await ledger.defer(pushes.map(SurplusJob.init), epoch: epoch) }
            } catch {
                // The index is away or lost: its rebuild finds them.
            }
            logger.warning("took jobs back from dead workers", metadata: ["jobs": "\(orphans.count)", "workers": "\(dead.count)"])
        }
        try await ledger.bury(dead)
    }
}

extension Acknowledgement {
    init(_ claim: Claim, after rescue: Rescue) {
        switch rescue {
        case .waiting(let priority, let runAt): self.init(claim, priority: priority, next: .later(runAt))
        case .elsewhere: self.init(runningElsewhere: claim, at: Date())
        case .gone, .poison: self.init(claim)
        }
    }
}

extension Push {
    init?(_ job: OrphanedJob, after rescue: Rescue?) {
        guard case .waiting(let priority, let runAt) = rescue else { return nil }
        self.init(id: job.id, tenant: job.tenant, flow: job.flow, priority: priority, since: runAt, due: runAt)
    }
}
