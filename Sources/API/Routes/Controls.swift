import DispatchIndex
import JSONEnvelope
import Jobs
import Ledger
import Records
import Tenancy

// What people turn: pauses and limits of kinds, dependencies and tenants. Each is in the ledger first, with its reason and in the
// audit log, and then in the index at once. Who maintains the index puts right what did not arrive there.

extension Call {
    /// What a control is asked: the reason it must give, and the key that lets the request be repeated. Without a tenant there is none: repeating a
    /// control changes nothing anyway.
    func wish<R>(_ read: (inout FieldReader) -> R) async throws -> (reason: String, key: IdempotencyKey?, other: R) {
        try requireMediaType(["application/json"])
        let body = try await body(atMost: limits.body)
        let key = tenantOrAll == nil ? nil : try idempotencyKey(over: body)
        let (reason, other) = try object(body) { ($0.words("reason", length: 1...500, required: true) ?? "", read(&$0)) }
        return (reason, key, other)
    }

    func wish() async throws -> (reason: String, key: IdempotencyKey?) {
        let (reason, key, _) = try await wish { _ in }
        return (reason, key)
    }

    /// The reason in a body that may be missing, of a change that programs make as well as people: they may give one.
    func reasonIfAny() async throws -> String? { try reason(in: try await body(atMost: limits.body)) }

    func reason(in body: [UInt8]) throws -> String? {
        guard !body.isEmpty else { return nil }
        try requireMediaType(["application/json"])
        return try object(body) { $0.reason() }
    }

    /// A kind of job in the path.
    func kind() throws -> String {
        guard api.kinds[parameters[0]] != nil else { throw Problem.noSuchKind(among: api.kinds.keys.sorted()) }
        return parameters[0]
    }

    /// The name of something outside in the path.
    func dependency() throws -> String {
        guard parameters[0].isDependencyName else { throw Problem.notFound }
        return parameters[0]
    }

    /// Closes a gate, or takes that away.
    func pause(_ gate: Gate, _ isPaused: Bool) async throws -> Answer {
        let (reason, key) = try await wish()
        let control = Control(
            gate: gate.name, source: .pause, limit: isPaused ? 0 : nil, action: "\(gate.noun).\(isPaused ? "pause" : "resume")",
            subject: gate.subject, reason: reason)
        return try await apply(control, to: gate) { object, reason in
            object.member("paused", isPaused)
            object.member("reason", reason)
        } key: {
            key
        }
    }

    /// Bounds what passes a gate at once, or takes that away.
    func limit(_ gate: Gate) async throws -> Answer {
        let (reason, _, limit) = try await wish { reader in
            if !reader.has("limit") { reader.fail("limit", .missing, "is required; null takes the limit away") }
            return reader.integer("limit", in: 1...1_000_000)
        }
        let control = Control(
            gate: gate.name, source: .limit, limit: limit, action: "\(gate.noun).limit", subject: gate.subject, reason: reason)
        return try await apply(control, to: gate) { object, reason in
            object.member("limit", limit)
            object.member("reason", reason)
        } key: {
            nil
        }
    }

    private func apply(
        _ control: Control, to gate: Gate, _ write: @Sendable @escaping (inout JSONWriter, String) -> Void, key: () -> IdempotencyKey?
    ) async throws -> Answer {
        let isForAll = tenantOrAll == nil
        let once = try await records.apply(control, of: tenantOrAll, by: actor, key: key()) { reason in
            StoredAnswer(
                status: 200,
                body: JSONWriter.object { object in
                    object.member(gate.noun == "queue" ? "kind" : "dependency", gate.subject)
                    object.member("scope", isForAll ? "all" : "tenant")
                    write(&object, reason)
                })
        }
        await api.tell(gate)
        return try answer(once)
    }
}

extension API {
    /// Has the index follow the ledger at once. Told once more when somebody else changed it meanwhile, so that the last to tell
    /// tells the truth.
    func tell(_ gate: Gate) async {
        await tell({ [dispatch] in try await dispatch.limit(gate, to: $0) }, while: { [ledger] in try await ledger.limit(of: gate.name) })
    }

    /// The same for what a tenant is entitled to.
    func tell(_ tenant: TenantID) async {
        let configure = { @Sendable [dispatch] (limits: TenantLimits?) in
            guard let limits else { return }
            let share = TenantShare(
                tenant: tenant, weight: limits.weight, cap: limits.cap, rate: limits.rate, burst: limits.burst, capacity: limits.capacity)
            try await dispatch.configure([share])
        }
        await tell(configure, while: { [ledger] in try await ledger.limits(of: tenant) })
    }

    private func tell<Value: Equatable & Sendable>(
        _ tell: @Sendable @escaping (Value) async throws -> Void, while read: @Sendable @escaping () async throws -> Value
    ) async {
        _ = await promptly {
            var told: Value?
            for _ in 0..<5 {
                let value = try await read()
                if value == told { return }
                try await tell(value)
                told = value
            }
        }
    }
}

extension Gate {
    /// What people call that which it is a gate of.
    fileprivate var noun: String { kind == nil ? "dependency" : "queue" }
    fileprivate var subject: String { kind ?? dependency ?? name }
}

extension FieldReader {
    /// Why something is changed, where one need not say.
    mutating func reason() -> String? { words("reason", length: 1...500) }
}
