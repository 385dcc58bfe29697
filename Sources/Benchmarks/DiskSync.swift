import Foundation

/// How long the disk under the servers takes to write for good: a commit waits for it, whatever the service does.
struct DiskSync {
    /// Milliseconds.
    let p50, p99: Double

    /// As Postgres writes its log: a page of 8 KiB and `fdatasync`, again and again at the given rate, in a file that has its size already.
    ///
    /// - Throws: `BenchmarkError.wrong` when the folder cannot be written to.
    init(in folder: String, count: Int = 1_000, perSecond: Int) async throws {
        let path = folder + "/disk-sync"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchmarkError.wrong("cannot write to \(folder): \(String(cString: strerror(errno)))") }
        defer {
            close(file)
            unlink(path)
        }
        let page = [UInt8](repeating: 1, count: 8_192)
        for n in 0..<1_024 { _ = pwrite(file, page, page.count, off_t(n * page.count)) }
        fsync(file)
        var took: [Double] = []
        for n in 0..<count {
            _ = pwrite(file, page, page.count, off_t(n % 1_024 * page.count))
            let start = ContinuousClock.now
            fdatasync(file)
            took.append((ContinuousClock.now - start) / .milliseconds(1))
            try await Task.sleep(for: .microseconds(1_000_000 / perSecond))
        }
        took.sort()
        (p50, p99) = (took[count / 2], took[count * 99 / 100])
    }
}
