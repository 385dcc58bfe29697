import Glibc
import Logging
import Synchronization

/// One connection of a pool and the thread that drives it: connects, serves, connects again.
struct Link {
    private let queue: WorkQueue
    private let logger: Logger
    private let wakeup = Wakeup()

    /// Starts the thread. It lives until the pool is closed.
    static func start(serving queue: WorkQueue, logger: Logger) {
        let link = Link(queue: queue, logger: logger)
        queue.enter(link.wakeup)
        startThread("pg-link") { link.live() }
    }

    private init(queue: WorkQueue, logger: Logger) {
        self.queue = queue
        self.logger = logger
    }

    private func live() {
        var backoff = Backoff()
        var isFirst = true
        while !queue.isClosed {
            do {
                let connection = try Connection.open(queue.configuration, wakeup: wakeup, unless: { queue.isClosed })
                if !isFirst { queue.counters.reconnects.add(1, ordering: .relaxed) }
                isFirst = false
                backoff = Backoff()
                serve(connection)
            } catch {
                fail(error, &backoff)
            }
        }
        queue.leave(wakeup)
    }

    private func fail(_ error: any Error, _ backoff: inout Backoff) {
        let error = error as? PostgresError ?? PostgresError(.connectionLost, "\(error)")
        guard error.code != .closed else { return }
        // Each link tries again and again: the same failure is told once.
        let level = queue.linkFailed(error) ? Logger.Level.warning : .debug
        logger.log(level: level, "No connection to Postgres", metadata: ["error": "\(error)"])
        let end = Instant.now + backoff.next()
        while Instant.now < end, !queue.isClosed { _ = Readiness.wait(socket: -1, wakeup: wakeup, until: end) }
    }

    /// Does what the queue has for it, until the connection is broken or the pool closed.
    private func serve(_ connection: Connection) {
        queue.linkIsUp()
        defer { queue.linkIsDown(wakeup) }
        while !connection.isBroken {
            switch queue.next(for: wakeup) {
            case .statements(let requests): work(requests.count, for: requests) { converse(requests, connection) }
            case .visit(let request): work(1, for: [request]) { visit(request, connection) }
            case .rest:
                do { try connection.rest() } catch { logger.info("Postgres link lost while idle", metadata: ["error": "\(error)"]) }
            case .end: return
            }
        }
    }

    private func work(_ statements: Int, for requests: [Request], _ body: () -> Void) {
        let now = Instant.now
        let waited = requests.reduce(Duration.zero) { $0 + (now - $1.asked) }
        queue.counters.nanosecondsWaited.add(Int(waited / .nanoseconds(1)), ordering: .relaxed)
        queue.counters.statements.add(statements, ordering: .relaxed)
        queue.counters.busy.add(1, ordering: .relaxed)
        body()
        queue.counters.busy.subtract(1, ordering: .relaxed)
    }
}

// MARK: - Work

extension Link {
    private func visit(_ request: Request, _ connection: Connection) {
        guard case .visit(let body) = request.work else { return }
        connection.callers = [request]
        request.answer(
            Result {
                try connection.checkInterruption()
                return try body(connection)
            })
        connection.callers = []
        tidy(connection)
    }

    /// Statements of several callers in one trip, a Sync each, so that each stands for itself.
    private func converse(_ requests: [Request], _ connection: Connection) {
        var round = requests
        var isRepeat = false
        while !round.isEmpty {
            round = trip(round, connection, isRepeat: isRepeat)
            isRepeat = true
        }
        tidy(connection)
    }

    /// Sends all, then reads all. Returns those to be sent again.
    private func trip(_ requests: [Request], _ connection: Connection, isRepeat: Bool) -> [Request] {
        connection.hasCancelled = false
        let sent = requests.compactMap { request in send(request, connection).map { (request, $0) } }
        connection.callers = sent.map(\.0)[...]
        var again: [Request] = []
        for (request, exchange) in sent {
            do {
                guard !connection.isBroken else { throw connection.lost() }
                let rows = try connection.receive(exchange)[0]
                try connection.checkAutocommit(rows)
                request.answer(.success(rows))
            } catch let error as PostgresError where !isRepeat && error.isStalePlan || wasHitByNeighbour(request, error, connection) {
                again.append(request)
            } catch {
                let error = error as? PostgresError
                request.answer(.failure(connection.isBroken ? error!.maybeRun : error!))
            }
            connection.turnToNextCaller()
        }
        return again
    }

    /// Sends one caller's statement, or tells the caller why not.
    private func send(_ request: Request, _ connection: Connection) -> Exchange? {
        guard case .statement(let statement) = request.work else { return nil }
        do {
            try connection.settleCancellation()
            if let reason = request.interruption(at: .now) { throw PostgresError(reason, "interrupted before the statement was sent") }
            guard !connection.isBroken else { throw connection.lost() }
            return try connection.send([statement])
        } catch {
            request.answer(.failure(error))
            return nil
        }
    }

    /// A cancel meant for one statement can reach the server when the next has begun. That one is undone, so it is run again.
    private func wasHitByNeighbour(_ request: Request, _ error: PostgresError, _ connection: Connection) -> Bool {
        connection.hasCancelled && error.isRefusal && error.sqlState == "57014"
    }

    /// Leaves the connection fit for whoever comes next, or broken.
    private func tidy(_ connection: Connection) {
        do {
            if !connection.isBroken { try connection.rollBack() }
        } catch {
            connection.abandon()
        }
        if connection.isBroken { logger.warning("Postgres link lost") }
    }
}

/// Waits between attempts to connect: 50 ms, 100 ms … 2 s, each cut by up to half so that links do not come back as one.
struct Backoff {
    private var wait = Duration.milliseconds(50)

    mutating func next() -> Duration {
        defer { wait = min(wait * 2, .seconds(2)) }
        return wait * Double.random(in: 0.5...1)
    }
}
