import Foundation
import JSONEnvelope
import Records
import Rollouts
import Rules
import Tenancy

extension API {
    static let rolloutEndpoints = [
        Endpoint(.post, "/v1/rollouts", .tenant(.operator), answer: startRollout),
        Endpoint(.get, "/v1/rollouts", takesQuery: true, answer: listRollouts),
        Endpoint(.get, "/v1/rollouts/{id}", answer: readRollout),
        Endpoint(.get, "/v1/rollouts/{id}/readings", answer: readReadings),
        Endpoint(.patch, "/v1/rollouts/{id}", .tenant(.operator), answer: turnRollout),
        Endpoint(.post, "/v1/rollouts/{id}/promote", .tenant(.operator)) { try await $0.turn { _ in .promote } },
        Endpoint(.post, "/v1/rollouts/{id}/abort", .tenant(.operator)) { try await $0.turn { _ in .abort } },
        Endpoint(.get, "/v1/notifications", takesQuery: true, answer: listNotifications),
    ]
}

/// `POST /v1/rollouts`
@Sendable private func startRollout(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.body)
    let key = try call.idempotencyKey(over: body)
    let wish = try call.object(body) { reader in
        let kind = reader.choice("kind", of: RolloutKind.startable, required: true).flatMap(RolloutKind.init)
        return RolloutWish(
            kind: kind, name: reader.string("name", length: 1...63, required: true) ?? "",
            version: reader.integer("version", in: 1...Int(Int32.max), required: true) ?? 0, percent: reader.percent(required: true),
            terms: kind == .warningModel ? reader.modelTerms() : reader.terms(of: kind), reason: reader.words("reason", length: 1...1_000))
    }
    guard let kind = wish.kind, let percent = wish.percent else { throw Problem.unexpected }  // the reader refuses a body without
    let tenant = call.tenant.id
    if let rules = kind.rules {
        guard let candidate = try await call.records.ruleSetVersion(rules, wish.name, version: wish.version, of: tenant) else {
            throw Problem(.noSuchVersion)
        }
        try await call.requireRounds(of: candidate)
        // The tenant's other rule sets may have changed since it was saved.
        if case .failure(let faults) = try await call.records.check(rules, wish.name, candidate.source, of: tenant) {
            throw Problem(faults)
        }
    }
    return try await rolloutFaults {
        try call.answer(
            try await call.records.startRollout(
                kind, wish.name, version: wish.version, percent: percent, terms: wish.terms, of: tenant, by: call.actor,
                reason: wish.reason, key: key
            ) { StoredAnswer(status: 201, body: $0.json(of: tenant)) })
    }
}

private struct RolloutWish {
    let kind: RolloutKind?
    let name: String
    let version: Int
    let percent: Percent?
    let terms: RolloutTerms
    let reason: String?
}

extension FieldReader {
    /// 0 to 100 with two decimals at most.
    fileprivate mutating func percent(required: Bool) -> Percent? {
        guard let value = double("percent", in: 0...100, required: required) else { return nil }
        guard let percent = Percent(value) else {
            fail("percent", .outOfRange, "must have two decimals at most, such as 5 or 12.5")
            return nil
        }
        return percent
    }

    /// How it shall be judged; everything has a default.
    fileprivate mutating func terms(of kind: RolloutKind?) -> RolloutTerms {
        var terms = RolloutTerms.standard(for: kind)
        guard let node = object("guards") else { return terms }
        var guards = FieldReader(node, path: path(to: "guards"))
        // null: touches are not judged.
        let minutes = guards.double("first_touch_minutes", in: 0.05...10_080)
        if guards.has("first_touch_minutes") { terms.firstTouchMinutes = minutes }
        if let margin = guards.double("first_touch_margin", in: 0...100) { terms.firstTouchMargin = margin }
        if let margin = guards.double("success_margin", in: 0...100) { terms.successMargin = margin }
        if let least = guards.integer("least_leads", in: 1...1_000_000) { terms.leastLeads = least }
        if kind == .rule(.match) {
            // null: not judged.
            let (asked, joined) = (guards.double("asked", in: 0.1...98), guards.double("joined", in: 0.1...98))
            if guards.has("asked") { terms.asked = asked }
            if guards.has("joined") { terms.joined = joined }
        }
        let promotions = RolloutTerms.Promotion.allCases.map(\.rawValue)
        if let promotion = guards.choice("promotion", of: promotions).flatMap(RolloutTerms.Promotion.init) { terms.promotion = promotion }
        add(guards.finish())
        return terms
    }
}

extension FieldReader {
    /// How a model shall be judged; everything has a default.
    fileprivate mutating func modelTerms() -> RolloutTerms {
        var terms = RolloutTerms.model
        guard let node = object("guards") else { return terms }
        var guards = FieldReader(node, path: path(to: "guards"))
        if let share = guards.double("false_warnings", in: 1...98) { terms.falseWarnings = share }
        if let margin = guards.double("success_margin", in: 0...100) { terms.successMargin = margin }
        if let least = guards.integer("least_warnings", in: 1...1_000_000) { terms.leastLeads = least }
        let promotions = RolloutTerms.Promotion.allCases.map(\.rawValue)
        if let promotion = guards.choice("promotion", of: promotions).flatMap(RolloutTerms.Promotion.init) { terms.promotion = promotion }
        add(guards.finish())
        return terms
    }
}

/// `PATCH /v1/rollouts/{id}`: 0 % takes it back, but for a shadow, which has nobody.
@Sendable private func turnRollout(_ call: Call) async throws -> Answer {
    try await call.turn { reader in reader.percent(required: true).map { $0 == .none ? .nobody : .percent($0) } }
}

extension Call {
    fileprivate func turn(_ read: (inout FieldReader) -> RolloutTurn?) async throws -> Answer {
        let id = try id()
        try requireMediaType(["application/json"])
        let body = try await body(atMost: limits.body)
        let key = try idempotencyKey(over: body)
        let (reason, turn) = try object(body) { ($0.words("reason", length: 1...1_000, required: true) ?? "", read(&$0)) }
        guard let turn else { throw Problem.unexpected }  // the reader refuses a body without
        let tenant = tenant.id
        if turn == .promote, let (record, _, _, _) = try await records.rollout(id, of: tenant), record.isRunning {
            try await refuseUnfit(record)
        }
        return try await rolloutFaults {
            let once = try await records.turn(rollout: id, turn, of: tenant, by: actor, reason: reason, key: key) {
                StoredAnswer(status: 200, body: $0.json(of: tenant))
            }
            guard let once else { throw Problem.notFound }
            return try answer(once)
        }
    }

    /// What was right when it was saved may not go together with what is live today.
    private func refuseUnfit(_ record: RolloutRecord) async throws {
        guard let kind = record.kind.rules,
            let candidate = try await records.ruleSetVersion(kind, record.name, version: record.version, of: tenant.id)
        else { return }
        if case .failure(let faults) = try await records.check(kind, record.name, candidate.source, of: tenant.id) {
            throw Problem(faults)
        }
    }
}

/// Refusals of rollouts in the API's words.
func rolloutFaults<R>(_ body: () async throws -> R) async throws -> R {
    do { return try await body() } catch let fault as RolloutFault { throw Problem(fault) }
}

extension Problem {
    fileprivate init(_ fault: RolloutFault) {
        switch fault {
        case .noSuchVersion:
            self.init(
                404, "not_found", "There is no such thing here",
                detail:
                    "There is no such version of this kind and name: GET /v1/rulesets names those of rules; a model has one once it was trained."
            )
        case .alreadyLive:
            self.init(409, "already_live", "This version is the live one", detail: "Save the change as a new version and roll that out.")
        case .nothingLive:
            self.init(
                409, "nothing_live", "No version of this name is live", detail: "Publish this one: there is nothing to hold it against.")
        case .running(let id):
            self.init(
                409, "rollout_running", "A change of this name is being rolled out",
                detail: "Rollout \(id) has to be promoted or aborted first.")
        case .tooMany:
            self.init(
                409, "too_many_rollouts", "As many changes are rolled out as may be at once",
                detail: "Promote or abort one of those that run.")
        case .silentModel(let reasons):
            self.init(
                409, "gate_not_passed", "This model may not warn", detail: "\(reasons.joined(separator: "; ")).")
        case .ended(let state):
            self.init(
                409, "rollout_ended", "The rollout has ended",
                detail: state == .live
                    ? "It was promoted. To go back, publish the earlier version again: POST …/versions/{version}/publish, kiteline rules back."
                    : "It is \(state.rawValue). Start a new one.")
        case .refused(let refusal): self.init(409, "rollout_refused", "The rollout cannot do that", detail: "\(refusal)")
        }
    }
}

/// `GET /v1/rollouts`
@Sendable private func listRollouts(_ call: Call) async throws -> Answer {
    let (running, cursor, limit) = try call.query { ($0.bool("running"), $0.cursor(), $0.limit()) }
    let tenant = call.tenant.id
    return .page(try await call.records.rollouts(of: tenant, running: running ?? false, before: cursor ?? .max, limit: limit)) {
        $0.json(of: tenant)
    }
}

/// `GET /v1/rollouts/{id}`
@Sendable private func readRollout(_ call: Call) async throws -> Answer {
    let tenant = call.tenant.id
    guard let (record, events, differences, takenBack) = try await call.records.rollout(try call.id(), of: tenant) else {
        throw Problem.notFound
    }
    return Answer(200, record.json(of: tenant, events: events, differences: differences, takenBack: takenBack))
}

/// `GET /v1/rollouts/{id}/readings`
@Sendable private func readReadings(_ call: Call) async throws -> Answer {
    guard let guards = try await call.records.guardReadings(ofRollout: try call.id(), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(
        200,
        JSONWriter.object(capacity: 8_192) { object in
            object.array("guards") { list in
                for (name, points) in guards {
                    list.object { item in
                        item.member("name", name)
                        item.member("threshold", points.last?.threshold)
                        item.array("readings") { list in for point in points { list.object { point.write(&$0) } } }
                    }
                }
            }
        })
}

extension GuardPoint {
    fileprivate func write(_ item: inout JSONWriter) {
        item.member("at", at)
        item.member("e_value", eValue)
        item.member("percent", json: Array(percent.description.utf8))
        item.member("n", canary)
        item.member("stable_n", stable)
    }
}

extension RolloutRecord {
    fileprivate func json(
        of tenant: TenantID, events: [RolloutEvent]? = nil, differences: [RolloutDifference] = [], takenBack: TakenBackLeads? = nil
    ) -> [UInt8] {
        let verdict = verdict(of: tenant)
        return JSONWriter.object(capacity: 2_048) { object in
            object.member("id", String(id))
            object.member("kind", kind.rawValue)
            object.member("name", name)
            object.member("version", version)
            object.member("state", state.rawValue)
            object.member("percent", json: Array(percent.description.utf8))
            object.object("arms") { arms in
                arms.object("stable") { $0.arm(stableVersion, stages.map(\.stable)) }
                arms.object("canary") { $0.arm(version, stages.map(\.canary)) }
            }
            object.member("decision", isRunning ? verdict.decision.rawValue : nil)
            object.member("words", isRunning ? verdict.words : endReason)
            object.member("warnings", isRunning ? warnings : [])
            object.array("guards") { list in for reading in verdict.readings { list.object { reading.write(&$0) } } }
            object.object("shadow") { item in
                item.member("leads", shadow.leads)
                item.member("different", shadow.different)
                item.member("failures", shadow.failures)
            }
            object.array("stages") { list in for stage in stages { list.object { stage.write(&$0) } } }
            object.member("least_judged", terms.leastLeads)
            object.member("promotion", terms.promotion.rawValue)
            object.member("started_by", startedBy)
            object.member("started_at", startedAt)
            object.member("ended_at", endedAt)
            object.member("end_reason", endReason)
            guard let events else { return }
            object.array("history") { list in for event in events { list.object { event.write(&$0) } } }
            object.array("differences") { list in for difference in differences { list.object { difference.write(&$0) } } }
            guard let takenBack, takenBack.elsewhere > 0 else { return }
            object.object("taken_back") { item in
                item.member("elsewhere", takenBack.elsewhere)
                item.member("again", takenBack.again)
                item.member("touched", takenBack.touched)
                item.member("waiting", takenBack.waiting)
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func arm(_ version: Int?, _ tallies: [RunningRollout.Tally]) {
        member("version", version)
        member("n", tallies.reduce(0) { $0 + $1.n })
        member("failures", tallies.reduce(0) { $0 + $1.failures })
    }
}

extension GuardReading {
    fileprivate func write(_ item: inout JSONWriter) {
        item.member("name", name)
        item.member("e_value", eValue)
        item.member("threshold", threshold)
        item.member("decision", decision.rawValue)
        item.member("n", n)
        item.member("failures", failures)
        item.member("stable_n", stable)
        item.member("stable_failures", stableFailures)
        item.member("missing", missing)
        item.member("expected", expected)
        item.member("rate_percent", rate.map { $0 * 100 })
        item.member("margin_points", margin.map { $0 * 100 })
        item.member("lower_bound_points", lowerBound.map { $0 * 100 })
        item.member("words", words)
    }
}

extension RunningRollout.Stage {
    fileprivate func write(_ item: inout JSONWriter) {
        item.member("number", number)
        item.member("percent", json: Array(percent.description.utf8))
        item.member("stable_customers", stableExposed)
        item.member("canary_customers", canaryExposed)
        item.member("stable_touches_due", stableTouches.n)
        item.member("stable_touches_late", stableTouches.failures)
        item.member("canary_touches_due", canaryTouches.n)
        item.member("canary_touches_late", canaryTouches.failures)
        item.member("canary_asked", canaryAsked)
        item.member("canary_joined", canaryJoined)
    }
}

extension RolloutEvent {
    fileprivate func write(_ item: inout JSONWriter) {
        item.member("at", at)
        item.member("actor", actor)
        item.member("action", action)
        item.member("percent", json: Array(percent.description.utf8))
        item.member("reason", reason)
    }
}

extension RolloutDifference {
    fileprivate func write(_ item: inout JSONWriter) {
        item.member("lead_id", lead.description)
        item.member("at", at)
        item.member("arm", arm?.rawValue)
        item.member("decided", decided)
        item.member("otherwise", otherwise)
        item.member("now", now)
    }
}

/// `GET /v1/notifications`
@Sendable private func listNotifications(_ call: Call) async throws -> Answer {
    let (recipient, cursor, limit) = try call.query { ($0.string("recipient"), $0.cursor(), $0.limit()) }
    let page = try await call.records.notifications(of: call.tenant.id, to: recipient, before: cursor ?? .max, limit: limit)
    return .page(page) { note in
        JSONWriter.object(capacity: 256) { object in
            object.member("id", String(note.id))
            object.member("recipient", note.recipient)
            object.member("code", note.code)
            object.member("subject", note.subject)
            object.member("text", note.english)
            object.member("text_zh", note.chinese)
            object.member("urgency", note.urgency.rawValue)
            object.member("at", note.at)
        }
    }
}
