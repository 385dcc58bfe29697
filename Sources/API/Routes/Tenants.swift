import Foundation
import JSONEnvelope
import Records
import Rules
import Tenancy

extension API {
    static let tenantEndpoints = [
        Endpoint(.get, "/v1/tenants", .platform, takesQuery: true, answer: listTenants),
        Endpoint(.put, "/v1/tenants/{slug}", .platform, answer: putTenant),
        Endpoint(.post, "/v1/tenants/{slug}/pause", .platform) { call in try await call.pauseTenant(true) },
        Endpoint(.post, "/v1/tenants/{slug}/resume", .platform) { call in try await call.pauseTenant(false) },
    ]
}

/// `GET /v1/tenants`
@Sendable private func listTenants(_ call: Call) async throws -> Answer {
    .page(try await call.records.tenants(try call.query { TenantFilter(&$0) }), \.json)
}

extension TenantFilter {
    /// Which tenants a list is asked for, and which part of it.
    init(_ reader: inout QueryReader, limit: Int? = nil) {
        self.init(after: reader.cursor() ?? 0, limit: limit ?? reader.limit())
        prefix = reader.string("prefix", length: 63)
        slug = reader.string("slug", length: 63)
    }
}

/// `PUT /v1/tenants/{slug}`: creates it, or changes what is named and leaves the rest. With `If-None-Match: *` it only creates.
@Sendable private func putTenant(_ call: Call) async throws -> Answer {
    guard let slug = Slug(call.parameters[0]) else {
        throw Problem.invalid([
            FieldError("slug", .badFormat, "must be 1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen")
        ])
    }
    let change = try await call.object(TenantChange.init)
    defer { call.api.keys.forget() }
    let (tenant, status) = try await put(slug, change, call)
    if let pack = change.pack {
        do { try await call.records.install(pack, of: tenant.id, by: call.actor) } catch let faults as RuleFaults { throw Problem(faults) }
    }
    return Answer(status, tenant.json)
}

extension Call {
    /// Holds back everything of a tenant, or lets it go again.
    fileprivate func pauseTenant(_ isPaused: Bool) async throws -> Answer {
        guard let slug = Slug(parameters[0]) else { throw Problem.notFound }
        let (reason, _) = try await wish()
        guard let tenant = try await records.pause(slug, isPaused, reason: reason, by: actor) else { throw Problem.notFound }
        api.keys.forget()
        await api.tell(tenant.id)
        return Answer(200, tenant.json)
    }
}

extension Problem {
    fileprivate static func tenantExists(_ slug: Slug) -> Problem {
        Problem(412, "tenant_exists", "There is a tenant of that name", detail: "\(slug) was there before, and was not changed.")
    }
}

private func put(_ slug: Slug, _ change: TenantChange, _ call: Call) async throws -> (Tenant, status: Int) {
    var settings = TenantSettings()
    // Who begins with a pack begins with its care.
    if change.pack != nil { settings.sandboxRounds = RulePack.sandboxRounds }
    change.apply(to: &settings)
    if let condition = call.request.headers[.ifNoneMatch] {
        guard condition == "*" else {
            throw Problem.invalid([FieldError("If-None-Match", .badFormat, "must be *, which only creates, or be left out")])
        }
        guard let tenant = try await call.records.createTenant(slug, settings, by: call.actor, reason: change.reason) else {
            throw Problem.tenantExists(slug)
        }
        return (tenant, 201)
    }
    if let tenant = try await call.records.updateTenant(slug, by: call.actor, reason: change.reason, { change.apply(to: &$0) }) {
        await call.api.tell(tenant.id)
        return (tenant, 200)
    }
    if let tenant = try await call.records.createTenant(slug, settings, by: call.actor, reason: change.reason) { return (tenant, 201) }
    // Somebody created it between the two.
    guard let tenant = try await call.records.updateTenant(slug, by: call.actor, reason: change.reason, { change.apply(to: &$0) }) else {
        throw Problem.unexpected
    }
    await call.api.tell(tenant.id)
    return (tenant, 200)
}

/// What of a tenant's settings is to change.
private struct TenantChange: Sendable {
    private var weight: Int?
    private var cap: Int?
    /// Outer nil: leave it; inner nil: lift it.
    private var rate: Double??
    private var burst: Int??
    private var quota: Int?
    private var readyCapacity: Int?
    private var retentionDays: Int?
    private var modulesOff: Set<String>?
    private var timeZone: String?
    private var sandboxRounds: Int?
    /// Rule sets to begin with.
    private(set) var pack: RulePack?
    private(set) var reason: String?

    init(_ reader: inout FieldReader) {
        weight = reader.integer("weight", in: 1...1_000)
        cap = reader.integer("cap", in: 1...100_000)
        let hasRate = reader.has("rate")
        let rate = reader.double("rate", in: 0.001...1_000_000)
        if hasRate { self.rate = .some(rate) }
        let hasBurst = reader.has("burst")
        let burst = reader.integer("burst", in: 1...1_000_000)
        if hasBurst { self.burst = .some(burst) }
        quota = reader.integer("quota", in: 1...1_000_000_000)
        readyCapacity = reader.integer("ready_capacity", in: 1...100_000)
        retentionDays = reader.integer("retention", in: 1...3_650)
        modulesOff = Self.modules(&reader)
        timeZone = reader.string("time_zone")
        if let timeZone, TimeZone(identifier: timeZone) == nil {
            reader.fail("time_zone", .notAllowed, "must be an IANA time zone such as Asia/Shanghai")
        }
        sandboxRounds = reader.integer("sandbox_rounds", in: 0...100)
        reason = reader.reason()
        if let name = reader.string("pack") {
            pack = RulePack.named(name)
            if pack == nil { reader.fail("pack", .notAllowed, "must be one of \(RulePack.names)") }
        }
    }

    private static func modules(_ reader: inout FieldReader) -> Set<String>? {
        guard let names = reader.strings("modules_off") else { return nil }
        let known = Module.allCases.map(\.rawValue)
        for (index, name) in names.enumerated() where !known.contains(name) {
            reader.fail("modules_off[\(index)]", .notAllowed, "must be one of \(known.joined(separator: ", "))")
        }
        return Set(names)
    }

    func apply(to settings: inout TenantSettings) {
        settings.weight = weight ?? settings.weight
        settings.cap = cap ?? settings.cap
        settings.rate = rate ?? settings.rate
        settings.burst = burst ?? settings.burst
        settings.quota = quota ?? settings.quota
        settings.readyCapacity = readyCapacity ?? settings.readyCapacity
        settings.retentionDays = retentionDays ?? settings.retentionDays
        settings.modulesOff = modulesOff ?? settings.modulesOff
        settings.timeZone = timeZone ?? settings.timeZone
        settings.sandboxRounds = sandboxRounds ?? settings.sandboxRounds
    }
}

extension Tenant {
    var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("tenant_id", id.description)
            object.member("slug", slug)
            object.member("weight", settings.weight)
            object.member("cap", settings.cap)
            object.member("rate", settings.rate)
            object.member("burst", settings.burst)
            object.member("quota", settings.quota)
            object.member("ready_capacity", settings.readyCapacity)
            object.member("retention", settings.retentionDays)
            object.member("modules_off", settings.modulesOff.sorted())
            object.member("time_zone", settings.timeZone)
            object.member("sandbox_rounds", settings.sandboxRounds)
            object.member("created_at", createdAt)
            object.member("paused_at", paused?.since)
            object.member("paused_reason", paused?.reason)
        }
    }
}
