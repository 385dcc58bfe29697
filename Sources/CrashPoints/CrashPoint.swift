import Glibc
import Synchronization

/// A named place on a job's way at which this process kills itself, as `kill -9` would, when it was told to.
///
/// For fault runs only: told nothing (`KITELINE_CRASH_AT` unset), `reached()` is one load of a flag that is never set.
public enum CrashPoint: String, CaseIterable, Sendable {
    /// Jobs are committed, nobody has been told.
    case afterEnqueue = "after-enqueue"
    /// Jobs are in the index, their outbox rows are not confirmed.
    case afterPush = "after-push"
    /// Jobs have left the line, the ledger has granted nothing.
    case afterClaim = "after-claim"
    /// The ledger has granted jobs, no handler has begun.
    case afterBegin = "after-begin"
    /// Handlers are done, nothing of it is written.
    case beforeSettle = "before-settle"
    /// Ends and effects are committed, the index has not been told.
    case afterSettle = "after-settle"
    /// The relay has pushed, the outbox rows are not confirmed.
    case inRelay = "in-relay"
    /// Scheduled jobs are in the index, and still on the list of those to be moved there.
    case inPromoter = "in-promoter"
    /// Deferred jobs are in the index, and still deferred.
    case inRefill = "in-refill"
    /// Jobs were taken back in the ledger, their claims stand in the index.
    case inReaper = "in-reaper"
    /// A new life of the index has begun and holds a part of the jobs.
    case inRebuild = "in-rebuild"
    /// A probe job whose effect key begins with `poison` runs: it kills every process that runs it.
    case onPoison = "on-poison"

    private static let isArmed = Atomic(false)
    private static let plan = Mutex(CrashPlan())

    /// Follows the plan from now on.
    public static func arm(_ plan: CrashPlan) {
        self.plan.withLock { $0 = plan }
        isArmed.store(!plan.isEmpty, ordering: .releasing)
    }

    /// Here is the place.
    @inline(__always)
    public func reached() {
        if Self.isArmed.load(ordering: .acquiring) { crashIfPlanned() }
    }

    @inline(never)
    private func crashIfPlanned() {
        guard Self.plan.withLock({ $0.isDue(self) }) else { return }
        // Straight to the descriptor: a buffer would die with the process. Who counts the crashes reads these lines.
        let line = "crashed as told at \(rawValue)\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        kill(getpid(), SIGKILL)
    }
}

/// At which points to crash, and at which time of passing each: `after-begin`, or `after-begin:3,on-poison`.
public struct CrashPlan: Sendable, Equatable {
    /// Times still to be passed, the last of them deadly.
    private var left: [CrashPoint: Int] = [:]

    public init() {}

    /// Nil when the text names a point that there is not, or no positive number.
    public init?(_ text: String) {
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let point = CrashPoint(rawValue: String(parts[0])), let times = parts.count == 1 ? 1 : Int(parts[1]), times > 0 else {
                return nil
            }
            left[point] = times
        }
    }

    var isEmpty: Bool { left.isEmpty }

    /// Counts a passing; true when it is the deadly one.
    mutating func isDue(_ point: CrashPoint) -> Bool {
        guard let times = left[point] else { return false }
        left[point] = times - 1
        return times == 1
    }
}
