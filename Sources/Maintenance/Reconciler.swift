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

    /// - Returns: how many jobs the index did not know.
    func reconcile() async throws -> Int {
        var last = JobID(0)
        var mended = 0
        while !Task.isCancelled {
            let page = try await ledger.live(after: last, limit: 1_000)
            guard let end = page.last else { break }
            last = end
            mended += try await mend(page.jobs.filter { $0.token == nil }.map(\.waiting))
        }
        return mended
    }

    private func mend(_ jobs: [WaitingJob]) async throws -> Int {
        let missing = try await dispatch.unknown(jobs.map(Push.init))
        guard !missing.isEmpty else { return 0 }
        try await Task.sleep(for: patience)
        let pushes = try await ledger.stillWaiting(missing.map(\.rawValue)).map(Push.init)
        let stillMissing = Set(try await dispatch.unknown(pushes))
        try await dispatch.push(pushes.filter { stillMissing.contains($0.id) })
        return stillMissing.count
    }
}
