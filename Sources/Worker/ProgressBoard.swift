import Jobs
import Ledger
import Synchronization

/// The last word of each running job on how far it is, until it is kept.
///
/// A handler that tells often writes over itself here; a job that tells nothing never comes here.
final class ProgressBoard: Sendable {
    private let told = Mutex<[JobID: ToldProgress]>([:])

    func note(_ progress: JobProgress, of attempt: Attempt) {
        told.withLock { told in
            // What an attempt given up long ago still tells must not hide what its successor does.
            if let known = told[attempt.id], known.fence > attempt.fence { return }
            told[attempt.id] = ToldProgress(attempt, progress)
        }
    }

    func take() -> [ToldProgress] { told.withLock { exchange(&$0, with: [:]) }.values.sorted { $0.id < $1.id } }

    /// Takes back what could not be kept, where nothing newer has been told.
    func keep(_ old: [ToldProgress]) {
        told.withLock { told in
            for progress in old where told[progress.id] == nil { told[progress.id] = progress }
        }
    }
}
