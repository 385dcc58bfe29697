import Foundation
import JSONEnvelope
import Jobs
import Ledger
import Records
import Tenancy

// The busiest way into Kiteline, so it is lean: the body is split, not decoded; the arguments are checked where they lie
// and go to the ledger as the bytes they came in; the answer is put together by hand.

/// `POST /v1/jobs`
@Sendable func enqueueJob(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.body)
    let key = try call.idempotencyKey(over: body)
    var reading = NewJobReading(call.api, tenant: call.tenant, now: Date())
    let job = reading.job(try call.json(body).root, path: "")
    guard let job, reading.errors.isEmpty else { throw reading.problem }
    try await call.api.quotas.admit([job.kind: 1], of: call.tenant)
    let state = reading.state(of: job)
    let deferral = call.api.deferral(of: CollectionOfOne(job))
    return try await call.enqueue([job], key) { placed in (202, jobAnswer(placed[0], kind: job.kind, state: state, deferral: deferral)) }
}

/// `POST /v1/jobs:batch`
@Sendable func enqueueBatch(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.batchBody)
    let key = try call.idempotencyKey(over: body)
    var reader = FieldReader(try call.json(body, levels: 4).root)
    let list = reader.array("jobs", count: 1...call.limits.jobsPerBatch, required: true)
    let completionNode = reader.object("completion")
    var errors = reader.finish()

    let now = Date()
    var reading = NewJobReading(call.api, tenant: call.tenant, now: now)
    let completion = completionNode.flatMap { reading.completion($0) }
    var jobs: [NewJob] = []
    for (index, node) in (list?.elements ?? []).enumerated() {
        guard let job = reading.job(node, path: "jobs[\(index)]") else { continue }
        jobs.append(job)
        if completionNode != nil, job.uniqueKey != nil {
            errors.append(FieldError("jobs[\(index)].unique_key", .notAllowed, "is not for jobs of a batch with a completion"))
        }
    }
    errors += reading.errors
    guard errors.isEmpty else { throw Problem.invalid(errors) }
    try await call.api.quotas.admit(jobs.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 }, of: call.tenant)
    let deferral = call.api.deferral(of: jobs)
    if let completion {
        let once = try await call.enqueuing { trace in
            try await call.records.enqueue(
                jobs.traced(by: trace), completion: completion.traced(by: trace), of: call.tenant.id, key: key, now: now
            ) { batch, members in
                let body = JSONWriter.object(capacity: 64 + members.count * 12) { object in
                    object.member("batch_id", batch.description)
                    object.member("ids", members.map(\.description))
                    deferral?.write(to: &object)
                }
                return StoredAnswer(status: 202, body: body)
            }
        }
        return try call.answer(once)
    }
    return try await call.enqueue(jobs, key) { placed in
        let existing = Set(placed.filter { $0.standing != nil }.map(\.id)).sorted().map(\.description)
        let body = JSONWriter.object(capacity: 64 + placed.count * 12) { object in
            object.member("ids", placed.map(\.id.description))
            if !existing.isEmpty { object.member("existing", existing) }
            if placed.contains(where: { $0.standing == nil }) { deferral?.write(to: &object) }
        }
        return (202, body)
    }
}

extension Call {
    fileprivate func enqueue(
        _ jobs: [NewJob], _ key: IdempotencyKey?, answer: @Sendable @escaping ([PlacedJob]) -> (status: Int, body: [UInt8])
    ) async throws -> Answer {
        switch try await enqueuing({ try await api.ledger.enqueue(jobs.traced(by: $0), key: key, answer: answer) }) {
        case .fresh(_, let status, let body): return Answer(status, body)
        case .replayed(let status, let body):
            var answer = Answer(status, body)
            answer.isReplayed = true
            return answer
        case .keyReused: throw Problem.keyReused
        }
    }
}

extension NewJob {
    fileprivate func traced(by context: String?) -> NewJob {
        guard let context else { return self }
        var job = self
        job.traceContext = context
        return job
    }
}

extension [NewJob] {
    fileprivate func traced(by context: String?) -> [NewJob] { context == nil ? self : map { $0.traced(by: context) } }
}

/// Reads jobs out of a body and collects what is wrong with all of them.
struct NewJobReading {
    private(set) var errors: [FieldError] = []
    private var moduleOff: String?
    private let api: API
    let tenant: Tenant
    private let now: Date

    init(_ api: API, tenant: Tenant, now: Date) {
        self.api = api
        self.tenant = tenant
        self.now = now
    }

    /// What the caller is told when something was wrong.
    var problem: Problem {
        if let moduleOff, errors.count == 1 { return .moduleOff(moduleOff) }
        return .invalid(errors)
    }

    func state(of job: NewJob) -> String { job.runAt.map { $0 > now } == true ? "scheduled" : "available" }

    mutating func job(_ node: JSONNode, path: String) -> NewJob? {
        var reader = FieldReader(node, path: path)
        let runAt = reader.date("run_at")
        let uniqueKey = reader.string("unique_key", length: 1...200)
        if let runAt, runAt > now.addingTimeInterval(3_660 * 86_400) { reader.fail("run_at", .outOfRange, "is more than ten years ahead") }
        var job = plainJob(&reader)
        job?.runAt = runAt
        job?.uniqueKey = uniqueKey
        let faults = reader.finish()
        guard faults.isEmpty, let job else {
            errors += faults
            return nil
        }
        return job
    }

    /// The job that follows a batch.
    mutating func completion(_ node: JSONNode) -> NewJob? {
        var reader = FieldReader(node, path: "completion")
        let job = plainJob(&reader)
        errors += reader.finish()
        return job
    }

    /// What every job has, whoever enqueues it: kind, arguments, priority, attempts. Faults are the reader's.
    mutating func plainJob(_ reader: inout FieldReader) -> NewJob? {
        let name = reader.string("kind", length: 1...100, required: true)
        let arguments = reader.object("args", members: 64)
        let priority = reader.integer("priority", in: 0...9) ?? 5
        let maxAttempts = reader.integer("max_attempts", in: 1...100)
        let kind = name.flatMap { self.kind($0, &reader) }
        if let kind, reader.tells("args") == (arguments != nil) {
            reader.add(kind.faults(in: arguments, path: reader.path(to: "args"), maxBytes: api.limits.arguments))
        }
        guard let kind else { return nil }
        return NewJob(
            tenant: tenant.id, kind: kind.name, arguments: arguments.map { Array($0.bytes) } ?? Array("{}".utf8), priority: priority,
            maxAttempts: maxAttempts ?? kind.maxAttempts, dependency: dependency(of: arguments))
    }

    private mutating func kind(_ name: String, _ reader: inout FieldReader) -> JobKind? {
        guard let kind = api.kinds[name] else {
            reader.fail(
                "kind", .unknownKind, "is none of \(api.kinds.values.filter(\.isPublic).map(\.name).sorted().joined(separator: ", "))")
            return nil
        }
        guard kind.isPublic else {
            reader.fail("kind", .notAllowed, "jobs of this kind are made by Kiteline itself")
            return nil
        }
        if let module = kind.module, tenant.settings.modulesOff.contains(module) {
            moduleOff = module
            reader.fail("kind", .moduleOff, "belongs to the module \(module), which is switched off")
            return nil
        }
        return kind
    }

    /// What the job depends on outside, by its own word: part of its flow.
    private func dependency(of arguments: JSONNode?) -> String? { arguments?["dependency"]?.string }
}
