import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let flowEndpoints = [Endpoint(.get, "/v1/flow", takesQuery: true, answer: readFlow)]
}

/// `GET /v1/flow?minutes=`: how the tenant's jobs ended lately, minute by minute, and what failed.
@Sendable private func readFlow(_ call: Call) async throws -> Answer {
    let minutes = try call.query { $0.integer("minutes", in: 1...180) ?? 60 }
    let key = FlowKey(tenant: call.tenant.id, minutes: minutes)
    let flow = try await call.api.flows.value(of: key) { [records = call.records] in
        try await records.jobFlow(of: key.tenant, minutes: minutes, now: Date())
    }
    return Answer(
        200,
        JSONWriter.object(capacity: 1_024) { object in
            object.member("as_of", flow.asOf)
            object.member("from", flow.from)
            object.member("minutes", flow.minutes)
            object.array("kinds") { list in
                for line in flow.lines {
                    list.object { item in
                        item.member("kind", line.kind)
                        item.numbers("completed", line.completed)
                        item.numbers("failed", line.failed)
                    }
                }
            }
            object.array("failures") { list in
                for failure in flow.failures {
                    list.object { item in
                        item.member("cause", failure.cause)
                        item.member("count", failure.count)
                        item.member("last_at", failure.lastAt)
                        item.member("error", failure.error)
                    }
                }
            }
        })
}

/// What a flow is of. It counts what ended within the last two minutes anew, and stands on a page that is read again whenever a job ends.
struct FlowKey: Hashable {
    let tenant: TenantID
    let minutes: Int
}

extension JSONWriter {
    fileprivate mutating func numbers(_ name: String, _ numbers: [Int]) {
        array(name) { list in for number in numbers { list.element(json: Array("\(number)".utf8)) } }
    }
}
