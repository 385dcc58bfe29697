import Foundation
import PostgresClient
import Synchronization

/// One of Postgres' own programs, told where the server is by its environment: no password stands in a command line.
struct PostgresTool: Sendable {
    let path: String

    /// Looked for in PATH, then where Debian keeps the versions, the newest first.
    static func find(_ name: String, path: String = ProcessInfo.processInfo.environment["PATH"] ?? "") throws -> PostgresTool {
        let debian = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []).compactMap(Int.init).sorted(by: >)
        let folders = path.split(separator: ":").map(String.init) + versions.map { "\(debian)/\($0)/bin" }
        guard let found = folders.map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile) else {
            throw SetUpError(
                "\(name) is not installed: it is looked for in PATH and in \(debian)/*/bin. On Debian: apt-get install postgresql-client")
        }
        return PostgresTool(path: found)
    }

    /// Runs it to its end; throws with its own last words when it fails. Blocks the calling thread.
    ///
    /// - Parameters:
    ///   - variables: its environment, beside PATH, HOME and the locale.
    ///   - take: given what it writes, piece by piece. When this process dies, the program finds nobody reading, and ends too.
    func run(_ arguments: [String], _ variables: [String: String], take: ([UInt8]) throws -> Void = { _ in }) throws {
        let words = FileManager.default.temporaryDirectory.appending(path: "kiteline-\(UUID().uuidString)").path
        guard FileManager.default.createFile(atPath: words, contents: nil, attributes: [.posixPermissions: 0o600]),
            let errors = FileHandle(forWritingAtPath: words)
        else { throw SetUpError("cannot write in \(FileManager.default.temporaryDirectory.path)") }
        defer { try? FileManager.default.removeItem(atPath: words) }
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let ours = ProcessInfo.processInfo.environment
        process.environment = ["PATH": ours["PATH"] ?? "", "HOME": ours["HOME"] ?? "/", "LC_ALL": "C.UTF-8"].merging(variables) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        do {
            while let piece = try output.fileHandleForReading.read(upToCount: 1 << 18), !piece.isEmpty { try take(Array(piece)) }
        } catch {
            process.terminate()
            ended.wait()
            throw error
        }
        ended.wait()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let said = (try? String(contentsOfFile: words, encoding: .utf8)) ?? ""
            let name = URL(filePath: path).lastPathComponent
            throw Failure("\(name) failed: \(said.split(separator: "\n").suffix(4).joined(separator: "; "))")
        }
    }
}
