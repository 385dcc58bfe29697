/// What ties a server to this process: a socket whose other end only this process holds, and a shell that reads it.
///
/// The kernel closes our end however we end. `PR_SET_PDEATHSIG` would not do: it is cleared when the child changes user,
/// and it follows the thread that forked, not the process.
enum Guard {
    /// Becomes the server (`exec`: its process id is the one we spawned) and leaves a watcher beside it.
    ///
    /// - `$1`: signals to try in turn, ten seconds each, once the socket is closed. A stopped server is woken to obey them.
    /// - The rest: the server and its arguments.
    /// - fd 3: the socket. A line on it means the server has ended and its process id may be somebody else's by now.
    /// - fd 4: the lock of the data folder, kept by the server as long as it lives, but not by the watcher.
    static let script = """
        signals=$1
        shift
        ( (
            read -r ended <&3 && exit
            for signal in $signals; do
                kill -s "$signal" $$ && kill -s CONT $$ || exit
                tenths=0
                while kill -0 $$ && [ $((tenths += 1)) -lt 100 ]; do sleep 0.1; done
            done
        ) >/dev/null 2>&1 4>&- & )
        exec "$@" 3<&-
        """

    static func command(_ server: [String], signals: [Signal]) -> [String] {
        ["/bin/sh", "-c", script, "kiteline-guard", signals.map(\.name).joined(separator: " ")] + server
    }
}

/// The signals servers are stopped with, by their shell names.
enum Signal: Sendable {
    case terminate, interrupt, quit, kill

    var name: String {
        switch self {
        case .terminate: "TERM"
        case .interrupt: "INT"
        case .quit: "QUIT"
        case .kill: "KILL"
        }
    }
}
