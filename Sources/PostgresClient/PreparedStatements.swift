/// What one connection has prepared, by text and parameter types.
struct PreparedStatements {
    struct Key: Hashable {
        let sql: String
        let types: [PostgresType]
    }

    /// Beyond this everything is forgotten, by both sides: simpler than the least recently used, and rarely needed.
    static let capacity = 512

    private var names: [Key: String] = [:]
    private var made = 0

    var isFull: Bool { names.count >= Self.capacity }

    func name(for key: Key) -> String? { names[key] }

    /// A name never used before on this connection: one that was forgotten may still exist on the server.
    mutating func add(_ key: Key) -> String {
        made += 1
        let name = "s\(made)"
        names[key] = name
        return name
    }

    mutating func forget(_ key: Key) { names[key] = nil }

    mutating func forgetAll() { names.removeAll(keepingCapacity: true) }
}
