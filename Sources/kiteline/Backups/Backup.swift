import Foundation
import Schema
import Synchronization
import Tenancy

/// A backup: a folder with one file of data, as `pg_dump` writes it, and what is known of it.
struct Backup: Sendable {
    struct Manifest: Codable, Sendable {
        /// Of this description; a later one that cannot be read as this one has another number.
        var format = 1
        var kiteline: String
        /// The last migration the database had had.
        var migration: Int
        var postgres: String
        /// The moment that is kept: what was committed before is in it, what was committed later is not.
        var takenAt: String
        var bytes: Int
        var sha256: String
        /// Of every table.
        var rows: [String: Int]
    }

    let folder: String
    let manifest: Manifest

    static let dataFile = "data.dump"
    static let manifestFile = "manifest.json"

    var data: String { "\(folder)/\(Self.dataFile)" }

    /// Reads what is known of one.
    init(in folder: String) throws {
        self.folder = folder
        guard let text = FileManager.default.contents(atPath: "\(folder)/\(Self.manifestFile)") else {
            throw SetUpError("\(folder) is no backup: it has no \(Self.manifestFile)")
        }
        do { manifest = try JSON.read(from: text) } catch { throw SetUpError("\(folder)/\(Self.manifestFile) cannot be read") }
        guard manifest.format == 1 else { throw SetUpError("\(folder) was made by a newer version of Kiteline") }
        guard manifest.migration <= Migration.all.last!.number else {
            throw SetUpError(
                "\(folder) has had migration \(manifest.migration), which this version (\(Kiteline.version), up to "
                    + "\(Migration.all.last!.number)) does not know: restore it with \(manifest.kiteline) or later")
        }
    }

    private init(_ folder: String, _ manifest: Manifest) {
        self.folder = folder
        self.manifest = manifest
    }

    /// Reads the data through and compares them with what was written.
    func verify() throws {
        guard let file = FileHandle(forReadingAtPath: data) else { throw SetUpError("\(data) cannot be read") }
        var digest = SHA256Digest()
        var bytes = 0
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
            digest.update(Array(piece))
            bytes += piece.count
        }
        guard bytes == manifest.bytes else { throw Failure("\(data) has \(bytes) bytes instead of \(manifest.bytes): it is not whole") }
        guard digest.finish().hexadecimal == manifest.sha256 else {
            throw Failure("\(data) is not what was written: its SHA-256 is another than \(Self.manifestFile) says")
        }
    }
}

extension Backup {
    /// Makes one in a folder beside its place and moves it there when it is whole and on the disk: there is never half a backup.
    ///
    /// - Parameter fill: writes the data through what it is given and answers the moment they are of.
    static func make(
        in parent: String, at now: Date, _ fill: (_ draft: Draft) async throws -> Snapshot
    ) async throws -> Backup {
        let time = now.formatted(.iso8601.dateSeparator(.omitted).timeSeparator(.omitted))
        let (folder, draft) = ("\(parent)/kiteline-\(time)", "\(parent)/.kiteline-\(time)-\(getpid()).part")
        guard !FileManager.default.fileExists(atPath: folder) else { throw Failure("\(folder) is there already") }
        do {
            try FileManager.default.createDirectory(
                atPath: draft, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw SetUpError("cannot make a folder in \(parent): \(String(cString: strerror(errno)))") }
        do {
            let file = try Draft(path: "\(draft)/\(dataFile)")
            let snapshot = try await fill(file)
            let written = try file.close()
            let manifest = Manifest(
                kiteline: Kiteline.version, migration: snapshot.migration, postgres: snapshot.server,
                takenAt: snapshot.takenAt.formatted(.iso8601), bytes: written.bytes, sha256: written.sha256, rows: snapshot.rows)
            try PrivateFile.write(try JSON.text(manifest) + "\n", to: "\(draft)/\(manifestFile)")
            for path in ["\(draft)/\(manifestFile)", draft] { sync(path) }
            guard rename(draft, folder) == 0 else { throw Failure("cannot name \(folder): \(String(cString: strerror(errno)))") }
            sync(parent)
            return Backup(folder, manifest)
        } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw error
        }
    }

    /// Removes all but the newest, of those that are whole. Returns what was removed.
    static func prune(in parent: String, keeping count: Int) throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: parent)
        // Their names sort as their times.
        let whole = names.filter { $0.wholeMatch(of: /kiteline-\d{8}T\d{6}Z/) != nil }.map { "\(parent)/\($0)" }.filter {
            FileManager.default.fileExists(atPath: "\($0)/\(manifestFile)")
        }.sorted()
        let old = Array(whole.dropLast(count))
        for folder in old { try FileManager.default.removeItem(atPath: folder) }
        return old
    }

    private static func sync(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// The data on their way to the disk, one writer after another.
    final class Draft: Sendable {
        private struct State: ~Copyable {
            let handle: FileHandle
            var digest: SHA256Digest? = SHA256Digest()
            var bytes = 0
        }

        let path: String
        private let state: Mutex<State>

        init(path: String) throws {
            self.path = path
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw SetUpError("cannot write \(path): \(String(cString: strerror(errno)))") }
            state = Mutex(State(handle: FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)))
        }

        func write(_ piece: [UInt8]) throws {
            try state.withLock { state in
                do { try state.handle.write(contentsOf: Data(piece)) } catch {
                    throw Failure("cannot write \(path): \(String(cString: strerror(errno)))")
                }
                state.digest!.update(piece)
                state.bytes += piece.count
            }
        }

        /// The last that is asked of it.
        func close() throws -> (bytes: Int, sha256: String) {
            try state.withLock { state in
                try state.handle.synchronize()
                try state.handle.close()
                let whole = state.digest.take()!
                return (state.bytes, whole.finish().hexadecimal)
            }
        }
    }
}
