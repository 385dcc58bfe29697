import Foundation
import PostgresClient
import Rollouts
import Rules
import SalesModel
import Tenancy

/// A rollout as kept.
public struct RolloutRecord: Sendable {
    public let id: Int64
    public let kind: RolloutKind
    public let name: String
    public let version: Int
    /// Nil: none was live, of a model only.
    public let stableVersion: Int?
    public let state: RolloutState.Name
    public let terms: RolloutTerms
    /// The tenant's last leads before it began.
    public let before: RunningRollout.Tally
    /// Leads the candidate was tried on in the shadow, those decided otherwise, and those it failed.
    public let shadow: (leads: Int, different: Int, failures: Int)
    public let startedBy: String
    public let startedAt: Date
    public let endedAt: Date?
    public let endReason: String?
    public let stages: [RunningRollout.Stage]

    var lineage: String { "\(kind.rawValue)/\(name)" }
    public var percent: Percent { stages.last?.percent ?? .none }
    public var isRunning: Bool { state == .shadow || state == .canary }

    /// Where the version stands, for the machine of states.
    var standing: Rollout { Rollout(lineage: lineage, version: version, state: RolloutState(state, percent: percent)) }

    /// As whoever decides needs it.
    func running(of tenant: TenantID, judge: RolloutJudge? = nil) -> RunningRollout {
        RunningRollout(
            id: id, tenant: tenant.rawValue, lineage: lineage, candidate: version, stable: stableVersion ?? 0, judge: judge ?? self.judge,
            firstTouchWithin: terms.firstTouchWithin, stages: stages)
    }

    var judge: RolloutJudge {
        RolloutJudge(terms.plan(before: Counts(good: before.n - before.failures, bad: before.failures), isAlone: stableVersion == nil))
    }

    /// What whoever lets it out should know of its guards.
    public var warnings: [String] { judge.warnings }

    /// What its guards say now, or said when it ended.
    public func verdict(of tenant: TenantID) -> Verdict { running(of: tenant).verdict }
}

/// A step in a rollout's life.
public struct RolloutEvent: Sendable, Hashable {
    public let at: Date
    public let actor: String
    public let action: String
    public let percent: Percent
    /// Nil: none was given with the start.
    public let reason: String?
}

/// A lead that the other version would have decided otherwise.
public struct RolloutDifference: Sendable, Hashable {
    public let lead: LeadID
    public let at: Date
    /// Whose version decided; nil: the live one, and the other only looked on.
    public let arm: Arm?
    public let decided: String
    public let otherwise: String
    /// Where the lead is now, as the two are written: its state, and with whom or in which pool.
    public let now: String

    init(_ row: Row) throws {
        lead = LeadID(try row.get("lead_id"))
        at = try row.get("at")
        arm = try row.get("arm", as: String?.self).flatMap(Arm.init(rawValue:))
        decided = try row.get("decided")
        otherwise = try row.get("otherwise")
        now = try row.get("now")
    }

    /// The newest.
    static func some(of rollout: Int64, _ tenant: TenantID) -> Statement {
        """
        SELECT d.lead_id, d.at, c.arm, d.decided, d.otherwise, concat_ws(' ', l.state, COALESCE(s.external_id, l.pool)) AS now
        FROM rollout_difference d
            JOIN lead l ON l.tenant_id = d.tenant_id AND l.id = d.lead_id
            LEFT JOIN seller s ON s.tenant_id = l.tenant_id AND s.id = l.owner_id
            LEFT JOIN rollout_case c
                ON c.tenant_id = d.tenant_id AND c.rollout_id = d.rollout_id AND c.lead_id = d.lead_id AND c.epoch = d.epoch
        WHERE d.tenant_id = \(tenant.rawValue) AND d.rollout_id = \(rollout) ORDER BY d.at DESC LIMIT 50
        """
    }
}

/// What became of the leads that a change put elsewhere before it was taken back.
public struct TakenBackLeads: Sendable, Hashable {
    /// So many it had put elsewhere than the other version would have.
    public let elsewhere: Int
    /// Decided again since.
    public let again: Int
    /// Still with whom they were given to, who had touched them.
    public let touched: Int
    /// Still there and to be decided again.
    public let waiting: Int

    init(_ row: Row) throws {
        func count(_ name: String) throws -> Int { Int(try row.get(name, as: Int64.self)) }
        (elsewhere, again, touched, waiting) = (try count("elsewhere"), try count("again"), try count("touched"), try count("waiting"))
    }

    /// Of one that was not taken back, and of one that put none elsewhere, nothing is counted.
    static func count(of rollout: Int64, _ tenant: TenantID) -> Statement {
        """
        SELECT count(*) AS elsewhere, count(*) FILTER (WHERE l.assignment_epoch > c.epoch) AS again,
            count(*) FILTER (WHERE l.assignment_epoch = c.epoch AND l.owner_id IS NOT NULL AND l.touched_at IS NOT NULL) AS touched,
            count(*) FILTER (WHERE l.assignment_epoch = c.epoch AND (l.owner_id IS NULL OR l.touched_at IS NULL)
                AND l.state IN ('assigned', 'pooled', 'with_marketing', 'manual_queue')) AS waiting
        FROM (
            SELECT DISTINCT ON (lead_id) lead_id, epoch FROM rollout_case
            WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(rollout) AND arm = 'canary' AND elsewhere
                AND EXISTS (SELECT FROM rollout WHERE tenant_id = \(tenant.rawValue) AND id = \(rollout) AND state = 'aborted')
            ORDER BY lead_id, epoch DESC) c
            JOIN lead l ON l.tenant_id = \(tenant.rawValue) AND l.id = c.lead_id
        """
    }
}

// MARK: - Rows

extension Statement {
    /// Rollouts, the newest first, and their stages: two statements, for `RolloutRecord.records(_:_:)`.
    /// - Parameter condition: over the alias `r`; pasted, so made of our own words and numbers.
    static func rollouts(of tenant: TenantID, where condition: String, limit: Int = 1_000) -> [Statement] {
        [
            """
            SELECT r.id, r.kind, r.name, r.version, r.stable_version, r.state, r.plan, r.before_n, r.before_failures, r.shadow_n,
                r.shadow_different, r.shadow_failures, r.started_by, r.started_at, r.ended_at, r.end_reason
            FROM rollout r WHERE r.tenant_id = \(tenant.rawValue) AND \(unescaped: condition)
            ORDER BY r.id DESC LIMIT \(limit)
            """,
            """
            SELECT s.rollout_id, s.number, s.percent, s.stable_exposed, s.canary_exposed, s.stable_n, s.stable_failures, s.canary_n,
                s.canary_failures, s.canary_only, s.canary_asked, s.canary_joined, s.stable_due, s.stable_late, s.canary_due, s.canary_late
            FROM rollout_stage s
            WHERE s.tenant_id = \(tenant.rawValue) AND s.rollout_id IN
                (SELECT r.id FROM rollout r WHERE r.tenant_id = \(tenant.rawValue) AND \(unescaped: condition) ORDER BY r.id DESC LIMIT \(limit))
            ORDER BY s.rollout_id, s.number
            """,
        ]
    }
}

extension RolloutRecord {
    static func records(_ rollouts: Rows, _ stages: Rows) throws -> [RolloutRecord] {
        var byRollout: [Int64: [RunningRollout.Stage]] = [:]
        for row in stages { byRollout[try row.get("rollout_id"), default: []].append(try RunningRollout.Stage(row)) }
        return try rollouts.map { row in try RolloutRecord(row, stages: byRollout[try row.get("id")] ?? []) }
    }

    private init(_ row: Row, stages: [RunningRollout.Stage]) throws {
        func count(_ name: String) throws -> Int { Int(try row.get(name, as: Int64.self)) }
        id = try row.get("id")
        kind = RolloutKind(rawValue: try row.get("kind"))!  // only kinds we know are stored
        name = try row.get("name")
        version = Int(try row.get("version", as: Int32.self))
        stableVersion = try row.get("stable_version", as: Int32?.self).map { Int($0) }
        state = RolloutState.Name(rawValue: try row.get("state"))!  // a check in the table allows no other
        terms = try JSONDecoder().decode(RolloutTerms.self, from: Data(try row.get("plan", as: JSONBytes.self).bytes))
        before = RunningRollout.Tally(
            n: Int(try row.get("before_n", as: Int32.self)), failures: Int(try row.get("before_failures", as: Int32.self)))
        shadow = (try count("shadow_n"), try count("shadow_different"), try count("shadow_failures"))
        startedBy = try row.get("started_by")
        startedAt = try row.get("started_at")
        endedAt = try row.get("ended_at")
        endReason = try row.get("end_reason")
        self.stages = stages
    }
}

extension RunningRollout.Stage {
    fileprivate init(_ row: Row) throws {
        func count(_ name: String) throws -> Int { Int(try row.get(name, as: Int64.self)) }
        self.init(
            number: Int(try row.get("number", as: Int32.self)),
            percent: Percent(hundredths: Int(try row.get("percent", as: Int32.self)))!)  // a check in the table allows no other
        stableExposed = try count("stable_exposed")
        canaryExposed = try count("canary_exposed")
        stable = .init(n: try count("stable_n"), failures: try count("stable_failures"))
        canary = .init(n: try count("canary_n"), failures: try count("canary_failures"))
        canaryOnly = try count("canary_only")
        canaryAsked = try count("canary_asked")
        canaryJoined = try count("canary_joined")
        stableTouches = .init(n: try count("stable_due"), failures: try count("stable_late"))
        canaryTouches = .init(n: try count("canary_due"), failures: try count("canary_late"))
    }
}

extension RolloutEvent {
    init(_ row: Row) throws {
        at = try row.get("at")
        actor = try row.get("actor")
        action = try row.get("action")
        percent = Percent(hundredths: Int(try row.get("percent", as: Int32.self))) ?? .none
        reason = try row.get("reason")
    }
}
