import DispatchIndex
import Foundation
import Ledger
import Logging
import ServiceLifecycle

/// The caretakers of the engine. Any number of processes may run them: each step is safe to repeat and to race.
public struct Maintenance: Service {
    /// What a process takes care of.
    public enum Role: Sendable {
        /// Finds or rebuilds the index and pushes what is owed: every process that enqueues.
        case pushing
        /// That, and the reapers and the promoter: every process that works.
        case full
    }

    private let ledger: Ledger
    private let dispatch: Dispatch
    private let pusher: Pusher
    private let role: Role
    private let settings: MaintenanceSettings
    private let chores: [Chore]
    private let longestWaits: [String: Duration]
    private let logger: Logger

    /// - Parameters:
    ///   - longestWaits: the longest time jobs of a kind may wait at a breaker; those not named wait for ever.
    ///   - chores: what else is to be done now and then, by those who run in full.
    public init(
        ledger: Ledger, dispatch: Dispatch, pusher: Pusher, role: Role, settings: MaintenanceSettings = MaintenanceSettings(),
        longestWaits: [String: Duration] = [:], chores: [Chore] = [], logger: Logger
    ) {
        self.longestWaits = longestWaits
        self.ledger = ledger
        self.dispatch = dispatch
        self.pusher = pusher
        self.role = role
        self.settings = settings
        self.chores = chores
        self.logger = logger
    }

    public func run() async throws {
        let keeper = IndexKeeper(ledger: ledger, dispatch: dispatch, patience: max(dispatch.lease, .seconds(5)), logger: logger)
        let relay = Relay(ledger: ledger, dispatch: dispatch, age: settings.relayAge)
        let memory = MemoryWatch(dispatch: dispatch, share: settings.memoryShare, logger: logger)
        var duties = [
            Chore("index", every: settings.watch) { try await keeper.run() },
            Chore("memory", every: settings.watch) { try await memory.run() },
            Chore("relay", every: settings.relayAge) { while try await relay.run() {} },
            Chore("confirm", every: .milliseconds(200)) { [pusher] in await pusher.confirm() },
        ]
        if role == .full {
            let leases = LeaseReaper(ledger: ledger, dispatch: dispatch, logger: logger)
            let workers = WorkerReaper(ledger: ledger, dispatch: dispatch, silence: settings.silence, logger: logger)
            let promoter = Promoter(ledger: ledger, dispatch: dispatch)
            let reconciler = Reconciler(ledger: ledger, dispatch: dispatch, interval: settings.housekeeping * 5, logger: logger)
            let limits = LimitKeeper(ledger: ledger, dispatch: dispatch)
            let refill = Refill(ledger: ledger, dispatch: dispatch)
            duties += [
                Chore("leases", every: settings.reap) { while try await leases.run() {} },
                Chore("workers", every: settings.census) { try await workers.run() },
                Chore("promoter", every: settings.promote) { while try await promoter.run() {} },
                Chore("refill", every: settings.refill) { try await refill.run() },
                Chore("breakers", every: settings.judge) { [ledger, dispatch, settings] in
                    let changed = try await ledger.judgeBreakers(policy: settings.breakers)
                    if !changed.isEmpty { try await dispatch.limit(gates: changed) }
                },
                Chore("reconcile", every: settings.housekeeping) { try await reconciler.run() },
                Chore("limits", every: settings.promote) { try await limits.run() },
                Chore("cancelling", every: settings.promote) { [ledger] in try await ledger.finishCancelling() },
                Chore("redrives", every: settings.promote) { [ledger] in try await ledger.feedRedrives() },
                Chore("parked", every: settings.housekeeping / 6) { [ledger, longestWaits] in
                    let ended = try await ledger.endParked(longestWaits)
                    if ended > 0 { logger.warning("set jobs aside that waited too long at a breaker", metadata: ["jobs": "\(ended)"]) }
                },
                Chore("partitions", every: settings.housekeeping) { [ledger, logger] in
                    try await ledger.makePartitions()
                    for partition in try await ledger.dropPartitions(now: Date()) {
                        logger.notice("dropped a partition", metadata: ["from": "\(partition.lower)", "to": "\(partition.upper)"])
                    }
                },
                Chore("events", every: settings.housekeeping) { [ledger] in try await ledger.sweepEvents() },
                Chore("workers gone", every: settings.housekeeping) { [ledger] in try await ledger.sweepWorkers() },
                Chore("progress", every: settings.housekeeping) { [ledger] in try await ledger.sweepProgress() },
                Chore("retention", every: settings.housekeeping) { [ledger] in
                    while try await ledger.blankExpired(now: Date()), !Task.isCancelled {}
                },
            ]
            duties += chores
        }
        await cancelWhenGracefulShutdown { [duties, logger] in
            await withTaskGroup { group in
                for duty in duties { group.addTask { await duty.repeatUntilCancelled(logger: logger) } }
            }
        }
        await pusher.confirm()
    }
}

/// Something done again and again, at a distance.
public struct Chore: Sendable {
    public let name: String
    public let interval: Duration
    private let body: @Sendable () async throws -> Void

    public init(_ name: String, every interval: Duration, _ body: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.interval = interval
        self.body = body
    }

    /// A failed round is logged once per run of failures, and tried again at the next.
    func repeatUntilCancelled(logger: Logger) async {
        var isFailing = false
        while !Task.isCancelled {
            do {
                try await body()
                if isFailing { logger.info("chore works again", metadata: ["chore": "\(name)"]) }
                isFailing = false
            } catch DispatchError.epochLost {
                // The index is being found or rebuilt, which its own chore tells of; this one waits.
            } catch DispatchError.full {
                // So does it while Redis has no memory left.
            } catch {
                if !isFailing, !Task.isCancelled { logger.warning("chore failed", metadata: ["chore": "\(name)", "error": "\(error)"]) }
                isFailing = true
            }
            try? await Task.sleep(for: interval)
        }
    }
}
