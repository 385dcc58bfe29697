import DispatchIndex
import Logging

/// Looks whether Redis has memory left, and says aloud when it has not and when it has again.
actor MemoryWatch {
    private let dispatch: Dispatch
    private let share: Double
    private let logger: Logger
    private var wasFull = false

    init(dispatch: Dispatch, share: Double, logger: Logger) {
        self.dispatch = dispatch
        self.share = share
        self.logger = logger
    }

    func run() async throws {
        let memory = try await dispatch.lookAtMemory(share: share)
        defer { wasFull = dispatch.isFull }
        guard dispatch.isFull != wasFull else { return }
        let metadata: Logger.Metadata = ["used": "\(memory.usedBytes)", "limit": "\(memory.limitBytes ?? 0)"]
        if dispatch.isFull {
            logger.error("Redis is nearly out of memory: jobs are accepted and not pushed", metadata: metadata)
        } else {
            logger.notice("Redis has memory again: what waits is pushed", metadata: metadata)
        }
    }
}
