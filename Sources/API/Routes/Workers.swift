import JSONEnvelope
import Ledger
import Tenancy

extension API {
    static let workerEndpoints = [
        Endpoint(.get, "/v1/workers", .platform, answer: listWorkers),
        Endpoint(.post, "/v1/workers/{id}/drain", .platform, answer: drainWorker),
    ]

    /// Running jobs the answer names.
    static let shownRunningJobs = 50

    /// Whether it is known that nobody takes what is ready.
    var isWithoutWorker: Bool {
        get async { await promptly { try await workTaken.value() } == false }
    }
}

/// `GET /v1/workers`: which processes run jobs, and what they run now.
@Sendable private func listWorkers(_ call: Call) async throws -> Answer {
    let fleet = try await call.api.fleet.value()
    return Answer(
        200,
        JSONWriter.object(capacity: 4_096) { object in
            object.array("items") { list in
                for worker in fleet.workers {
                    list.object { item in
                        item.member("id", String(worker.id))
                        item.member("host", worker.host)
                        item.member("pid", worker.pid)
                        item.member("started_at", worker.startedAt)
                        item.member("beat_at", worker.beatAt)
                        item.member("drain_asked_at", worker.drainAskedAt)
                        item.member("running", worker.running)
                        item.member("concurrency", worker.counts["concurrency"].map { Int($0) })
                        item.member("settled", worker.counts["settled"].map { Int($0) })
                        item.member("leases_lost", worker.counts["leases_lost"].map { Int($0) })
                        item.member("given_back", worker.counts["given_back"].map { Int($0) })
                    }
                }
            }
            object.member("next_cursor", String?.none)
            object.array("running") { list in
                for job in fleet.running {
                    list.object { item in
                        item.member("id", job.id.description)
                        item.member("kind", job.kind)
                        item.member("tenant", job.tenant)
                        item.member("worker", String(job.worker))
                        item.member("started_at", job.startedAt)
                    }
                }
            }
        })
}

/// `POST /v1/workers/{id}/drain`: it takes nothing new, ends what runs or gives it back, and ends.
@Sendable private func drainWorker(_ call: Call) async throws -> Answer {
    let id = try call.id()
    let (reason, _) = try await call.wish()
    guard try await call.records.drain(worker: id, reason: reason, by: call.actor) else { throw Problem.notFound }
    call.api.fleet.forget()
    call.api.workTaken.forget()
    return Answer(
        202,
        JSONWriter.object { object in
            object.member("id", String(id))
            object.member("draining", true)
        })
}

/// Worker processes and some of what they run.
struct Fleet: Sendable {
    var workers: [WorkerProcess]
    var running: [RunningJob]
}
