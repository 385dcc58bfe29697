import Foundation
import Testing

@Suite struct RecordRouteTests {
    @Test func `a seller is stored as told, with the history of their status`() async throws {
        try await TestAPI.with { api in
            let body =
                #"{"name":"陈","team":"t1","status":"active","regions":["北京"],"industries":["pet"],"capacity":3,"weight":2,"newcomer":true,"channels":{"wecom":"chen"}}"#

            let new = try await api.send("PUT", "/v1/sellers/chen%20%E9%99%88", body)
            let same = try await api.send("PUT", "/v1/sellers/chen%20%E9%99%88", body)
            let left = try await api.send("PUT", "/v1/sellers/chen%20%E9%99%88", #"{"name":"陈"}"#)

            #expect([new, same, left].map(\.status) == [201, 200, 200])
            let seller = try new.json
            #expect(seller["external_id"].string == "chen 陈")
            #expect(seller["regions"][0].string == "北京")
            #expect(seller["channels"]["wecom"].string == "chen")
            #expect([seller["capacity"].int, seller["weight"].int, seller["pending"].int] == [3, 2, 0])
            #expect(try left.json["status"].isNull)
            #expect(try left.json["capacity"].int == 8)
            #expect(try await api.count("seller_status_history") == 2)
            #expect(try await api.count("routing_state WHERE version = 3") == 1)
        }
    }

    @Test func `teams and opportunities are stored as told`() async throws {
        try await TestAPI.with { api in
            let team = try await api.send("PUT", "/v1/teams/t1", #"{"name":"North"}"#)
            let again = try await api.send("PUT", "/v1/teams/t1", #"{"name":"South"}"#)
            let won = try await api.send(
                "PUT", "/v1/opportunities/o1",
                #"{"owner":"s1","industry":"pet","stage":"won","won":true,"amount":{"amount_minor":12300,"currency":"CNY"},"closed_at":"2026-01-01T00:00:00Z"}"#
            )

            #expect([team, again, won].map(\.status) == [201, 200, 201])
            #expect(try won.json["amount"]["amount_minor"].int == 12_300)
            #expect(try await api.count("team WHERE name = 'South'") == 1)
            for (seller, team) in [("s1", "t1"), ("s2", "t9")] {
                _ = try await api.send("PUT", "/v1/sellers/\(seller)", #"{"name":"x","team":"\#(team)","status":"active"}"#)
            }
            let names = try await api.send("GET", "/v1/sellers").json["items"].array?.map { $0["team_name"].string }
            #expect(names == ["South", nil], "what it is called now, where anybody said so")
            #expect(try await api.count("opportunity WHERE won AND amount_minor = 12300 AND owner = 's1'") == 1)
        }
    }

    @Test func `sellers are found by a part of their names or ids, by team and by whether they get leads`() async throws {
        try await TestAPI.with { api in
            for (id, name, team, status) in [
                ("s1", "Chen Wei", "north", "active"), ("s2", "陈伟", "north", "leave"), ("wei-3", "Li", "south", "active"),
                ("s4", "100%", "south", "inactive"),
            ] {
                _ = try await api.send("PUT", "/v1/sellers/\(id)", #"{"name":"\#(name)","team":"\#(team)","status":"\#(status)"}"#)
            }
            let freeze = try await api.send(
                "PUT", "/v1/sellers/wei-3/freeze", #"{"frozen":true,"reason":"test"}"#, as: api.acme.operatorKey)
            try #require(freeze.status == 200)
            for (query, found) in [
                ("text=WEI", ["s1", "wei-3"]), ("text=%25", ["s4"]), ("text=%E4%BC%9F&team=north", ["s2"]), ("state=active", ["s1"]),
                ("state=frozen", ["wei-3"]), ("state=leave&team=south", []),
            ] {
                let sellers = try await api.send("GET", "/v1/sellers?\(query)").json["items"].array ?? []
                #expect(sellers.compactMap { $0["external_id"].string } == found, "\(query)")
            }
            #expect(try await api.send("GET", "/v1/sellers?state=gone").faults == ["state not_allowed"])
        }
    }

    @Test func `every wrong field of a record is named, and nothing is stored`() async throws {
        let cases: [(path: String, body: String, faults: [String])] = [
            (
                "/v1/sellers/s1",
                #"{"team":5,"status":"gone","regions":"x","industries":[1],"capacity":-1,"weight":1.5,"newcomer":"yes","channels":[],"age":3}"#,
                [
                    "age unknown_field", "capacity out_of_range", "channels wrong_type", "industries[0] wrong_type", "name missing",
                    "newcomer wrong_type",
                    "regions wrong_type", "status not_allowed", "team wrong_type", "weight out_of_range",
                ]
            ),
            ("/v1/sellers/" + String(repeating: "x", count: 201), #"{"name":"x"}"#, ["path too_long"]),
            ("/v1/teams/t1", #"{"name":null}"#, ["name missing"]),
            ("/v1/opportunities/o1", #"{"stage":"x","won":true}"#, ["closed_at missing"]),
            ("/v1/opportunities/o1", #"{"stage":"x","closed_at":"2026-01-01T00:00:00Z"}"#, ["won missing"]),
            (
                "/v1/opportunities/o1", #"{"amount":{"amount_minor":1.5,"currency":"yuan","x":1}}"#,
                ["amount.amount_minor out_of_range", "amount.currency too_long", "amount.x unknown_field", "stage missing"]
            ),
            ("/v1/opportunities/o1", #"{"stage":"x","amount":{"amount_minor":1,"currency":"cny"}}"#, ["amount.currency bad_format"]),
            ("/v1/probes/dependencies/d", #"{"failing":"no"}"#, ["failing wrong_type"]),
        ]
        try await TestAPI.with { api in
            for (path, body, faults) in cases {
                let reply = try await api.send("PUT", path, body)
                #expect(reply.status == 422, "\(path) \(body)")
                #expect(reply.faults.sorted() == faults, "\(path) \(body)")
            }
            for table in ["seller", "team", "opportunity", "probe_dependency"] { #expect(try await api.count(table) == 0, "\(table)") }
        }
    }

    @Test func `the platform sets up tenants and changes what it names`() async throws {
        try await TestAPI.with { api in
            let new = try await api.send("PUT", "/v1/tenants/initech", #"{"weight":3,"rate":2.5,"burst":10}"#, as: api.platformKey)
            let change = try await api.send("PUT", "/v1/tenants/initech", #"{"cap":7,"rate":null,"retention":30}"#, as: api.platformKey)
            let wrong = try await api.send(
                "PUT", "/v1/tenants/initech",
                #"{"weight":0,"cap":"x","rate":-1,"modules_off":["coffee"],"time_zone":"Mars/Base","slug":"x"}"#, as: api.platformKey)
            let slug = try await api.send("PUT", "/v1/tenants/Initech", "{}", as: api.platformKey)
            let list = try await api.send("GET", "/v1/tenants?limit=2", as: api.platformKey).json

            #expect([new, change, wrong, slug].map(\.status) == [201, 200, 422, 422])
            let tenant = try change.json
            #expect([tenant["weight"].int, tenant["cap"].int, tenant["burst"].int, tenant["retention"].int] == [3, 7, 10, 30])
            #expect(tenant["rate"].isNull)
            #expect(
                wrong.faults.sorted() == [
                    "cap wrong_type", "modules_off[0] not_allowed", "rate out_of_range", "slug unknown_field", "time_zone not_allowed",
                    "weight out_of_range",
                ])
            #expect(list["items"].array?.map { $0["slug"].string } == ["acme", "globex"])
            #expect(list["next_cursor"].string != nil)
            #expect(
                try await api.count("audit_log WHERE action = 'tenant.update' AND before->>'cap' = '1000' AND after->>'cap' = '7'") == 1)
        }
    }

    @Test func `a tenant begins with a pack's rules, and keeps its own`() async throws {
        try await TestAPI.with { api in
            let acting = ["Kiteline-Tenant": "initech"]
            func versions(_ kind: String) async throws -> [JSON] {
                try await api.send("GET", "/v1/rulesets/\(kind)/default/versions", as: api.platformKey, headers: acting).json["items"].array
                    ?? []
            }
            let unknown = try await api.send("PUT", "/v1/tenants/initech", #"{"pack":"retail"}"#, as: api.platformKey)
            let made = try await api.send("PUT", "/v1/tenants/initech", #"{"pack":"medical"}"#, as: api.platformKey)
            let again = try await api.send("PUT", "/v1/tenants/initech", #"{"pack":"education"}"#, as: api.platformKey)

            #expect(unknown.faults == ["pack not_allowed"])
            #expect(unknown.text.contains("must be one of manufacturing, medical, education, store, saas"))
            #expect(made.status == 201)
            #expect(again.status == 200)
            for kind in ["map", "score", "route", "match", "clock", "gate", "measure", "message"] {
                let kept = try await versions(kind)
                #expect(kept.map { $0["state"].string } == ["live"])
            }
            let map = try await api.send("GET", "/v1/rulesets/map/default/versions/1", as: api.platformKey, headers: acting)
            #expect(try map.json["source"].string?.contains("三甲医院") == true)
        }
    }

    @Test func `a rule set that never was, or is another tenant's, has no list of versions`() async throws {
        try await TestAPI.with { api in
            let path = "/v1/rulesets/map/default/versions"
            let map = "sources: [web]\nfields: { region: { from: r } }\n"
            let before = try await api.send("GET", path)
            let saved = try await api.send("POST", path, map, type: "application/yaml")
            let foreign = try await api.send("GET", path, as: api.globex.tenantKey)

            #expect(saved.status == 201)
            #expect([before, foreign].map(\.status) == [404, 404])
            #expect([before, foreign].map(\.code) == ["not_found", "not_found"])
            #expect(try await api.send("GET", path).json["items"].array?.count == 1)
        }
    }

    @Test func `a rule set's first version is live, later ones wait for an operator, who says why`() async throws {
        try await TestAPI.with { api in
            let path = "/v1/rulesets/map/default/versions"
            func save(_ from: String) async throws -> Reply {
                try await api.send("POST", path, "sources: [web]\nfields: { region: { from: \(from) } }\n", type: "application/yaml")
            }
            let first = try await save("city")
            let same = try await save("  city  ")
            let second = try await save("province")
            let live = try await save("city")
            let mute = try await api.send("POST", "\(path)/2/publish", "{}", as: api.acme.operatorKey)
            let unknown = try await api.send("POST", "\(path)/3/publish", #"{"reason":"x"}"#, as: api.acme.operatorKey)
            let published = try await api.send("POST", "\(path)/2/publish", #"{"reason":"the form changed"}"#, as: api.acme.operatorKey)

            #expect([first, same, second, mute, unknown, published].map(\.status) == [201, 200, 201, 422, 404, 200])
            #expect(try [first, second, published].map { try $0.json["state"].string } == ["live", "draft", "live"])
            #expect(try second.json["version"].int == 2)
            #expect(try same.json["version"].int == 1)
            #expect(try live.status == 200 && live.json["version"].int == 1, "what is live makes no draft, though there is a newer one")
            #expect(try second.json["warnings"].array?.count == 1)
            #expect(mute.faults == ["reason missing"])
            let versions = try #require(await api.send("GET", path).json["items"].array)
            #expect(versions.map { $0["state"].string } == ["live", "retired"])
            #expect(try await api.send("GET", "\(path)/1").json["source"].string?.contains("city") == true)
            #expect(try await api.count("audit_log WHERE action = 'ruleset.publish' AND reason = 'the form changed'") == 1)
        }
    }

    @Test func `a second name of a kind that decides waits to be published, and then is the only live one`() async throws {
        try await TestAPI.with { api in
            func save(_ kind: String, _ name: String, _ source: String) async throws -> String? {
                try await api.send("POST", "/v1/rulesets/\(kind)/\(name)/versions", source, type: "application/yaml").json["state"].string
            }
            let everyone = "rules: [{ id: all, to: everyone }]"
            #expect(try await save("route", "default", everyone) == "live")
            // The first by name would decide: a tenant's key would have changed the live rules without reason or rollout.
            #expect(try await save("route", "aaa", "rules: [{ id: mine, to: everyone }]") == "draft")
            #expect(try await save("map", "one", "{ sources: [web], fields: { company: { from: company } } }") == "live")
            #expect(
                try await save("map", "two", "{ sources: [fair], fields: { company: { from: company } } }") == "live",
                "maps are of their sources")

            let publish = "/v1/rulesets/route/aaa/versions/1/publish"
            #expect(try await api.send("POST", publish, #"{"reason":"new"}"#).status == 403)
            #expect(try await api.send("POST", publish, #"{"reason":"new"}"#, as: api.acme.operatorKey).status == 200)
            let live = try await api.owner.query("SELECT name FROM ruleset_version WHERE kind = 'route' AND state = 'live'")
            #expect(try live.map { try $0.get("name", as: String.self) } == ["aaa"])
            #expect(
                try await api.count("rule_change WHERE kind = 'route' AND name = 'default' AND state = 'retired'") == 1, "a replay knows")
            #expect(try await api.count("audit_log WHERE action = 'ruleset.publish' AND after->'instead_of' = '[\"default@1\"]'") == 1)
        }
    }

    @Test func `a rule set of any kind is kept, and two versions are told apart in words`() async throws {
        try await TestAPI.with { api in
            func clock(_ after: String) -> String {
                "clocks: [{ id: first, subject: lead, starts: { on: created }, stops: { on: touch }, levels: [{ id: a, after: \(after), to: owner }] }]"
            }
            let path = "/v1/rulesets/clock/default/versions"
            let first = try await api.send("POST", path, clock("4m"), type: "application/yaml")
            let second = try await api.send("POST", path, clock("8m"), type: "application/yaml")
            let alone = try await api.send("GET", "\(path)/1/diff")
            let diff = try await api.send("GET", "\(path)/2/diff")
            let back = try await api.send("GET", "\(path)/1/diff?from=2")
            let unknown = try await api.send("GET", "\(path)/2/diff?from=9")
            let foreign = try await api.send("GET", "\(path)/2/diff", as: api.globex.tenantKey)

            #expect([first, second, alone, diff, back, unknown, foreign].map(\.status) == [201, 201, 422, 200, 200, 404, 404])
            #expect(alone.faults == ["from missing"])
            let change = try #require(try diff.json["changes"].array?.first)
            #expect(change["path"].string == "clocks[0].levels[0].after")
            #expect(change["en"].string == "clock “first”, level “a”, after: 4m → 8m")
            #expect(change["zh"].string == "时钟“first”，级别“a”，时长：4m → 8m")
            #expect(try back.json["changes"].array?.first?["en"].string == "clock “first”, level “a”, after: 8m → 4m")
        }
    }

    @Test func `what is probably not meant comes back as a warning, and a dry run keeps nothing`() async throws {
        try await TestAPI.with { api in
            let path = "/v1/rulesets/route/default/versions"
            let route = "rules: [{ id: a, to: { team: ghosts } }]"
            let none = try await api.send("POST", "\(path)?dry_run=true", route, type: "application/yaml")
            _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","team":"a","status":"active"}"#)
            let dry = try await api.send("POST", "\(path)?dry_run=true", route, type: "application/yaml")
            let wrong = try await api.send("POST", "\(path)?dry_run=true", "rules: []", type: "application/yaml")
            let kept = try await api.count("ruleset_version WHERE kind = 'route'")
            let saved = try await api.send("POST", path, route, type: "application/yaml")

            #expect([none, dry, wrong, saved].map(\.status) == [200, 200, 422, 201])
            #expect(kept == 0)
            func codes(_ reply: Reply) throws -> [String?] { try reply.json["findings"].array?.map { $0["code"].string } ?? [] }
            // Before anybody is told of, there is nothing to compare with.
            #expect(try codes(none) == ["no_fallback"])
            #expect(try codes(dry) == ["unknown_target", "no_fallback"])
            #expect(try codes(saved) == ["unknown_target", "no_fallback"])
            #expect(try saved.json["warnings"].array?.first?.string?.hasPrefix("rules[0].to: There is no team “ghosts”") == true)
        }
    }

    @Test func `a route is held against the leads that came lately`() async throws {
        try await TestAPI.with { api in
            let map = "{ sources: ['*'], fields: { size: { from: b, type: number, optional: true } } }"
            _ = try await api.send("POST", "/v1/rulesets/map/default/versions", map, type: "application/yaml")
            _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","capacity":8}"#)
            // 300 leads, each touched when the next one came; then, at one moment, nine that nobody has touched yet. The last hundred
            // lack what the others had.
            _ = try await api.owner.query(
                """
                INSERT INTO lead (tenant_id, external_id, source, received_at, touched_at, fields)
                SELECT \(api.acme.id.rawValue), 'l' || n, 'web', now() - (400 - LEAST(n, 292)) * interval '1 minute',
                    CASE WHEN n < 292 THEN now() - (399 - n) * interval '1 minute' END, CASE WHEN n <= 200 THEN '{"b": 1}' ELSE '{}' END::jsonb
                FROM generate_series(1, 300) n
                """)
            func findings(_ capacity: Int) async throws -> [String?] {
                _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","capacity":\#(capacity)}"#)
                let route =
                    "rules: [{ id: a, when: { field: size, gte: 1 }, to: { pool: p } }, { id: b, to: everyone, by: fewest_pending }]"
                let reply = try await api.send("POST", "/v1/rulesets/route/default/versions?dry_run=true", route, type: "application/yaml")
                return try reply.json["findings"].array?.map { $0["code"].string } ?? []
            }

            #expect(try await findings(7) == ["no_fallback", "capacity_below_peak", "null_rate"])
            #expect(try await findings(8) == ["no_fallback", "null_rate"])
        }
    }

    @Test func `a rule set that is wrong is refused with the path of each fault`() async throws {
        try await TestAPI.with { api in
            let wrong = try await api.send(
                "POST", "/v1/rulesets/map/default/versions", "sources: web\nfields:\n  colour: { from: c }\n  region: { form: c }\n",
                type: "application/yaml")
            let syntax = try await api.send("POST", "/v1/rulesets/map/default/versions", "a: [", type: "application/yaml")
            let binary = try await api.send("POST", "/v1/rulesets/map/default/versions", bytes: [0xFF, 0xFE], type: "application/yaml")
            let json = try await api.send("POST", "/v1/rulesets/map/default/versions", #"{"sources":["*"],"fields":{}}"#)
            let kind = try await api.send("POST", "/v1/rulesets/wish/default/versions", "{}")
            let large = try await api.send(
                "POST", "/v1/rulesets/map/default/versions", String(repeating: "#", count: 600_000), type: "application/yaml")
            let form = try await api.send("POST", "/v1/rulesets/map/default/versions", "a=b", type: "application/x-www-form-urlencoded")

            #expect([wrong, syntax, binary, kind, large, form].map(\.status) == [422, 422, 400, 404, 413, 415])
            #expect(wrong.faults.contains("fields.colour missing"))
            #expect(wrong.faults.count >= 3)
            #expect((200..<500).contains(json.status))
            #expect(try await api.count("ruleset_version WHERE hash IS NULL") == 0)
        }
    }

    @Test func `probes count their effects and pretend a dependency`() async throws {
        try await TestAPI.with { api in
            _ = try await api.owner.query(
                .init(
                    """
                    INSERT INTO probe_effect (tenant_id, effect_key, job_id, attempt)
                    VALUES (\(api.acme.id), 'a-1', 1, 1), (\(api.acme.id), 'a-1', 1, 2), (\(api.acme.id), 'a-2', 2, 1), (\(api.acme.id), 'b', 3, 1),
                        (\(api.globex.id), 'a-1', 4, 1)
                    """))

            let effects = try await api.send("GET", "/v1/probes/effects?prefix=a-").json
            let failing = try await api.send("PUT", "/v1/probes/dependencies/crm", #"{"failing":true}"#)

            #expect([effects["rows"].int, effects["distinct_keys"].int, effects["distinct_jobs"].int] == [3, 2, 2])
            #expect(failing.status == 200)
            #expect(try await api.count("probe_dependency WHERE failing") == 1)
        }
    }

    @Test func `jobs are listed by state and kind, newest first, page by page`() async throws {
        try await TestAPI.with { api in
            for n in 0..<5 { _ = try await api.send("POST", "/v1/jobs", #"{"kind":"probe","args":{"effect_key":"\#(n)"}}"#) }
            _ = try await api.send("POST", "/v1/jobs", #"{"kind":"probe","run_at":"2035-01-01T00:00:00Z"}"#)

            let first = try await api.send("GET", "/v1/jobs?state=available&kind=probe&limit=3").json
            let second = try await api.send(
                "GET", "/v1/jobs?state=available&kind=probe&limit=3&cursor=\(first["next_cursor"].string ?? "")"
            ).json
            let done = try await api.send("GET", "/v1/jobs?state=completed").json

            #expect(first["items"].array?.map { $0["args"]["effect_key"].string } == ["4", "3", "2"])
            #expect(second["items"].array?.map { $0["args"]["effect_key"].string } == ["1", "0"])
            #expect(second["next_cursor"].isNull)
            #expect(done["items"].array?.isEmpty == true)
        }
    }

    @Test func `jobs are found by unique key, lead, error class and time, and those of others are not`() async throws {
        try await TestAPI.with { api in
            func job(_ body: String, as key: String) async throws -> String {
                try #require(try await api.send("POST", "/v1/jobs", body, as: key).json["id"].string)
            }
            func found(_ query: String, as key: String? = nil) async throws -> [String] {
                let page = try await api.send("GET", "/v1/jobs?\(query)", as: key ?? api.acme.tenantKey)
                return try page.json["items"].array?.compactMap { $0["id"].string } ?? ["\(page.status)"]
            }
            let keyed = #"{"kind":"probe","unique_key":"order 7/β"}"#
            let (held, old) = (
                try await job(keyed, as: api.acme.tenantKey), try await job(#"{"kind":"probe"}"#, as: api.acme.tenantKey)
            )
            let theirs = try await job(keyed, as: api.globex.tenantKey)
            let lead = try await api.send(
                "POST", "/v1/leads", #"{"external_id":"l","source":"web","received_at":"2026-01-01T00:00:00Z","fields":{}}"#
            ).json
            let (leadID, leadJob) = (try #require(lead["lead_id"].string), try #require(lead["job_id"].string))
            _ = try await api.owner.query(.init("UPDATE job SET created_at = '2020-05-01' WHERE id = \(old)"))

            let key = "unique_key=order%207%2F%CE%B2"
            #expect(try await found(key) == [held])
            #expect(try await found(key, as: api.globex.tenantKey) == [theirs])
            #expect(try await api.send("POST", "/v1/jobs/\(held)/cancel", "{}").status == 200)
            #expect(try await found("\(key)&state=cancelled") == [held], "kept of what was cancelled")
            for query in ["\(key)&state=completed", "unique_key=order"] { #expect(try await found(query) == []) }
            #expect(try await found("lead=\(leadID)") == [leadJob])
            #expect(try await found("lead=\(leadID)", as: api.globex.tenantKey) == [])
            #expect(try await found("lead=\(leadID)&\(key)") == [])
            for query in ["error_class=cancelled", "error_class=cancelled&state=cancelled"] { #expect(try await found(query) == [held]) }
            for query in ["error_class=permanent", "error_class=cancelled&state=discarded"] { #expect(try await found(query) == []) }
            #expect(try await found("until=2021-01-01T00:00:00Z") == [old])
            #expect(try await found("since=2021-01-01T00:00:00Z") == [leadJob, held])
            let refused = try await api.send("GET", "/v1/jobs?lead=x&error_class=odd&since=yesterday")
            #expect(refused.status == 422)
            #expect(try refused.json["errors"].array?.count == 3)
        }
    }

    @Test func `a map that live rules could not be read with is refused, and may otherwise change what its own fields are`() async throws {
        try await TestAPI.with { api in
            func save(_ kind: String, _ source: String) async throws -> Reply {
                try await api.send("POST", "/v1/rulesets/\(kind)/main/versions", source, type: "application/yaml")
            }
            let text = "{ sources: ['*'], fields: { grade: { from: g, type: text, optional: true } } }"
            #expect(try await save("map", text).status == 201)
            // Nobody reads it yet.
            let number = text.replacing("text", with: "number")
            #expect(try await save("map", number).status == 201)
            let route = "rules: [{ id: a, when: { field: grade, equals: a }, to: marketing }, { id: all, to: everyone }]"
            #expect(try await save("route", route).status == 201)

            let refused = try await save("map", number)
            #expect(refused.status == 422)
            #expect(refused.faults == ["fields conflict"])
            #expect(refused.text.contains("route rules “main” could not be read any more"))
            let publish = try await api.send(
                "POST", "/v1/rulesets/map/main/versions/2/publish", #"{"reason":"as a number"}"#, as: api.acme.operatorKey)
            #expect(publish.status == 422)
            #expect(try await api.count("ruleset_version WHERE kind = 'map' AND state = 'live' AND version = 1") == 1)
        }
    }
}
