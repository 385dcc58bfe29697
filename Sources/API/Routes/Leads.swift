import Foundation
import JSONEnvelope
import Jobs
import Permissions
import Records
import SalesModel
import Tenancy

extension API {
    static let leadEndpoints = [
        Endpoint(.post, "/v1/leads", people: .judged, answer: takeInLead),
        Endpoint(.get, "/v1/leads", takesQuery: true, people: .judged, answer: listLeads),
        Endpoint(.get, "/v1/leads/{id}", takesQuery: true, people: .judged, answer: readLead),
    ]

    /// The source of a lead that names none.
    static let unknownSource = "未知"
}

/// `POST /v1/leads`
@Sendable private func takeInLead(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.body)
    let key = try call.idempotencyKey(over: body)
    let lead = try call.object(body) { reader in
        let (receivedAt, now) = (reader.date("received_at"), Date())
        reader.refuse("received_at", unlikely: receivedAt)
        return NewLead(
            source: reader.string("source") ?? API.unknownSource, externalID: reader.string("external_id", required: true) ?? "",
            receivedAt: min(receivedAt ?? now, now), isDated: receivedAt != nil,
            fields: reader.object("fields", members: call.limits.leadFields).map { Array($0.bytes) } ?? Array("{}".utf8))
    }
    try await call.api.quotas.admit([NewJob.assignLeadKind: 1], of: call.tenant)
    let deferral = call.api.deferral(of: call.tenant.id, CollectionOfOne(NewJob.assignLeadKind))
    let once = try await call.enqueuing { trace in
        try await call.records.takeIn(lead.traced(by: trace), of: call.tenant.id, by: call.user, key: key) { receipt in
            StoredAnswer(
                status: 202,
                body: JSONWriter.object { object in
                    object.member("lead_id", String(receipt.lead))
                    object.member("job_id", receipt.job?.description)
                    if receipt.job != nil { deferral?.write(to: &object) }
                })
        }
    }
    return try call.answer(once)
}

/// `GET /v1/leads/{id}?decision=`
@Sendable private func readLead(_ call: Call) async throws -> Answer {
    let (id, number) = (try call.id(), try call.query { $0.integer("decision", in: 1...1_000_000) })
    let lead =
        if let number {
            try await call.records.lead(id, decision: number, of: call.tenant.id)
        } else {
            try await call.records.lead(id, of: call.tenant.id)
        }
    guard let lead else { throw Problem.notFound }
    try await call.judge()?.require(.queryLead, ofLead: lead.fields.bytes)
    return Answer(200, lead.json(decisions: try await call.records.decisions(of: id, of: call.tenant.id)))
}

/// `GET /v1/leads`
@Sendable private func listLeads(_ call: Call) async throws -> Answer {
    var (search, ids, city, cursor, limit) = try call.query { query in
        var search = LeadSearch()
        search.state = query.choice("state", of: LeadState.self)
        search.source = query.string("source")
        search.externalID = query.string("external_id")
        search.owner = query.string("owner")
        search.text = query.string("text")
        search.touch = query.choice("touch", of: LeadSearch.Touch.self)
        let (ids, cursor) = (query.leadIDs("ids"), query.cursor())
        if ids != nil, search != LeadSearch() || cursor != nil { query.fail("ids", .notAllowed, "is asked for without other filters") }
        return (search, ids, query.string("city"), cursor, query.limit())
    }
    search.within = try await cities(of: call, asked: city.flatMap { City($0) })
    if let ids {
        let leads = try await call.records.leads(ids, within: search.within, of: call.tenant.id, limit: limit)
        return .page(Page(items: leads, next: nil)) { $0.json() }
    }
    return .page(try await call.records.leads(search, of: call.tenant.id, before: cursor ?? .max, limit: limit)) { $0.json() }
}

extension QueryReader {
    /// Numbers with commas between.
    fileprivate mutating func leadIDs(_ name: String) -> [Int64]? {
        guard let text = string(name, length: 2_000) else { return nil }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let ids = parts.filter { $0.allSatisfy { $0.isASCII && $0.isNumber } }.compactMap { Int64($0) }.filter { $0 > 0 }
        if ids.count != parts.count { fail(name, .badFormat, "must be numbers of leads with commas between") }
        return ids
    }
}

/// The cities a list of leads is of: the one that is asked for, or those of the person's data domain; nil: all.
private func cities(of call: Call, asked: City?) async throws -> LeadCities? {
    guard let judge = try await call.judge() else {
        guard let asked else { return nil }
        return LeadCities([asked], named: try await call.records.accessPolicies(of: call.tenant.id)?.book.cityFields)
    }
    try judge.require(.queryLead, in: asked.map { .city($0) } ?? .unasked)
    let cities = asked.map { [$0] } ?? judge.verdict(on: .queryLead).cities
    return cities.map { LeadCities($0, named: judge.book.cityFields) }
}

extension LeadRecord {
    /// - Parameter decisions: all about it, the present one first; nil: not asked for.
    func json(decisions: [DecisionSummary]? = nil) -> [UInt8] {
        JSONWriter.object(capacity: 1024) { object in
            object.member("id", String(id))
            object.member("external_id", externalID)
            object.member("source", source)
            object.member("name", name)
            object.member("received_at", receivedAt)
            object.member("fields", json: fields.bytes)
            object.member("state", state.rawValue)
            object.member("held_reason", heldReason)
            object.member("owner", owner)
            object.member("pool", pool)
            object.member("customer_id", customer)
            object.member("score", score)
            object.member("intent_grade", intent)
            object.member("assignment_epoch", epoch)
            object.member("job_id", job?.description)
            object.member("touched_at", touchedAt)
            object.member("created_at", createdAt)
            object.member("updated_at", updatedAt)
            object.member("clocks", json: clocks.map { ClockLevels.json($0.bytes) } ?? decidedClocks)
            object.member("assignment", json: decision?.bytes)
            if let decisions {
                object.member("decided_at", decisions.first?.decidedAt)
                object.array("earlier") { list in
                    for decision in decisions.dropFirst() {
                        list.object { item in
                            item.member("number", decision.number)
                            item.member("decided_at", decision.decidedAt)
                            item.member("outcome", decision.outcome)
                            item.member("owner", decision.owner)
                            item.member("pool", decision.pool)
                            item.member("job_id", decision.job.description)
                            item.member("reasons", json: decision.recorded?.bytes)
                            item.object("explanation") { words in
                                for language in Language.allCases { words.member(language.rawValue, decision.reasons(in: language)) }
                            }
                        }
                    }
                }
            }
            object.object("explanation") { words in
                for language in Language.allCases { words.member(language.rawValue, reasons(in: language)) }
            }
            object.object("left_out") { words in
                for language in Language.allCases { words.member(language.rawValue, exclusions(in: language)) }
            }
        }
    }
}

extension LeadRecord {
    /// When its owner owes what, as its decision had it: of leads whose clocks nobody keeps. A first touch ends them.
    fileprivate var decidedClocks: [UInt8] {
        guard touchedAt == nil, let decision, let body = try? JSONEnvelope(decision.bytes, levels: 2, limits: .stored).root,
            let clocks = body["clocks"]
        else {
            return Array("[]".utf8)
        }
        return Array(clocks.bytes)
    }
}
