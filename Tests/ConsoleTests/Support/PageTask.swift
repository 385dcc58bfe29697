/// What somebody comes to a page for.
struct PageTask: Sendable {
    let name: String
    let does: @Sendable (Person, Furnishing) async throws -> Void

    init(_ name: String, _ does: @Sendable @escaping (Person, Furnishing) async throws -> Void) {
        self.name = name
        self.does = does
    }
}
