import Foundation
import JSONEnvelope
import Records
import SalesModel
import Tenancy

extension API {
    static let opportunityEndpoints = [
        Endpoint(.get, "/v1/opportunities/{ext}", module: .opportunities, people: .judged, answer: readOpportunity),
        Endpoint(.put, "/v1/opportunities/{ext}", module: .opportunities, people: .judged, answer: putOpportunity),
        Endpoint(.post, "/v1/opportunities/{ext}/transitions", module: .opportunities, people: .judged, answer: moveOpportunity),
    ]
}

/// `GET /v1/opportunities/{ext}`
@Sendable private func readOpportunity(_ call: Call) async throws -> Answer {
    guard let opportunity = try await call.records.opportunity(try call.externalID(), of: call.tenant.id) else { throw Problem.notFound }
    try await call.judge()?.require(.queryOpportunity, ofOpportunity: opportunity.facts.fields)
    return Answer(200, opportunity.json)
}

/// `PUT /v1/opportunities/{ext}`
@Sendable private func putOpportunity(_ call: Call) async throws -> Answer {
    let externalID = try call.externalID()
    let facts = try await call.object { reader in
        var facts = OpportunityFacts(
            owner: reader.string("owner"), industry: reader.string("industry"), stage: reader.string("stage", required: true) ?? "",
            won: reader.bool("won"), closedAt: reader.date("closed_at"), openedAt: reader.date("opened_at"),
            isSelfEntered: reader.bool("self_entered") ?? false, at: reader.date("at"))
        if let amount = reader.object("amount", members: 10) {
            var money = FieldReader(amount, path: "amount")
            facts.amountMinor = money.integer("amount_minor", in: 0...1_000_000_000_000_000, required: true).map(Int64.init)
            facts.currency = currency(&money)
            reader.add(money.finish())
        }
        if let fields = reader.object("fields", members: 50) {
            reader.add(faults(fields))
            facts.fields = Array(fields.bytes)
        }
        facts.stages = stages(&reader)
        for (name, moment) in [("at", facts.at), ("opened_at", facts.openedAt), ("closed_at", facts.closedAt)] {
            reader.refuse(name, unlikely: moment)
        }
        if facts.won != nil && facts.closedAt == nil { reader.fail("closed_at", .missing, "is required when won is true or false") }
        if facts.won == nil && facts.closedAt != nil { reader.fail("won", .missing, "is required when closed_at is given") }
        if let opened = facts.openedAt, let closed = facts.closedAt, opened > closed {
            reader.fail("opened_at", .outOfRange, "is after closed_at")
        }
        return facts
    }
    do {
        let put = try await call.records.putOpportunity(externalID, facts, of: call.tenant.id, by: call.actor, user: call.user)
        return Answer(put.isNew ? 201 : 200, put.facts.json(externalID))
    } catch let refusal as OpportunityRefusal {
        throw Problem(refusal)
    }
}

/// Other fields than the catalogue's are refused by name, as are values that do not fit theirs.
private func faults(_ fields: JSONNode) -> [FieldError] {
    let known = Dictionary(uniqueKeysWithValues: OpportunityFacts.otherFields.map { ($0.name, $0) })
    return fields.members.compactMap { name, value in
        guard let field = known[name] else {
            return FieldError("fields.\(name)", .unknownField, "is none of \(known.keys.sorted().joined(separator: ", "))")
        }
        return OpportunityFacts.fits(value, field) ? nil : FieldError("fields.\(name)", .wrongType, "is no \(field.type)")
    }
}

private func stages(_ reader: inout FieldReader) -> [OpportunityFacts.StageEntry] {
    let items = reader.array("stages", count: 0...100)?.elements ?? []
    var stages: [OpportunityFacts.StageEntry] = []
    for (place, item) in items.enumerated() {
        var inner = FieldReader(item, path: reader.path(to: "stages[\(place)]"))
        if let stage = inner.string("stage", required: true), let at = inner.date("at", required: true) {
            inner.refuse("at", unlikely: at)
            if let last = stages.last, last.at >= at { inner.fail("at", .outOfRange, "is not after the stage before") }
            stages.append(.init(stage: stage, at: at))
        }
        reader.add(inner.finish())
    }
    return stages
}

/// Three capital letters, as ISO 4217 has them.
private func currency(_ reader: inout FieldReader) -> String? {
    guard let code = reader.string("currency", length: 3...3, required: true) else { return nil }
    guard code.utf8.allSatisfy({ $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }) else {
        reader.fail("currency", .badFormat, "must be three capital letters, such as CNY")
        return nil
    }
    return code
}

extension Problem {
    fileprivate init(_ refusal: OpportunityRefusal) {
        switch refusal {
        case .stageByTransition(let from):
            self.init(
                409, "stage_by_transition", "The stage is moved by transitions",
                detail: "It stands in \(from), and this tenant's gates decide where it may go: POST …/transitions.")
        case .wonByEvidence:
            self.init(
                403, "won_by_evidence", "What is won is for evidence to say",
                detail: "Nobody enters a win: it follows from a transition that finds the evidence this tenant's gates ask for.")
        }
    }
}

// MARK: - In JSON

extension OpportunityFacts {
    fileprivate func json(_ externalID: String) -> [UInt8] {
        JSONWriter.object(capacity: 256) { members(externalID, &$0) }
    }

    fileprivate func members(_ externalID: String, _ object: inout JSONWriter) {
        object.member("external_id", externalID)
        object.member("owner", owner)
        object.member("industry", industry)
        object.member("stage", stage)
        object.member("won", won)
        if let amountMinor {
            object.object("amount") { money in
                money.member("amount_minor", amountMinor)
                money.member("currency", currency)
            }
        } else {
            object.member("amount", String?.none)
        }
        object.member("self_entered", isSelfEntered)
        object.member("opened_at", openedAt)
        object.member("closed_at", closedAt)
        object.member("fields", json: fields)
    }
}

extension Opportunity {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 1_024) { object in
            facts.members(externalID, &object)
            object.array("transitions") { list in
                for transition in transitions { list.object { transition.members(&$0) } }
            }
        }
    }
}

extension Opportunity.Transition {
    fileprivate func members(_ object: inout JSONWriter) {
        object.member("id", "\(id)")
        object.member("from", from)
        object.member("to", to)
        object.member("asked", asked)
        object.member("at", at)
        object.member("recorded_at", recordedAt)
        object.member("actor", actor)
        object.member("rule_version", ruleVersion)
        object.member("evidence", evidence)
        object.member("lacking", lacking)
    }
}
