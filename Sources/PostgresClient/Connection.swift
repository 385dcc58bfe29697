import CLibPQ
import Glibc
import Synchronization

/// One session with the server, driven by the thread that opened it: libpq never blocks it, poll(2) does.
///
/// Not Sendable. Once `isBroken`, only fit to be let go.
final class Connection {
    let pointer: OpaquePointer
    let wakeup: Wakeup
    private(set) var isBroken = false
    var prepared = PreparedStatements()
    let planCheckInterval: Duration
    /// When the server is to make its plans anew.
    var nextPlanCheck: Instant

    /// Those whose statements are under way, the one being answered first. Their cancellation and deadlines interrupt it.
    var callers: ArraySlice<Request> = []
    /// True while the server is asked to stop for a reason of our own.
    var isAbandoned = false
    /// A cancel was sent since this was last set to false: it may have hit a neighbour.
    var hasCancelled = false

    private let statementTimeout: Duration
    /// When the server must have said something, if nobody's deadline comes first.
    private var silenceEnd: Instant?
    /// Set while nothing may interrupt: rolling back, setting up.
    private var fixedEnd: Instant?
    private var interrupted: Instant?
    private var cancellation: Cancellation?
    private var nextCancel: Instant?
    private var readFailure: PostgresError?

    /// How long a server told to stop, or to roll back, may take before the connection is dropped.
    private static let grace = Duration.milliseconds(500)
    /// A cancel that arrives before its statement is lost, so it is sent again.
    private static let cancelInterval = Duration.milliseconds(50)
    /// What the server's own statement timeout gets on top before we stop believing in it.
    private static let silenceGrace = Duration.seconds(5)

    /// Takes over a connection that has been made.
    init(_ pointer: OpaquePointer, wakeup: Wakeup, statementTimeout: Duration, planCheckInterval: Duration) {
        self.planCheckInterval = planCheckInterval
        nextPlanCheck = .now + planCheckInterval
        self.pointer = pointer
        self.wakeup = wakeup
        self.statementTimeout = statementTimeout
        PQsetNoticeProcessor(pointer, { _, _ in }, nil)
    }

    deinit { PQfinish(pointer) }

    /// Marks the connection as dead and gives the error back.
    func broken(_ error: PostgresError) -> PostgresError {
        isBroken = true
        return error
    }

    /// Of no further use.
    func abandon() { isBroken = true }

    /// The connection is gone.
    func lost() -> PostgresError { broken(readFailure ?? complaint) }

    /// The first line of libpq's words.
    private var complaint: PostgresError {
        PostgresError(.connectionLost, PostgresError.firstLine(of: PQerrorMessage(pointer).map { String(cString: $0) } ?? ""))
    }

    /// The first of the callers has its answer: the next one's turn.
    func turnToNextCaller() {
        callers.removeFirst()
        interrupted = nil
        nextCancel = nil
    }

    /// Nothing but `limit` interrupts what `body` waits for.
    @discardableResult
    func undisturbed<R>(for limit: Duration = .seconds(5), _ body: () throws -> R) rethrows -> R {
        let outer = fixedEnd
        fixedEnd = .now + limit
        defer { fixedEnd = outer }
        return try body()
    }
}

// MARK: - Waiting

extension Connection {
    /// The next result, or nil where libpq separates the answers of two statements.
    func nextResult() throws -> ResultHandle? {
        try awaitInput()
        silenceEnd = nil
        interrupted = nil
        return PQgetResult(pointer).map(ResultHandle.init)
    }

    /// Waits until libpq has a result, interrupting the server when those who wait for it no longer do.
    private func awaitInput() throws {
        while PQisBusy(pointer) == 1 { try waitForMore() }
    }

    /// Sends what can be sent and waits for the server to say something.
    func waitForMore() throws {
        if readFailure != nil { throw lost() }
        let unsent = PQflush(pointer)
        if unsent < 0 { readFailure = complaint }
        try wait(for: unsent == 1 ? [.reading, .writing] : .reading)
    }

    /// Waits until all that was said is on its way. The server may have nothing to say meanwhile, but what it says is taken in:
    /// left unread, it would stop reading us.
    func drain() throws {
        while true {
            let unsent = PQflush(pointer)
            if unsent == 0 { break }
            if unsent < 0 || readFailure != nil { throw lost() }
            try wait(for: [.reading, .writing])
        }
        silenceEnd = nil
    }

    /// Sleeps, and takes in what came. A failure is kept until the answers that came before it were read.
    private func wait(for interest: Readiness.Interest) throws {
        let found = Readiness.wait(socket: PQsocket(pointer), for: interest, wakeup: wakeup, until: try patience(at: .now))
        if found.isReadable || found.isWritable {
            silenceEnd = nil
            interrupted = nil
        }
        if found.isReadable, PQconsumeInput(pointer) == 0 { readFailure = readFailure ?? complaint }
    }

    /// Sleeps until the server says something or somebody wakes the thread, whichever comes first.
    func rest() throws {
        guard Readiness.wait(socket: PQsocket(pointer), wakeup: wakeup, until: nil).isReadable else { return }
        guard PQconsumeInput(pointer) == 1 else { throw lost() }
        // Unasked, the server only ever says notices, parameters, notifications, or goodbye; this has them read.
        _ = PQisBusy(pointer)
    }

    /// Until when to sleep. Past a deadline or after a cancellation this is where the server is told, and where hope is given up.
    private func patience(at now: Instant) throws -> Instant? {
        if let fixedEnd {
            guard now < fixedEnd else { throw broken(PostgresError(.connectionLost, "no answer in time")) }
            return fixedEnd
        }
        if silenceEnd == nil, statementTimeout > .zero { silenceEnd = now + statementTimeout + Self.silenceGrace }
        giveUpThoseBehind(at: now)
        guard let reason = interruption(at: now) else {
            interrupted = nil
            return callers.lazy.compactMap(\.deadline).filter { $0 > now }.reduce(silenceEnd, earlier)
        }
        let since = interrupted ?? now
        interrupted = since
        guard now < since + Self.grace else {
            throw broken(PostgresError(reason, "the server did not stop when told to; the connection was dropped"))
        }
        if nextCancel.map({ now >= $0 }) ?? true { sendCancel(at: now) }
        return min(nextCancel!, since + Self.grace)
    }
}

// MARK: - Interrupting

extension Connection {
    /// Why what is under way should stop, if so.
    func interruption(at now: Instant = .now) -> PostgresError.Code? {
        if isAbandoned { return .cancelled }
        if let head = callers.first, head.deadline != nil { return head.interruption(at: now) }
        if let silenceEnd, now >= silenceEnd { return .deadline }
        return callers.first?.interruption(at: now)
    }

    /// Before anything is sent: stops here if there is no use in going on, and lets no cancel reach what comes next.
    func checkInterruption() throws {
        try settleCancellation()
        guard PQstatus(pointer) == CONNECTION_OK else { throw lost() }
        guard fixedEnd == nil, let reason = interruption() else { return }
        throw PostgresError(reason, "interrupted before the statement was sent")
    }

    /// Callers whose statements wait behind another's are not kept waiting for it. Theirs are cancelled when their turn comes.
    private func giveUpThoseBehind(at now: Instant) {
        for request in callers.dropFirst() {
            guard let reason = request.interruption(at: now) else { continue }
            var error = PostgresError(reason, "the statement was sent behind a slower one")
            error.mayHaveRun = true
            request.answer(.failure(error))
        }
    }

    private func sendCancel(at now: Instant) {
        nextCancel = now + Self.cancelInterval
        guard cancellation?.isDone ?? true else { return }
        hasCancelled = true
        cancellation = Cancellation(of: pointer, wakeup: wakeup)
    }

    /// Waits until a cancel under way has reached the server, so that it cannot hit a later statement.
    func settleCancellation() throws {
        guard let cancellation else { return }
        let end = Instant.now + Self.grace
        while !cancellation.isDone {
            guard .now < end else { throw broken(PostgresError(.connectionLost, "a cancel request found no answer")) }
            _ = Readiness.wait(socket: -1, wakeup: wakeup, until: end)
        }
        self.cancellation = nil
        nextCancel = nil
    }
}

/// One cancel request on its way.
///
/// libpq's only call for this blocks, for as long as the server keeps the new connection open, and a server that hangs as a whole keeps
/// it for ever. Hence a thread for each; its end is signalled, and the link does not go on before it.
private final class Cancellation: Sendable {
    private let done = Atomic(false)
    var isDone: Bool { done.load(ordering: .acquiring) }

    init(of connection: OpaquePointer, wakeup: Wakeup) {
        // A PGcancel is a copy of what it needs, made to be used on another thread; only that thread uses it, and frees it.
        nonisolated(unsafe) let cancel = PQgetCancel(connection)
        startThread("pg-cancel") { [self] in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { complaint in
                _ = PQcancel(cancel, complaint.baseAddress, 256)
            }
            PQfreeCancel(cancel)
            done.store(true, ordering: .releasing)
            wakeup.signal()
        }
    }
}

func earlier(_ one: Instant?, _ other: Instant?) -> Instant? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
}
