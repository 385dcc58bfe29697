import JSONEnvelope
import Records
import Rules
import Tenancy

extension API {
    static let ruleSetEndpoints = [
        Endpoint(.post, "/v1/rulesets/{kind}/{name}/versions", answer: saveRuleSet),
        Endpoint(.get, "/v1/rulesets/{kind}/{name}/versions", answer: listRuleSetVersions),
        Endpoint(.get, "/v1/rulesets/{kind}/{name}/versions/{version}", answer: readRuleSetVersion),
        Endpoint(.post, "/v1/rulesets/{kind}/{name}/versions/{version}/publish", .tenant(.operator), answer: publishRuleSet),
    ]
}

/// `POST /v1/rulesets/{kind}/{name}/versions`: the body is the rule set, in YAML or JSON.
@Sendable private func saveRuleSet(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/json"])
    let (kind, name) = try call.ruleSetName()
    let body = try await call.body(atMost: call.limits.ruleSetBody)
    let key = try call.idempotencyKey(over: body)
    guard let source = String(validating: body, as: UTF8.self) else {
        throw Problem(400, "bad_encoding", "The rule set is not UTF-8", detail: "Save it as UTF-8 and send it again.")
    }
    switch try await call.records.check(kind, name, source, of: call.tenant.id) {
    case .failure(let faults): throw Problem(faults)
    case .success(let checked):
        return try call.answer(
            try await call.records.save(checked, of: call.tenant.id, by: call.actor, key: key) { version, isNew in
                StoredAnswer(status: isNew ? 201 : 200, body: version.receipt)
            })
    }
}

/// `POST /v1/rulesets/{kind}/{name}/versions/{version}/publish`: makes it live at once.
///
/// For the way back to an earlier version, and where a change has no time for a rollout.
@Sendable private func publishRuleSet(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let (kind, name) = try call.ruleSetName()
    let version = try call.version()
    let body = try await call.body(atMost: call.limits.body)
    let key = try call.idempotencyKey(over: body)
    let reason = try call.object(body) { $0.string("reason", length: 1...1_000, required: true) ?? "" }
    guard let candidate = try await call.records.ruleSetVersion(kind, name, version: version, of: call.tenant.id) else {
        throw Problem.notFound
    }
    // The tenant's other rule sets may have changed since it was saved.
    if case .failure(let faults) = try await call.records.check(kind, name, candidate.source, of: call.tenant.id) { throw Problem(faults) }
    let once = try await rolloutFaults {
        try await call.records.publish(kind, name, version: version, of: call.tenant.id, by: call.actor, reason: reason, key: key) {
            StoredAnswer(status: 200, body: $0.receipt)
        }
    }
    guard let once else { throw Problem.notFound }
    return try call.answer(once)
}

/// `GET /v1/rulesets/{kind}/{name}/versions`
@Sendable private func listRuleSetVersions(_ call: Call) async throws -> Answer {
    let (kind, name) = try call.ruleSetName()
    let (cursor, limit) = try call.query { ($0.cursor(), $0.limit()) }
    let page = try await call.records.ruleSetVersions(kind, name, of: call.tenant.id, before: cursor ?? .max, limit: limit)
    // A name has a version from its first day, so one without any never was.
    guard !page.items.isEmpty || cursor != nil else { throw Problem.notFound }
    return .page(page, \.summary)
}

/// `GET /v1/rulesets/{kind}/{name}/versions/{version}`
@Sendable private func readRuleSetVersion(_ call: Call) async throws -> Answer {
    let (kind, name) = try call.ruleSetName()
    guard let version = try await call.records.ruleSetVersion(kind, name, version: try call.version(), of: call.tenant.id) else {
        throw Problem.notFound
    }
    return Answer(200, version.json)
}

extension Call {
    /// A kind that is none of ours has no rule sets.
    fileprivate func ruleSetName() throws -> (RuleKind, String) {
        guard let kind = RuleKind(rawValue: parameters[0]) else { throw Problem.notFound }
        guard let name = Slug(parameters[1]) else {
            throw Problem.invalid([
                FieldError("name", .badFormat, "must be 1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen")
            ])
        }
        return (kind, name.description)
    }

    fileprivate func version() throws -> Int { Int(try id(2)) }
}

extension Problem {
    init(_ faults: RuleFaults) {
        self = .invalid(
            faults.faults.map { fault in
                FieldError(fault.path, code: fault.code.rawValue, fault.line.map { "\(fault.message) (line \($0))" } ?? fault.message)
            })
    }
}

extension RuleSetVersion {
    /// What a caller who saved or published it is told.
    fileprivate var receipt: [UInt8] {
        JSONWriter.object { object in
            object.member("version", version)
            object.member("hash", hash)
            object.member("state", state.rawValue)
            object.member("warnings", warnings)
        }
    }

    private var warnings: [String] {
        state == .draft ? ["This version is a draft: leads are judged by the live one until an operator rolls it out or publishes it."] : []
    }

    fileprivate var summary: [UInt8] { JSONWriter.object { describe(&$0) } }

    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: source.utf8.count + 256) { object in
            describe(&object)
            object.member("source", source)
        }
    }

    private func describe(_ object: inout JSONWriter) {
        object.member("kind", kind.rawValue)
        object.member("name", name)
        object.member("version", version)
        object.member("hash", hash)
        object.member("state", state.rawValue)
        object.member("actor", actor)
        object.member("created_at", createdAt)
    }
}
