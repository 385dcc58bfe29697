import Glibc

/// The user the servers run as: this process's own, or, started by root, one without privileges, as Postgres refuses root.
struct ServerUser: Sendable {
    let id: uid_t
    let group: gid_t
    let name: String

    static func current() throws -> ServerUser {
        if getuid() != 0 { return ServerUser(id: getuid(), group: getgid(), name: name(of: getuid())) }
        guard let user = named("postgres") ?? named("nobody") else {
            throw LocalServersError.missing(program: "A user to run Postgres as (postgres or nobody)", package: "postgresql")
        }
        return user
    }

    /// The command run as this user.
    func running(_ command: [String]) throws -> [String] {
        guard id != getuid() else { return command }
        let setpriv = try Program.find("setpriv", package: "util-linux")
        return [setpriv, "--reuid=\(id)", "--regid=\(group)", "--init-groups", "--"] + command
    }

    static func name(of id: uid_t) -> String {
        lookUp { getpwuid_r(id, $0, $1, $2, $3) }?.name ?? "number \(id)"
    }

    private static func named(_ name: String) -> ServerUser? {
        lookUp { getpwnam_r(name, $0, $1, $2, $3) }
    }

    private typealias LookUp = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    private static func lookUp(_ ask: LookUp) -> ServerUser? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16384)
        return buffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, ask(&entry, base, buffer.count, &found) == 0, found != nil else { return nil }
            return ServerUser(id: entry.pw_uid, group: entry.pw_gid, name: String(cString: entry.pw_name))
        }
    }
}
