import Foundation
import JSONEnvelope
import JobKinds
import Jobs
import Records
import Tenancy

extension API {
    static let sandboxEndpoints = [
        Endpoint(.post, "/v1/rulesets/{kind}/{name}/versions/{version}/replay", people: .never, answer: replayRuleSet),
        Endpoint(.get, "/v1/rulesets/{kind}/{name}/versions/{version}/rounds", takesQuery: true, people: .never, answer: listRounds),
        Endpoint(.get, "/v1/rounds/{id}", people: .never, answer: readRound),
        Endpoint(.get, "/v1/rounds/{id}/differences", takesQuery: true, people: .never, answer: listDifferences),
    ]
}

/// `POST /v1/rulesets/{kind}/{name}/versions/{version}/replay`: begins a round on the leads decided in a span of time.
@Sendable private func replayRuleSet(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let (kind, name) = try call.ruleSetName()
    let version = try call.version()
    let body = try await call.body(atMost: call.limits.body)
    let key = try call.idempotencyKey(over: body)
    let (window, touchWithin) = try call.object(body) { reader in
        (reader.window(upTo: Date()), reader.integer("touch_within_s", in: 1...31_536_000))
    }
    guard let window else { throw Problem.unexpected }
    let once = try await call.records.beginRound(
        kind, name, version: version, window: window, touchWithin: touchWithin ?? ReplayRules.touchWithin, of: call.tenant.id,
        by: call.actor,
        key: key
    ) { round, job in
        StoredAnswer(
            status: 202,
            body: JSONWriter.object { object in
                object.member("job_id", job.description)
                object.member("round_id", "\(round)")
            })
    }
    guard let once else { throw Problem.notFound }
    return try call.answer(once)
}

/// `GET /v1/rulesets/{kind}/{name}/versions/{version}/rounds`
@Sendable private func listRounds(_ call: Call) async throws -> Answer {
    let (kind, name) = try call.ruleSetName()
    let version = try call.version()
    let (cursor, limit) = try call.query { ($0.cursor(), $0.limit()) }
    guard let rounds = try await call.records.sandboxRounds(of: kind, name, version: version, of: call.tenant.id) else {
        throw Problem.notFound
    }
    let page = try await call.records.rounds(of: kind, name, version: version, of: call.tenant.id, before: cursor ?? .max, limit: limit)
    return Answer(
        200,
        JSONWriter.object(capacity: 1_024) { object in
            object.member("passed", rounds.passed)
            object.member("required", rounds.required)
            object.array("items") { list in for round in page.items { list.object { round.describe(&$0) } } }
            object.member("next_cursor", page.next.map(String.init))
        })
}

/// `GET /v1/rounds/{id}`
@Sendable private func readRound(_ call: Call) async throws -> Answer {
    let round = try await call.round()
    return Answer(
        200,
        JSONWriter.object(capacity: 8_192) { object in
            round.describe(&object)
            object.member("result", json: round.result?.bytes)
        })
}

/// `GET /v1/rounds/{id}/differences`
@Sendable private func listDifferences(_ call: Call) async throws -> Answer {
    let (cursor, limit) = try call.query { ($0.cursor(), $0.limit()) }
    let page = try await call.records.differences(of: try await call.round(), of: call.tenant.id, after: cursor ?? 0, limit: limit)
    return .page(page, \.json)
}

extension Call {
    /// Refuses a draft that has not passed as many rounds as its tenant asks for. What was live before may be live again.
    func requireRounds(of version: RuleSetVersion) async throws {
        guard version.state == .draft,
            let rounds = try await records.sandboxRounds(of: version.kind, version.name, version: version.version, of: tenant.id),
            !rounds.isEnough
        else { return }
        throw Problem.roundsMissing(rounds)
    }
}

extension Problem {
    /// A version may not become live before it has passed as many rounds as its tenant asks for (RULE-05).
    static func roundsMissing(_ rounds: SandboxRounds) -> Problem {
        Problem(
            409, "sandbox_rounds_missing", "This version has not passed enough rounds in the sandbox",
            detail: """
                It has passed \(rounds.passed) of \(rounds.required). Replay it on recorded leads first: POST …/replay, kiteline rules replay. Why a \
                round failed is with the round. Sellers and teams who came after those leads could not get them: replay what came since (from).
                """)
    }
}

extension Call {
    fileprivate func round() async throws -> SandboxRound {
        guard let round = try await records.round(try id(), of: tenant.id) else { throw Problem.notFound }
        return round
    }
}

extension FieldReader {
    /// The longest time one replay may be about.
    private static let longestDays = 366

    /// A span of time that is over; nil when something is wrong with it, which is then noted.
    fileprivate mutating func window(upTo now: Date) -> Range<Date>? {
        guard let from = date("from", required: true), let to = date("to", required: true) else {
            _ = date("to", required: true)
            return nil
        }
        if to <= from {
            fail("to", .outOfRange, "must be after from")
        } else if from >= now {
            fail("from", .outOfRange, "must not be in the future: there is nothing to replay yet")
        } else if to.timeIntervalSince(from) > Double(Self.longestDays) * 86_400 {
            fail("from", .outOfRange, "must be at most \(Self.longestDays) days before to")
        } else {
            return from..<to
        }
        return nil
    }
}

extension SandboxRound {
    fileprivate func describe(_ object: inout JSONWriter) {
        object.member("round_id", "\(id)")
        object.member("rule_version", "\(kind)/\(name)@\(version)")
        object.member("hash", hash)
        object.member("from", window.lowerBound)
        object.member("to", window.upperBound)
        object.member("state", state.rawValue)
        object.member("job_id", job.description)
        object.member("actor", actor)
        object.member("replayed", replayed)
        object.member("differing", differing)
        object.member("reasons", reasons)
        object.member("created_at", createdAt)
        object.member("finished_at", finishedAt)
    }

    /// Why it was not passed: what was found, or what kept it from being replayed. Its result says so as well, and much else.
    private var reasons: [String] {
        guard state == .failed, let result, let root = try? JSONEnvelope(result.bytes, levels: 4, limits: .stored).root else {
            return []
        }
        return root["findings"]?.elements.compactMap { $0["message"]?.string } ?? [root["error"]?.string].compactMap(\.self)
    }
}
