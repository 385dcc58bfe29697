import Foundation
import Records
import Testing

@Suite struct LeadTests {
    @Test func `a lead is stored with the job that assigns it`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send(
                "POST", "/v1/leads",
                #"{"external_id":"L-1","source":"展会","received_at":"2026-01-31T08:00:00+08:00","fields":{"公司":"北京","n":1.50}}"#)

            #expect(reply.status == 202)
            let lead = try #require(try reply.json["lead_id"].string)
            let job = try #require(try reply.json["job_id"].string)
            let read = try await api.send("GET", "/v1/leads/\(lead)").json
            #expect(read["state"].string == "awaiting_assignment")
            #expect(read["source"].string == "展会")
            #expect(read["received_at"].string == "2026-01-31T00:00:00Z")
            #expect(read["fields"]["公司"].string == "北京")
            #expect(read["job_id"].string == job)
            #expect(read["owner"].isNull)
            #expect(read["assignment"].isNull)
            let made = try await api.send("GET", "/v1/jobs/\(job)").json
            #expect(made["kind"].string == "assign_lead")
            #expect(made["args"]["lead_id"].string == lead)
            #expect(made["args"]["trigger"].string == "created")
            #expect(made["args"]["assignment_epoch"].int == 0)
            let owed = try await api.count("outbox") + api.dispatched()
            #expect(owed > 0, "the job is owed to the index, or there")
        }
    }

    @Test(arguments: ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2999-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
    func `a lead came neither before 1970 nor in the future`(receivedAt: String) async throws {
        try await TestAPI.with { api in
            let refused = try await api.send("POST", "/v1/leads", #"{"external_id":"L-1","received_at":"\#(receivedAt)"}"#)

            #expect(refused.status == 422)
            #expect(refused.faults == ["received_at out_of_range"])
            #expect(try await api.count("lead") == 0)
        }
    }

    @Test func `a lead of a source whose clock is a little ahead came now`() async throws {
        try await TestAPI.with { api in
            let ahead = (Date() + 240).ISO8601Format()
            let taken = try await api.send("POST", "/v1/leads", #"{"external_id":"L-1","received_at":"\#(ahead)"}"#)

            #expect(taken.status == 202)
            #expect(try await api.count("lead WHERE received_at <= clock_timestamp()") == 1)
        }
    }

    @Test func `a lead told of again keeps its number, has its fields replaced, and is not assigned twice`() async throws {
        try await TestAPI.with { api in
            let first = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web","fields":{"a":1,"b":2}}"#)

            let again = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web","fields":{"a":3}}"#)
            let elsewhere = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"fair","fields":{"a":3}}"#)

            #expect(again.status == 202)
            #expect(again.bytes == first.bytes)
            #expect(try elsewhere.json["lead_id"].string != first.json["lead_id"].string)
            let fields = try await api.send("GET", "/v1/leads/\(try first.json["lead_id"].string!)").json["fields"]
            #expect(fields["a"].int == 3)
            #expect(fields["b"].isAbsent)
            #expect(try await api.count("job") == 2)
        }
    }

    @Test func `leads that come at once are each answered with their own, and a bad one fails alone`() async throws {
        try await TestAPI.with { api in
            // What the database refuses, whatever the API lets through.
            _ = try await api.owner.query("ALTER TABLE lead ADD CONSTRAINT odd CHECK (external_id <> 'L13')")
            let replies = try await withThrowingTaskGroup(of: (Int, Reply).self) { group in
                for n in 0..<60 {
                    let key = n % 3 == 0 ? api.globex.tenantKey : api.acme.tenantKey
                    group.addTask {
                        (n, try await api.send("POST", "/v1/leads", #"{"external_id":"L\#(n % 40)","source":"web"}"#, as: key))
                    }
                }
                return try await group.reduce(into: [Int: Reply]()) { $0[$1.0] = $1.1 }
            }
            let rows = try await api.owner.query("SELECT tenant_id, external_id, id, job_id FROM lead")
            var stored: [String: [String]] = [:]
            for row in rows {
                stored["\(try row.get("tenant_id", as: Int64.self)) \(try row.get("external_id", as: String.self))"] = [
                    String(try row.get("id", as: Int64.self)), String(try row.get("job_id", as: Int64.self)),
                ]
            }

            for (n, reply) in replies where n % 40 != 13 {
                let tenant = n % 3 == 0 ? api.globex.id : api.acme.id
                #expect(reply.status == 202)
                let told = [try reply.json["lead_id"].string, try reply.json["job_id"].string]
                #expect(told == stored["\(tenant.rawValue) L\(n % 40)"])
            }
            #expect([replies[13], replies[53]].map { $0?.status } == [422, 422])
            #expect(try await api.count("job WHERE kind = 'assign_lead'") == stored.count)
        }
    }

    @Test func `a lead that was held or sent to marketing is to be assigned anew, under its next epoch`() async throws {
        try await TestAPI.with { api in
            for (state, trigger) in [("held", "mapping_fixed"), ("with_marketing", "marketing_completed")] {
                let body = #"{"external_id":"\#(state)","source":"web"}"#
                let first = try await api.send("POST", "/v1/leads", body).json
                _ = try await api.owner.query(.init("UPDATE lead SET state = '\(state)', held_reason = 'x' WHERE external_id = '\(state)'"))

                let again = try await api.send("POST", "/v1/leads", body).json

                #expect(again["lead_id"].string == first["lead_id"].string)
                #expect(again["job_id"].string != first["job_id"].string)
                let lead = try await api.send("GET", "/v1/leads/\(first["lead_id"].string!)").json
                #expect(lead["state"].string == "awaiting_assignment")
                #expect(lead["assignment_epoch"].int == 1)
                let job = try await api.send("GET", "/v1/jobs/\(again["job_id"].string!)").json
                #expect(job["args"]["trigger"].string == trigger)
                #expect(job["args"]["assignment_epoch"].int == 1)
            }
        }
    }

    @Test func `a lead told again without its time keeps the time it came, with one it has that`() async throws {
        try await TestAPI.with { api in
            func received() async throws -> String? { try await api.send("GET", "/v1/leads/1").json["received_at"].string }
            func tell(_ time: String) async throws {
                #expect(try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"\#(time)}"#).status == 202)
            }
            _ = try await api.owner.query("ALTER SEQUENCE lead_id_seq RESTART WITH 1")
            try await tell(#","received_at":"2026-01-31T08:00:00Z""#)

            try await tell("")
            let csv = "id,note\nL1,again\n"
            let file = try await api.send("POST", "/v1/leads:import?source=web&external_id=id", csv, type: "text/csv")
            let kept = try await received()
            try await tell(#","received_at":"2026-02-01T08:00:00Z""#)

            #expect(file.status == 202)
            #expect(kept == "2026-01-31T08:00:00Z")
            #expect(try await received() == "2026-02-01T08:00:00Z")
        }
    }

    @Test func `every wrong field of a lead is named, and nothing is stored`() async throws {
        try await TestAPI.with { api in
            let many = (0..<201).map { #""f\#($0)":1"# }.joined(separator: ",")
            let wrong = try await api.send(
                "POST", "/v1/leads", #"{"external_id":"","source":7,"received_at":"2026-02-30T00:00:00Z","fields":[],"note":1}"#)
            let crowded = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","fields":{\#(many)}}"#)

            #expect(
                wrong.faults.sorted() == [
                    "external_id too_short", "fields wrong_type", "note unknown_field", "received_at bad_format", "source wrong_type",
                ])
            #expect(crowded.faults == ["fields too_many"])
            #expect(try await api.count("lead") == 0)
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `leads are listed by state, newest first, page by page`() async throws {
        try await TestAPI.with { api in
            for n in 1...5 { _ = try await api.send("POST", "/v1/leads", #"{"external_id":"L\#(n)","source":"web"}"#) }
            _ = try await api.owner.query("UPDATE lead SET state = 'held' WHERE external_id <> 'L3'")

            let first = try await api.send("GET", "/v1/leads?state=held&limit=3").json
            let second = try await api.send("GET", "/v1/leads?state=held&limit=3&cursor=\(first["next_cursor"].string ?? "")").json

            #expect(first["items"].array?.map { $0["external_id"].string } == ["L5", "L4", "L2"])
            #expect(second["items"].array?.map { $0["external_id"].string } == ["L1"])
            #expect(second["next_cursor"].isNull)
            let wrong = try await api.send("GET", "/v1/leads?state=gone&limit=501&cursor=x&stat=held")
            #expect(wrong.faults == ["state not_allowed", "cursor bad_format", "limit out_of_range", "stat unknown_field"])
        }
    }

    @Test func `leads are found by who has them, and by a part of their id or of a field`() async throws {
        try await TestAPI.with { api in
            let companies = ["华东精工机械（苏州）", #"Acme \"Tools\" Ltd"#, "南方重工"]
            for (n, company) in companies.enumerated() {
                let fields =
                    #"{"company":"\#(company)","staff":1200,"phone":"+86 138-6251-041\#(n)","home":{"city":"Suzhou","tags":["a \"b\""]}}"#
                let body = #"{"external_id":"L-\#(n)","source":"web","fields":\#(fields)}"#
                try #require(await api.send("POST", "/v1/leads", body).status == 202)
            }
            try #require(await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna"}"#).status == 201)
            _ = try await api.owner.query(
                """
                INSERT INTO assignment (tenant_id, lead_id, epoch, seller_id, job_id, assigned_at, active)
                SELECT l.tenant_id, l.id, 0, s.id, 1, now(), l.external_id = 'L-1' FROM lead l, seller s
                """)
            func found(_ query: String) async throws -> [String?] {
                try await api.send("GET", "/v1/leads?\(query)").json["items"].array?.map { $0["external_id"].string } ?? ["refused"]
            }

            #expect(try await found("text=%E7%B2%BE%E5%B7%A5") == ["L-0"], "精工")
            #expect(try await found("text=acme%20%22tools%22") == ["L-1"])
            #expect(try await found("text=suZHOU") == ["L-2", "L-1", "L-0"])
            #expect(try await found("text=200").count == 3)
            #expect(try await found("text=l-2") == ["L-2"])
            #expect(try await found("text=13862510411") == ["L-1"], "however its digits are grouped")
            #expect(try await found("text=138%206251%200412") == ["L-2"])
            #expect(try await found("text=13862510418").isEmpty)
            for name in ["company", "city", "tags"] {
                #expect(try await found("text=\(name)").isEmpty, "a field's name is none of its values")
            }
            #expect(try await found("text=a%20%22b%22").count == 3, "within a list, too")
            for sign in ["%25", "_", "%5C"] { #expect(try await found("text=\(sign)").isEmpty, "\(sign) stands for itself") }
            #expect(try await found("owner=anna") == ["L-1"])
            #expect(try await found("owner=anna&text=suzhou&state=held").isEmpty)
            #expect(try await found("owner=nobody").isEmpty)
            let id = try await api.send("GET", "/v1/leads?external_id=L-1").json["items"][0]["id"].string ?? ""
            #expect(try await found("ids=\(id),999999") == ["L-1"])
            #expect(try await found("ids=999999").isEmpty)
            #expect(try await api.send("GET", "/v1/leads?ids=\(id)&owner=anna").faults == ["ids not_allowed"])
            for ids in ["\(id),x", "-1", "%2B5", "0", ","] {
                #expect(try await api.send("GET", "/v1/leads?ids=\(ids)").faults == ["ids bad_format"])
            }
            #expect(try await api.send("GET", "/v1/leads?text=\(String(repeating: "x", count: 201))").faults == ["text too_long"])
        }
    }

    @Test(arguments: [
        (#"{"Company Name":" 苏州新港 ","contact":"Wang"}"#, "苏州新港"), (#"{"company":" ","联系人":"王磊"}"#, "王磊"),
        (#"{"institution_name":"协和医院","contact":"Li"}"#, "协和医院"), (#"{"parent_name":"王芳","course":"钢琴"}"#, "王芳"),
        (#"{"name":"Li","客户名称":"恒远"}"#, "恒远"), (#"{"company":7,"budget":"much"}"#, nil), ("{}", nil),
    ])
    func `a lead's answer says what people call it`(fields: String, name: String?) async throws {
        try await TestAPI.with { api in
            let told = try await api.send("POST", "/v1/leads", #"{"external_id":"L","source":"web","fields":\#(fields)}"#)

            let lead = try await api.send("GET", "/v1/leads/\(try told.json["lead_id"].string ?? "")").json
            #expect(lead["name"].string == name)
            #expect(try await api.send("GET", "/v1/leads").json["items"][0]["name"].string == name)
        }
    }

    @Test func `text is looked for in so many leads at once, and in older ones by the next page`() async throws {
        try await TestAPI.with { api in
            for n in 1...5 {
                let body = #"{"external_id":"L\#(n)","source":"web","fields":{"n":"no\#(n)"}}"#
                try #require(await api.send("POST", "/v1/leads", body).status == 202)
            }
            var search = LeadSearch()
            search.text = "no1"
            var (cursor, pages): (Int64?, [[String]]) = (.max, [])

            while let before = cursor {
                let page = try await api.records.leads(search, of: api.acme.id, before: before, limit: 10, lookedThrough: 2)
                pages.append(page.items.map(\.externalID))
                cursor = page.next
            }
            search.text = "no"
            let all = try await api.records.leads(search, of: api.acme.id, limit: 10, lookedThrough: 5)
            let first = try await api.records.leads(search, of: api.acme.id, limit: 2, lookedThrough: 5)
            let second = try await api.records.leads(search, of: api.acme.id, before: try #require(first.next), limit: 2, lookedThrough: 3)

            #expect(pages == [[], [], ["L1"]])
            #expect(all.items.count == 5 && all.next == nil, "nothing is older")
            #expect(first.items.map(\.externalID) == ["L5", "L4"] && second.items.map(\.externalID) == ["L3", "L2"])
        }
    }

    @Test func `the first touch of an assigned lead frees its seller, once`() async throws {
        try await TestAPI.with { api in
            let lead = try await api.assignedLead("L1", to: "s1")
            let touch = #"{"subject":{"type":"lead","external_id":"L1"},"type":"touch","at":"2026-01-31T08:00:00Z","actor":"s1"}"#

            let replies = try await withThrowingTaskGroup(of: Reply.self) { group in
                for _ in 0..<8 { group.addTask { try await api.send("POST", "/v1/activities", touch) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(replies.map(\.status) == Array(repeating: 201, count: 8))
            #expect(try await api.send("GET", "/v1/sellers/s1").json["pending"].int == 1)
            #expect(try await api.send("GET", "/v1/leads/\(lead)").json["touched_at"].string == "2026-01-31T08:00:00Z")
            #expect(try await api.count("activity") == 8)
            #expect(try await api.count("assignment WHERE touched_at IS NOT NULL") == 1)
        }
    }

    @Test func `a lead nobody owns is touched once`() async throws {
        try await TestAPI.with { api in
            let lead = try #require(await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#).json["lead_id"].string)

            let reply = try await api.send(
                "POST", "/v1/activities",
                #"{"items":[{"subject":{"type":"lead","external_id":"L1","source":"web"},"type":"touch"},{"subject":{"type":"lead","external_id":"L1","source":"web"},"type":"visit"}]}"#
            )

            #expect(reply.status == 201)
            #expect(try reply.json["ids"].array?.count == 2)
            #expect(try await api.send("GET", "/v1/leads/\(lead)").json["touched_at"].string != nil)
            #expect(try await api.count("load_change") == 0, "it weighs on nobody")
        }
    }

    @Test func `what is told lies neither ahead nor with a customer nobody knows`() async throws {
        try await TestAPI.with { api in
            func tell(_ type: String, _ id: String, at: String) async throws -> Reply {
                try await api.send(
                    "POST", "/v1/activities",
                    #"{"subject":{"type":"\#(type)","external_id":"\#(id)"},"type":"touch","at":"\#(at)"}"#)
            }
            _ = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#)
            _ = try await api.send("PUT", "/v1/customers/known", #"{"company":"Acme"}"#)
            let now = Date()

            #expect(try await tell("lead", "L1", at: "9999-12-31T23:59:59Z").faults == ["at out_of_range"])
            #expect(try await tell("lead", "L1", at: "0001-01-01T00:00:00Z").faults == ["at out_of_range"])
            #expect(try await tell("lead", "L1", at: now.addingTimeInterval(600).ISO8601Format()).faults == ["at out_of_range"])
            #expect(try await tell("lead", "L1", at: now.addingTimeInterval(200).ISO8601Format()).status == 201, "clocks differ")
            #expect(try await tell("customer", "nobody", at: now.ISO8601Format()).status == 404)
            #expect(try await tell("customer", "known", at: now.ISO8601Format()).status == 201)
            #expect(try await api.count("activity") == 2)
        }
    }

    @Test func `activities of a list are recorded all or none`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#)

            let unknown = try await api.send(
                "POST", "/v1/activities",
                #"{"items":[{"subject":{"type":"lead","external_id":"L1"},"type":"touch"},{"subject":{"type":"lead","external_id":"L2"},"type":"touch"}]}"#
            )
            let wrong = try await api.send(
                "POST", "/v1/activities",
                #"{"items":[{"subject":{"type":"ship"},"type":"","at":"x","data":[],"evidence":{}},{"type":"touch"},7]}"#)

            #expect(unknown.faults == ["items[1].subject not_found"])
            #expect(
                Set(wrong.faults) == [
                    "items[0].subject.type not_allowed", "items[0].subject.external_id missing", "items[0].type too_short",
                    "items[0].at bad_format",
                    "items[0].data wrong_type", "items[0].evidence wrong_type", "items[1].subject missing", "items[2] wrong_type",
                ])
            #expect(try await api.count("activity") == 0)
        }
    }
}

extension TestAPI {
    /// Ready jobs in the index.
    fileprivate func dispatched() async throws -> Int { try await dispatch.ready(of: acme.id) }

    /// A lead as settling an assignment leaves it, whose seller has another one pending.
    fileprivate func assignedLead(_ name: String, to seller: String) async throws -> String {
        _ = try await send("PUT", "/v1/sellers/\(seller)", #"{"name":"One","status":"active"}"#)
        let lead = try #require(await send("POST", "/v1/leads", #"{"external_id":"\#(name)","source":"web"}"#).json["lead_id"].string)
        _ = try await owner.pipeline([
            .init("UPDATE lead SET state = 'assigned', owner_id = (SELECT id FROM seller) WHERE id = \(lead)"),
            .init(
                """
                INSERT INTO assignment (tenant_id, lead_id, epoch, seller_id, job_id, assigned_at)
                SELECT \(acme.id), \(lead), 0, id, 1, now() FROM seller
                """),
            "UPDATE seller_load SET pending = 2",
        ])
        return lead
    }
}
