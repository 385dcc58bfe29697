import RedisClient

/// The memory of the Redis that holds the index.
public struct IndexMemory: Sendable, Hashable {
    public var usedBytes: Int
    /// `maxmemory`; nil: there is no limit.
    public var limitBytes: Int?

    public init(usedBytes: Int, limitBytes: Int?) {
        self.usedBytes = usedBytes
        self.limitBytes = limitBytes
    }

    /// What is used of the limit, 0 to 1; nil: there is none.
    public var share: Double? { limitBytes.map { Double(usedBytes) / Double($0) } }
}

extension Dispatch {
    /// Whether Redis has so little memory left that nothing is pushed: what is enqueued waits in the ledger.
    public var isFull: Bool { full.load(ordering: .relaxed) }

    /// Asks Redis for its memory. Above `share` of the limit the index is full, until it is below nine tenths of that again.
    public func lookAtMemory(share: Double) async throws -> IndexMemory {
        let memory = try await memory()
        lastMemory.withLock { $0 = memory }
        full.store((memory.share ?? 0) >= (isFull ? share * 0.9 : share), ordering: .relaxed)
        return memory
    }

    /// What it said when it was last looked at; nil: it never was.
    public var knownMemory: IndexMemory? { lastMemory.withLock { $0 } }

    private func memory() async throws -> IndexMemory {
        let text = try await redis.send(["INFO", "memory"]).string ?? ""
        func number(_ name: String) -> Int? {
            text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") }.flatMap { Int($0.dropFirst(name.count + 1)) }
        }
        let limit = number("maxmemory") ?? 0
        return IndexMemory(usedBytes: number("used_memory") ?? 0, limitBytes: limit > 0 ? limit : nil)
    }

    /// Redis itself has refused to take more: until it is looked at again, the index is full.
    func noteRefusal() { full.store(true, ordering: .relaxed) }
}
