import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// Why a control was not applied to a job.
public enum JobRefusal: Error, Sendable, Equatable {
    /// There is no such job of this tenant.
    case unknown
    /// It has ended like this, for good.
    case ended(JobState)
    /// What it was asked to do has been blanked: its tenant's retention is over.
    case expired
    /// It runs at this moment.
    case running
    /// Another job holds its unique key.
    case keyHeld(by: JobID)
}

extension Records {
    /// Cancels a job at once if it waits; if it runs, asks its worker to stop it. What is changed is written down.
    public func cancel(
        _ job: JobID, of tenant: TenantID, by actor: String, reason: String?, key: IdempotencyKey?,
        answer: @Sendable @escaping (Cancellation) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant, on: engine) { [ledger] transaction in
            try transaction.once(key) {
                let before = try transaction.state(of: job)
                let result = try ledger.cancel(job, of: tenant, reason: reason ?? "cancelled on request", in: transaction)
                switch result {
                case .unknown: throw JobRefusal.unknown
                case .wasOver(.completed): throw JobRefusal.ended(.completed)
                case .wasOver(.discarded): throw JobRefusal.ended(.discarded)
                case .wasOver(.cancelled): return answer(result)  // what was wished is so
                case .ended, .asked: break
                }
                let after = result == .ended ? JobState.cancelled.rawValue : "asked to stop"
                _ = try transaction.query(
                    .audit(
                        tenant, by: actor, "job.cancel", job.description, before: before.map { .encoding(["state": $0]) },
                        after: .encoding(["state": after]), reason: reason))
                return answer(result)
            }
        }
    }

    /// Gives a job that was set aside or cancelled another run; makes one that waits due now.
    public func retry(
        _ job: JobID, of tenant: TenantID, by actor: String, reason: String?, key: IdempotencyKey?,
        answer: @Sendable @escaping (_ run: Int) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                let before = try transaction.state(of: job)
                let run =
                    switch try transaction.retry(job, of: tenant) {
                    case .waiting(let run): run
                    case .running: throw JobRefusal.running
                    case .completed: throw JobRefusal.ended(.completed)
                    case .expired: throw JobRefusal.expired
                    case .keyHeld(let holder): throw JobRefusal.keyHeld(by: holder)
                    case .unknown: throw JobRefusal.unknown
                    }
                _ = try transaction.query(
                    .audit(
                        tenant, by: actor, "job.retry", job.description, before: before.map { .encoding(["state": $0]) },
                        after: .encoding(["state": "available", "run": "\(run)"]), reason: reason))
                return answer(run)
            }
        }
    }
}

extension PostgresTransaction {
    /// A job's state now, for the audit log; nil when there is no such job.
    fileprivate func state(of job: JobID) throws -> String? {
        try query(
            """
            SELECT state::text FROM job_live WHERE id = \(job.rawValue)
            UNION ALL (SELECT state::text FROM job_history WHERE id = \(job.rawValue) ORDER BY run DESC LIMIT 1)
            """
        ).first?.get("state")
    }
}
