import JSONEnvelope
import Records
import Rules
import SalesModel
import Tenancy

extension API {
    static let ruleSetEndpoints = [
        Endpoint(.get, "/v1/rulesets", people: .never, answer: listRuleSets),
        Endpoint(.post, "/v1/rulesets/{kind}/{name}/versions", takesQuery: true, people: .never, answer: saveRuleSet),
        Endpoint(.get, "/v1/rulesets/{kind}/{name}/versions", takesQuery: true, people: .never, answer: listRuleSetVersions),
        Endpoint(.get, "/v1/rulesets/{kind}/{name}/versions/{version}", people: .never, answer: readRuleSetVersion),
        Endpoint(
            .get, "/v1/rulesets/{kind}/{name}/versions/{version}/diff", takesQuery: true, people: .never, answer: readRuleSetDifference),
        Endpoint(.post, "/v1/rulesets/{kind}/{name}/versions/{version}/publish", .tenant(.operator), answer: publishRuleSet),
    ]
}

/// `GET /v1/rulesets`
@Sendable private func listRuleSets(_ call: Call) async throws -> Answer {
    return .page(Page(items: try await call.records.ruleSetNames(of: call.tenant.id), next: nil)) { set in
        JSONWriter.object { object in
            object.member("kind", set.kind.rawValue)
            object.member("name", set.name)
            object.member("live_version", set.live)
            object.member("newest_version", set.newestVersion)
            object.member("newest_state", set.newest.rawValue)
            object.member("saved_at", set.savedAt)
            object.member("saved_by", set.savedBy)
            object.member("can_be_rolled_out", set.kind.isOfDecisions)
            object.member("rounds_passed", set.rounds.passed)
            object.member("rounds_required", set.rounds.required)
        }
    }
}

/// `POST /v1/rulesets/{kind}/{name}/versions`: the body is the rule set, in YAML or JSON. With `?dry_run=true` it is checked and not kept.
@Sendable private func saveRuleSet(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/json"])
    let (kind, name) = try call.ruleSetName()
    let (isDryRun, reason) = try call.query { ($0.explicitBool("dry_run") ?? false, $0.string("reason", length: 500)) }
    let body = try await call.body(atMost: call.limits.ruleSetBody)
    let key = try call.idempotencyKey(over: body)
    guard let source = String(validating: body, as: UTF8.self) else {
        throw Problem(400, "bad_encoding", "The rule set is not UTF-8", detail: "Save it as UTF-8 and send it again.")
    }
    switch try await call.records.check(kind, name, source, of: call.tenant.id) {
    case .failure(let faults): throw Problem(faults)
    case .success(let checked) where isDryRun:
        return Answer(
            200,
            JSONWriter.object { object in
                object.member("hash", checked.ruleSet.hash)
                object.describe(checked.warnings)
            })
    case .success(let checked):
        return try call.answer(
            try await call.records.save(checked, of: call.tenant.id, by: call.actor, reason: reason, key: key) { version, isNew in
                StoredAnswer(status: isNew ? 201 : 200, body: version.receipt(checked.warnings))
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
    let reason = try call.object(body) { $0.words("reason", length: 1...1_000, required: true) ?? "" }
    guard let candidate = try await call.records.ruleSetVersion(kind, name, version: version, of: call.tenant.id) else {
        throw Problem.notFound
    }
    try await call.requireRounds(of: candidate)
    // The tenant's other rule sets may have changed since it was saved.
    let warnings: [RuleFinding]
    switch try await call.records.check(kind, name, candidate.source, of: call.tenant.id) {
    case .failure(let faults): throw Problem(faults)
    case .success(let checked): warnings = checked.warnings
    }
    let once = try await rolloutFaults {
        try await call.records.publish(kind, name, version: version, of: call.tenant.id, by: call.actor, reason: reason, key: key) {
            StoredAnswer(status: 200, body: $0.receipt(warnings))
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

/// `GET /v1/rulesets/{kind}/{name}/versions/{version}/diff?from=`: what the version says otherwise than another, in words. Without
/// `from`, than the one before it.
@Sendable private func readRuleSetDifference(_ call: Call) async throws -> Answer {
    let (kind, name) = try call.ruleSetName()
    let to = try call.version()
    let from = try call.query { $0.integer("from", in: 1...Int(Int32.max)) ?? to - 1 }
    guard from >= 1 else {
        throw Problem.invalid([FieldError("from", .missing, "is required: version 1 has none before it")])
    }
    guard let newer = try await call.records.ruleSetVersion(kind, name, version: to, of: call.tenant.id),
        let older = try await call.records.ruleSetVersion(kind, name, version: from, of: call.tenant.id)
    else { throw Problem.notFound }
    let changes: [RuleChange]
    switch RuleChange.between(kind, older.source, newer.source) {
    case .failure(let fault): throw Problem(RuleFaults([fault]))
    case .success(let found): changes = found
    }
    return Answer(
        200,
        JSONWriter.object { object in
            object.member("from", from)
            object.member("to", to)
            object.array("changes") { list in
                for change in changes {
                    list.object { item in
                        item.member("path", change.path)
                        for language in Language.allCases { item.member(language.rawValue, change.text(in: language)) }
                    }
                }
            }
        })
}

extension Call {
    /// A kind that is none of ours has no rule sets.
    func ruleSetName() throws -> (RuleKind, String) {
        guard let kind = RuleKind(rawValue: parameters[0]) else { throw Problem.notFound }
        guard let name = Slug(parameters[1]) else {
            throw Problem.invalid([
                FieldError("name", .badFormat, "must be 1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen")
            ])
        }
        return (kind, name.description)
    }

    func version() throws -> Int { Int(try id(2)) }
}

extension Problem {
    init(_ faults: RuleFaults) {
        self = .wrong(
            faults.faults.map { fault in
                FieldError(fault.path, code: fault.code.rawValue, fault.line.map { "\(fault.message) (line \($0))" } ?? fault.message)
            })
    }
}

extension RuleSetVersion {
    /// What a caller who saved or published it is told.
    fileprivate func receipt(_ findings: [RuleFinding]) -> [UInt8] {
        JSONWriter.object { object in
            object.member("version", version)
            object.member("hash", hash)
            object.member("state", state.rawValue)
            object.describe(findings, and: draftWarning)
        }
    }

    private var draftWarning: [String] {
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

extension JSONWriter {
    /// Sentences for people under `warnings`, and the same with path and code under `findings`.
    fileprivate mutating func describe(_ findings: [RuleFinding], and others: [String] = []) {
        member("warnings", others + findings.map { $0.path.isEmpty ? $0.message : "\($0.path): \($0.message)" })
        array("findings") { list in
            for finding in findings {
                list.object { item in
                    item.member("path", finding.path)
                    item.member("code", finding.code.rawValue)
                    item.member("severity", finding.severity.rawValue)
                    item.member("message", finding.message)
                }
            }
        }
    }
}
