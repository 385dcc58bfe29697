import NIOCore
import Records
import Synchronization
import Tenancy

/// Wakes the event streams of this process when there is something for them.
///
/// Postgres is asked four times a second whose events have moved on, for all tenants that are listened to here in one question, and
/// not at all while nobody listens. What there is, each stream reads for itself: nothing is kept here, however slow a reader is.
final class EventHub: Sendable {
    private struct Listener {
        let tenant: TenantID
        let bell: AsyncStream<Void>.Continuation
        let connection: any Channel
        /// Since when it waits for its reader to take what was written.
        var writingSince: ContinuousClock.Instant?
    }

    private struct State {
        var listeners: [Int: Listener] = [:]
        var next = 0
        var heads: [TenantID: EventCursor] = [:]
        var isTicking = false
        var isClosed = false
    }

    /// Between two questions whether there is news.
    private static let pace = Duration.milliseconds(250)
    /// Streams look around this often: whether their key is still good, whether it is time for a sign of life.
    private static let round = Duration.seconds(2)
    /// While someone listens, this is said again in time for the events to be written on.
    private static let renewal = Duration.seconds(60)

    private let records: Records
    private let limits: Limits
    private let state = Mutex(State())

    init(_ records: Records, _ limits: Limits) {
        self.records = records
        self.limits = limits
    }

    /// Streams served at this moment.
    var count: Int { state.withLock { $0.listeners.count } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// A place among the listeners, until it is given up or forgotten.
    func seat(for tenant: TenantID, on connection: any Channel) throws -> Seat {
        let (rings, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (id, starts) = try state.withLock { state in
            let own = state.listeners.values.count { $0.tenant == tenant }
            guard own < limits.streamsPerTenant else { throw Problem.tooManyStreams(limits.streamsPerTenant) }
            guard state.listeners.count < limits.streams, !state.isClosed else { throw Problem.tooManyStreams(limits.streams) }
            state.next += 1
            state.listeners[state.next] = Listener(tenant: tenant, bell: bell, connection: connection)
            defer { state.isTicking = true }
            return (state.next, !state.isTicking)
        }
        // Whoever hangs up frees the place at once.
        connection.closeFuture.whenComplete { [weak self] _ in self?.leave(id) }
        if starts { Task { await tick() } }
        return Seat(hub: self, id: id, rings: rings)
    }

    /// Ends all streams, each with a last word.
    func close() {
        let bells = state.withLock { state in
            state.isClosed = true
            return state.listeners.values.map(\.bell)
        }
        for bell in bells { bell.yield() }
    }

    fileprivate func leave(_ id: Int) { state.withLock { $0.listeners.removeValue(forKey: id) }?.bell.finish() }

    fileprivate func writes(_ id: Int, since: ContinuousClock.Instant?) { state.withLock { $0.listeners[id]?.writingSince = since } }

    // MARK: Looking for news

    private func tick() async {
        var lookedAround = ContinuousClock.now
        var renewed = ContinuousClock.now
        while let tenants = listenedTo() {
            if let heads = try? await records.lastEvents(of: tenants) { ring(heads) }
            let now = ContinuousClock.now
            if now - lookedAround >= Self.round {
                lookedAround = now
                ringAll(now)
            }
            if now - renewed >= Self.renewal, (try? await records.keepListening(to: tenants)) != nil { renewed = now }
            try? await Task.sleep(for: Self.pace)
        }
    }

    /// Nil, and ticking ends, when nobody listens any more.
    private func listenedTo() -> [TenantID]? {
        state.withLock { state in
            if state.listeners.isEmpty {
                state.isTicking = false
                state.heads = [:]
                return nil
            }
            return Set(state.listeners.values.map(\.tenant)).sorted()
        }
    }

    private func ring(_ heads: [TenantID: EventCursor]) {
        let bells = state.withLock { state in
            let moved = heads.filter { state.heads[$0.key] != $0.value }
            state.heads = heads
            return moved.isEmpty ? [] : state.listeners.values.filter { moved[$0.tenant] != nil }.map(\.bell)
        }
        for bell in bells { bell.yield() }
    }

    /// Readers who take nothing at all are hung up on.
    private func ringAll(_ now: ContinuousClock.Instant) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners {
            if let since = listener.writingSince, now - since > limits.streamHangUp { listener.connection.close(promise: nil) }
            listener.bell.yield()
        }
    }
}

/// One stream's place in the hub. Forgotten, it is free again.
final class Seat: Sendable {
    /// Something may have happened; ends when the connection does.
    let rings: AsyncStream<Void>
    private let hub: EventHub
    private let id: Int

    fileprivate init(hub: EventHub, id: Int, rings: AsyncStream<Void>) {
        self.hub = hub
        self.id = id
        self.rings = rings
    }

    deinit { leave() }

    var isClosing: Bool { hub.isClosed }

    func leave() { hub.leave(id) }

    /// Runs `body`, which waits for the reader; answers how long it took.
    func writing(_ body: () async throws -> Void) async throws -> Duration {
        let start = ContinuousClock.now
        hub.writes(id, since: start)
        defer { hub.writes(id, since: nil) }
        try await body()
        return ContinuousClock.now - start
    }
}
