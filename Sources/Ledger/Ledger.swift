import Foundation
import Jobs
import Logging
import PostgresClient
import Synchronization
import Tenancy

/// Every accepted job, in Postgres: the truth.
///
/// Enqueue, begin and settle are each one batched transaction by primary key. A job is changed only under its fence, which grows
/// with every grant, so whatever is retried, doubled or late changes nothing twice.
public final class Ledger: Sendable {
    let postgres: PostgresPool
    let effects: any EffectWriter
    let logger: Logger
    let numbers: JobNumbers
    /// Jobs due later than this wait in Postgres, not in Redis.
    let horizon: TimeInterval
    /// How long an enqueue may take from being asked for to its answer.
    let patience: Duration
    private let listener = Mutex<Listener?>(nil)
    private let writer = Mutex<GroupCommit<Enqueueing, EnqueueAnswer>?>(nil)

    /// - Parameters:
    ///   - postgres: a pool under the role `kiteline_engine`.
    ///   - patience: after this an enqueue that Postgres has not answered is reported as unavailable.
    public init(
        postgres: PostgresPool, effects: any EffectWriter, horizon: TimeInterval = 600, patience: Duration = .seconds(8), logger: Logger
    ) {
        self.postgres = postgres
        self.effects = effects
        self.horizon = horizon
        self.patience = patience
        self.logger = logger
        self.numbers = JobNumbers(postgres: postgres)
        let commit = GroupCommit<Enqueueing, EnqueueAnswer>(writers: 2, batch: 1_000, limit: 200_000) { [weak self] batch in
            guard let self else { return batch.map { _ in .failure(LedgerError.unavailable) } }
            return await self.commit(batch)
        }
        writer.withLock { $0 = commit }
    }

    /// Told of every committed enqueue, so that it can be pushed at once. What is missed here the relay finds.
    public func onEnqueued(_ body: @escaping @Sendable (Enqueued) -> Void) { listener.withLock { $0 = Listener(tell: body) } }

    /// Tells the pusher of jobs that others committed with statements of `enqueueing(_:)`.
    public func announce(_ jobs: Enqueued) { listener.withLock { $0 }?.tell(jobs) }

    func submit(_ item: Enqueueing) async throws -> EnqueueAnswer {
        try await writer.withLock { $0! }.submit(item, weight: max(1, item.jobs.count))
    }

    func submit(_ item: Enqueueing, _ then: @escaping @Sendable (Result<EnqueueAnswer, any Error>) -> Void) {
        writer.withLock { $0! }.submit(item, weight: max(1, item.jobs.count), then: then)
    }
}

/// A closure kept in a generic container by itself is wrapped once more every time it is looked at; within a struct it is not.
private struct Listener: Sendable {
    let tell: @Sendable (Enqueued) -> Void
}

/// Numbers for jobs, taken from the sequence a thousand at a time.
///
/// What is left of a thousand is given up half a minute later: so of two jobs the later has the greater number, whichever processes made
/// them, but for that time. Lists of jobs, the newest first, are in the order of numbers. It costs some thirty numbers a second and process;
/// a shorter time would fill the tables' partitions with numbers nobody has.
final class JobNumbers: Sendable {
    private struct Free {
        var blocks: [Range<Int64>] = []
        var takenAt = ContinuousClock.now
        /// Where the blocks that were taken last begin.
        var newest: Int64 = 0
    }

    private let postgres: PostgresPool
    private let lifetime: Duration
    private let free = Mutex(Free())

    init(postgres: PostgresPool, lifetime: Duration = .seconds(30)) {
        self.postgres = postgres
        self.lifetime = lifetime
    }

    /// Numbers that were taken, and that no job got: the next to be given out, unless newer ones were taken meanwhile.
    func giveBack(_ ids: some Sequence<JobID>) {
        let blocks = ids.reduce(into: [Range<Int64>]()) { blocks, id in
            if let last = blocks.last, last.upperBound == id.rawValue {
                blocks[blocks.count - 1] = last.lowerBound..<id.rawValue + 1
            } else {
                blocks.append(id.rawValue..<id.rawValue + 1)
            }
        }
        free.withLock { free in free.blocks.insert(contentsOf: blocks.filter { $0.lowerBound >= free.newest }, at: 0) }
    }

    /// Numbers that nobody else has.
    func take(_ count: Int, deadline: Duration? = nil) async throws -> [JobID] {
        var taken: [JobID] = []
        taken.reserveCapacity(count)
        free.withLock { free in if free.takenAt + lifetime <= .now { free.blocks.removeAll() } }
        while true {
            free.withLock { free in
                while taken.count < count, let block = free.blocks.first {
                    let upper = min(block.upperBound, block.lowerBound + Int64(count - taken.count))
                    taken += (block.lowerBound..<upper).lazy.map(JobID.init)
                    if upper == block.upperBound { free.blocks.removeFirst() } else { free.blocks[0] = upper..<block.upperBound }
                }
            }
            guard taken.count < count else { return taken }
            let blocks = (count - taken.count + 999) / 1_000
            let rows = try await postgres.query(
                "SELECT nextval('job_id') AS first FROM generate_series(1, \(Int64(blocks)))", deadline: deadline)
            let fresh = try rows.map { row in
                let first: Int64 = try row.get("first")
                return first..<first + 1_000
            }
            free.withLock { free in
                free.blocks += fresh
                free.takenAt = .now
                free.newest = fresh[0].lowerBound
            }
        }
    }
}
