import JSONEnvelope
import Jobs
import Records
import SalesModel
import Tenancy

extension API {
    static let jobEndpoints = [
        Endpoint(.post, "/v1/jobs", answer: enqueueJob),
        Endpoint(.post, "/v1/jobs:batch", answer: enqueueBatch),
        Endpoint(.get, "/v1/jobs", takesQuery: true, answer: listJobs),
        Endpoint(.get, "/v1/jobs/{id}", answer: readJob),
        Endpoint(.get, "/v1/batches/{id}", answer: readBatch),
    ]
}

/// `GET /v1/jobs/{id}`
@Sendable private func readJob(_ call: Call) async throws -> Answer {
    guard let (job, attempts) = try await call.records.job(JobID(try call.id()), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(200, job.json(why: try await call.whyWaiting(job), attempts: attempts))
}

/// `GET /v1/batches/{id}`
@Sendable private func readBatch(_ call: Call) async throws -> Answer {
    guard let batch = try await call.records.batch(JobID(try call.id()), of: call.tenant.id) else { throw Problem.notFound }
    let body = JSONWriter.object { object in
        object.member("id", batch.id.description)
        object.member("state", batch.finishedAt == nil ? "running" : "completed")
        object.member("total", batch.total)
        object.member("completed", batch.completed)
        object.member("discarded", batch.discarded)
        object.member("cancelled", batch.cancelled)
        object.member("completion_job_id", batch.finishedAt.map { _ in batch.id.description })
        object.member("created_at", batch.createdAt)
        object.member("finished_at", batch.finishedAt)
    }
    return Answer(200, body)
}

/// `GET /v1/jobs`
@Sendable private func listJobs(_ call: Call) async throws -> Answer {
    let (search, cursor, limit) = try call.query { query in
        var search = JobSearch()
        search.state = query.choice("state", of: JobState.self)
        search.kind = query.string("kind")
        search.uniqueKey = query.string("unique_key")
        search.lead = query.integer("lead", in: 1...Int(Int64.max)).map { LeadID(Int64($0)) }
        search.errorClass = query.choice("error_class", of: ErrorClass.self)
        (search.since, search.until) = (query.date("since"), query.date("until"))
        return (search, query.cursor(), query.limit())
    }
    let page = try await call.records.jobs(of: call.tenant.id, search, before: cursor ?? .max, limit: limit)
    return .page(page) { $0.json() }
}

/// For estimates: nobody needs more.
func wholeSeconds(_ duration: Duration) -> Int { Int((duration / .seconds(1)).rounded(.up)) }

extension Answer {
    /// A part of a list.
    ///
    /// - Parameter order: of a list that has several.
    static func page<Item>(_ page: Page<Item>, in order: String? = nil, _ json: (Item) -> [UInt8]) -> Answer {
        Answer(
            200,
            JSONWriter.object(capacity: 256 * page.items.count) { object in
                object.array("items") { list in for item in page.items { list.element(json: json(item)) } }
                object.member("next_cursor", page.next.map { QueryReader.cursorBeginning(order) + String($0) })
            })
    }
}

extension JobView {
    /// - Parameters:
    ///   - why: found out for one job; a list tells what the state alone says.
    ///   - attempts: of one job only.
    fileprivate func json(why: WhyWaiting? = nil, attempts: [JobAttempt]? = nil) -> [UInt8] {
        let why = why ?? WhyWaiting(self)
        return JSONWriter.object(capacity: 512) { object in
            object.member("id", id.description)
            object.member("kind", kind)
            object.member("state", state.rawValue)
            object.member("args", json: arguments.bytes)
            object.member("attempt", attempt)
            object.member("max_attempts", maxAttempts)
            object.member("lost", lost)
            object.member("outcome", outcome)
            if let error {
                object.object("error") { fault in
                    fault.member("class", errorClass)
                    fault.member("message", error)
                }
            } else {
                object.member("error", String?.none)
            }
            object.member("rule_version", ruleVersion)
            object.member("arm", arm)
            object.member("created_at", createdAt)
            object.member("run_at", runAt)
            object.member("started_at", startedAt)
            object.member("finished_at", finishedAt)
            object.member("queue_ms", startedAt.map { milliseconds($0.timeIntervalSince(max(enqueuedAt, runAt ?? enqueuedAt))) })
            object.member("run_ms", startedAt.flatMap { start in finishedAt.map { milliseconds($0.timeIntervalSince(start)) } })
            object.member("why_waiting", why?.text)
            object.member("waiting_code", why?.code)
            if why?.code == "deferred" { object.member("estimated_drain_seconds", why?.drainTime.map(wholeSeconds)) }
            object.member("run", run)
            object.member("cancel_requested_at", cancelRequestedAt)
            object.member("batch_id", batch?.description)
            object.member("result", json: result?.bytes)
            object.member("trace_id", trace?.traceID)
            if let progress {
                object.object("progress") { told in
                    told.member("fraction", progress.fraction)
                    told.member("note", progress.note)
                    told.member("at", progressAt)
                }
            } else {
                object.member("progress", String?.none)
            }
            guard let attempts else { return }
            object.array("attempts") { list in for attempt in attempts { list.object { attempt.write(&$0) } } }
        }
    }

    private func milliseconds(_ seconds: Double) -> Double { max(0, (seconds * 1_000_000).rounded() / 1_000) }
}

extension JobAttempt {
    fileprivate func write(_ item: inout JSONWriter) {
        item.member("run", run)
        item.member("attempt", number)
        item.member("outcome", outcome.rawValue)
        item.member("started_at", startedAt)
        item.member("ended_at", endedAt)
        item.member("error_class", errorClass)
        item.member("error", error)
        item.member("worker", worker.map(String.init))
        item.member("next_at", nextAt)
    }
}
