import Foundation
import Records
import Rules
import Testing

/// Stages and their gates as a tenant meets them: with the rules of a maker of equipment.
@Suite struct TransitionTests {
    private static func with(_ body: @Sendable (Desk) async throws -> Void) async throws {
        try await TestAPI.with { api in
            try await api.records.install(try #require(RulePack.named("manufacturing")), of: api.acme.id, by: "test")
            try await body(Desk(api: api))
        }
    }

    @Test func `what is told of an opportunity has happened: no time of it lies ahead, though plans may`() async throws {
        try await TestAPI.with { api in
            let (soon, far) = (Date(timeIntervalSinceNow: 240).ISO8601Format(), "2099-01-01T00:00:00Z")
            func put(_ name: String, _ more: String) async throws -> Reply {
                try await api.send("PUT", "/v1/opportunities/\(name)", #"{"stage":"quoted"\#(more)}"#)
            }

            let refused = try await put(
                "a",
                #","at":"\#(far)","opened_at":"\#(far)","stages":[{"stage":"new","at":"2020-01-01T00:00:00Z"},{"stage":"quoted","at":"\#(far)"}]"#
            )
            let closed = try await put("a", #","won":false,"closed_at":"\#(far)""#)
            let planned = try await put(
                "b", #","at":"\#(soon)","opened_at":"\#(soon)","fields":{"planned_signing_at":"\#(far)","delivery_expected_at":"\#(far)"}"#)

            #expect(
                refused.status == 422
                    && refused.faults.sorted() == ["at out_of_range", "opened_at out_of_range", "stages[1].at out_of_range"])
            #expect(refused.text.contains("lies ahead"))
            #expect(closed.faults == ["closed_at out_of_range"])
            #expect(planned.status == 201, "clocks of others may be a little ahead")
            #expect(try await api.send("GET", "/v1/opportunities/a").status == 404)
        }
    }

    /// STAGE-04, -05, -06, -07, -09, -10 and FC-24: each entry asks for its own paper, and a refusal names it and changes nothing.
    private static let entries: [(from: String, to: String, unmet: [String], papers: [String], fields: String)] = [
        (
            "requirement_diagnosis", "requirement_confirmation",
            ["diagnosis-done.minutes", "diagnosis-done.pains", "diagnosis-done.competitors"],
            [
                #"{"type":"upload","data":{"document":"meeting_minutes"}}"#, #"{"type":"upload","data":{"document":"pain_points"}}"#,
                #"{"type":"upload","data":{"document":"competitor_comparison"}}"#,
            ], "{}"
        ),
        (
            "strong_intent", "solution_discussion", ["minutes-before-discussion.minutes"],
            [#"{"type":"upload","data":{"document":"meeting_minutes"}}"#], "{}"
        ),
        ("quoted", "comparing", ["competitor-known.competitor"], [], #"{"competitor":"同行甲"}"#),
        (
            "technical_verification", "solution_confirmation", ["requirement-signed.confirmation"],
            [#"{"type":"upload","data":{"document":"requirement_confirmation","signed":true}}"#], "{}"
        ),
        (
            "comparing", "contract_negotiation", ["legal-review.legal"],
            [#"{"type":"review","data":{"subject":"legal_risk","result":"passed"}}"#], #"{"contacts":2}"#
        ),
        (
            "solution_confirmation", "quoted", ["quotation-configured.sheet"],
            [#"{"type":"quotation","data":{"configuration_sheet":"doc-7"}}"#], "{}"
        ),
    ]

    @Test func `each gate asks for its own paper, names what is missing and changes nothing until it is there`() async throws {
        try await Self.with { desk in
            for (place, entry) in Self.entries.enumerated() {
                let name = "o\(place)"
                try await desk.open(name, entry.from)
                let refused = try await desk.move(name, entry.to)

                #expect(refused.status == 422, "\(entry.to)")
                #expect(try refused.json["code"].string == "requirements_unmet")
                #expect(refused.faults == entry.unmet.map { "\($0) unmet" }, "\(entry.to)")
                #expect(try await desk.stage(of: name) == entry.from)

                for paper in entry.papers { _ = try await desk.happen(name, paper) }
                if entry.fields != "{}" { try await desk.tell(name, entry.from, fields: entry.fields) }
                let moved = try await desk.move(name, entry.to)

                #expect(moved.status == 200, "\(entry.to): \(moved.text)")
                #expect(try await desk.stage(of: name) == entry.to)
            }
        }
    }

    @Test func `a dash is no competitor, an unsigned paper no confirmation, and a refused or old review none`() async throws {
        try await Self.with { desk in
            try await desk.open("a", "quoted", fields: #"{"competitor":"—"}"#)
            try await desk.open("b", "technical_verification")
            _ = try await desk.happen("b", #"{"type":"upload","data":{"document":"requirement_confirmation","signed":false}}"#)
            try await desk.open("c", "comparing", fields: #"{"contacts":2}"#)
            _ = try await desk.happen("c", #"{"type":"review","data":{"subject":"legal_risk","result":"rejected"}}"#)
            _ = try await desk.happen(
                "c", #"{"type":"review","at":"2020-01-01T00:00:00Z","data":{"subject":"legal_risk","result":"passed"}}"#)

            #expect(try await desk.move("a", "comparing").faults == ["competitor-known.competitor unmet"])
            #expect(try await desk.move("b", "solution_confirmation").faults == ["requirement-signed.confirmation unmet"])
            #expect(try await desk.move("c", "contract_negotiation").faults == ["legal-review.legal unmet"])
        }
    }

    /// STAGE-08, FC-25.
    @Test func `without the review by finance a signing waits and is not signed`() async throws {
        try await Self.with { desk in
            try await desk.open("o", "strong_intent")
            #expect(try await desk.move("o", "signed").faults.contains("contract-and-finance.contract unmet"))

            _ = try await desk.happen("o", #"{"type":"upload","data":{"document":"contract"}}"#)
            let waiting = try await desk.move("o", "signed").json
            #expect(waiting["to"].string == "pending_finance" && waiting["waiting"].bool == true)
            #expect(waiting["lacking"][0]["requirement"].string == "contract-and-finance.finance")
            #expect(try await desk.stage(of: "o") == "pending_finance")
            let again = try await desk.move("o", "signed")
            #expect(again.faults == ["contract-and-finance.finance unmet"], "it waits there already")

            _ = try await desk.happen("o", #"{"type":"review","data":{"subject":"contract","by_role":"finance","result":"passed"}}"#)
            #expect(try await desk.move("o", "signed").json["to"].string == "signed")
        }
    }

    /// REV-01, REV-02, FC-28: whichever of the four is missing.
    @Test func `three of the four confirmations win nothing, the fourth does, and nobody enters a win`() async throws {
        let kinds = ["contract_signed", "first_payment", "acceptance", "service_start"]
        try await Self.with { desk in
            for missing in kinds {
                try await desk.open("o-\(missing)", "signed")
                for kind in kinds where kind != missing {
                    _ = try await desk.happen("o-\(missing)", #"{"type":"evidence","data":{"kind":"\#(kind)","verified":true}}"#)
                }
                // What somebody only says is no confirmation.
                _ = try await desk.happen("o-\(missing)", #"{"type":"evidence","data":{"kind":"\#(missing)","verified":false}}"#)
                let refused = try await desk.move("o-\(missing)", "won_confirmed")
                #expect(refused.faults == ["four-fold-confirmation.\(missing) unmet"])
                #expect(try await desk.api.count("opportunity WHERE won AND external_id = 'o-\(missing)'") == 0)
            }
            let entered = try await desk.put("o-acceptance", #"{"stage":"signed","won":true,"closed_at":"2026-01-01T00:00:00Z"}"#)
            #expect(entered.status == 403)
            #expect(try entered.json["code"].string == "won_by_evidence")

            _ = try await desk.happen("o-acceptance", #"{"type":"evidence","data":{"kind":"acceptance","verified":true}}"#)
            #expect(try await desk.move("o-acceptance", "won_confirmed").status == 200)
            #expect(try await desk.api.count("opportunity WHERE won AND closed_at IS NOT NULL AND external_id = 'o-acceptance'") == 1)
            let closed = try await desk.move("o-acceptance", "lost")
            #expect(closed.status == 409)
            // Nor do words undo it: who tells of something else leaves it won.
            let told = try await desk.put("o-acceptance", #"{"stage":"won_confirmed","owner":"anna"}"#)
            #expect(try told.status == 200 && told.json["won"].bool == true)
            let undone = try await desk.put("o-acceptance", #"{"stage":"won_confirmed","won":false,"closed_at":"2026-01-01T00:00:00Z"}"#)
            #expect(undone.status == 403)
            #expect(try await desk.api.count("opportunity WHERE won AND closed_at IS NOT NULL AND external_id = 'o-acceptance'") == 1)
        }
    }

    /// STAGE-17.
    @Test func `a transition keeps actor, time, evidence and the version of the rules, and through a gate none is without evidence`()
        async throws
    {
        try await Self.with { desk in
            try await desk.open("o", "strong_intent")
            let minutes = try await desk.happen("o", #"{"type":"upload","data":{"document":"meeting_minutes"}}"#)
            let other = try await desk.happen("o", #"{"type":"visit","data":{}}"#)
            _ = try await desk.move("o", "solution_discussion", evidence: [other])

            let last = try await desk.read("o")["transitions"].array?.last
            #expect(last?["from"].string == "strong_intent" && last?["to"].string == "solution_discussion")
            #expect(last?["rule_version"].string == "gate/default@1")
            #expect(last?["actor"].string?.isEmpty == false && last?["recorded_at"].string != nil)
            #expect(last?["evidence"].array?.compactMap(\.string) == ["activity:\(minutes)", "activity:\(other)"])
            await #expect(throws: (any Error).self, "the database itself refuses it") {
                _ = try await desk.api.owner.query(
                    "UPDATE stage_transition SET evidence = '{}' WHERE is_gated")
            }
            #expect(
                try await desk.move("o", "quoted", evidence: ["999999", "x"]).faults == ["evidence[1] not_found"])
            #expect(try await desk.move("o", "quoted", evidence: ["999999"]).faults == ["evidence[0] not_found"])
        }
    }

    @Test func `a warning stops nothing and is written down`() async throws {
        try await Self.with { desk in
            try await desk.open("o", "comparing", fields: #"{"contacts":1}"#)
            _ = try await desk.happen("o", #"{"type":"review","data":{"subject":"legal_risk","result":"passed"}}"#)

            let moved = try await desk.move("o", "contract_negotiation").json

            #expect(moved["lacking"][0]["requirement"].string == "legal-review.contacts")
            #expect(try await desk.read("o")["transitions"][1]["lacking"][0].string == "legal-review.contacts")
        }
    }

    @Test func `what is asked in vain is told with its reason`() async throws {
        try await Self.with { desk in
            try await desk.open("o", "strong_intent")
            try await desk.open("l", "strong_intent")

            #expect(try await desk.move("o", "nowhere").faults == ["to not_allowed"])
            #expect(try await desk.move("o", "strong_intent").json["code"].string == "stage_unchanged")
            #expect(try await desk.move("nobody", "lost").status == 404)
            #expect(try await desk.move("o", "lost", at: "2999-01-01T00:00:00Z").faults == ["at out_of_range"])
            let byPut = try await desk.put("o", #"{"stage":"signed"}"#)
            #expect(try byPut.status == 409 && byPut.json["code"].string == "stage_by_transition")

            #expect(try await desk.move("l", "lost").status == 200)
            #expect(try await desk.api.count("opportunity WHERE external_id = 'l' AND won = false AND closed_at IS NOT NULL") == 1)
            #expect(try await desk.api.count("opportunity_past WHERE won IS NULL") >= 1, "rankings know what it was before")
        }
    }

    @Test func `a transition told late takes its place, and where a later one is known the stage stays`() async throws {
        try await Self.with { desk in
            try await desk.open("o", "strong_intent", more: #","opened_at":"2026-01-01T00:00:00Z","at":"2026-01-01T00:00:00Z""#)
            _ = try await desk.happen("o", #"{"type":"upload","at":"2026-01-02T00:00:00Z","data":{"document":"meeting_minutes"}}"#)
            #expect(try await desk.move("o", "sample_test", at: "2026-03-01T00:00:00Z").status == 200)

            let late = try await desk.move("o", "solution_discussion", at: "2026-02-01T00:00:00Z").json
            let early = try await desk.move("o", "solution_discussion", at: "2026-01-01T12:00:00Z")

            #expect(late["late"].bool == true && late["from"].string == "strong_intent" && late["stage"].string == "sample_test")
            #expect(early.status == 422, "the minutes came a day later")
            #expect(try await desk.stage(of: "o") == "sample_test")
            let order = try await desk.read("o")["transitions"].array?.compactMap { $0["to"].string }
            #expect(order == ["strong_intent", "solution_discussion", "sample_test"])
        }
    }

    @Test func `a transition sent twice with one key happens once`() async throws {
        try await Self.with { desk in
            try await desk.open("o", "strong_intent")
            let first = try await desk.move("o", "sample_test", key: "k")
            let second = try await desk.move("o", "sample_test", key: "k")

            #expect(first.status == 200 && second.status == 200 && first.text == second.text)
            #expect(second.headers["idempotency-replayed"] == "true")
            #expect(try await desk.api.count("stage_transition WHERE to_stage = 'sample_test'") == 1)
        }
    }

    @Test func `of eight at once one moves it, and the others find it there`() async throws {
        try await Self.with { desk in
            try await desk.open("o", "strong_intent")
            let replies = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { group.addTask { try await desk.move("o", "sample_test").status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(replies.sorted() == [200] + [Int](repeating: 409, count: 7))
            #expect(try await desk.api.count("stage_transition WHERE to_stage = 'sample_test'") == 1)
        }
    }

    @Test func `another tenant's opportunity is not there`() async throws {
        try await Self.with { desk in
            try await desk.open("o", "strong_intent")

            let read = try await desk.api.send("GET", "/v1/opportunities/o", as: desk.api.globex.tenantKey)
            let moved = try await desk.api.send(
                "POST", "/v1/opportunities/o/transitions", #"{"to":"lost"}"#, as: desk.api.globex.tenantKey)

            #expect(read.status == 404 && moved.status == 404)
        }
    }
}

/// What somebody does with opportunities.
struct Desk: Sendable {
    let api: TestAPI

    func put(_ name: String, _ body: String) async throws -> Reply { try await api.send("PUT", "/v1/opportunities/\(name)", body) }

    func open(_ name: String, _ stage: String, fields: String = "{}", more: String = "") async throws {
        let reply = try await put(name, #"{"owner":"s1","stage":"\#(stage)","fields":\#(fields)\#(more)}"#)
        #expect(reply.status == 201, "\(reply.text)")
    }

    func tell(_ name: String, _ stage: String, fields: String) async throws {
        let reply = try await put(name, #"{"owner":"s1","stage":"\#(stage)","fields":\#(fields)}"#)
        #expect(reply.status == 200, "\(reply.text)")
    }

    /// Answers the activity's number. The body's `type`, `at` and `data` as sent.
    func happen(_ name: String, _ activity: String) async throws -> String {
        let body = #"{"subject":{"type":"opportunity","external_id":"\#(name)"},"# + activity.dropFirst()
        let reply = try await api.send("POST", "/v1/activities", body)
        return try #require(try reply.json["id"].string, "\(reply.text)")
    }

    func move(
        _ name: String, _ to: String, at: String? = nil, evidence: [String] = [], key: String? = nil
    ) async throws -> Reply {
        let list = evidence.map { "\"\($0)\"" }.joined(separator: ",")
        let moment = at.map { #","at":"\#($0)""# } ?? ""
        return try await api.send(
            "POST", "/v1/opportunities/\(name)/transitions", #"{"to":"\#(to)","evidence":[\#(list)]\#(moment)}"#,
            headers: key.map { ["Idempotency-Key": $0] } ?? [:])
    }

    func read(_ name: String) async throws -> JSON { try await api.send("GET", "/v1/opportunities/\(name)").json }

    func stage(of name: String) async throws -> String? { try await read(name)["stage"].string }
}
