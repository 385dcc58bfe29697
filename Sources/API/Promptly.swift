/// What is answered within two seconds; nil when nothing is, or it fails. For what is convenient to know and not worth waiting for.
func promptly<R: Sendable>(_ ask: @Sendable @escaping () async throws -> R) async -> R? {
    await withTaskGroup { group in
        group.addTask { try? await ask() }
        group.addTask {
            try? await Task.sleep(for: .seconds(2))
            return nil
        }
        defer { group.cancelAll() }
        return await group.next() ?? nil
    }
}
