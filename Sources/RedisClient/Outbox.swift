import NIOCore
import Synchronization

/// Where callers leave their commands, encoded, until the event loop takes them all at once.
final class Outbox: Sendable {
    struct Batch {
        struct Entry {
            let call: RedisCall
            let byteCount: Int
        }
        var bytes = ByteBuffer()
        var entries: [Entry] = []

        var calls: [RedisCall] { entries.map(\.call) }
    }

    private struct State {
        var batch = Batch()
        /// Somebody has asked for a flush that has not emptied the batch yet.
        var isFlushDue = false
        var isClosed = false
    }

    private let state = Mutex(State())

    /// - Returns: whether the caller must see to a flush; otherwise somebody else already does.
    func add(_ call: RedisCall, _ commands: some Collection<RedisCommand>) throws(RedisError) -> Bool {
        try state.withLock { state throws(RedisError) in
            if state.isClosed { throw .closed }
            let before = state.batch.bytes.writerIndex
            for command in commands { state.batch.bytes.writeCommand(command) }
            state.batch.entries.append(.init(call: call, byteCount: state.batch.bytes.writerIndex - before))
            defer { state.isFlushDue = true }
            return !state.isFlushDue
        }
    }

    /// Everything, for sending or failing.
    func take() -> Batch {
        state.withLock { state in
            state.isFlushDue = false
            defer { state.batch = Batch() }
            return state.batch
        }
    }

    /// Nothing can be added from now on.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    var isEmpty: Bool { state.withLock { $0.batch.entries.isEmpty } }

    /// Takes the calls whose callers have gone or have waited since before `limit`; calls stand in the order they came.
    /// - Returns: the calls taken, and when the oldest remaining one came; nil when nothing remains and the next call asks for a flush.
    func takeExpired(submittedBefore limit: NIODeadline) -> (expired: [RedisCall], oldest: NIODeadline?) {
        state.withLock { state in
            let expired = state.batch.entries.prefix { $0.call.submitted <= limit }
            state.batch.bytes.moveReaderIndex(forwardBy: expired.reduce(0) { $0 + $1.byteCount })
            let calls = expired.map(\.call)
            state.batch.entries.removeFirst(calls.count)
            state.isFlushDue = !state.batch.entries.isEmpty
            if !state.isFlushDue { state.batch.bytes.clear() }
            return (calls, state.batch.entries.first?.call.submitted)
        }
    }
}

extension Outbox.Batch {
    /// Marks the calls as written, and drops those whose callers have gone, with their bytes: they must not run.
    /// - Returns: the calls dropped.
    mutating func markWritten() -> [RedisCall] {
        guard let first = entries.firstIndex(where: { !$0.call.markWritten() }) else { return [] }
        var dropped = [entries[first].call]
        var kept = Outbox.Batch()
        for (index, entry) in entries.enumerated() {
            var slice = bytes.readSlice(length: entry.byteCount)!
            if index < first || index > first && entry.call.markWritten() {
                kept.bytes.writeBuffer(&slice)
                kept.entries.append(entry)
            } else if index > first {
                dropped.append(entry.call)
            }
        }
        self = kept
        return dropped
    }
}
