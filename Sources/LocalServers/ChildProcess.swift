import CSys
import Dispatch
import Glibc
import Synchronization

/// A running child, with default signals, a session of its own (a terminal's Ctrl-C does not reach it) and no descriptor of ours
/// but those named.
final class ChildProcess: Sendable {
    let pid: pid_t

    /// Our end of what the guard reads; nil when the child is not guarded.
    private let leash: Descriptor?
    private let state = Mutex(State())

    private struct State {
        var status: Int32?
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }

    /// Starts `command`; its output is appended to the file `output`.
    ///
    /// - Parameters:
    ///   - input: a file to read from instead of /dev/null.
    ///   - inherited: descriptors the child gets as 3, 4 …
    ///   - leash: told when the child has ended.
    init(
        _ command: [String], environment: [String], input: String = "/dev/null", output: String, inherited: [Descriptor] = [],
        leash: Descriptor? = nil
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o640)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        for (number, descriptor) in zip(Int32(3)..., inherited) {
            posix_spawn_file_actions_adddup2(&actions, descriptor.number, number)
        }
        posix_spawn_file_actions_addclosefrom_np(&actions, 3 + Int32(inherited.count))

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        // A Swift thread may block signals; a child that inherited the mask would ignore SIGTERM.
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | csys_spawn_setsid)

        var pid: pid_t = 0
        let code = withCStrings(command) { arguments in
            withCStrings(environment) { posix_spawn(&pid, command[0], &actions, &attributes, arguments, $0) }
        }
        guard code == 0 else { throw LocalServersError.system("Starting \(command[0])", code: code) }
        self.pid = pid
        self.leash = leash
        // A thread of its own waits: Swift's own threads are two and must not block.
        DispatchQueue(label: "kiteline.child").async { self.await() }
    }

    var status: Int32? { state.withLock(\.status) }

    /// Sends a signal, unless the child has ended. A stopped child is woken to obey it.
    func send(_ signal: Signal) {
        // Under the lock, so that the process id cannot be given to another process in between.
        state.withLock { state in
            guard state.status == nil else { return }
            Glibc.kill(pid, signal.number)
            Glibc.kill(pid, SIGCONT)
        }
    }

    /// The wait status, once the child has ended.
    func end() async -> Int32 {
        await withCheckedContinuation { continuation in
            let status = state.withLock { state in
                if state.status == nil { state.waiting.append(continuation) }
                return state.status
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    /// Whether the child ended within `limit`.
    func ends(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while status == nil, ContinuousClock.now < deadline { await pause(milliseconds: 5) }
        return status != nil
    }

    /// Waits for the end, on a thread that may block.
    private func await() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
        // The watcher is told before the process id becomes free.
        leash?.send("ended\n")
        let (status, waiting) = state.withLock { state in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
            state.status = status
            defer { state.waiting = [] }
            return (status, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: status) }
    }
}

/// Lets time pass, also in a cancelled task: what must be stopped is stopped.
func pause(milliseconds: Int) async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { continuation.resume() }
    }
}

/// Does something that may block, on a thread that may.
func offThePool<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: work()) }
    }
}

/// What a wait status says, in words.
func endText(_ status: Int32) -> String {
    let signal = status & 0x7f
    return signal == 0 ? "ended with status \((status >> 8) & 0xff)" : "was ended by signal \(signal)"
}

extension Signal {
    var number: Int32 {
        switch self {
        case .terminate: SIGTERM
        case .interrupt: SIGINT
        case .quit: SIGQUIT
        case .kill: SIGKILL
        }
    }
}

private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
