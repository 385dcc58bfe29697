import CrashPoints
import DispatchIndex
import Foundation
import Jobs
import Ledger
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry

/// Runs jobs: claim → begin → handle → settle → acknowledge.
///
/// On a graceful shutdown it claims no more, lets running jobs finish for a while and gives the rest back with their attempt
/// restored. Killed without warning, it loses nothing: its leases end, and others take its jobs over.
public final class Worker: Service {
    private let ledger: Ledger
    private let dispatch: Dispatch
    private let settings: WorkerSettings
    private let logger: Logger
    private let running = RunningJobs()
    private let count = Counts()
    private let settler: Settler
    private let execution: Execution
    private let watch: DependencyWatch
    private let progress = ProgressBoard()
    private let traces: Traces?
    private let logs: LogExporter?
    private let now: @Sendable () -> Date
    /// Granted, and waiting to be run alone.
    private let suspects = Mutex<[Attempt]>([])
    private let draining = Mutex<(isOn: Bool, claiming: Task<Void, Never>?)>((false, nil))

    /// - Parameters:
    ///   - traces: told what became of jobs whose traces are told of; nil: nobody is.
    ///   - logs: counted, where log lines go to a collector.
    ///   - now: asked for deadlines and retry times.
    public init(
        ledger: Ledger, dispatch: Dispatch, handlers: [AnyHandler], settings: WorkerSettings = WorkerSettings(), traces: Traces? = nil,
        logs: LogExporter? = nil, logger: Logger,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.ledger = ledger
        self.dispatch = dispatch
        self.settings = settings
        self.logger = logger
        watch = DependencyWatch(slow: settings.slowCalls)
        settler = Settler(ledger: ledger, dispatch: dispatch, running: running, counts: count, logger: logger)
        execution = Execution(
            handlers: handlers, running: running, settler: settler, watch: watch, progress: progress, traces: traces, now: now)
        self.traces = traces
        self.logs = logs
        self.now = now
    }

    public var counts: WorkerCounts { count.value }
    /// Jobs held at this moment.
    public var load: Int { running.count }

    /// Works until it has drained, because of a graceful shutdown or since somebody asked for it, or its task is cancelled.
    public func run() async throws {
        guard let id = await signIn() else { return }
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                group.addTask { await self.keepLeases() }
                group.addTask { await self.sweep() }
                group.addTask { await self.keepBeating(id) }
                group.addTask { await self.tellOfDependencies(id) }
                group.addTask { await self.heedCancelling(id) }
                group.addTask { await self.tellProgress() }
                let claiming = Task { await self.claimLoop(id) }
                let stopsAtOnce = draining.withLock { state in
                    state.claiming = claiming
                    return state.isOn
                }
                if stopsAtOnce { claiming.cancel() }
                await withTaskCancellationHandler {
                    await claiming.value
                } onCancel: {
                    claiming.cancel()
                }
                logger.notice("draining", metadata: ["running": "\(running.count)"])
                await self.drain()
                logger.notice("drained", metadata: ["settled": "\(count.value.settled)"])
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.stopClaiming()
        }
        try? await ledger.signOff(id)
    }

    private func stopClaiming() {
        draining.withLock { state in
            state.isOn = true
            return state.claiming
        }?.cancel()
    }

    private func signIn() async -> Int64? {
        await untilCancelled {
            try await self.ledger.register(host: ProcessInfo.processInfo.hostName, pid: ProcessInfo.processInfo.processIdentifier)
        }
    }

    /// Repeats until it succeeds, or nil when the task is cancelled.
    private func untilCancelled<T: Sendable>(_ body: @Sendable () async throws -> T) async -> T? {
        while !Task.isCancelled {
            do { return try await body() } catch { try? await Task.sleep(for: .milliseconds(250)) }
        }
        return nil
    }
}

// MARK: Claiming

extension Worker {
    private func claimLoop(_ id: Int64) async {
        let bell = Bell(of: dispatch)
        var passed = 0
        while !Task.isCancelled {
            await runSuspects()
            guard await running.drained(to: { [settings] in settings.concurrency - 1 }) else { break }
            do {
                let reply = try await dispatch.claim(
                    min(settings.claimBatch, settings.concurrency - running.count), kinds: settings.kinds,
                    avoiding: watch.avoided(at: now()),
                    passing: passed)
                passed = reply.claims.isEmpty && reply.more ? reply.passed : 0
                if reply.claims.isEmpty {
                    if !reply.more { try await rest(after: reply, bell) }
                } else {
                    CrashPoint.afterClaim.reached()
                    running.hold(reply.claims)
                    count.add { $0.claimed += reply.claims.count }
                    Task { await self.work(on: reply.claims, as: id) }
                }
            } catch {
                // Redis is away, or the index is being rebuilt: running jobs go on, claims wait.
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
        await bell.close()
    }

    /// While there is only work that others take it does not listen: it would take the rings that are meant for them.
    private func rest(after reply: ClaimReply, _ bell: Bell) async throws {
        let limit = min(settings.idle, reply.nextDue ?? settings.idle)
        if reply.passed > 0 { try await Task.sleep(for: min(limit, settings.aside)) } else { try await bell.wait(atMost: limit) }
    }

    /// The life of a batch of claims, up to its handlers; the settler does the rest.
    private func work(on claims: [Claim], as id: Int64) async {
        guard let epoch = claims.first.map({ $0.token >> 32 }), let grants = await begin(claims, as: id, epoch: epoch) else {
            return running.release(claims)
        }
        CrashPoint.afterBegin.reached()
        await returnUngranted(claims, grants)
        let (alone, together) = (grants.attempts.filter(\.isSuspect), grants.attempts.filter { !$0.isSuspect })
        await execution.run(together)
        await queue(alone)
    }

    /// Asks the ledger; while it can't be reached, again, for as long as the lease would last anyway. Nil: the claims are void.
    private func begin(_ claims: [Claim], as id: Int64, epoch: Int64) async -> Grants? {
        let end = ContinuousClock.now + dispatch.lease
        var told: String?
        while ContinuousClock.now < end {
            do {
                return try await ledger.begin(claims.map { ClaimedJob(id: $0.id, token: $0.token) }, worker: id, epoch: epoch)
            } catch LedgerError.epochLost {
                return nil
            } catch {
                let level: Logger.Level = told == "\(error)" ? .debug : .warning
                logger.log(level: level, "begin failed, will be repeated", metadata: ["jobs": "\(claims.count)", "error": "\(error)"])
                told = "\(error)"
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
        return nil
    }

    private func returnUngranted(_ claims: [Claim], _ grants: Grants) async {
        guard !grants.early.isEmpty || !grants.gone.isEmpty || !grants.elsewhere.isEmpty else { return }
        let byID = Dictionary(claims.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let early = grants.early.compactMap { job in
            byID[job.id].map { Acknowledgement($0, priority: job.priority, next: .later(job.runAt), spent: .zero) }
        }
        let gone = grants.gone.compactMap { byID[$0].map { Acknowledgement($0, spent: .zero) } }
        let elsewhere = grants.elsewhere.compactMap { byID[$0].map { Acknowledgement(runningElsewhere: $0, at: now()) } }
        let all = early + gone + elsewhere
        await settler.acknowledge(all)
        running.release(all.map(\.claim))
    }

    /// Jobs whose process died twice while running them run alone, so that a third death blames nobody else: no other job runs
    /// beside them, and the ledger knows of those that only wait.
    private func runSuspects() async {
        while let attempt = suspects.withLock({ $0.first }) {
            guard await running.drained(to: { self.suspects.withLock { $0.count } }) else { return }
            suspects.withLock { _ = $0.removeFirst() }
            // Noted first: if it kills this process, it is the one that did.
            guard let isOurs = await untilCancelled({ try await self.ledger.noteRunning(attempt) }) else {
                return suspects.withLock { $0.insert(attempt, at: 0) }
            }
            if isOurs { await execution.run([attempt]) } else { running.release([Claim(attempt)]) }
            guard await running.drained(to: { self.suspects.withLock { $0.count } }) else { return }
        }
    }

    private func queue(_ attempts: [Attempt]) async {
        guard !attempts.isEmpty, await untilCancelled({ try await self.ledger.noteWaiting(attempts) }) != nil else { return }
        suspects.withLock { $0 += attempts }
        running.lookAgain()
    }
}

extension Attempt {
    /// After one loss anyone of its company may be to blame; after two it is watched alone.
    var isSuspect: Bool { lost >= 2 }
}

// MARK: Signs of life

extension Worker {
    /// Renewed at a third of the lease: one heartbeat may be missed.
    private func keepLeases() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: dispatch.lease / 3)
            let claims = running.claims
            if let gone = (try? await dispatch.heartbeat(claims)).map(Set.init), !gone.isEmpty {
                let lost = running.lose(claims.filter { gone.contains($0.id) })
                count.add { $0.leasesLost += lost }
            }
        }
    }

    /// Ends what takes too long, and tells Redis what it could not be told before.
    private func sweep() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(250))
            execution.endOverdue()
            await settler.acknowledge([])
        }
    }

    /// Tells the fleet what this process sees of the things outside: at once when it may matter, else once a second.
    private func tellOfDependencies(_ id: Int64) async {
        while !Task.isCancelled {
            await watch.news(within: settings.telling)
            let reports = watch.news()
            guard !reports.isEmpty else { continue }
            do {
                watch.adopt(try await ledger.report(reports, by: id))
                let changed = try await ledger.judgeBreakers(policy: settings.breakers)
                if !changed.isEmpty { try await dispatch.limit(gates: changed) }
            } catch {
                watch.keep(reports)
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Stops jobs that were asked to stop. An idle process has nothing to ask for.
    private func heedCancelling(_ id: Int64) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: settings.attention)
            guard running.count > 0, let requests = try? await ledger.cancelRequests(for: id) else { continue }
            execution.cancel(requests)
        }
    }

    /// Keeps what running jobs told of themselves, each at most once a second.
    private func tellProgress() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: settings.progress)
            let told = progress.take()
            guard !told.isEmpty else { continue }
            do { try await ledger.tell(told) } catch { progress.keep(told) }
        }
    }

    /// What this process may run at once and has done, for whoever is asked for metrics.
    private var told: [String: Double] {
        let counts = count.value
        var told: [String: Double] = [
            "concurrency": Double(settings.concurrency), "claimed": Double(counts.claimed), "settled": Double(counts.settled),
            "fenced": Double(counts.lost), "leases_lost": Double(counts.leasesLost), "given_back": Double(counts.givenBack),
        ]
        for (name, trips) in dispatch.roundTrips {
            told["trips.\(name).count"] = Double(trips.count)
            told["trips.\(name).seconds"] = trips.time / .seconds(1)
            told["trips.\(name).slow"] = Double(trips.slow)
        }
        if let spans = traces?.counts {
            told["spans_exported"] = Double(spans.exported)
            told["spans_dropped"] = Double(spans.dropped)
        }
        if let lines = logs?.counts {
            told["log_lines_exported"] = Double(lines.exported)
            told["log_lines_dropped"] = Double(lines.dropped)
        }
        return told
    }

    private func keepBeating(_ id: Int64) async {
        while !Task.isCancelled {
            if (try? await ledger.beat(id, counts: told)) == true { stopClaiming() }
            try? await Task.sleep(for: settings.beat)
        }
    }
}

// MARK: Draining

extension Worker {
    private func drain() async {
        let finished = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.running.drained(to: { self.suspects.withLock { $0.count } }) }
            group.addTask { [limit = settings.drain] in
                try? await Task.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if !finished || running.count > 0 { await giveBack() }
    }

    private func giveBack() async {
        let unfinished = running.unfinished()
        // Before they are cancelled: what they answer to that must not count as a failed attempt.
        let attempts = (unfinished.map(\.attempt) + suspects.withLock { exchange(&$0, with: []) }).filter { running.finish($0) }
        for (_, task) in unfinished { task?.cancel() }
        guard !attempts.isEmpty else { return }
        do {
            let given = try await ledger.giveBack(attempts)
            await settler.acknowledge(
                attempts.compactMap { attempt in
                    // Where they stood: a fleet that is rolled does not put its oldest work last.
                    given[attempt.id].map { Acknowledgement(Claim(attempt), priority: attempt.priority, next: .later($0)) }
                })
            count.add { $0.givenBack += given.count }
            logger.info("gave unfinished jobs back", metadata: ["jobs": "\(given.count)"])
        } catch {
            logger.warning("could not give jobs back; their leases will end", metadata: ["jobs": "\(attempts.count)", "error": "\(error)"])
        }
        running.release(attempts.map(Claim.init))
    }
}
