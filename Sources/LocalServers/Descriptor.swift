import Glibc

/// A file descriptor of ours, closed when nobody refers to it any more. Never inherited, except where a child is given it.
final class Descriptor: Sendable {
    let number: Int32

    /// Takes over `number`, moved above those a child is given so that giving one cannot overwrite another.
    init(_ number: Int32) {
        let moved = fcntl(number, F_DUPFD_CLOEXEC, 64)
        if moved >= 0 { close(number) }
        self.number = moved >= 0 ? moved : number
    }

    deinit { close(number) }

    /// Two connected ends. A socket rather than a pipe: writing to one whose reader is gone need not raise SIGPIPE.
    static func pair() throws -> (Descriptor, Descriptor) {
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw LocalServersError.system("Opening a socket pair", code: errno) }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }

    /// Sends a few bytes; it does not matter when nobody reads them.
    func send(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
