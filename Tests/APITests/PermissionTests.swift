import Foundation
import Permissions
import PostgresClient
import Records
import Tenancy
import TestSupport
import Testing

/// What people may do, over HTTP: with keys that are theirs, judged by the tenant's policies (ACCESS-01…03).
@Suite struct PermissionTests {
    // MARK: Keys of people

    @Test func `a key may be a seller's or a manager's, says so in lists, and stays theirs`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let path = "/v1/tenants/acme/keys"
            let made = try await api.send("POST", path, #"{"role":"tenant","user":"anna"}"#, as: api.platformKey)
            let list = try await api.send("GET", path, as: api.platformKey).json["items"].array ?? []
            let unknown = try await api.send("POST", path, #"{"role":"tenant","user":"zoe"}"#, as: api.platformKey)
            let above = try await api.send("POST", path, #"{"role":"operator","user":"anna"}"#, as: api.platformKey)
            let foreign = try await api.send(
                "POST", "/v1/tenants/globex/keys", #"{"role":"tenant","user":"anna"}"#, as: api.platformKey)
            let manager = try await api.send("POST", path, #"{"role":"tenant","user":"otto"}"#, as: api.platformKey)

            #expect(made.status == 201 && manager.status == 201)
            #expect(try made.json["user"].string == "anna")
            #expect(list.first?["user"].string == "anna" && list.last?["user"].isNull == true)
            #expect(unknown.faults == ["user not_found"] && above.faults == ["user not_allowed"] && foreign.faults == ["user not_found"])
            await #expect(throws: PostgresError.self) {
                try await api.engine.query("UPDATE api_key SET person = 'bert' WHERE person = 'anna'")
            }
            #expect(try await api.count("audit_log WHERE action = 'key.create' AND after->>'user' = 'anna'") == 1)
        }
    }

    @Test func `without policies a person's key does what the tenant's does, but for rules, teams and sellers`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let anna = try await api.key(of: "anna")
            for (method, path, body, status) in [
                ("POST", "/v1/leads", #"{"external_id":"L1","fields":{"city":"上海"}}"#, 202), ("GET", "/v1/leads", nil, 200),
                ("PUT", "/v1/opportunities/o1", #"{"stage":"new"}"#, 201), ("GET", "/v1/opportunities/o1", nil, 200),
                ("POST", "/v1/activities", #"{"subject":{"type":"lead","external_id":"L1"},"type":"touch"}"#, 201),
                ("GET", "/v1/jobs", nil, 200), ("GET", "/v1/sellers", nil, 200),
                ("PUT", "/v1/sellers/anna", #"{"name":"Anna","team":"east"}"#, 403),
                ("PUT", "/v1/teams/hill", #"{"name":"Hill","manager":"anna"}"#, 403), ("GET", "/v1/rulesets", nil, 403),
                ("POST", "/v1/rulesets/route/default/versions", "rules: []", 403), ("GET", "/v1/access/policies", nil, 403),
                ("GET", "/v1/rounds/1", nil, 403), ("GET", "/v1/rounds/1/differences", nil, 403),
                ("GET", "/v1/rulesets/route/default/versions/1/rounds", nil, 403),
            ] as [(String, String, String?, Int)] {
                let reply = try await api.send(method, path, body, as: anna)
                #expect(reply.status == status, "\(method) \(path): \(reply.text)")
            }
            #expect(try await api.count("audit_log WHERE action = 'refused' AND after->>'code' = 'not_for_people'") == 7)
        }
    }

    // MARK: ACCESS-01

    @Test func `what a policy denies is refused with the policy and its origin, written down, and changes nothing`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let (anna, bert) = (try await api.key(of: "anna"), try await api.key(of: "bert"))
            _ = try await api.send("PUT", "/v1/opportunities/o1", #"{"stage":"new"}"#)
            try await api.allow(
                #"[{"id":"read-only","to":{"team":"east"},"effect":"deny","actions":["opportunity.create","opportunity.edit","lead.create"]}]"#
            )

            let create = try await api.send("PUT", "/v1/opportunities/o2", #"{"stage":"new"}"#, as: anna)
            let edit = try await api.send("PUT", "/v1/opportunities/o1", #"{"stage":"next"}"#, as: anna)
            let move = try await api.send("POST", "/v1/opportunities/o1/transitions", #"{"to":"next"}"#, as: anna)
            let read = try await api.send("GET", "/v1/opportunities/o1", as: anna)
            let lead = try await api.send("POST", "/v1/leads", #"{"external_id":"L1"}"#, as: anna)
            let keyed = try await api.send(
                "POST", "/v1/leads", #"{"external_id":"L1"}"#, as: anna, headers: ["Idempotency-Key": "k1"])
            let file = try await api.send("POST", "/v1/leads:import?source=s&external_id=id", "id\n1\n", as: anna, type: "text/csv")
            let other = try await api.send("PUT", "/v1/opportunities/o3", #"{"stage":"new"}"#, as: bert)
            let service = try await api.send("PUT", "/v1/opportunities/o4", #"{"stage":"new"}"#)

            for reply in [create, edit, move, lead, keyed, file] {
                #expect(reply.status == 403 && reply.code == "permission", "\(reply.text)")
            }
            #expect(try create.json["detail"].string?.contains("“read-only” (inherited from the team east, 2 above)") == true)
            #expect([read, other, service].map(\.status) == [200, 201, 201])
            #expect(try await api.count("opportunity WHERE external_id = 'o2' OR stage = 'next'") == 0)
            #expect(try await api.count("lead") == 0)
            #expect(
                try await api.count("audit_log WHERE action = 'refused' AND after->>'policy' = 'read-only' AND actor LIKE '% of anna'") == 6
            )
        }
    }

    @Test func `who repeats another's request under its idempotency key is judged for themselves`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let (anna, bert) = (try await api.key(of: "anna"), try await api.key(of: "bert"))
            try await api.allow(#"[{"id":"read-only","to":{"team":"east"},"effect":"deny","actions":["lead.create","lead.edit"]}]"#)
            func send(as key: String) async throws -> Reply {
                try await api.send("POST", "/v1/leads", #"{"external_id":"L1"}"#, as: key, headers: ["Idempotency-Key": "k1"])
            }

            let first = try await send(as: bert)
            let again = try await send(as: bert)
            let other = try await send(as: anna)

            #expect(first.status == 202 && again.text == first.text && again.headers["idempotency-replayed"] == "true", "\(first.text)")
            #expect(other.status == 403 && other.code == "permission", "\(other.text)")
        }
    }

    @Test func `of a lead that is known telling again is editing, and of one that is not it is creating`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let anna = try await api.key(of: "anna")
            try await api.allow(#"[{"id":"no-new","to":{"role":"seller"},"effect":"deny","actions":["lead.create"]}]"#)
            _ = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#)

            let edit = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web","fields":{"a":1}}"#, as: anna)
            let create = try await api.send("POST", "/v1/leads", #"{"external_id":"L2","source":"web"}"#, as: anna)
            let elsewhere = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"fair"}"#, as: anna)

            #expect([edit, create, elsewhere].map(\.status) == [202, 403, 403])
            #expect(try await api.count("lead WHERE fields = '{\"a\":1}'") == 1)
        }
    }

    @Test func `what somebody may do is answered with the policy that says so, always with words`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            func effective(_ query: String, as key: String? = "acme") async throws -> Reply {
                try await api.send("GET", "/v1/access/effective?\(query)", as: key)
            }
            let before = try await effective("user=anna&action=opportunity.create").json
            try await api.allow(
                """
                [{"id":"no","to":{"team":"north"},"effect":"deny","actions":["opportunity.create"]},
                 {"id":"yes","to":{"user":"mia"},"effect":"allow","actions":["opportunity.create"]},
                 {"id":"sh","to":{"role":"seller"},"effect":"allow","actions":["lead.create"],"cities":["上海"]}]
                """)
            let denied = try await effective("user=anna&action=opportunity.create").json
            let allowed = try await effective("user=mia&action=opportunity.create").json
            let within = try await effective("user=bert&action=lead.create&city=\("上海市".encoded)").json
            let outside = try await effective("user=bert&action=lead.create&city=\("北京".encoded)").json
            let own = try await effective("user=anna&action=lead.create", as: try await api.key(of: "anna"))
            let others = try await effective("user=bert&action=lead.create", as: try await api.key(of: "anna"))

            #expect(before["allowed"].bool == true && before["policy"].isNull && before["version"].int == 0)
            #expect(denied["allowed"].bool == false && denied["code"].string == "permission" && denied["policy"]["id"].string == "no")
            #expect(denied["policy"]["team"].string == "north" && denied["policy"]["levels_above"].int == 1 && denied["version"].int == 1)
            #expect(allowed["allowed"].bool == true && allowed["policy"]["id"].string == "yes")
            #expect(within["allowed"].bool == true && within["policy"]["id"].string == "sh")
            #expect(within["cities"].array?.compactMap(\.string) == ["上海"])
            #expect(outside["allowed"].bool == false && outside["code"].string == "data_domain")
            #expect(outside["explanation"]["en"].string?.contains("北京") == true)
            for answer in [before, denied, allowed, within, outside] {
                #expect(answer["explanation"]["en"].string?.isEmpty == false && answer["explanation"]["zh"].string?.isEmpty == false)
            }
            #expect(own.status == 200 && others.status == 403)
            #expect(try await effective("user=zoe&action=lead.create").faults == ["user not_found"])
            #expect(try await effective("user=anna&action=lead.fly").faults == ["action not_allowed"])
            #expect(try await effective("").faults == ["action missing", "user missing"])
        }
    }

    @Test func `who moves to another team has its policies from the next request on`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let anna = try await api.key(of: "anna")
            try await api.allow(#"[{"id":"no","to":{"team":"north"},"effect":"deny","actions":["lead.query"]}]"#)
            #expect(try await api.send("GET", "/v1/leads", as: anna).status == 403)

            _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","team":"south"}"#)

            #expect(try await api.send("GET", "/v1/leads", as: anna).status == 200)
        }
    }

    @Test func `a manager freezes with a key of their own, in nobody else's name`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let (mia, bert) = (try await api.key(of: "mia"), try await api.key(of: "bert"))
            let other = try await api.send("PUT", "/v1/sellers/anna/freeze", #"{"frozen":true,"reason":"late","by":"otto"}"#, as: mia)
            let frozen = try await api.send("PUT", "/v1/sellers/anna/freeze", #"{"frozen":true,"reason":"late"}"#, as: mia)
            let envy = try await api.send("PUT", "/v1/sellers/anna/freeze", #"{"frozen":true,"reason":"envy"}"#, as: bert)

            #expect(other.faults == ["by not_allowed"])
            #expect(frozen.status == 200 && envy.code == "not_the_manager")
            #expect(try frozen.json["freeze"]["by"].string == "mia")
        }
    }

    // MARK: ACCESS-02

    @Test func `a city outside of the data domain is refused by name, whatever is done, and lists show what is within`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let anna = try await api.key(of: "anna")
            for (id, city) in [("L1", "上海市"), ("L2", "北京"), ("L3", "")] {
                _ = try await api.send("POST", "/v1/leads", #"{"external_id":"\#(id)","source":"web","fields":{"city":"\#(city)"}}"#)
                _ = try await api.send(
                    "PUT", "/v1/opportunities/o\(id)", #"{"stage":"new","fields":{"city":"\#(city.isEmpty ? "x" : city)"}}"#)
            }
            let ids = try await api.owner.query("SELECT id FROM lead ORDER BY external_id").map { try $0.get("id", as: Int64.self) }
            try await api.allow(
                """
                [{"id":"sh","to":{"team":"hill"},"effect":"allow","cities":["上海"],"actions":["lead.create","lead.edit","lead.query",
                  "opportunity.create","opportunity.edit","opportunity.query","activity.create"]}]
                """)
            func lead(_ id: String, _ city: String) async throws -> Reply {
                try await api.send("POST", "/v1/leads", #"{"external_id":"\#(id)","source":"web","fields":{"city":"\#(city)"}}"#, as: anna)
            }
            func deal(_ id: String, _ city: String) async throws -> Reply {
                try await api.send("PUT", "/v1/opportunities/\(id)", #"{"stage":"new","fields":{"city":"\#(city)"}}"#, as: anna)
            }
            func touch(_ type: String, _ id: String) async throws -> Reply {
                try await api.send(
                    "POST", "/v1/activities", #"{"subject":{"type":"\#(type)","external_id":"\#(id)"},"type":"touch"}"#, as: anna)
            }
            let refused = [
                try await lead("L9", "北京"), try await lead("L2", "上海"), try await lead("L1", "北京"), try await deal("o9", "北京"),
                try await deal("oL2", "上海"), try await deal("oL1", "北京"), try await touch("lead", "L2"),
                try await touch("opportunity", "oL2"),
                try await api.send("GET", "/v1/leads/\(ids[1])", as: anna), try await api.send("GET", "/v1/opportunities/oL2", as: anna),
                try await api.send("GET", "/v1/leads?city=\("北京".encoded)", as: anna),
                try await api.send("POST", "/v1/opportunities/oL2/transitions", #"{"to":"next"}"#, as: anna),
            ]
            let nowhere = [
                try await lead("L9", ""), try await api.send("GET", "/v1/leads/\(ids[2])", as: anna),
                try await api.send("GET", "/v1/jobs", as: anna), try await api.send("GET", "/v1/events", as: anna),
                try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: anna),
                try await api.send("POST", "/v1/leads:import?source=s&external_id=id", "id\n1\n", as: anna, type: "text/csv"),
            ]
            let fine = [
                try await lead("L1", "上海"), try await lead("L8", "上海"), try await deal("oL1", "上海"), try await touch("lead", "L1"),
                try await api.send("GET", "/v1/leads/\(ids[0])", as: anna), try await api.send("GET", "/v1/opportunities/oL1", as: anna),
            ]
            let list = try await api.send("GET", "/v1/leads", as: anna).json["items"].array ?? []
            let asked = try await api.send("GET", "/v1/leads?city=\("上海".encoded)").json["items"].array ?? []

            for reply in refused {
                #expect(reply.status == 403 && reply.code == "data_domain", "\(reply.text)")
                #expect(try reply.json["detail"].string?.contains("北京") == true, "\(reply.text)")
            }
            for reply in nowhere { #expect(reply.status == 403 && reply.code == "data_domain", "\(reply.text)") }
            #expect(fine.map(\.status) == [202, 202, 200, 201, 200, 200])
            #expect(list.compactMap { $0["external_id"].string } == ["L8", "L1"])
            #expect(asked.compactMap { $0["external_id"].string } == ["L8", "L1"])
            #expect(try await api.count("lead WHERE external_id = 'L9'") == 0)
        }
    }

    @Test func `a stream of events ends when its reader is given a data domain`() async throws {
        var limits = Limits()
        limits.streamBeat = .milliseconds(100)
        try await TestAPI.with(.init(limits: limits)) { api in
            try await api.organise()
            try await api.listening(as: try await api.key(of: "anna")) { reader in
                try await api.allow(#"[{"id":"sh","to":{"user":"anna"},"effect":"allow","cities":["上海"],"actions":["lead.query"]}]"#)

                try await expectSoon { reader.isOver }
            }
        }
    }

    @Test func `the database reads a city as the judge does`() async throws {
        try await TestAPI.with { api in
            let written = ["上海", " 上海市\n", "\u{3000}上海\u{3000}", "Hangzhou", "市", "x市", "津市市", "\t", ""]
            for name in written {
                let key: String = try await api.owner.query("SELECT city_key(\(name)) AS key").first!.get("key")
                #expect(key == City(name)?.key ?? "", "\(name.debugDescription)")
            }
            for fields in [
                #"{"city":"上海"}"#, #"{"城市":"南京","city":" "}"#, #"{"城市":"南京","city":"上海"}"#, #"{"city":7}"#, #"{"city":["a"]}"#, "{}",
            ] {
                let key: String? = try await api.owner.query(
                    "SELECT city_of(\(JSONBytes(fields)), \(PolicyBook.usualCityFields)) AS key"
                ).first!.get("key")
                #expect(key == City(in: fields.utf8, named: PolicyBook.usualCityFields)?.key, "\(fields)")
            }
        }
    }

    // MARK: ACCESS-03

    @Test func `before a change is made it is told who would lose what, and nothing is changed by that`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            _ = try await api.send("PUT", "/v1/opportunities/o1", #"{"stage":"new","owner":"bert","fields":{"city":"深圳"}}"#)
            let body = """
                {"policies":[{"id":"gz","to":{"role":"seller"},"effect":"allow","actions":["opportunity.create"],"cities":["广州"]},
                             {"id":"x","to":{"team":"nroth"},"effect":"deny","actions":["lead.query"]}]}
                """
            let check = try await api.send("POST", "/v1/access/check", body, as: api.acme.operatorKey).json
            let low = try await api.send("POST", "/v1/access/check", body)

            let losses = (check["losses"].array ?? []).map { loss in
                "\(loss["user"].string ?? "") \(loss["action"].string ?? "") \((loss["cities"].array ?? []).compactMap(\.string).joined(separator: ","))"
            }
            // Anna sells in Shanghai; Bert in Guangzhou, and has something open in Shenzhen; who is on leave is not asked.
            #expect(losses == ["anna opportunity.create 上海", "bert opportunity.create 深圳"])
            #expect(check["base"].int == 0 && check["total_losses"].int == 2)
            #expect(check["confirmation"].string == "remove opportunity.create from 2")
            #expect(check["warnings"].array?.first?["message"].string?.contains("nroth") == true)
            #expect(check["losses"].array?.first?["explanation"]["zh"].string?.contains("上海") == true)
            #expect(low.status == 403)
            #expect(try await api.count("access_version") == 0)
        }
    }

    @Test func `taking create from anybody active needs the words, and the earlier version is back in one call, audited`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            let anna = try await api.key(of: "anna")
            func create(_ id: String) async throws -> Int {
                try await api.send("PUT", "/v1/opportunities/\(id)", #"{"stage":"new"}"#, as: anna).status
            }
            func change(_ more: String, as key: String? = nil) async throws -> Reply {
                try await api.send(
                    "POST", "/v1/access/versions",
                    #"{"policies":[{"id":"ro","to":{"team":"east"},"effect":"deny","actions":["opportunity.create"]}],\#(more)}"#,
                    as: key ?? api.acme.operatorKey)
            }
            try await api.allow("[]")
            let silent = try await change(#""reason":"closing""#)
            let wrong = try await change(#""reason":"closing","confirmation":"yes""#)
            let groundless = try await change(#""confirmation":"remove opportunity.create from 3""#)
            #expect(try await create("o1") == 201)
            let made = try await change(#""reason":"closing","confirmation":"remove opportunity.create from 3","base":1"#)
            #expect(try await create("o2") == 403)
            let again = try await change(#""reason":"closing""#)
            let stale = try await change(#""reason":"closing","base":1"#)
            let current = try await api.send("POST", "/v1/access/versions/2/restore", #"{"reason":"x"}"#, as: api.acme.operatorKey)
            let none = try await api.send("POST", "/v1/access/versions/9/restore", #"{"reason":"x"}"#, as: api.acme.operatorKey)
            let back = try await api.send("POST", "/v1/access/versions/1/restore", #"{"reason":"all stopped"}"#, as: api.acme.operatorKey)
            #expect(try await create("o3") == 201)
            let list = try await api.send("GET", "/v1/access/versions", as: api.acme.operatorKey).json["items"].array ?? []
            let second = try await api.send("GET", "/v1/access/versions/2", as: api.acme.operatorKey).json
            let now = try await api.send("GET", "/v1/access/policies", as: api.acme.operatorKey).json

            #expect(silent.faults == ["confirmation confirmation_needed"] && wrong.faults == ["confirmation confirmation_needed"])
            #expect(silent.text.contains("anna, mia, otto would lose opportunity.create"))
            #expect(groundless.faults == ["reason missing"])
            #expect([made, again, stale, current, none, back].map(\.status) == [201, 200, 409, 409, 404, 201])
            #expect(stale.code == "version_changed" && current.code == "version_current")
            #expect(try made.json["total_losses"].int == 3 && back.json["version"].int == 3 && back.json["restored_from"].int == 1)
            #expect(list.compactMap { $0["version"].int } == [3, 2, 1])
            #expect(second["policies"].array?.first?["id"].string == "ro" && now["policies"].array?.isEmpty == true)
            #expect(try await change(#""reason":"x""#, as: api.acme.tenantKey).status == 403)
            let log = try await api.owner.query(
                "SELECT action || ' ' || subject || ' ' || reason AS line FROM audit_log WHERE action LIKE 'access.%' ORDER BY id"
            ).map { try $0.get("line", as: String.self) }
            #expect(log == ["access.change access@1 test", "access.change access@2 closing", "access.restore access@3 all stopped"])
            await #expect(throws: PostgresError.self) { try await api.engine.query("UPDATE access_version SET reason = 'no'") }
        }
    }

    @Test func `a version is made once per idempotency key, and two at once have two numbers`() async throws {
        try await TestAPI.with { api in
            try await api.organise()
            @Sendable func save(_ id: String, key: String) async throws -> Reply {
                try await api.send(
                    "POST", "/v1/access/versions",
                    #"{"policies":[{"id":"\#(id)","to":{"everyone":true},"effect":"allow","actions":["lead.create"]}],"reason":"r"}"#,
                    as: api.acme.operatorKey, headers: ["Idempotency-Key": key])
            }
            let (first, repeated) = (try await save("a", key: "k"), try await save("a", key: "k"))
            async let one = save("b", key: "k1")
            async let two = save("c", key: "k2")
            let both = try await [one, two]

            #expect(first.text == repeated.text && repeated.headers["idempotency-replayed"] == "true")
            #expect(both.map(\.status) == [201, 201])
            #expect(try Set(both.compactMap { try $0.json["version"].int }) == [2, 3])
        }
    }
}

extension TestAPI {
    /// hill below north below east; mia leads north, otto east; anna sells for hill, bert for south, cleo is on leave.
    func organise() async throws {
        for (path, body) in [
            ("teams/hill", #"{"name":"Hill","superior":"north"}"#), ("teams/north", #"{"name":"North","manager":"mia","superior":"east"}"#),
            ("teams/east", #"{"name":"East","manager":"otto"}"#), ("teams/south", #"{"name":"South"}"#),
            ("sellers/anna", #"{"name":"Anna","status":"active","team":"hill","regions":["上海"]}"#),
            ("sellers/bert", #"{"name":"Bert","status":"active","team":"south","regions":["广州"]}"#),
            ("sellers/cleo", #"{"name":"Cleo","status":"leave","team":"south","regions":["北京"]}"#),
        ] { try #require(try await send("PUT", "/v1/\(path)", body).status == 201) }
    }

    /// A key of a person's own.
    func key(of user: String) async throws -> String {
        let reply = try await send("POST", "/v1/tenants/acme/keys", #"{"role":"tenant","user":"\#(user)"}"#, as: platformKey)
        return try #require(try reply.json["key"].string)
    }

    /// Makes these the policies that count, typing whatever has to be typed.
    func allow(_ policies: String) async throws {
        let words = try await send("POST", "/v1/access/check", #"{"policies":\#(policies)}"#, as: acme.operatorKey).json["confirmation"]
            .string
        let typed = words.map { #","confirmation":"\#($0)""# } ?? ""
        let reply = try await send(
            "POST", "/v1/access/versions", #"{"policies":\#(policies),"reason":"test"\#(typed)}"#, as: acme.operatorKey)
        try #require(reply.status == 201, "\(reply.text)")
    }
}

extension String {
    fileprivate var encoded: String { addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? self }
}
