import DispatchIndex
import Jobs
import Ledger
import Logging

/// Compares the index with the ledger, job by job, and pushes what the index does not know.
///
/// In a healthy system it finds nothing: every way a job can wait ends with a push. It is there for the ways nobody thought of, and
/// what it mends is counted and logged, because it is somebody's mistake. A job is missing only if it is so twice, `patience` apart:
/// one that was committed a moment ago is on its way.
struct Reconciler: Sendable {
    let ledger: Ledger
    let dispatch: Dispatch
    let interval: Duration
    var patience: Duration = .seconds(5)
    let logger: Logger

    func run() async throws {
        guard try await ledger.hasTurn(for: "reconcile", every: interval) else { return }
        let mended = try await reconcile()
        guard mended > 0 else { return }
        try await ledger.noteRepairs(mended, by: "reconcile")
        logger.error("the index did not know jobs that wait; pushed them", metadata: ["jobs": "\(mended)"])
    }

    /// Deferred jobs are not missing: they are in the index or in what is deferred. From there they go to the index first and are deferred
    /// no longer then, so whoever looks for one in this order finds it.
    ///
    /// - Returns: how many jobs neither the index nor what is deferred knew.
    func reconcile() async throws -> Int {
        let deferred = try await ledger.allDeferred()
        var last = JobID(0)
        var mended = 0
        while !Task.isCancelled {
            let page = try await ledger.live(after: last, limit: 1_000)
            guard let end = page.last else { break }
            last = end
            mended += try await mend(page.jobs.filter { $0.token == nil && !deferred.holds($0.waiting.id.rawValue) }.map(\.waiting))
        }
        return mended
    }

    private func mend(_ jobs: [WaitingJob]) async throws -> Int {
        let missing = try await dispatch.unknown(jobs.map(Push.init))
        guard !missing.isEmpty else { return 0 }
        try await Task.sleep(for: patience)
        let deferred = try await ledger.allDeferred()
        let pushes = try await ledger.stillWaiting(missing.map(\.rawValue).filter { !deferred.holds($0) }).map(Push.init)
        let stillMissing = Set(try await dispatch.unknown(pushes))
        try await dispatch.push(pushes.filter { stillMissing.contains($0.id) })
        return stillMissing.count
    }
}

extension [Int64] {
    /// Whether a sorted array holds a number.
    fileprivate func holds(_ number: Int64) -> Bool {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < endIndex && self[low] == number
    }
}
