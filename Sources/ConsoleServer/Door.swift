import Console
import Tenancy

/// What decides whether an area is for somebody.
///
/// It is asked alone where the navigation does not offer the area: a visit that is refused is refused, and written down, once, however much its
/// page asks.
struct Door: Sendable {
    /// Of the navigation.
    let area: String
    let question: String
    let needed: Role

    private init(_ area: String, _ question: String, _ needed: Role = .tenant) {
        self.area = area
        self.question = question
        self.needed = needed
    }

    /// Before the pages whose paths begin so.
    static let before = [
        "jobs": Door("jobs", "/v1/jobs?limit=1"), "dead-letters": Door("dead-letters", "/v1/dlq?limit=1"),
        "breakers": Door("breakers", "/v1/breakers"), "overdue": Door("overdue", "/v1/escalations?limit=1"),
        "forecast": Door("forecast", "/v1/forecasts?limit=1"), "process-health": Door("process-health", "/v1/predictions/quality"),
        "rules": Door("rules", "/v1/rulesets"), "rounds": Door("rules", "/v1/rulesets"),
        "rollouts": Door("rollouts", "/v1/rollouts?limit=1"),
        "permissions": Door("permissions", "/v1/access/policies", .operator), "tenants": Door("tenants", "/v1/tenants?limit=1", .platform),
    ]
}

extension Visit {
    /// Throws why the page is not for this visitor.
    func pass(_ door: Door?) async throws {
        guard let door, try await !reach().includes(door.area) || !role.includes(door.needed) else { return }
        _ = try await read(door.question)
    }
}
