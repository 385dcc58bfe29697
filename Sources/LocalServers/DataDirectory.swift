import FoundationEssentials
import Glibc
import Logging
import Synchronization

/// The folder of the servers' data: `postgres/`, `redis/`, `log/` and the lock that keeps a second process out.
final class DataDirectory: Sendable {
    let path: String
    let user: ServerUser

    /// Where the sockets are. A socket's path holds 107 bytes at most, so they cannot be in the data folder. Named after the
    /// folder's device and inode: the same for the same data however it is reached, different for all others on the machine.
    var sockets: String { socketFolder.path }

    private let socketFolder: SocketFolder
    private let lockHeld: Mutex<Descriptor?>

    var log: String { "\(path)/log" }
    var lock: Descriptor? { lockHeld.withLock(\.self) }

    private init(path: String, user: ServerUser, sockets: SocketFolder, lock: Descriptor) {
        self.path = path
        self.user = user
        socketFolder = sockets
        self.lockHeld = Mutex(lock)
    }

    /// Makes the folder where there is none, checks that the servers can use it, and locks it.
    static func claim(_ given: String, logger: Logger) async throws -> DataDirectory {
        let user = try ServerUser.current()
        let path = try make(given)
        if !Files.exists("\(path)/log") { try Files.makeFolder("\(path)/log") }
        let lock = try await Lock.take(in: path, logger: logger)
        try await checkReach(path, user)
        let sockets = try SocketFolder.claim(socketFolder(for: path), for: user)
        return DataDirectory(path: path, user: user, sockets: sockets, lock: lock)
    }

    /// A folder in this one that belongs to the servers' user.
    func folder(_ name: String) throws -> String {
        let folder = "\(path)/\(name)"
        guard let status = Files.status(of: folder) else {
            try Files.makeFolder(folder, owner: user)
            return folder
        }
        try status.check(folder, belongsTo: user)
        return folder
    }

    /// Lets others use the folder. The servers have ended.
    func release() {
        socketFolder.remove()
        lockHeld.withLock { lock in
            // Closing alone would not do: a child somebody is just starting holds a copy until it has become its program.
            if let lock { flock(lock.number, LOCK_UN) }
            lock = nil
        }
    }

    static func remove(_ given: String) throws {
        guard let path = realPath(given) else { return }
        let lock = try Lock.tryTake(in: path)
        guard let lock else { throw LocalServersError.inUse(directory: path, pid: Lock.holder(of: path)) }
        try withExtendedLifetime(lock) {
            Files.remove(try socketFolder(for: path))
            Files.remove(path)
        }
    }

    private static func make(_ given: String) throws -> String {
        let absolute = given.hasPrefix("/") ? given : "\(FileManager.default.currentDirectoryPath)/\(given)"
        var folder = ""
        for part in absolute.split(separator: "/") {
            folder += "/\(part)"
            // Follows links: a folder behind one is a folder.
            if access(folder, F_OK) != 0 { try Files.makeFolder(folder) }
        }
        guard let path = realPath(folder) else { throw LocalServersError.system("Finding \(given)", code: errno) }
        return path
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Asks the servers' user to walk down to the folder, so that whatever forbids it is found before a server trips over it.
    private static func checkReach(_ path: String, _ user: ServerUser) async throws {
        guard user.id != getuid() else { return }
        let folders = path.split(separator: "/").reduce(into: ["/"]) { $0.append(($0.last == "/" ? "" : $0.last!) + "/\($1)") }
        let walk = #"for folder; do cd "$folder" 2>/dev/null || { echo "$folder"; exit; }; done"#
        let stuck = try await Program.run(["/bin/sh", "-c", walk, "walk"] + folders, as: user, scratch: "\(path)/log")
        guard stuck.isEmpty else { throw LocalServersError.unreachable(directory: path, folder: stuck, user: user.name) }
    }

    private static func socketFolder(for path: String) throws -> String {
        guard let status = Files.status(of: path) else { throw LocalServersError.system("Finding \(path)", code: errno) }
        // The runtime folder of a logged-in user is private already; root's is closed to the servers' user.
        let runtime = getuid() == 0 ? nil : ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"]
        let usable = runtime.flatMap { $0.utf8.count <= 40 && access($0, W_OK) == 0 ? $0 : nil }
        return "\(usable ?? "/tmp")/kiteline-\(String(status.st_dev, radix: 36))-\(String(status.st_ino, radix: 36))"
    }
}

/// The lock of a data folder. The servers inherit it, so it is held until the last of them has ended, even when we are killed.
private enum Lock {
    /// Waits for servers whose starter is gone to end: at most three signals, ten seconds each.
    static func take(in folder: String, logger: Logger) async throws -> Descriptor {
        for attempt in 0..<350 {
            if let lock = try tryTake(in: folder) { return lock }
            if let holder = holder(of: folder) { throw LocalServersError.inUse(directory: folder, pid: holder) }
            if attempt == 5 { logger.notice("Waiting for the servers of an earlier run to end", metadata: ["directory": "\(folder)"]) }
            await pause(milliseconds: 100)
        }
        throw LocalServersError.inUse(directory: folder, pid: nil)
    }

    /// Nil when somebody has it.
    static func tryTake(in folder: String) throws -> Descriptor? {
        let path = "\(folder)/lock"
        let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw LocalServersError.system("Opening \(path)", code: errno) }
        let lock = Descriptor(number)
        guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else { return nil }
        try Files.write("\(getpid())\n", to: path)
        return lock
    }

    /// Who wrote their process id into the lock, if they still run.
    static func holder(of folder: String) -> Int32? {
        Int32(Files.tail(of: "\(folder)/lock")).flatMap { kill($0, 0) == 0 || errno == EPERM ? $0 : nil }
    }
}
