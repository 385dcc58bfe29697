import Rules
import Tenancy

extension RulePack {
    /// How many rounds in the sandbox a tenant that begins with a pack asks of a version before it may become live (RULE-05).
    public static let sandboxRounds = 3
}

extension Records {
    /// Under which name a pack's rule sets are kept.
    public static let packName = "default"

    /// Gives a tenant the rule sets to begin with that it has none of, live at once. What it has stays as it is, so this may be repeated.
    ///
    /// - Throws: `RuleFaults` when one does not go together with the tenant's other rule sets.
    public func install(_ pack: RulePack, of tenant: TenantID, by actor: String) async throws {
        for (kind, source) in pack.ordered {
            let known = try await ruleSetVersions(kind, Self.packName, of: tenant, limit: 1)
            guard known.items.isEmpty else { continue }
            let checked = try await check(kind, Self.packName, source, of: tenant).get()
            _ = try await save(checked, of: tenant, by: actor, key: nil) { _, _ in StoredAnswer(status: 201, body: []) }
        }
    }
}
