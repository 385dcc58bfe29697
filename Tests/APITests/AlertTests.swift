import Foundation
import Ledger
import Records
import SalesModel
import Tenancy
import Testing

/// Alerts end when what they were about is over, or when an operator says so.
@Suite struct AlertTests {
    private let everyone = "rules: [{ id: all, to: everyone, by: round_robin }]"

    private func raise(_ code: String, _ subject: String, in api: TestAPI) async throws -> String {
        let row = try await api.owner.query(
            """
            INSERT INTO alert (tenant_id, code, subject) VALUES (\(api.acme.id.rawValue), \(code), \(subject)) RETURNING id
            """)
        return String(try #require(row.first).get("id", as: Int64.self))
    }

    @Test func `an alert is ended by an operator, with a reason, once`() async throws {
        try await TestAPI.with { api in
            let id = try await raise("escalation_failed", "permanent", in: api)
            let path = "/v1/alerts/\(id)/resolve"
            let body = #"{"reason":"the form is mended"}"#

            let refused = try await api.send("POST", path, body)
            let silent = try await api.send("POST", path, "{}", as: api.acme.operatorKey)
            let ended = try await api.send("POST", path, body, as: api.acme.operatorKey, headers: ["Idempotency-Key": "k"])
            let again = try await api.send("POST", path, body, as: api.acme.operatorKey, headers: ["Idempotency-Key": "k"])
            let late = try await api.send("POST", path, #"{"reason":"once more"}"#, as: api.acme.operatorKey)
            let foreign = try await api.send("POST", path, body, as: api.globex.operatorKey)

            #expect([refused, silent, ended, again, late, foreign].map(\.status) == [403, 422, 200, 200, 200, 404])
            #expect(silent.faults == ["reason missing"])
            #expect(try ended.json["resolved_at"].string != nil && ended.json["id"].string == id)
            #expect(again.headers["idempotency-replayed"] == "true" && again.bytes == ended.bytes)
            #expect(try late.json["resolved_at"].string == ended.json["resolved_at"].string)
            #expect(try await api.send("GET", "/v1/alerts?open=true").json["items"].array?.isEmpty == true)
            #expect(
                try await api.count(
                    "audit_log WHERE action = 'alert.resolve' AND subject = 'escalation_failed/permanent' AND reason = 'the form is mended'"
                )
                    == 1)
            #expect(
                try await api.count(
                    "audit_log WHERE action = 'alert.resolve' AND before->>'state' = 'open' AND after->>'state' = 'resolved'")
                    == 1)
        }
    }

    @Test func `all alerts of a code are ended at once, but for those that began after the one named`() async throws {
        try await TestAPI.with { api in
            var drift: [String] = []
            for field in ["a", "b", "c"] { drift.append(try await raise("schema_drift", "web/\(field)", in: api)) }
            _ = try await raise("mapping_error", "web/n", in: api)
            let key = api.acme.operatorKey
            let body = #"{"code":"schema_drift","up_to":"\#(drift[1])","reason":"the map names them"}"#
            let codes = try await api.send("GET", "/v1/alerts?open=true").json["codes"].array?.map { $0["newest_id"].string }

            let refused = try await api.send("POST", "/v1/alerts:resolve", body)
            let wrong = try await api.send("POST", "/v1/alerts:resolve", #"{"up_to":"x"}"#, as: key)
            let foreign = try await api.send("POST", "/v1/alerts:resolve", body, as: api.globex.operatorKey)
            let ended = try await api.send("POST", "/v1/alerts:resolve", body, as: key, headers: ["Idempotency-Key": "k"])
            let again = try await api.send("POST", "/v1/alerts:resolve", body, as: key, headers: ["Idempotency-Key": "k"])
            let left = try await api.send("GET", "/v1/alerts?open=true").json["items"].array?.map { $0["subject"].string }
            let all = try await api.send("POST", "/v1/alerts:resolve", #"{"code":"schema_drift","reason":"all"}"#, as: key)

            #expect(codes?.contains(drift[2]) == true)
            #expect([refused, wrong, foreign, ended, again, all].map(\.status) == [403, 422, 200, 200, 200, 200])
            #expect(wrong.faults == ["reason missing", "code missing", "up_to bad_format"])
            #expect(try [foreign, ended, again, all].map { try $0.json["count"].int } == [0, 2, 2, 1])
            #expect(left == ["web/n", "web/c"])
            #expect(
                try await api.count(
                    "audit_log WHERE action = 'alert.resolve' AND subject = 'schema_drift' AND before->>'open' = '2' AND reason = 'the map names them'"
                ) == 1)
        }
    }

    private func open(_ house: SalesHouse, _ tenant: TenantID) async throws -> [String] {
        try await house.records.alerts(of: tenant, open: true).items.map { "\($0.code) \($0.subject)" }.sorted()
    }

    @Test func `alerts of leads end when no such lead waits any more, and not before`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("ann", of: tenant) { $0.capacity = 100 }
            try await house.rule(.map, "{ sources: ['*'], fields: { n: { from: n, type: number } } }", of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            try await house.leads(
                [
                    house.lead("1", source: "web", #"{"n":"many"}"#), house.lead("2", source: "web", #"{"n":"few"}"#),
                    house.lead("1", source: "fair", #"{"n":"some"}"#),
                ], of: tenant)
            try await house.workThrough()
            #expect(try await open(house, tenant) == ["mapping_error fair/n", "mapping_error web/n"])

            try await house.leads(
                [house.lead("1", source: "web", #"{"n":3}"#), house.lead("1", source: "fair", #"{"n":4}"#)], of: tenant)
            try await house.workThrough()
            let counted = try #require(try await house.records.alerts(of: tenant, open: true).items.map(\.lastAt).max())
            try await house.records.endAlertsOfLeads(now: counted + 4)
            #expect(try await open(house, tenant).count == 2, "counted up a moment ago")
            try await house.records.endAlertsOfLeads(now: Date() + 60)
            #expect(try await open(house, tenant) == ["mapping_error web/n"], "one of that source is still held")

            try await house.leads([house.lead("2", source: "web", #"{"n":5}"#)], of: tenant)
            try await house.workThrough()
            try await house.records.endAlertsOfLeads(now: Date() + 60)
            #expect(try await open(house, tenant) == [])
        }
    }

    @Test func `the alert of a change that was taken back ends when the next change of that name begins`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("ann", of: tenant)
            try await house.rule(.message, messages("x"), of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            let version = try await house.draft(.message, messages("y"), of: tenant)
            let next = try await house.draft(.message, messages("z"), of: tenant)
            let other = try await house.draft(.route, "rules: [{ id: all, to: everyone }]", of: tenant)
            let first = try await house.roll(.message, to: version, percent: 5, of: tenant)
            try await house.turn(first, .abort, of: tenant)
            #expect(try await open(house, tenant) == ["rollout_aborted \(first)"])

            _ = try await house.roll(.route, to: other, percent: 5, of: tenant)
            #expect(try await open(house, tenant) == ["rollout_aborted \(first)"])
            _ = try await house.roll(.message, to: next, percent: 5, of: tenant)

            #expect(try await open(house, tenant) == [])
        }
    }

    private func messages(_ text: String) -> String {
        "messages: [{ id: new_lead, subject: lead, texts: [{ language: en, body: '\(text)' }, { language: zh, body: '\(text)' }] }]"
    }

    @Test func `leads that wait for a person are decided again when the route is another, and their alert ends`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("ann", of: tenant) { $0.capacity = 100 }
            try await house.rule(.route, "rules: [{ id: gone, to: { team: dissolved } }]", of: tenant)
            let ids = try await house.leads((1...4).map { house.lead("\($0)") }, of: tenant)
            try await house.workThrough()
            #expect(try await house.outcomes() == ["manual_queue_fallback": 4])
            #expect(try await open(house, tenant) == ["manual_queue gone"])

            try await house.fuse(.open, of: tenant)
            try await house.rule(.route, everyone, of: tenant)
            try await house.workThrough()
            #expect(try await house.outcomes() == ["manual_queue_fallback": 4], "while the fuse is open they stay where they are")
            try await house.fuse(.closed, of: tenant)
            try await house.workThrough()
            #expect(try await house.outcomes() == ["manual_queue_fallback": 4, "assigned": 4])

            try await house.rule(.route, "rules: [{ id: gone, to: { team: dissolved } }]", of: tenant)
            // What this lets go is over before the next lead is left to people, or that one is rightly let go by it too.
            try await house.workThrough()
            let later = try await house.leads([house.lead("5")], of: tenant)
            try await house.workThrough()
            #expect(try await house.records.lead(later[0], of: tenant)?.state == .manualQueue)
            try await house.rule(.route, "rules: [{ id: all, to: everyone }]", of: tenant)
            try await house.workThrough()

            for id in ids + later { #expect(try await house.records.lead(id, of: tenant)?.owner == "ann") }
            #expect(try await house.count("job WHERE kind = 'assign_lead' AND args->>'trigger' = 'rules_changed'") == 1)
            try await house.records.endAlertsOfLeads(now: Date() + 60)
            #expect(try await open(house, tenant) == [])
            try await house.expectSound()
        }
    }
}
