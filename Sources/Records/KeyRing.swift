import Foundation
import Synchronization
import Tenancy

/// Who is asking.
public struct Principal: Sendable, Hashable {
    public let key: Int64
    public let role: Role
    /// Nil only for a platform key that acts for nobody.
    public let tenant: Tenant?
    /// Whose key it is, by the tenant's own name: what they may do is judged by their policies. Nil: nobody's in particular.
    public let user: String?

    init(key: Int64, role: Role, tenant: Tenant?, user: String? = nil) {
        self.key = key
        self.role = role
        self.tenant = tenant
        self.user = user
    }

    /// As the audit log names them.
    public var actor: String { KeyActor(key: key, user: user).description }
}

/// A bearer as one connection remembers it, for as long as the ring would.
public struct KeyPass: Sendable {
    public let principal: Principal
    fileprivate let until: ContinuousClock.Instant
    fileprivate let life: Int
}

/// Knows keys by their hashes, and remembers them for a moment, so that a request costs no query.
///
/// A key revoked, a module switched off or a quota changed by another process is noticed within `lifetime`: what is
/// remembered is thrown away by then, and without Postgres nothing is remembered longer.
public final class KeyRing: Sendable {
    /// The longest a revoked key still works.
    public static let lifetime: Duration = .seconds(3)

    private struct Known<Value: Sendable> {
        var value: Value
        var until: ContinuousClock.Instant
    }

    private struct State {
        var bearers: [KeyHash: Known<Principal>] = [:]
        var tenants: [Slug: Known<Tenant>] = [:]
    }

    /// Grows whenever everything is forgotten.
    private let life = Atomic(0)

    private let records: Records
    private let now: @Sendable () -> ContinuousClock.Instant
    /// More keys than this are not in use at once; if they are, some are asked for again.
    private let most = 10_000
    private let state = Mutex(State())

    /// - Parameter now: monotonic time, for tests to turn.
    public init(_ records: Records, now: @Sendable @escaping () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.records = records
        self.now = now
    }

    /// Who bears this key; nil when nobody does.
    public func principal(_ key: APIKey) async throws -> Principal? {
        let hash = key.hash
        let now = now()
        if let known = state.withLock({ $0.bearers[hash] }), known.until > now { return known.value }
        guard let principal = try await records.bearer(of: hash) else {
            state.withLock { $0.bearers[hash] = nil }
            return nil
        }
        state.withLock { state in
            if state.bearers.count >= most { state.bearers = state.bearers.filter { $0.value.until > now } }
            if state.bearers.count >= most { state.bearers.removeAll() }
            state.bearers[hash] = Known(value: principal, until: now + Self.lifetime)
        }
        return principal
    }

    /// Who bears this key, if that is remembered, and for how long.
    public func pass(of key: APIKey) -> KeyPass? {
        let life = life.load(ordering: .acquiring)
        guard let known = state.withLock({ $0.bearers[key.hash] }), known.until > now() else { return nil }
        return KeyPass(principal: known.value, until: known.until, life: life)
    }

    /// Whether what a pass says would still be answered from memory.
    public func stillHolds(_ pass: KeyPass) -> Bool { pass.life == life.load(ordering: .acquiring) && pass.until > now() }

    /// A platform key acting for a tenant; nil when there is no such tenant.
    public func principal(_ platform: Principal, actingFor slug: Slug) async throws -> Principal? {
        let now = now()
        if let known = state.withLock({ $0.tenants[slug] }), known.until > now {
            return Principal(key: platform.key, role: platform.role, tenant: known.value)
        }
        guard let tenant = try await records.tenant(slug) else { return nil }
        state.withLock { state in
            if state.tenants.count >= most { state.tenants.removeAll() }
            state.tenants[slug] = Known(value: tenant, until: now + Self.lifetime)
        }
        return Principal(key: platform.key, role: platform.role, tenant: tenant)
    }

    /// Forgets everything, so that the next request sees what was changed here.
    public func forget() {
        state.withLock { $0 = State() }
        life.add(1, ordering: .releasing)
    }
}
