import Foundation
import Jobs
import Ledger
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// One version of a rule set as kept.
public struct RuleSetVersion: Sendable, Hashable {
    public enum State: String, Sendable {
        case draft, live, retired
    }

    public let kind: RuleKind
    public let name: String
    public let version: Int
    public let hash: String
    public let state: State
    public let actor: String
    public let createdAt: Date
    /// As it was sent.
    public let source: String
}

/// A checked rule set on its way to become a version.
public struct CheckedRuleSet: Sendable {
    public let ruleSet: RuleSet
    public let source: String
    /// What whoever saves or publishes it should know; no errors among them.
    public let warnings: [RuleFinding]
}

extension Records {
    /// Reads and checks a rule set against the tenant's fields and its other live rule sets. Stores nothing.
    public func check(_ kind: RuleKind, _ name: String, _ source: String, of tenant: TenantID) async throws -> Result<
        CheckedRuleSet, RuleFaults
    > {
        let live = try await liveRuleSets(of: tenant).map(\.ruleSet)
        // A map may say otherwise than before what its own fields are.
        let beside = live.filter { $0.kind != kind || $0.name != name }
        switch RuleSet.parse(kind: kind, name: name, source: source, catalogue: .of(beside)) {
        case .failure(let faults): return .failure(faults)
        case .success(let ruleSet):
            let findings = RuleCheck.findings(of: ruleSet, given: try await checkFacts(for: kind, live, of: tenant))
            let conflicts = ruleSet.conflicts(with: live) + findings.filter { $0.severity == .error }.map(RuleFault.init)
            guard conflicts.isEmpty else { return .failure(RuleFaults(conflicts)) }
            return .success(CheckedRuleSet(ruleSet: ruleSet, source: source, warnings: findings))
        }
    }

    /// Keeps a checked rule set as its name's next version, once per idempotency key.
    ///
    /// A name's first version is live at once, later ones are drafts. What is the same as the newest version, or as the live one, is that version.
    public func save(
        _ checked: CheckedRuleSet, of tenant: TenantID, by actor: String, reason: String? = nil, key: IdempotencyKey?,
        answer: @Sendable @escaping (_ version: RuleSetVersion, _ isNew: Bool) -> StoredAnswer
    ) async throws -> Once {
        let (kind, name) = (checked.ruleSet.kind.rawValue, checked.ruleSet.name)
        return try await releasing(tenant, orManual: checked.ruleSet.kind == .route) { transaction, release in
            try transaction.once(key) {
                // One after another: the version's number is the next one.
                _ = try transaction.query(.bumpRouting(tenant))
                let known = try transaction.query(
                    """
                    \(unescaped: RuleSetVersion.select)
                    WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind) AND name = \(name)
                        AND (state = 'live' OR version = (
                            SELECT max(version) FROM ruleset_version
                            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind) AND name = \(name)))
                    ORDER BY version DESC
                    """
                ).map(RuleSetVersion.init)
                let newest = known.first
                // What is live already would be a draft that changes nothing.
                if let same = known.first(where: { $0.hash == checked.ruleSet.hash }) { return answer(same, false) }
                let next = (newest?.version ?? 0) + 1
                // The first of a name is live at once, but where another name decides already: that is a change of what is live.
                let isFirst = try newest == nil && !transaction.isAnotherLive(checked.ruleSet.kind, name, of: tenant)
                let state: RuleSetVersion.State = isFirst ? .live : .draft
                let rows = try transaction.pipeline([
                    """
                    INSERT INTO ruleset_version (tenant_id, kind, name, version, hash, source, state, actor)
                    VALUES (\(tenant.rawValue), \(kind), \(name), \(Int32(next)), \(checked.ruleSet.hash), \(checked.source), \(state.rawValue), \(actor))
                    RETURNING \(unescaped: RuleSetVersion.columns)
                    """,
                    .audit(
                        tenant, by: actor, "ruleset.save", "\(kind)/\(name)@\(next)",
                        after: .encoding(["hash": checked.ruleSet.hash, "state": state.rawValue]), reason: reason),
                ])[0]
                let version = try RuleSetVersion(rows.first!)
                if state == .live {
                    _ = try transaction.query(.ruleChanges([(version.version, .live)], kind, name, of: tenant))
                    try transaction.noteForClocks(version, of: tenant)
                    // Held leads wait for what routes them.
                    if try version.kind.isRouting || transaction.areRulesUnreadable(of: tenant) { try release(version) }
                }
                return answer(version, true)
            }
        }
    }

    /// Makes a version the live one of its name; the one that was live is retired. Nil when there is no such version.
    /// - Throws: `RolloutFault.running` while a change of that name is being rolled out.
    public func publish(
        _ kind: RuleKind, _ name: String, version: Int, of tenant: TenantID, by actor: String, reason: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (RuleSetVersion) -> StoredAnswer
    ) async throws -> Once? {
        do {
            return try await releasing(tenant, orManual: kind == .route) { transaction, release in
                try transaction.once(key) {
                    let running = try transaction.pipeline([
                        .bumpRouting(tenant),
                        """
                        SELECT id FROM rollout
                        WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND (name = \(name) OR \(kind.isSingle))
                            AND state IN ('shadow', 'canary')
                        """,
                    ])[1]
                    if let rollout = running.first { throw RolloutFault.running(rollout: try rollout.get("id")) }
                    guard
                        let version = try transaction.makeLive(
                            kind, name, version: version, of: tenant, by: actor, action: "ruleset.publish", reason: reason)
                    else { throw NoSuchVersion() }
                    if try version.kind.isRouting || transaction.areRulesUnreadable(of: tenant) { try release(version) }
                    return answer(version)
                }
            }
        } catch is NoSuchVersion {
            return nil
        }
    }

    /// A transaction that may make a version live or take one back; calling `release` enqueues what follows from that, with a version
    /// that became live what has the tenant's held leads judged again.
    ///
    /// - Parameter orManual: also those that wait for a person: what becomes live says where leads go.
    func releasing<R: Sendable>(
        _ tenant: TenantID, orManual: Bool = false, following jobs: [NewJob] = [],
        _ body: @Sendable @escaping (PostgresTransaction, _ release: (RuleSetVersion?) throws -> Void) throws -> R
    ) async throws -> R {
        let ledger = ledger
        let now = Date()
        let release = NewJob.releaseHeld(of: tenant, orManual: orManual, for: orManual ? .rulesChanged : nil)
        let (_, statements, enqueued) = try await ledger.enqueueing([release] + jobs, at: now)
        let (result, outbox) = try await write(tenant, on: engine) { transaction in
            var outbox: Int64?
            let result = try body(transaction) { version in
                let mended: [Statement]
                if case .map(let map)? = version?.parsed(.standard)?.body {
                    mended = Statement.mapBecameLive(map, of: tenant, at: now)
                } else {
                    mended = []
                }
                // It is raised again by the next lead, if they still are.
                let readable: [Statement] = version == nil ? [] : [.resolveAll(RulesUnreadable.alert, of: tenant, at: now)]
                outbox = try transaction.pipeline(mended + readable + statements).last!.first!.get("id")
            }
            return (result, outbox)
        }
        if let outbox { ledger.announce(enqueued(outbox)) }
        return result
    }

    /// Versions of a name, the newest first.
    public func ruleSetVersions(_ kind: RuleKind, _ name: String, of tenant: TenantID, before cursor: Int64 = .max, limit: Int) async throws
        -> Page<RuleSetVersion>
    {
        let rows = try await read(
            tenant,
            """
            \(unescaped: RuleSetVersion.select)
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name = \(name) AND version < \(cursor)
            ORDER BY version DESC
            LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(RuleSetVersion.init)
        return Page(items: items, next: rows.count > limit ? items.last.map { Int64($0.version) } : nil)
    }

    public func ruleSetVersion(_ kind: RuleKind, _ name: String, version: Int, of tenant: TenantID) async throws -> RuleSetVersion? {
        guard let version = Int32(exactly: version) else { return nil }
        return try await read(
            tenant,
            """
            \(unescaped: RuleSetVersion.select)
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name = \(name) AND version = \(version)
            """
        ).first.map(RuleSetVersion.init)
    }

    /// The live rule sets of a tenant, parsed.
    public func liveRuleSets(of tenant: TenantID) async throws -> [LiveRuleSet] {
        let versions = try await read(
            tenant,
            "\(unescaped: RuleSetVersion.select) WHERE tenant_id = \(tenant.rawValue) AND kind <> 'warning_model' AND state = 'live' ORDER BY kind, name"
        ).map(RuleSetVersion.init)
        let maps = versions.filter { $0.kind == .map }.compactMap { $0.parsed(.standard) }
        let catalogue = FieldCatalogue.of(maps)
        return versions.compactMap { version in version.parsed(catalogue).map { LiveRuleSet($0, version: version.version) } }
    }
}

private struct NoSuchVersion: Error {}

/// What became live, as it is audited.
private struct LiveVersion: Encodable {
    let version: Int
    /// Other names of a kind of which one can be live.
    let insteadOf: [String]?

    enum CodingKeys: String, CodingKey {
        case version
        case insteadOf = "instead_of"
    }
}

extension PostgresTransaction {
    /// Whether a rule set of another name is live where only one of the kind can be.
    fileprivate func isAnotherLive(_ kind: RuleKind, _ name: String, of tenant: TenantID) throws -> Bool {
        guard kind.isSingle else { return false }
        return try !query(
            """
            SELECT FROM ruleset_version
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name <> \(name) AND state = 'live' LIMIT 1
            """
        ).isEmpty
    }

    /// Whether leads are held because live rules cannot be read.
    fileprivate func areRulesUnreadable(of tenant: TenantID) throws -> Bool {
        try !query(
            "SELECT FROM alert WHERE tenant_id = \(tenant.rawValue) AND code = \(RulesUnreadable.alert) AND resolved_at IS NULL LIMIT 1"
        ).isEmpty
    }

    /// Makes a version the live one of its name, and where only one of the kind can be live the only one, and tells the sellers; what was
    /// live is retired. The routing version was moved on before. Nil when there is no such version.
    func makeLive(
        _ kind: RuleKind, _ name: String, version: Int, of tenant: TenantID, by actor: String, action: String, reason: String
    ) throws -> RuleSetVersion? {
        let results = try pipeline([
            """
            SELECT version FROM ruleset_version
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name = \(name) AND state = 'live'
            """,
            """
            UPDATE ruleset_version SET state = 'retired'
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND state = 'live'
                AND (name = \(name) AND version <> \(Int32(version)) OR name <> \(name) AND \(kind.isSingle))
            RETURNING name, version, source
            """,
            """
            UPDATE ruleset_version SET state = 'live'
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name = \(name) AND version = \(Int32(version))
            RETURNING \(unescaped: RuleSetVersion.columns)
            """,
        ])
        guard let row = results[2].first else { return nil }
        let live = try RuleSetVersion(row)
        let retired = try results[1].map {
            (name: try $0.get("name", as: String.self), version: Int(try $0.get("version", as: Int32.self)))
        }
        let before = try results[0].first.map { Int(try $0.get("version", as: Int32.self)) }
        let others = retired.filter { $0.name != name }.map { "\($0.name)@\($0.version)" }
        let words = try results[1].first.map { try RuleChange.between(kind, $0.get("source"), live.source) }
        let notice = RuleNotice(live, changes: (try? words?.get()) ?? [], reason: reason)
        let names = Dictionary(grouping: retired, by: \.name).mapValues { $0.map { ($0.version, RuleSetVersion.State.retired) } }
            .merging([name: [(version, .live)]]) { $0 + $1 }
        _ = try pipeline(
            names.sorted { $0.key < $1.key }.map { .ruleChanges($0.value, kind.rawValue, $0.key, of: tenant) } + [
                .audit(
                    tenant, by: actor, action, "\(kind.rawValue)/\(name)@\(version)", before: before.map { .encoding(["version": $0]) },
                    after: .encoding(LiveVersion(version: version, insteadOf: others.isEmpty ? nil : others)), reason: reason),
                .notify(
                    "role:seller", "rules_changed", notice.subject, of: tenant, english: notice.english, chinese: notice.chinese,
                    channels: [.workApp]),
            ])
        try noteForClocks(live, of: tenant)
        return live
    }
}

/// What sellers are told when rules change: what is now, what it was, since when, why (RULE-08).
struct RuleNotice {
    /// So many changes are told one by one.
    private static let limit = 20

    let subject: String
    let english: String
    let chinese: String

    init(_ version: RuleSetVersion, changes: [RuleChange], reason: String) {
        let name = "\(version.kind.rawValue)/\(version.name)"
        subject = "\(name)@\(version.version)"
        func list(_ language: Language, _ more: (Int) -> String) -> String {
            let told = changes.prefix(Self.limit).map { "\n· \($0.text(in: language))" }.joined()
            return told + (changes.count > Self.limit ? "\n· \(more(changes.count - Self.limit))" : "")
        }
        english =
            "The rules “\(name)” are now version \(version.version), effective at once. Why: \(reason)"
            + list(.english) { "and \($0) more" }
        chinese = "规则“\(name)”已更新为第 \(version.version) 版，立即生效。原因：\(reason)" + list(.chinese) { "另有 \($0) 处变更" }
    }
}

extension Statement {
    /// Keeps which versions of a name became live or retired with the version of the routing state that was just made.
    static func ruleChanges(
        _ changes: [(version: Int, state: RuleSetVersion.State)], _ kind: String, _ name: String, of tenant: TenantID
    ) -> Statement {
        """
        INSERT INTO rule_change (tenant_id, version, kind, name, rule_version, state)
        SELECT r.tenant_id, r.version, \(kind), \(name), n.version, n.state
        FROM routing_state r, unnest(\(changes.map { Int32($0.version) }), \(changes.map(\.state.rawValue))) AS n(version, state)
        WHERE r.tenant_id = \(tenant.rawValue)
        """
    }
}

extension RuleSetVersion {
    static let columns = "kind, name, version, hash, state, actor, created_at, source"
    static let select = "SELECT \(columns) FROM ruleset_version"

    init(_ row: Row) throws {
        kind = RuleKind(rawValue: try row.get("kind"))!  // only kinds we know are stored
        name = try row.get("name")
        version = Int(try row.get("version", as: Int32.self))
        hash = try row.get("hash")
        state = State(rawValue: try row.get("state"))!  // a check in the table allows no other
        actor = try row.get("actor")
        createdAt = try row.get("created_at")
        source = try row.get("source")
    }

    /// It was checked when it was saved. What a later catalogue refuses all the same is as if it were not there.
    func parsed(_ catalogue: FieldCatalogue) -> RuleSet? {
        try? RuleSet.parse(kind: kind, name: name, source: source, catalogue: catalogue).get()
    }
}
