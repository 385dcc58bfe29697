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
    let flow = try await call.records.jobFlow(of: call.tenant.id, minutes: minutes, now: Date())
    return Answer(
        200,
        JSONWriter.object(capacity: 1_024) { object in
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

extension JSONWriter {
    fileprivate mutating func numbers(_ name: String, _ numbers: [Int]) {
        array(name) { list in for number in numbers { list.element(json: Array("\(number)".utf8)) } }
    }
}
