import DispatchIndex
import JSONEnvelope
import Jobs
import Ledger
import Records

extension API {
    static let jobControlEndpoints = [
        Endpoint(.post, "/v1/jobs/{id}/cancel", answer: cancelJob),
        Endpoint(.post, "/v1/jobs/{id}/retry", answer: retryJob),
    ]
}

/// `POST /v1/jobs/{id}/cancel`
@Sendable private func cancelJob(_ call: Call) async throws -> Answer {
    let id = JobID(try call.id())
    let (reason, key) = try await call.reasonAndKey()
    let waiting = try await call.api.ledger.stillWaiting([id.rawValue]).first
    let answer = try await call.controlled {
        try await call.records.cancel(id, of: call.tenant.id, by: call.actor, reason: reason, key: key) { result in
            guard case .asked(let since) = result else { return StoredAnswer(status: 200, body: state(of: id, .cancelled)) }
            let body = JSONWriter.object { object in
                object.member("id", id.description)
                object.member("state", JobState.running.rawValue)
                object.member("cancel_requested_at", since)
            }
            return StoredAnswer(status: 202, body: body)
        }
    }
    if let waiting, waiting.tenant == call.tenant.id { await call.api.withdraw(waiting) }
    return answer
}

extension API {
    /// Takes a job that waited out of its line, lest it be counted until its turn, which behind a closed gate may be long in coming. Where
    /// Redis is away it stays, and is dropped when it is claimed.
    fileprivate func withdraw(_ job: WaitingJob) async {
        do {
            try await dispatch.withdraw(job.id, tenant: job.tenant, flow: job.flow, priority: job.priority)
            // One that was run again meanwhile may have been in its line before.
            let again = try await ledger.stillWaiting([job.id.rawValue]).map {
                Push(id: $0.id, tenant: $0.tenant, flow: $0.flow, priority: $0.priority, since: $0.enqueuedAt, due: $0.runAt)
            }
            try await dispatch.push(again)
        } catch {
            logger.info("left a cancelled job in its line", metadata: ["job": "\(job.id)", "error": "\(error)"])
        }
    }
}

/// `POST /v1/jobs/{id}/retry`
@Sendable private func retryJob(_ call: Call) async throws -> Answer {
    let id = JobID(try call.id())
    let (reason, key) = try await call.reasonAndKey()
    return try await call.controlled {
        try await call.records.retry(id, of: call.tenant.id, by: call.actor, reason: reason, key: key) { run in
            let body = JSONWriter.object { object in
                object.member("id", id.description)
                object.member("state", JobState.available.rawValue)
                object.member("run", run)
            }
            return StoredAnswer(status: 202, body: body)
        }
    }
}

private func state(of id: JobID, _ state: JobState) -> [UInt8] {
    JSONWriter.object { object in
        object.member("id", id.description)
        object.member("state", state.rawValue)
    }
}

extension Call {
    /// A body that may be missing, or name a reason.
    fileprivate func reasonAndKey() async throws -> (String?, IdempotencyKey?) {
        let body = try await body(atMost: limits.body)
        return (try reason(in: body), try idempotencyKey(over: body))
    }

    fileprivate func controlled(_ control: () async throws -> Once) async throws -> Answer {
        do { return try answer(await control()) } catch let refusal as JobRefusal { throw Problem(refusal) }
    }
}

extension Problem {
    init(_ refusal: JobRefusal) {
        switch refusal {
        case .unknown: self = .notFound
        case .ended(let state):
            self.init(409, "job_\(state.rawValue)", "The job has ended", detail: "It is \(state.rawValue); nothing was changed.")
        case .expired:
            self.init(
                409, "job_expired", "The job's arguments are gone", detail: "They were blanked when the tenant's retention was over.")
        case .running: self.init(409, "job_running", "The job is running", detail: "Cancel it, or wait for its end.")
        case .keyHeld(let holder):
            self.init(409, "unique_key_held", "Another job holds its unique key", detail: "It is job \(holder), which has not ended.")
        }
    }
}
