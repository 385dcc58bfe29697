import FoundationEssentials
import Testing

/// Asks again and again until the condition holds; an issue when it does not within the limit.
public func expectSoon(
    within limit: Duration = .seconds(180), sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("it did not come to be within \(limit)", sourceLocation: sourceLocation)
}

/// A folder for one test, which the servers' user can enter.
public func withScratch(_ body: (String) async throws -> Void) async throws {
    let scratch = "/tmp/kiteline-test-scratch-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    try await body(scratch)
}
