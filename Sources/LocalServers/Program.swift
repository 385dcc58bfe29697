import FoundationEssentials
import Glibc

/// Programs of the system: where they are, and running one to its end.
enum Program {
    /// The children's whole environment. Whatever is set around us does not reach the servers.
    static let environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent"]

    private static let searched = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin"]

    static func find(_ name: String, package: String, in folders: [String] = searched) throws -> String {
        guard let path = folders.lazy.map({ "\($0)/\(name)" }).first(where: { (path: String) in access(path, X_OK) == 0 }) else {
            throw LocalServersError.missing(program: name, package: package)
        }
        return path
    }

    /// Runs a program to its end as `user`; returns what it wrote.
    ///
    /// - Parameter scratch: an existing folder of ours for its input and output.
    @discardableResult
    static func run(_ command: [String], as user: ServerUser, input: String = "", scratch: String) async throws -> String {
        let name = command[0].split(separator: "/").last.map(String.init) ?? command[0]
        let (inputFile, outputFile) = ("\(scratch)/\(name).in", "\(scratch)/\(name).out")
        defer { for file in [inputFile, outputFile] { unlink(file) } }
        unlink(outputFile)
        try Files.write(input, to: inputFile)

        let child = try ChildProcess(user.running(command), environment: environment, input: inputFile, output: outputFile)
        let status = await child.end()
        let output = Files.tail(of: outputFile)
        guard status == 0 else { throw LocalServersError.failed(program: name, reason: endText(status), log: output) }
        return output
    }
}

/// The few things done to small files.
enum Files {
    static func write(_ text: String, to path: String) throws {
        do { try Data(text.utf8).write(to: URL(filePath: path)) } catch { throw LocalServersError.system("Writing \(path)", code: errno) }
    }

    /// The last lines of a file, at most 4 KB, from `start` on.
    static func tail(of path: String, from start: Int = 0) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        fseek(file, max(start, ftell(file) - 4096), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        var lines = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        while lines.last == "" { lines.removeLast() }
        return lines.suffix(15).joined(separator: "\n")
    }

    static func size(of path: String) -> Int { status(of: path).map { Int($0.st_size) } ?? 0 }

    /// What `lstat` says; nil when there is nothing.
    static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    static func exists(_ path: String) -> Bool { status(of: path) != nil }

    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    /// Makes one folder that only its owner can enter, or that everybody can.
    static func makeFolder(_ path: String, owner: ServerUser? = nil) throws {
        let mode: mode_t = owner == nil ? 0o755 : 0o700
        guard mkdir(path, mode) == 0 else { throw LocalServersError.system("Making the folder \(path)", code: errno) }
        chmod(path, mode)  // whatever the umask
        if let owner, chown(path, owner.id, owner.group) != 0 {
            throw LocalServersError.system("Giving \(path) to \(owner.name)", code: errno)
        }
    }
}
