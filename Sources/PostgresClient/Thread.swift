import CSys
import Glibc

typealias Instant = ContinuousClock.Instant

/// Runs `body` on a thread of its own, to which no signal is delivered.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Start(name, body)).toOpaque()
    let failure = pthread_create(
        &thread, &attributes,
        { argument in
            let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
            var signals = sigset_t()
            sigfillset(&signals)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            csys_name_thread(start.name)
            start.body()
            return nil
        }, argument)
    pthread_attr_destroy(&attributes)
    precondition(failure == 0, "no thread to be had: errno \(failure)")
}

/// Interrupts a thread's poll(2) from anywhere.
final class Wakeup: Sendable {
    let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        precondition(descriptor >= 0, "no eventfd to be had: errno \(errno)")
    }

    deinit { close(descriptor) }

    func signal() { eventfd_write(descriptor, 1) }

    func clear() {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}

/// What poll(2) found.
struct Readiness {
    var isReadable = false
    var isWritable = false
    var isWoken = false

    /// What a socket is watched for.
    struct Interest: OptionSet {
        let rawValue: Int16
        static let reading = Interest(rawValue: Int16(POLLIN))
        static let writing = Interest(rawValue: Int16(POLLOUT))
    }

    /// Sleeps until the socket is ready, somebody signals, or `instant` comes; nil means forever. A negative socket is not watched.
    static func wait(socket: Int32, for interest: Interest = .reading, wakeup: Wakeup, until instant: Instant?) -> Readiness {
        withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { watched in
            watched[0] = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
            watched[1] = pollfd(fd: socket, events: interest.rawValue, revents: 0)
            guard poll(watched.baseAddress!, 2, milliseconds(until: instant)) > 0 else { return Readiness() }
            if watched[0].revents != 0 { wakeup.clear() }
            // Errors and hang-ups count as readable: reading is what tells.
            return Readiness(
                isReadable: watched[1].revents & ~Int16(POLLOUT) != 0, isWritable: watched[1].revents & Int16(POLLOUT) != 0,
                isWoken: watched[0].revents != 0)
        }
    }

    /// Rounded up, so that a wait does not end just before its time.
    private static func milliseconds(until instant: Instant?) -> Int32 {
        guard let instant else { return -1 }
        let left = instant - .now
        guard left > .zero else { return 0 }
        return Int32(clamping: left.wholeMilliseconds + 1)
    }
}
