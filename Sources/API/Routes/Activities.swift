import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let activityEndpoints = [
        Endpoint(.post, "/v1/activities", people: .judged, answer: recordActivities)
    ]
}

/// `POST /v1/activities`: one, or `{"items": […]}`
@Sendable private func recordActivities(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.batchBody)
    let key = try call.idempotencyKey(over: body)
    let root = try call.json(body, levels: 4).root
    let isList = root["items"] != nil

    let activities = isList ? try list(root, call) : [try single(root)]
    do {
        return try call.answer(
            try await call.records.record(activities, of: call.tenant.id, by: call.user, key: key) { ids in
                StoredAnswer(
                    status: 201,
                    body: JSONWriter.object { object in
                        if isList { object.member("ids", ids.map(String.init)) } else { object.member("id", ids.first.map(String.init)) }
                    })
            })
    } catch let unknown as UnknownSubjects {
        guard isList else { throw Problem.notFound }
        throw Problem.invalid(unknown.places.map { FieldError("items[\($0)].subject", .notFound, "names nothing that was told of") })
    }
}

private func single(_ root: JSONNode) throws -> NewActivity {
    var errors: [FieldError] = []
    guard let activity = activity(root, path: "", &errors) else { throw Problem.invalid(errors) }
    return activity
}

private func list(_ root: JSONNode, _ call: Call) throws -> [NewActivity] {
    var reader = FieldReader(root)
    let items = reader.array("items", count: 1...call.limits.activitiesPerCall, required: true)
    var errors = reader.finish()
    let activities = (items?.elements ?? []).enumerated().compactMap { activity($1, path: "items[\($0)]", &errors) }
    guard errors.isEmpty else { throw Problem.invalid(errors) }
    return activities
}

private func activity(_ node: JSONNode, path: String, _ errors: inout [FieldError]) -> NewActivity? {
    var reader = FieldReader(node, path: path)
    let type = reader.string("type", length: 1...50, required: true)
    let at = reader.date("at") ?? Date()
    reader.refuse("at", unlikely: at)
    let actor = reader.string("actor")
    let data = reader.object("data", members: 100)
    let evidence = reader.array("evidence", count: 0...50)
    var subject: (type: NewActivity.SubjectType, externalID: String, source: String?)?
    if let node = reader.object("subject", members: 10, required: true) {
        var inner = FieldReader(node, path: reader.path(to: "subject"))
        let type = inner.choice("type", of: NewActivity.SubjectType.allCases.map(\.rawValue), required: true).flatMap(
            NewActivity.SubjectType.init)
        let externalID = inner.string("external_id", required: true)
        let source = inner.string("source")
        reader.add(inner.finish())
        if let type, let externalID { subject = (type, externalID, source) }
    }
    let faults = reader.finish()
    errors += faults
    guard faults.isEmpty, let subject, let type else { return nil }
    return NewActivity(
        subjectType: subject.type, subject: subject.externalID, source: subject.source, type: type, at: at, actor: actor,
        data: data.map { Array($0.bytes) } ?? Array("{}".utf8), evidence: evidence.map { Array($0.bytes) } ?? Array("[]".utf8))
}
