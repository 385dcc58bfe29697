import JSONEnvelope
import Records
import Tenancy

extension API {
    static let keyEndpoints = [
        Endpoint(.get, "/v1/tenants/{slug}/keys", .platform, answer: listKeys),
        Endpoint(.post, "/v1/tenants/{slug}/keys", .platform, answer: createKey),
        Endpoint(.post, "/v1/keys/{id}/revoke", .platform, answer: revokeKey),
    ]
}

/// `GET /v1/tenants/{slug}/keys`: the newest first, without their secrets.
@Sendable private func listKeys(_ call: Call) async throws -> Answer {
    return .page(Page(items: try await call.records.keys(of: try await call.namedTenant().id), next: nil)) { key in
        JSONWriter.object { object in
            object.member("id", String(key.id))
            object.member("role", key.role.rawValue)
            object.member("user", key.user)
            object.member("name", key.name)
            object.member("hint", key.hint)
            object.member("created_at", key.createdAt)
            object.member("revoked_at", key.revokedAt)
        }
    }
}

/// `POST /v1/tenants/{slug}/keys`: the answer is the only place where the key stands, so nothing keeps it for a repetition.
@Sendable private func createKey(_ call: Call) async throws -> Answer {
    let roles: [Role] = [.tenant, .operator]
    let (role, user, name, reason) = try await call.object { reader in
        let role = reader.choice("role", of: roles.map(\.rawValue), required: true).flatMap(Role.init)
        let user = reader.string("user")
        if user != nil, role == .operator {
            reader.fail("user", .notAllowed, "is for a tenant's key: an operator's is nobody's in particular")
        }
        let name = reader.string("name", length: 1...100)
        if let name, !APIKey.isName(name) { reader.fail("name", .badFormat, "must say something, on one line") }
        return (role, user, name, reader.reason())
    }
    guard let role else { throw Problem.unexpected }  // the reader refuses a body without
    let tenant = try await call.namedTenant().id
    if let user, try await !call.records.isPerson(user, of: tenant) {
        throw Problem.invalid([
            FieldError("user", .notFound, "is no seller and leads no team of this tenant: tell of them first (PUT /v1/sellers/{ext})")
        ])
    }
    let (key, id) = try await call.records.createKey(role, for: tenant, user: user, name: name, by: call.actor, reason: reason)
    return Answer(
        201,
        JSONWriter.object { object in
            object.member("id", String(id))
            object.member("role", role.rawValue)
            object.member("user", user)
            object.member("name", name)
            object.member("key", key.secret)
        })
}

/// `POST /v1/keys/{id}/revoke`: at once here, within seconds elsewhere; sessions of the console end with it.
@Sendable private func revokeKey(_ call: Call) async throws -> Answer {
    let id = try call.id()
    let reason = try await call.reasonIfAny()
    guard try await call.records.revokeKey(id, by: call.actor, reason: reason) else { throw Problem.notFound }
    call.api.keys.forget()
    return Answer(200, JSONWriter.object { $0.member("id", String(id)) })
}

extension Call {
    /// The tenant in the path.
    fileprivate func namedTenant() async throws -> Tenant {
        guard let slug = Slug(parameters[0]), let tenant = try await records.tenant(slug) else { throw Problem.notFound }
        return tenant
    }
}
