import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// A replay of one version of a rule set on recorded leads, before it may become live (RULE-05).
public struct SandboxRound: Sendable, Hashable {
    public enum State: String, Sendable {
        case running, passed, failed
    }

    public let id: Int64
    public let kind: String
    public let name: String
    public let version: Int
    /// Of the version's content: it counts for this and no other.
    public let hash: String
    public let window: Range<Date>
    public let job: JobID
    public let actor: String
    public let state: State
    /// Which run of the job its differences are from.
    public let run: Int64?
    public let replayed: Int?
    public let differing: Int?
    /// A JSON object.
    public let result: JSONBytes?
    public let createdAt: Date
    public let finishedAt: Date?
}

/// How many rounds a version has passed, and how many it needs.
public struct SandboxRounds: Sendable, Hashable {
    public let passed: Int
    public let required: Int

    public var isEnough: Bool { passed >= required }

    init(_ row: Row) throws {
        passed = Int(try row.get("passed", as: Int64.self))
        required = Int(try row.get("required", as: Int32.self))
    }
}

extension Records {
    /// How many rounds of this very content were passed, whatever version number it had, and how many the tenant asks for before a
    /// rollout may begin; nil when there is no such version.
    public func sandboxRounds(of kind: RuleKind, _ name: String, version: Int, of tenant: TenantID) async throws -> SandboxRounds? {
        guard let version = Int32(exactly: version) else { return nil }
        return try await read(
            tenant,
            """
            SELECT t.sandbox_rounds AS required,
                (SELECT count(*) FROM sandbox_round r
                 WHERE r.tenant_id = v.tenant_id AND r.kind = v.kind AND r.name = v.name AND r.hash = v.hash AND r.state = 'passed') AS passed
            FROM ruleset_version v JOIN tenant t ON t.id = v.tenant_id
            WHERE v.tenant_id = \(tenant.rawValue) AND v.kind = \(kind.rawValue) AND v.name = \(name) AND v.version = \(version)
            """
        ).first.map(SandboxRounds.init)
    }

    /// Begins a round with the job that replays it, once per idempotency key; nil when there is no such version.
    ///
    /// - Parameter touchWithin: what counts as a first touch in time, in seconds.
    public func beginRound(
        _ kind: RuleKind, _ name: String, version: Int, window: Range<Date>, touchWithin: Int, of tenant: TenantID, by actor: String,
        key: IdempotencyKey?, answer: @Sendable @escaping (_ round: Int64, _ job: JobID) -> StoredAnswer
    ) async throws -> Once? {
        guard let version = Int32(exactly: version) else { return nil }
        let ledger = ledger
        let job = try await ledger.reserve(1)[0]
        let now = Date()
        do {
            let (once, enqueued) = try await write(tenant, on: engine) { transaction in
                var enqueued: Enqueued?
                let once = try transaction.once(key) {
                    let row = try transaction.query(
                        """
                        INSERT INTO sandbox_round (tenant_id, kind, name, version, hash, from_at, to_at, job_id, actor)
                        SELECT tenant_id, kind, name, version, hash, \(window.lowerBound), \(window.upperBound), \(job.rawValue), \(actor)
                        FROM ruleset_version
                        WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name = \(name) AND version = \(version)
                        RETURNING id
                        """
                    ).first
                    guard let round = try row?.get("id", as: Int64.self) else { throw NoSuchVersion() }
                    _ = try transaction.query(
                        .audit(
                            tenant, by: actor, "ruleset.replay", "\(kind.rawValue)/\(name)@\(version)",
                            after: .encoding([
                                "round": String(round), "from": RFC3339.text(window.lowerBound), "to": RFC3339.text(window.upperBound),
                            ])))
                    let (statements, made) = ledger.statements(
                        enqueueing: [.replayRules(round, touchWithin: touchWithin, of: tenant)], as: [job], at: now)
                    enqueued = made(try transaction.pipeline(statements).last!.first!.get("id"))
                    return answer(round, job)
                }
                return (once, enqueued)
            }
            if let enqueued { ledger.announce(enqueued) }
            return once
        } catch is NoSuchVersion {
            return nil
        }
    }

    private struct NoSuchVersion: Error {}

    /// Rounds of a version, the newest first.
    public func rounds(
        of kind: RuleKind, _ name: String, version: Int, of tenant: TenantID, before cursor: Int64 = .max, limit: Int
    ) async throws -> Page<SandboxRound> {
        guard let version = Int32(exactly: version) else { return Page(items: [], next: nil) }
        let rows = try await read(
            tenant,
            """
            \(unescaped: SandboxRound.select)
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name = \(name) AND version = \(version) AND id < \(cursor)
            ORDER BY id DESC LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(SandboxRound.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }

    public func round(_ id: Int64, of tenant: TenantID) async throws -> SandboxRound? {
        try await read(tenant, "\(unescaped: SandboxRound.select) WHERE tenant_id = \(tenant.rawValue) AND id = \(id)").first.map(
            SandboxRound.init)
    }
}

extension NewJob {
    /// The kind of the jobs that replay rules.
    public static let replayRulesKind = "replay_rules"

    static func replayRules(_ round: Int64, touchWithin: Int, of tenant: TenantID) -> NewJob {
        NewJob(
            tenant: tenant, kind: replayRulesKind, arguments: Array(#"{"round_id":"\#(round)","touch_within_s":\#(touchWithin)}"#.utf8))
    }
}

extension SandboxRound {
    static let select = """
        SELECT id, kind, name, version, hash, from_at, to_at, job_id, actor, state, run, replayed, differing, result, created_at, finished_at
        FROM sandbox_round
        """

    init(_ row: Row) throws {
        id = try row.get("id")
        kind = try row.get("kind")
        name = try row.get("name")
        version = Int(try row.get("version", as: Int32.self))
        hash = try row.get("hash")
        window = try row.get("from_at", as: Date.self)..<row.get("to_at", as: Date.self)  // a check in the table: from comes before to
        job = JobID(try row.get("job_id"))
        actor = try row.get("actor")
        state = State(rawValue: try row.get("state"))!  // a check in the table allows no other
        run = try row.get("run")
        replayed = try row.get("replayed", as: Int64?.self).map { Int($0) }
        differing = try row.get("differing", as: Int64?.self).map { Int($0) }
        result = try row.get("result")
        createdAt = try row.get("created_at")
        finishedAt = try row.get("finished_at")
    }
}

// MARK: - How it ends

/// A round has been replayed: what it found is its result, and the differences of this run are its differences.
public struct SandboxRoundEffect: WrittenEffect {
    let round: Int64
    let run: Int64
    let isPassed: Bool
    let replayed: Int
    let differing: Int
    let result: JSONBytes

    public init(round: Int64, run: Int64, isPassed: Bool, replayed: Int, differing: Int, result: [UInt8]) {
        self.round = round
        self.run = run
        self.isPassed = isPassed
        self.replayed = replayed
        self.differing = differing
        self.result = JSONBytes(result)
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        let ended = effects.compactMap { settled in (settled.effect as? SandboxRoundEffect).map { (settled.tenant.rawValue, $0) } }
            .sorted { ($0.0, $0.1.round) < ($1.0, $1.1.round) }
        return ended.flatMap { tenant, round -> [Statement] in
            [
                """
                UPDATE sandbox_round
                SET state = \(round.isPassed ? "passed" : "failed"), run = \(round.run), replayed = \(round.replayed), differing = \(round.differing),
                    result = \(round.result), finished_at = now()
                WHERE tenant_id = \(tenant) AND id = \(round.round) AND state = 'running'
                """,
                // Of runs that were interrupted.
                "DELETE FROM replay_difference WHERE tenant_id = \(tenant) AND round_id = \(round.round) AND run <> \(round.run)",
            ]
        }
    }

    /// A round whose job was set aside or cancelled has failed.
    static func statements(for discarded: [DiscardedJob]) -> [Statement] {
        let rounds = discarded.filter { $0.kind == NewJob.replayRulesKind }
        guard !rounds.isEmpty else { return [] }
        let messages = rounds.map { job in
            JSONBytes(
                JSONWriter.object { object in
                    object.member("error", job.failure.message)
                    object.member("error_class", job.failure.errorClass.rawValue)
                })
        }
        return [
            """
            UPDATE sandbox_round r SET state = 'failed', result = n.result, finished_at = now()
            FROM unnest(\(rounds.map(\.tenant.rawValue)), \(rounds.map(\.id.rawValue)), \(messages)) AS n(tenant, job, result)
            WHERE r.tenant_id = n.tenant AND r.job_id = n.job AND r.state = 'running'
            """
        ]
    }
}
