import Logging

/// Links to one Postgres, each a connection with a thread of its own. No call here blocks the calling thread.
///
/// Links are made as callers come, up to the pool's size, and made again with backoff when they are lost.
public final class PostgresPool: Sendable {
    public let configuration: PostgresConfiguration
    private let queue: WorkQueue
    private let listeners = Listeners()
    private let logger: Logger

    /// `waiting`: callers that may wait for a link; one more is refused with `poolExhausted`.
    public init(_ configuration: PostgresConfiguration, size: Int, waiting: Int = 10_000, logger: Logger) {
        precondition(size > 0 && waiting > 0, "a pool of \(size) links and \(waiting) callers")
        self.configuration = configuration
        self.logger = logger
        queue = WorkQueue(configuration, size: size, waiting: waiting) { Link.start(serving: $0, logger: logger) }
    }

    deinit { queue.shut() }

    /// One statement, committed by itself. Sent together with whatever else waits for the same link.
    ///
    /// A session is shared by all callers: BEGIN is refused, and SET or a session's advisory lock belongs in no query.
    public func query(_ statement: Statement, deadline: Duration? = nil) async throws -> Rows {
        try statement.validate()
        return try await run(.statement(statement), deadline)
    }

    /// Statements in one transaction and one round trip: all of them are kept, or none. The first error is thrown.
    public func pipeline(_ statements: [Statement], deadline: Duration? = nil) async throws -> [Rows] {
        for statement in statements { try statement.validate() }
        return try await visit(deadline) { try $0.atomically(statements) }
    }

    /// Runs `body` on a link's thread between BEGIN and COMMIT, with ROLLBACK when it throws or when the calling task is cancelled.
    ///
    /// The deadline, if any, is for all of it. The body waits for the server synchronously and must not wait for anything else.
    public func transaction<R: Sendable>(
        deadline: Duration? = nil, _ body: @Sendable @escaping (PostgresTransaction) throws -> R
    ) async throws -> R {
        try await visit(deadline) { try $0.transaction(body) }
    }

    /// Copies into a table what `next` gives, chunk by chunk until nil, under `COPY … FROM STDIN`. Returns the rows copied.
    ///
    /// `next` runs on the link's thread. When it throws, nothing is kept.
    @discardableResult
    public func copyIn(_ sql: String, deadline: Duration? = nil, _ next: @Sendable @escaping () throws -> [UInt8]?) async throws -> Int {
        try await visit(deadline) { try $0.copyIn(sql, next) }
    }

    /// Hands each row's bytes of `COPY … TO STDOUT` to `take`, on the link's thread. Returns the rows copied.
    @discardableResult
    public func copyOut(_ sql: String, deadline: Duration? = nil, _ take: @Sendable @escaping ([UInt8]) throws -> Void) async throws -> Int
    {
        try await visit(deadline) { try $0.copyOut(sql, take) }
    }

    /// What is sent to these channels from now on, over a connection of its own that comes back when lost.
    ///
    /// Begins with `.listening`; after a gap comes `.reconnected`, and what was sent meanwhile is missing. Should the reader be more than
    /// 10,000 behind, the oldest are dropped. Ends when the reader stops or the pool is closed.
    public func listen(_ channels: [String]) -> AsyncStream<PostgresNotification> {
        Listener.stream(channels, configuration, listeners, logger)
    }

    /// Refuses new callers, lets what runs end, and returns when every connection is closed.
    public func close() async {
        listeners.close()
        await queue.close()
        await listeners.ended()
    }

    public var statistics: PostgresStatistics {
        let counters = queue.counters
        return PostgresStatistics(
            statements: counters.statements.load(ordering: .relaxed), busy: counters.busy.load(ordering: .relaxed), waiting: queue.waiting,
            reconnects: counters.reconnects.load(ordering: .relaxed),
            nanosecondsWaited: counters.nanosecondsWaited.load(ordering: .relaxed))
    }

    private func visit<R: Sendable>(_ deadline: Duration?, _ body: @Sendable @escaping (Connection) throws -> R) async throws -> R {
        try await run(.visit(body), deadline)
    }

    private func run<R: Sendable>(_ work: Request.Work, _ deadline: Duration?) async throws -> R {
        guard let answer = try await queue.run(work, deadline: deadline) as? R else {
            preconditionFailure("a link answers what it was asked")
        }
        return answer
    }
}
