import FoundationEssentials
import Glibc

/// The private folder the sockets are in, ours as long as we run.
///
/// A process that is killed cannot remove its folder; its servers end and leave it empty. So whoever claims one removes the
/// empty ones beside it that nobody holds.
final class SocketFolder: Sendable {
    let path: String
    private let lock: Descriptor

    private init(path: String, lock: Descriptor) {
        self.path = path
        self.lock = lock
    }

    static func claim(_ path: String, for user: ServerUser) throws -> SocketFolder {
        let slash = path.lastIndex(of: "/")!  // the path is ours and absolute
        removeAbandoned(in: String(path[..<slash]))
        // Between making and locking it another process may have taken it for abandoned, and does so in one of very many cases.
        var failure = LocalServersError.system("Keeping \(path)", code: ENOENT)
        for _ in 0..<100 {
            do {
                let lock = try lock(path, for: user)
                if isStill(path, lock) { return SocketFolder(path: path, lock: lock) }
            } catch let gone as LocalServersError where gone.isAboutNothing {
                failure = gone
            }
        }
        throw failure
    }

    private static func lock(_ path: String, for user: ServerUser) throws -> Descriptor {
        try prepare(path, for: user)
        guard let lock = open(path) else { throw LocalServersError.system("Opening \(path)", code: errno) }
        flock(lock.number, LOCK_SH)
        return lock
    }

    func remove() { Files.remove(path) }

    private static func prepare(_ path: String, for user: ServerUser) throws {
        guard let status = Files.status(of: path) else { return try Files.makeFolder(path, owner: user) }
        // Somebody else could have made it first, to be asked for our data.
        try status.check(path, belongsTo: user)
        chmod(path, 0o700)
    }

    /// Only empty folders that are named like ours and locked by nobody.
    private static func removeAbandoned(in parent: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.wholeMatch(of: /kiteline-[0-9a-z]+-[0-9a-z]+/) != nil {
            let path = "\(parent)/\(name)"
            guard let lock = open(path), flock(lock.number, LOCK_EX | LOCK_NB) == 0 else { continue }
            withExtendedLifetime(lock) { _ = rmdir(path) }
        }
    }

    private static func open(_ path: String) -> Descriptor? {
        let number = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        return number >= 0 ? Descriptor(number) : nil
    }

    private static func isStill(_ path: String, _ lock: Descriptor) -> Bool {
        var held = stat()
        guard fstat(lock.number, &held) == 0, let now = Files.status(of: path) else { return false }
        return held.st_ino == now.st_ino && held.st_dev == now.st_dev
    }
}

extension LocalServersError {
    fileprivate var isAboutNothing: Bool { if case .system(_, code: ENOENT) = self { true } else { false } }
}

extension stat {
    /// Refuses what is no folder, or somebody else's.
    func check(_ path: String, belongsTo user: ServerUser) throws {
        guard st_mode & S_IFMT == S_IFDIR else { throw LocalServersError.system("Using \(path)", code: ENOTDIR) }
        guard st_uid == user.id else {
            throw LocalServersError.foreignOwner(path: path, owner: ServerUser.name(of: st_uid), user: user.name)
        }
    }
}
