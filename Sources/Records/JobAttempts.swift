import Foundation
import JSONEnvelope
import Jobs
import PostgresClient
import Tenancy

/// One attempt of a job, as its tenant sees it.
public struct JobAttempt: Sendable, Hashable {
    /// How an attempt ended, if it did.
    public enum Outcome: String, Sendable, CaseIterable {
        case running, completed, failed
        /// Failed for what was not its fault, and not charged: throttled, or its dependency was away.
        case putBack = "put_back"
        /// Its process died while running it.
        case lost
        case cancelled
    }

    /// Which run of the job it belongs to.
    public let run: Int
    /// Its number, as the job counts them: one that is not charged has its number again.
    public let number: Int
    public let outcome: Outcome
    public let startedAt: Date?
    public let endedAt: Date?
    public let errorClass: String?
    /// At most 300 characters.
    public let error: String?
    /// The process it ran in; not known of the last of a run that has ended.
    public let worker: Int64?
    /// When it was to be tried again.
    public let nextAt: Date?
}

/// What the ledger keeps of a run of a job, live or ended.
struct RunRecord {
    var run: Int
    /// A job's or a job end's state.
    var state: String
    var attempt: Int
    /// Of the attempts before the last, as `note_attempt` writes them.
    var kept: JSONBytes?
    var startedAt: Date?
    var finishedAt: Date?
    var errorClass: String?
    var error: String?
    var worker: Int64?

    /// The oldest first. The last attempt is told by the row itself, unless it failed and was put back: then it is among those kept.
    var attempts: [JobAttempt] {
        let before = (kept.flatMap { try? JSONEnvelope($0.bytes, levels: 2).root.elements } ?? []).compactMap { attempt($0) }
        return before + [last(after: before.last)].compactMap(\.self)
    }

    private func attempt(_ node: JSONNode) -> JobAttempt? {
        guard let outcome = node["o"]?.string.flatMap(JobAttempt.Outcome.init) else { return nil }
        func date(_ name: String) -> Date? { node[name]?.integer.map { Date(timeIntervalSince1970: Double($0) / 1_000) } }
        return JobAttempt(
            run: run, number: Int(node["n"]?.integer ?? 0), outcome: outcome, startedAt: date("s"), endedAt: date("e"),
            errorClass: node["c"]?.string, error: node["m"]?.string, worker: node["w"]?.integer, nextAt: date("x"))
    }

    private func last(after before: JobAttempt?) -> JobAttempt? {
        let outcome: JobAttempt.Outcome? =
            switch state {
            case "running": .running
            case "completed": .completed
            case "cancelled": .cancelled
            case "discarded": .failed
            default: nil  // it waits
            }
        guard let outcome, attempt > 0, let startedAt else { return nil }
        // A job that ended while it waited: its last attempt is told already.
        if let told = before?.startedAt, abs(told.timeIntervalSince(startedAt)) < 0.002 { return nil }
        return JobAttempt(
            run: run, number: attempt, outcome: outcome, startedAt: startedAt, endedAt: finishedAt,
            errorClass: outcome == .completed ? nil : errorClass, error: outcome == .completed ? nil : error.map { String($0.prefix(300)) },
            worker: worker, nextAt: nil)
    }
}

extension RunRecord {
    init(_ row: Row) throws {
        self.init(
            run: Int(try row.get("run", as: Int32.self)), state: try row.get("state"), attempt: Int(try row.get("attempt", as: Int32.self)),
            kept: try row.get("attempts"), startedAt: try row.get("started_at"), finishedAt: try row.get("finished_at"),
            errorClass: try row.get("error_class"), error: try row.get("error"), worker: try row.get("worker_id"))
    }
}

extension Statement {
    /// The last five runs of a job, the oldest first.
    static func runs(of job: JobID, _ tenant: TenantID) -> Statement {
        """
        SELECT * FROM (
            SELECT run, state::text, attempt, attempts, started_at, finished_at, error_class, error, NULL::bigint AS worker_id FROM job_history
            WHERE tenant_id = \(tenant.rawValue) AND id = \(job.rawValue)
            UNION ALL
            SELECT run, state::text, attempt, attempts, started_at, NULL, NULL, NULL, worker_id FROM job_live
            WHERE tenant_id = \(tenant.rawValue) AND id = \(job.rawValue)
            ORDER BY run DESC LIMIT 5) r
        ORDER BY run
        """
    }
}
