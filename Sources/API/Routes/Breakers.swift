import Breakers
import DispatchIndex
import JSONEnvelope
import Ledger
import Records
import Tenancy

extension API {
    static let breakerEndpoints = [
        Endpoint(.get, "/v1/breakers", .tenantOrAll(.tenant), answer: listBreakers),
        Endpoint(.post, "/v1/breakers/{key}/open", .tenantOrAll(.operator)) { call in try await call.force(open: true) },
        Endpoint(.post, "/v1/breakers/{key}/close", .tenantOrAll(.operator)) { call in try await call.force(open: false) },
    ]
}

/// `GET /v1/breakers`: the breakers, and the dependencies people have paused, whether they have a breaker or not.
@Sendable private func listBreakers(_ call: Call) async throws -> Answer {
    let breakers = try await call.api.ledger.breakers(of: call.tenantOrAll)
    let events = try await call.api.ledger.breakerEvents(of: breakers.map(\.key))
    let pauses = try await call.records.pausedGates(of: call.tenantOrAll)
    return Answer(
        200,
        JSONWriter.object(capacity: 512 * (breakers.count + 1)) { object in
            object.array("items") { list in for breaker in breakers { list.element(json: breaker.json(events: events[breaker.key] ?? [])) }
            }
            object.member("next_cursor", String?.none)
            object.array("pauses") { list in
                for pause in pauses { if let json = pause.dependencyJSON { list.element(json: json) } }
            }
        })
}

extension Call {
    fileprivate func force(open: Bool) async throws -> Answer {
        let breaker = BreakerKey(tenant: tenantOrAll, dependency: try dependency())
        let (reason, key) = try await wish()
        let once = try await records.force(breaker, open: open, reason: reason, by: actor, key: key) { after in
            StoredAnswer(
                status: 200,
                body: JSONWriter.object { object in
                    object.member("key", breaker.dependency)
                    object.member("scope", breaker.tenant == nil ? "all" : "tenant")
                    object.member("state", after.state.rawValue)
                    object.member("forced", after.isForced)
                    object.member("reason", after.reason)
                })
        }
        guard let once else { throw Problem.notFound }
        await api.tell(tenantOrAll.map { .tenantDependency($0, breaker.dependency) } ?? .dependency(breaker.dependency))
        return try answer(once)
    }
}

extension PausedGate {
    /// Nil where it is a kind that is paused: queues tell of those.
    fileprivate var dependencyJSON: [UInt8]? {
        guard let dependency = Gate(name: gate)?.dependency else { return nil }
        return JSONWriter.object(capacity: 256) { object in
            object.member("dependency", dependency)
            object.member("scope", tenant == nil ? "all" : "tenant")
            object.member("tenant_id", tenant?.description)
            object.member("reason", reason)
            object.member("set_by", setBy)
            object.member("since", since)
        }
    }
}

extension BreakerView {
    fileprivate func json(events: [BreakerEvent]) -> [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("key", key.dependency)
            object.member("scope", key.tenant == nil ? "all" : "tenant")
            object.member("tenant_id", key.tenant?.description)
            object.member("state", breaker.state.rawValue)
            object.member("forced", breaker.isForced)
            object.member("limit", breaker.limit)
            object.member("until", breaker.until)
            object.member("openings", breaker.openings)
            object.member("reason", breaker.reason)
            object.member("set_by", setBy)
            object.member("changed_at", changedAt)
            object.array("events") { list in
                for event in events {
                    list.object { item in
                        item.member("at", event.at)
                        item.member("state", event.state)
                        item.member("reason", event.reason)
                        item.member("set_by", event.setBy)
                    }
                }
            }
        }
    }
}
