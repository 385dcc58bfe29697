import Foundation
import JSONEnvelope
import Records
import Rules
import Tenancy

/// Clocks of those who tell may be a little ahead.
private let clockSkew: TimeInterval = 60

/// `POST /v1/opportunities/{ext}/transitions`
@Sendable func moveOpportunity(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let externalID = try call.externalID()
    let body = try await call.body(atMost: call.limits.body)
    let key = try call.idempotencyKey(over: body)
    let wish = try call.object(body) { reader in
        let wish = TransitionWish(
            to: reader.string("to", length: 1...64, required: true) ?? "", at: reader.date("at"),
            evidence: reader.strings("evidence", count: 0...100, length: 1...20)?.enumerated().map { place, text in
                if Int64(text) == nil { reader.fail("evidence[\(place)]", .notFound, "is no activity of this opportunity") }
                return Int64(text) ?? 0
            } ?? [])
        reader.refuse("at", unlikely: wish.at, skew: clockSkew)
        return wish
    }
    do {
        return try call.answer(
            try await call.records.move(externalID, wish, of: call.tenant.id, by: call.actor, user: call.user, key: key) { id, move in
                StoredAnswer(status: 200, body: move.json(id))
            })
    } catch let refusal as TransitionRefusal {
        throw Problem(refusal)
    }
}

extension DecidedMove {
    fileprivate func json(_ id: Int64) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("transition_id", "\(id)")
            object.member("from", from)
            object.member("to", to)
            object.member("asked", asked)
            object.member("waiting", to != asked)
            object.member("late", isLate)
            object.member("stage", stage)
            object.member("at", at)
            object.member("rule_version", ruleVersion)
            object.member("evidence", evidence)
            object.array("lacking") { list in
                for one in unmet {
                    list.object {
                        $0.member("requirement", "\(one.gate).\(one.requirement.id)")
                        $0.member("message", one.text(in: .english))
                        $0.member("message_zh", one.text(in: .chinese))
                    }
                }
            }
        }
    }
}

extension Problem {
    fileprivate init(_ refusal: TransitionRefusal) {
        switch refusal {
        case .notFound: self = .notFound
        case .shut(let unmet, let rules):
            self.init(
                422, "requirements_unmet", "The gate is shut", detail: "\(rules) asks for what is not there; the stage is unchanged.",
                errors: unmet.map {
                    FieldError(
                        "\($0.gate).\($0.requirement.id)", code: $0.truth == .unknown ? "unknown" : "unmet",
                        "\($0.text(in: .english)) \($0.text(in: .chinese))")
                })
        case .noSuchStage(let known):
            self = .invalid([FieldError("to", .notAllowed, "must be one of \(known.joined(separator: ", "))")])
        case .final(let stage):
            self.init(409, "stage_final", "Nothing leads out of where it stands", detail: "It stands in \(stage).")
        case .closed: self.init(409, "closed", "It is won or lost already", detail: "What is closed moves no more.")
        case .unchanged(let stage): self.init(409, "stage_unchanged", "It stands there already", detail: "It stands in \(stage).")
        case .unknownEvidence(let places):
            self = .invalid(
                places.map { FieldError("evidence[\($0)]", .notFound, "names no activity of this opportunity up to that moment") })
        case .noEvidence:
            self.init(
                422, "evidence_missing", "Nothing can be shown for it",
                detail: "A gate was passed without any evidence: name the activities that prove it.")
        }
    }
}
