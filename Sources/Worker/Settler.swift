import CrashPoints
import DispatchIndex
import Foundation
import Jobs
import Ledger
import Logging
import Synchronization
import Telemetry

/// Takes outcomes to the ledger, many a transaction, and acknowledges them in the index.
///
/// No timer: a batch leaves when one of the two writers is free. Outcomes handed in together are committed together.
final class Settler: Sendable {
    /// Told the attempts that must be handled again; the others of the group have ended.
    typealias Report = @Sendable (_ stale: [Attempt]) -> Void
    private typealias Group = (settlements: [Settlement], report: Report)

    private struct State {
        var groups: [Group] = []
        var writers = 0
        var owed: [Acknowledgement] = []
    }

    private let state = Mutex(State())
    private let ledger: Ledger
    private let dispatch: Dispatch
    private let running: RunningJobs
    private let counts: Counts
    private let logger: Logger
    private let writers = 2
    private let batch = 400
    /// Of one batch, about single jobs.
    private let mostLines = 5

    init(ledger: Ledger, dispatch: Dispatch, running: RunningJobs, counts: Counts, logger: Logger) {
        self.ledger = ledger
        self.dispatch = dispatch
        self.running = running
        self.counts = counts
        self.logger = logger
    }

    /// Hands outcomes in; the report comes when they are committed or known not to be.
    func submit(_ settlements: [Settlement], report: @escaping Report) {
        let starts = state.withLock { state in
            state.groups.append((settlements, report))
            guard state.writers < writers else { return false }
            state.writers += 1
            return true
        }
        if starts { Task { await write() } }
    }

    private func write() async {
        while let groups = take() {
            let batch = groups.flatMap(\.settlements)
            CrashPoint.beforeSettle.reached()
            let start = Date()
            let first = await settle(batch)
            let settled = await settleRefused(of: batch, after: first)
            CrashPoint.afterSettle.reached()
            logSetAside(batch, settled, refused: first.refused)
            endSpans(of: batch, as: settled, refused: first.refused, since: start)
            await end(batch, as: settled)
            let stale = Set(settled.stale)
            for group in groups { group.report(group.settlements.map(\.attempt).filter { stale.contains($0.id) }) }
        }
    }

    private func take() -> [Group]? {
        state.withLock { state in
            guard !state.groups.isEmpty else {
                state.writers -= 1
                return nil
            }
            var count = 0
            var jobs = 0
            while count < state.groups.count, count == 0 || jobs + state.groups[count].settlements.count <= batch {
                jobs += state.groups[count].settlements.count
                count += 1
            }
            defer { state.groups.removeFirst(count) }
            return Array(state.groups.prefix(count))
        }
    }

    /// Tries until Postgres answers: the outcome is worth keeping as long as the process lives, and the fence keeps it safe.
    private func settle(_ batch: [Settlement]) async -> Settled {
        var pause = Duration.milliseconds(20)
        var told: String?
        while true {
            do {
                let settled = try await ledger.settle(batch)
                if told != nil { logger.info("settle works again", metadata: ["jobs": "\(batch.count)"]) }
                return settled
            } catch {
                let level: Logger.Level = told == "\(error)" ? .debug : .warning
                logger.log(level: level, "settle failed, will be repeated", metadata: ["jobs": "\(batch.count)", "error": "\(error)"])
                told = "\(error)"
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    /// Effects that the database does not take are the job's own failure: it ends discarded, with the reason.
    private func settleRefused(of batch: [Settlement], after settled: Settled) async -> Settled {
        guard !settled.refused.isEmpty else { return settled }
        let reasons = Dictionary(settled.refused.map { ($0.id, $0.reason) }, uniquingKeysWith: { first, _ in first })
        let failed = batch.compactMap { settlement in
            reasons[settlement.attempt.id].map { reason in
                let failure = Failure(.permanent, "its effects were refused: \(reason)")
                return Settlement(
                    attempt: settlement.attempt, outcome: Outcome(.failed(failure)), disposition: .end(.discarded, outcome: nil, failure))
            }
        }
        var all = await settle(failed)
        if !all.refused.isEmpty {
            // Nothing of them can be written at all: their leases end, and after three losses they are set aside.
            logger.error(
                "the ledger refuses the end of jobs", metadata: ["jobs": "\(all.refused.count)", "reason": "\(all.refused[0].reason)"])
            all.lost += all.refused.map(\.id)
        }
        all.done += settled.done
        all.stale += settled.stale
        all.lost += settled.lost
        return all
    }

    /// A job nobody will run again is something to act on, and so has a line of its own. A storm of them is counted instead.
    private func logSetAside(_ batch: [Settlement], _ settled: Settled, refused: [(id: JobID, reason: String)]) {
        var aside: [(attempt: Attempt, errorClass: ErrorClass)] = []
        for settlement in batch {
            if case .end(.discarded, _, let failure?) = settlement.disposition { aside.append((settlement.attempt, failure.errorClass)) }
        }
        aside += batch.filter { settlement in refused.contains { $0.id == settlement.attempt.id } }.map { ($0.attempt, .permanent) }
        guard !aside.isEmpty else { return }
        let done = Set(settled.done)
        aside.removeAll { !done.contains($0.attempt.id) }
        for (attempt, errorClass) in aside.prefix(mostLines) {
            logger.notice("job set aside", metadata: .of(attempt, [.errorClass: "\(errorClass.rawValue)"]))
        }
        if aside.count > mostLines { logger.notice("more jobs set aside", metadata: ["jobs": "\(aside.count - mostLines)"]) }
    }

    private func endSpans(of batch: [Settlement], as settled: Settled, refused: [(id: JobID, reason: String)], since start: Date) {
        guard batch.contains(where: { $0.trace != nil }) else { return }
        let now = Date()
        let (done, lost, refused) = (Set(settled.done), Set(settled.lost), Set(refused.map(\.id)))
        for settlement in batch {
            let id = settlement.attempt.id
            // Those decided on facts that have changed are decided again: their attempt has not ended.
            guard let spans = settlement.trace as? AttemptSpans, done.contains(id) || lost.contains(id) else { continue }
            let fate: AttemptSpans.Fate = lost.contains(id) ? .lost : refused.contains(id) ? .refused : .settled
            spans.end(settlement, fate, settling: start, settled: now)
        }
    }

    /// Tells Redis, frees the slots.
    private func end(_ batch: [Settlement], as settled: Settled) async {
        let done = Set(settled.done)
        let lost = Set(settled.lost)
        await acknowledge(batch.filter { done.contains($0.attempt.id) }.map(Acknowledgement.init))
        running.release(batch.map { Claim($0.attempt) }.filter { done.contains($0.id) || lost.contains($0.id) })
        counts.add {
            $0.settled += done.count
            $0.lost += lost.count
            $0.stale += settled.stale.count
        }
    }

    /// Ends claims in the index. What can't be told now is told with the next batch, and at worst its lease ends.
    func acknowledge(_ ends: [Acknowledgement]) async {
        let owed = state.withLock { state in
            defer { state.owed = [] }
            return state.owed + ends
        }
        guard !owed.isEmpty else { return }
        do {
            try await dispatch.acknowledge(owed)
        } catch {
            state.withLock { $0.owed = Array((owed + $0.owed).suffix(20_000)) }
        }
    }
}

extension Acknowledgement {
    init(_ settlement: Settlement) {
        switch settlement.disposition {
        case .end: self.init(Claim(settlement.attempt), spent: settlement.spent)
        case .retry(let at, _, _):
            self.init(Claim(settlement.attempt), priority: settlement.attempt.priority, next: .later(at), spent: settlement.spent)
        }
    }
}
