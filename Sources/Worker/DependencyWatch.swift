import Breakers
import Foundation
import Jobs
import Ledger
import Synchronization
import Tenancy

/// What this process sees of the things outside that its jobs need.
///
/// A call speaks for the state of the breaker it began in; when the breaker has moved on, nobody listens. Every call is counted
/// twice: for its tenant's breaker and for everybody's.
final class DependencyWatch: Sendable {
    private struct Entry {
        var evidence = Evidence()
        var pace = Pace()
        var answered = 0
        var failed = 0
        var epoch: Int64 = 1
        /// Whether its breaker lets everything go; what is told while it does not, is told at once.
        var isClosed = true
        /// Whether single calls ask if the dependency is back.
        var isAsking = false
        var throttledUntil: Date?
        var isChanged = false
        /// Where this node alone gets no answer, it leaves the work to the others for a while.
        var avoidedUntil: Date?
    }

    private let alarm = Mutex<(isRinging: Bool, waiter: CheckedContinuation<Void, Never>?)>((false, nil))
    private let entries = Mutex<[BreakerKey: Entry]>([:])
    /// Whether any entry is avoided: every claim asks, and nearly always there is none.
    private let avoidsSome = Atomic(false)

    /// How long a dependency is left in peace that asks for patience and names no time.
    private let patience: TimeInterval = 2
    /// How long this process keeps away from what fails for it alone.
    private let avoidance: TimeInterval = 5
    /// Above it a call is slow, by dependency; three times the usual for those not named.
    private let slow: [String: Duration]
    /// A process that has seen this many dependencies forgets those that are well.
    private let limit = 10_000

    /// - Parameter slow: above it a call is slow, by dependency.
    init(slow: [String: Duration] = [:]) { self.slow = slow }

    /// What an attempt that begins now may speak for.
    func epochs(for attempt: Attempt) -> BreakerEpochs? {
        guard let dependency = attempt.dependency else { return nil }
        return entries.withLock {
            BreakerEpochs(
                tenant: $0[BreakerKey(tenant: attempt.tenant, dependency: dependency)]?.epoch ?? 1,
                shared: $0[BreakerKey(tenant: nil, dependency: dependency)]?.epoch ?? 1)
        }
    }

    /// Takes note of how an attempt ended.
    /// - Parameter spent: how long its handler took; nil: not known.
    /// - Returns: whether it may change a breaker, so that the fleet is told at once.
    @discardableResult
    func record(_ outcome: Outcome, of attempt: Attempt, spent: Duration? = nil, now: Date) -> Bool {
        guard let dependency = attempt.dependency, let epochs = attempt.breakerEpochs, let verdict = Verdict(outcome) else { return false }
        let isUrgent = entries.withLock { entries in
            var isUrgent = false
            for (key, epoch) in [
                (BreakerKey(tenant: attempt.tenant, dependency: dependency), epochs.tenant),
                (BreakerKey(tenant: nil, dependency: dependency), epochs.shared),
            ] {
                var entry = entries[key] ?? Entry()
                guard entry.epoch == epoch else { continue }
                switch verdict {
                case .call(var result):
                    if result == .answered, let spent, entry.pace.record(spent.seconds, limit: slow[dependency]?.seconds) { result = .slow }
                    entry.evidence.record(result)
                    if result == .failed { entry.failed += 1 } else { entry.answered += 1 }
                    // For everybody's breaker there is nothing to keep away from but what is the tenants' already.
                    if key.tenant != nil, entry.evidence.isDamning || result == .failed && entry.isAsking {
                        entry.avoidedUntil = now.addingTimeInterval(avoidance)
                        avoidsSome.store(true, ordering: .relaxed)
                    }
                    isUrgent = isUrgent || !entry.isClosed || result != .answered && entry.evidence.score >= Evidence.threshold / 2
                case .throttled(let named):
                    // Everybody's breaker is left alone: it is this tenant that calls too much.
                    let until = named ?? now.addingTimeInterval(patience)
                    entry.throttledUntil = max(until, entry.throttledUntil ?? until)
                    isUrgent = true
                }
                entry.isChanged = true
                entries[key] = entry
            }
            return isUrgent
        }
        if isUrgent { wake() }
        return isUrgent
    }

    /// Waits until something urgent has been recorded, at most as long as told.
    func news(within limit: Duration) async {
        let timer = Task {
            // A cancelled timer must not ring: the alarm would be taken for the next one.
            do { try await Task.sleep(for: limit) } catch { return }
            wake()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isUrgent = alarm.withLock { alarm in
                    if alarm.isRinging {
                        alarm.isRinging = false
                        return true
                    }
                    alarm.waiter = waiter
                    return false
                }
                if isUrgent { waiter.resume() }
            }
        } onCancel: {
            wake()
        }
        timer.cancel()
    }

    private func wake() {
        alarm.withLock { alarm in
            defer { alarm.waiter = nil }
            if alarm.waiter == nil { alarm.isRinging = true }
            return alarm.waiter
        }?.resume()
    }

    /// What has changed since it was last asked, and what this process keeps away from: who tells, learns where the breaker stands, and
    /// once that has opened there is nothing left to keep away from.
    func news() -> [DependencyReport] {
        entries.withLock { entries in
            if entries.count > limit { entries = entries.filter { $0.value.isChanged || $0.value.evidence.score > 0 } }
            let changed = entries.filter { $0.value.isChanged || $0.value.avoidedUntil != nil }
            for key in changed.keys { entries[key]?.isChanged = false }
            return changed.map { key, entry in
                DependencyReport(
                    key: key, epoch: entry.epoch, score: entry.evidence.score, answered: entry.answered, failed: entry.failed,
                    throttledUntil: entry.throttledUntil)
            }
        }
    }

    /// What could not be told is told the next time.
    func keep(_ reports: [DependencyReport]) {
        entries.withLock { for report in reports { $0[report.key]?.isChanged = true } }
    }

    /// Where the breakers stand; in a new epoch everything is counted anew.
    func adopt(_ stands: [BreakerKey: BreakerStand]) {
        entries.withLock { entries in
            for (key, stand) in stands where entries[key].map({ $0.epoch != stand.epoch }) ?? true {
                let pace = entries[key]?.pace ?? Pace()
                entries[key] = Entry(pace: pace, epoch: stand.epoch, isClosed: stand.isClosed, isAsking: stand.isAsking)
            }
        }
    }

    /// Dependencies this process gets no answer from, as the claim wants them: `tenant/name`. Once the time is over it tries again,
    /// and half the evidence is enough to keep away the next time.
    func avoided(at now: Date) -> Set<String> {
        guard avoidsSome.load(ordering: .relaxed) else { return [] }
        return entries.withLock { entries in
            var avoided: Set<String> = []
            for (key, entry) in entries {
                guard let tenant = key.tenant, let until = entry.avoidedUntil else { continue }
                if until > now {
                    avoided.insert("\(tenant)/\(key.dependency)")
                } else {
                    entries[key]?.avoidedUntil = nil
                    entries[key]?.evidence = Evidence(score: min(entry.evidence.score, Evidence.threshold / 2))
                }
            }
            // Set under this lock only, so no news is lost.
            avoidsSome.store(!avoided.isEmpty, ordering: .relaxed)
            return avoided
        }
    }
}

/// What an outcome says of the dependency's health.
private enum Verdict {
    case call(CallResult)
    /// Until when; nil: it did not say.
    case throttled(Date?)

    /// Nil: nothing. Whoever refuses a job, answers; only silence and outages count against it.
    init?(_ outcome: Outcome) {
        switch outcome.word {
        case .answered: self = .call(.answered)
        case .failed: self = .call(.failed)
        case .nothing: return nil
        case nil: self.init(outcome.end)
        }
    }

    private init?(_ end: Outcome.End) {
        switch end {
        case .completed, .held: self = .call(.answered)
        case .failed(let failure):
            switch failure.errorClass {
            case .dependency, .transient: self = .call(.failed)
            case .permanent: self = .call(.answered)
            case .rateLimited: self = .throttled(failure.retryAfter)
            case .poison, .cancelled: return nil
            }
        }
    }
}
