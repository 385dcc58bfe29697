import Foundation
import LocalServers

/// A TCP wire to a server's unix socket that can be cut, at a byte if need be. Threads of its own, as sockets here block.
final class Proxy: Sendable {
    private struct State {
        var pairs: [(client: Int32, server: Int32)] = []
        /// Bytes from the server still let through; then everything is cut.
        var allowance = Int.max
        var isClosed = false
    }

    let port: Int
    private let target: String
    private let listener: Int32
    private let state = Locked(State())

    init(to servers: LocalServers) throws {
        target = servers.postgresURL.split(separator: "host=")[1] + "/.s.PGSQL.5432"
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (descriptor, size) = (listener, length)
        try withUnsafeMutablePointer(to: &address) { address in
            try address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(descriptor, address, size) == 0, listen(descriptor, 64) == 0, getsockname(descriptor, address, &length) == 0
                else {
                    throw POSIXError(.EADDRINUSE)
                }
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in accept() }
    }

    var url: String { "postgres://kiteline@127.0.0.1:\(port)/kiteline?sslmode=disable&gssencmode=disable" }

    /// Cuts every connection once so many more bytes came from the server, even in the middle of a message.
    func cut(afterReplyBytes count: Int) { state.update { $0.allowance = count } }

    /// Lets everything through again.
    func mend() { state.update { $0.allowance = .max } }

    func close() {
        state.update { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        hangUp()
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { break }
            let server = connectToServer()
            guard server >= 0 else {
                Glibc.close(client)
                continue
            }
            state.update { $0.pairs.append((client, server)) }
            Thread.detachNewThread { [self] in pump(client, server) { $0 } }
            Thread.detachNewThread { [self] in pump(server, client, allow) }
        }
        Glibc.close(listener)
    }

    private func allow(_ count: Int) -> Int {
        state.update { state in
            let allowed = min(count, state.allowance)
            if state.allowance != .max { state.allowance -= allowed }
            return allowed
        }
    }

    private func pump(_ source: Int32, _ sink: Int32, _ allow: (Int) -> Int) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count > 0 else { break }
            let allowed = allow(count)
            var sent = 0
            while sent < allowed {
                let written = buffer.withUnsafeBytes { send(sink, $0.baseAddress! + sent, allowed - sent, Int32(MSG_NOSIGNAL)) }
                guard written > 0 else { break }
                sent += written
            }
            guard sent == count else {
                hangUp()
                break
            }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(sink, Int32(SHUT_RDWR))
    }

    /// The descriptors are left to the process' end: a pump may still hold them.
    private func hangUp() {
        for pair in state.update({ state in exchange(&state.pairs, with: []) }) {
            shutdown(pair.client, Int32(SHUT_RDWR))
            shutdown(pair.server, Int32(SHUT_RDWR))
        }
    }

    private func connectToServer() -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: target.utf8) }
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        return isConnected ? descriptor : -1
    }
}
