import Connectors
import Foundation
import Messages
import Testing

@Suite struct ConnectorRouteTests {
    private static let box = SecretBox(key: Array(0..<32))

    private func with(_ outgoing: OutgoingPolicy = OutgoingPolicy(), _ body: @Sendable (TestAPI) async throws -> Void) async throws {
        var options = TestAPI.Options()
        options.secrets = Self.box
        options.outgoing = outgoing
        try await TestAPI.with(options, body)
    }

    private func put(_ api: TestAPI, _ name: String, _ body: String, as key: String? = nil) async throws -> Reply {
        try await api.send("PUT", "/v1/connectors/\(name)", body, as: key ?? api.acme.operatorKey)
    }

    @Test func `a connector is made, shown without its secrets, replaced and removed, and all of it is audited`() async throws {
        try await with { api in
            let secret = "SECveryverysecret"
            let made = try await put(
                api, "ding",
                #"{"kind":"dingtalk_robot","place":1,"secrets":{"access_token":"tok123","secret":"\#(secret)"},"reason":"group"}"#)
            let again = try await put(api, "ding", #"{"kind":"dingtalk_robot","place":2,"enabled":false,"reason":"pause"}"#)
            let read = try await api.send("GET", "/v1/connectors/ding", as: api.acme.operatorKey)
            let all = try await api.send("GET", "/v1/connectors", as: api.acme.operatorKey)

            #expect([made, again, read, all].map(\.status) == [201, 200, 200, 200])
            #expect(try made.json["state"].string == "open")
            #expect(try made.json["dependency"].string == "dingtalk_robot")
            #expect(try read.json["state"].string == "disabled")
            #expect(try read.json["secrets"].array?.compactMap(\.string) == ["access_token", "secret"])
            for reply in [made, again, read, all] { #expect(!reply.text.contains(secret) && !reply.text.contains("tok123")) }
            // Nor does anything in the database hold them in the clear.
            #expect(try await api.count("connector WHERE position('\(secret)'::bytea IN secrets) > 0") == 0)
            #expect(try await api.count("audit_log WHERE (before::text || after::text) LIKE '%\(secret)%'") == 0)
            #expect(try await api.count("audit_log WHERE action = 'connector.put' AND reason IN ('group', 'pause')") == 2)
            let gone = try await api.send("DELETE", "/v1/connectors/ding", #"{"reason":"no more"}"#, as: api.acme.operatorKey)
            #expect(gone.status == 204)
            #expect(try await api.send("GET", "/v1/connectors/ding", as: api.acme.operatorKey).status == 404)
            #expect(try await api.count("audit_log WHERE action = 'connector.delete' AND reason = 'no more'") == 1)
        }
    }

    @Test func `quiet hours are set, shown, replaced and taken away by an operator, each with its reason`() async throws {
        try await with { api in
            func put(_ body: String, as key: String? = nil) async throws -> Reply {
                try await api.send("PUT", "/v1/quiet-hours", body, as: key ?? api.acme.operatorKey)
            }
            let none = try await api.send("GET", "/v1/quiet-hours")
            let mine = try await put(#"{"from":"21:00","to":"08:00","reason":"night"}"#, as: "acme")
            let set = try await put(#"{"from":"21:00","to":"08:00","reason":"night"}"#)
            let read = try await api.send("GET", "/v1/quiet-hours").json
            let again = try await put(#"{"from":"22:30","to":"07:00","reason":"later"}"#)
            let gone = try await api.send("DELETE", "/v1/quiet-hours", #"{"reason":"never mind"}"#, as: api.acme.operatorKey)
            let twice = try await api.send("DELETE", "/v1/quiet-hours", #"{"reason":"never mind"}"#, as: api.acme.operatorKey)

            #expect([none, mine, set, again, gone, twice].map(\.status) == [404, 403, 200, 200, 204, 404])
            #expect(read["from"].string == "21:00" && read["time_zone"].string == "Asia/Shanghai" && read["reason"].string == "night")
            for (body, faults) in [
                (#"{"from":"21:00","to":"08:00"}"#, ["reason missing"]),
                (#"{"from":"9 pm","to":"08:00","reason":"x"}"#, ["from too_short"]),
                (#"{"from":"21:00","to":"21:00","reason":"x"}"#, ["to bad_format"]),
                (#"{"from":"25:00","to":"08:00","reason":"x"}"#, ["from bad_format"]),
            ] { #expect(try await put(body).faults == faults, "\(body)") }
            #expect(try await api.count("audit_log WHERE action LIKE 'quiet_hours.%' AND reason IN ('night', 'later', 'never mind')") == 3)
        }
    }

    @Test func `a connector that is to speak to another address needs its secrets again`() async throws {
        try await with { api in
            let robot = { (more: String) in #"{"kind":"dingtalk_robot","reason":"x"\#(more)}"# }
            _ = try await put(api, "robot", robot(#","secrets":{"access_token":"t","secret":"SECx"}"#))
            let same = try await put(api, "robot", robot(#","place":2"#))
            let moved = try await put(api, "robot", robot(#","settings":{"url":"https://example.com"}"#))
            let told = try await put(
                api, "robot", robot(#","settings":{"url":"https://example.com"},"secrets":{"access_token":"u","secret":"SECy"}"#))

            #expect([same, moved, told].map(\.status) == [200, 422, 200])
            #expect(moved.faults == ["secrets missing"])
        }
    }

    @Test func `what waits for a webhook that is removed is given up`() async throws {
        try await with { api in
            let body = #"{"kind":"webhook","settings":{"url":"https://example.com/hook"},"reason":"x"}"#
            for name in ["hook", "other"] { _ = try await put(api, name, body) }
            _ = try await api.owner.query(
                """
                INSERT INTO delivery (tenant_id, connector, event, event_id, state, urgent, first_planned_at)
                SELECT \(api.acme.id.rawValue), c, '{}', s || c, s, false, now()
                FROM unnest(ARRAY['hook', 'other']) c, unnest(ARRAY['waiting', 'sending', 'sent']) s
                """)

            let removed = try await api.send("DELETE", "/v1/connectors/hook", #"{"reason":"x"}"#, as: api.acme.operatorKey)

            #expect(removed.status == 204)
            #expect(try await api.count("delivery WHERE connector = 'hook' AND state = 'abandoned' AND ended_at IS NOT NULL") == 2)
            #expect(try await api.count("delivery WHERE state IN ('waiting', 'sending')") == 2)
        }
    }

    @Test func `of many who make the same webhook at once, one is shown a secret, and that is the one it has`() async throws {
        try await with { api in
            let body = #"{"kind":"webhook","settings":{"url":"https://example.com/hook"},"reason":"x"}"#
            let replies = try await withThrowingTaskGroup(of: Reply.self) { group in
                for _ in 0..<12 { group.addTask { try await put(api, "hook", body) } }
                return try await group.reduce(into: [Reply]()) { $0.append($1) }
            }

            #expect(replies.count { $0.status == 201 } == 1 && replies.count { $0.status == 200 } == 11)
            #expect(try replies.filter { try $0.json["secret"].string != nil }.map(\.status) == [201])
        }
    }

    @Test func `a webhook without a secret is made one, shown once`() async throws {
        try await with { api in
            let made = try await put(
                api, "hook", #"{"kind":"webhook","settings":{"url":"https://example.com/hook","events":["lead"]},"reason":"x"}"#)
            let again = try await put(api, "hook", #"{"kind":"webhook","settings":{"url":"https://example.com/hook2"},"reason":"x"}"#)

            let secret = try #require(try made.json["secret"].string)
            #expect(Signing.webhookKey(secret)?.count == 32)
            #expect(try again.json["secret"].string == nil)
            #expect(try again.json["secrets"].array?.compactMap(\.string) == ["secret"])
            #expect(try await api.count("webhook_tenant") == 1)
            _ = try await put(
                api, "hook", #"{"kind":"webhook","enabled":false,"settings":{"url":"https://example.com/hook2"},"reason":"x"}"#)
            #expect(try await api.count("webhook_tenant") == 0)
        }
    }

    @Test(arguments: [
        (#"{"kind":"fax","reason":"x"}"#, ["kind not_allowed"]), (#"{"kind":"wecom_robot"}"#, ["reason missing"]),
        (#"{"kind":"wecom_robot","reason":"x"}"#, ["secrets.key missing"]),
        (#"{"kind":"wecom_robot","secrets":{"key":"k","other":"x"},"reason":"x"}"#, ["secrets.other unknown_field"]),
        (#"{"kind":"webhook","reason":"x"}"#, ["settings.url missing"]),
        (#"{"kind":"webhook","settings":{"url":"http://example.com"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://127.0.0.1/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://[::1]/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://localhost./"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://127.1/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://0x7f000001/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://2130706433/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://redis/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (
            #"{"kind":"webhook","settings":{"url":"https://example.com/","events":["lead\r\nx"]},"reason":"x"}"#,
            ["settings.events bad_format"]
        ),
        (#"{"kind":"webhook","settings":{"url":"https://169.254.169.254/latest"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://8.8.8.8:99999/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://example.com:0/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://localhost/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (#"{"kind":"webhook","settings":{"url":"https://user:pw@example.com/"},"reason":"x"}"#, ["settings.url not_allowed"]),
        (
            #"{"kind":"webhook","settings":{"url":"https://example.com"},"secrets":{"secret":"short"},"reason":"x"}"#,
            ["secrets.secret bad_format"]
        ),
        (
            #"{"kind":"smtp","settings":{"host":"10.0.0.1","from":"nobody","security":"none"},"reason":"x"}"#,
            ["settings.from bad_format", "settings.host not_allowed", "settings.security not_allowed"]
        ),
        (#"{"kind":"dingtalk_todo","secrets":{"app_key":"k","app_secret":"s"},"reason":"x"}"#, ["settings.creator missing"]),
        (
            #"{"kind":"sms_http","settings":{"url":"https://example.com/sms"},"secrets":{"authorization":"Bearer x\r\nX-Other: y"},"reason":"x"}"#,
            ["secrets.authorization bad_format"]
        ),
        (
            #"{"kind":"smtp","settings":{"host":"mail.example.com","from":"a@example.com","security":"tls"},"secrets":{"user":"u","password":"p\u0007"},"reason":"x"}"#,
            ["secrets.password bad_format"]
        ),
        (#"{"kind":"wecom_robot","secrets":{"key":"k\n"},"reason":"x"}"#, ["secrets.key bad_format"]),
    ])
    func `what cannot be is refused, every field named`(body: String, faults: [String]) async throws {
        try await with { api in
            let refused = try await put(api, "c", body)

            #expect(refused.status == 422)
            #expect(try refused.json["errors"].array?.map { "\($0["field"].string!) \($0["code"].string!)" }.sorted() == faults)
            #expect(try await api.count("connector") == 0)
        }
    }

    @Test(arguments: [
        "https://", "https:///path", "https:example.com", "https://:443/", "//example.com/", "example.com", "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)", "https://@example.com/", "https://:@example.com/", "https://user@example.com/", "https://exa mple.com/",
        " https://example.com/",
        "https://example.com/a b", #"https://example.com\\@example.org/"#, "https://exa%6dple.com/", "https://..example.com/",
        "https://example..com/",
        "https://-example.com/", "https://example.com/#part",
    ])
    func `what is no plain address of a host outside is refused`(url: String) async throws {
        try await with { api in
            for kind in ["webhook", "sms_http"] {
                let refused = try await put(api, "c", #"{"kind":"\#(kind)","settings":{"url":"\#(url)"},"reason":"x"}"#)
                #expect(refused.faults == ["settings.url not_allowed"], "\(kind)")
            }
        }
    }

    @Test(arguments: [
        "https://example.com", "https://example.com.:8443/a/b?c=%20d", "https://xn--fsqu00a.xn--fiqs8s/", "https://8.8.8.8/",
        "https://a_b.example.com/",
    ])
    func `a plain address of a host outside is taken`(url: String) async throws {
        try await with { api in
            let made = try await put(api, "c", #"{"kind":"webhook","settings":{"url":"\#(url)"},"reason":"x"}"#)
            #expect(made.status == 201, "\(made.text)")
        }
    }

    @Test func `only operators turn connectors, each of their own tenant`() async throws {
        try await with { api in
            let body = #"{"kind":"wecom_robot","secrets":{"key":"k"},"reason":"x"}"#
            let byTenant = try await put(api, "c", body, as: api.acme.tenantKey)
            #expect(byTenant.code == "forbidden")
            #expect(try await api.send("GET", "/v1/connectors").code == "forbidden")
            let byOperator = try await put(api, "c", body)
            #expect(byOperator.status == 201)
            #expect(try await api.send("GET", "/v1/connectors/c", as: api.globex.operatorKey).status == 404)
            #expect(try await api.send("DELETE", "/v1/connectors/c", #"{"reason":"x"}"#, as: api.globex.operatorKey).status == 404)
            let misnamed = try await put(api, "Bad%20Name", body)
            #expect(misnamed.status == 422)
            #expect(try await api.send("GET", "/v1/messages").json["items"].array?.count == 0)
        }
    }

    @Test func `without a key for secrets none are taken, and it is said what to do`() async throws {
        try await TestAPI.with { api in
            let refused = try await put(api, "c", #"{"kind":"wecom_robot","secrets":{"key":"k"},"reason":"x"}"#)

            #expect(refused.status == 503)
            #expect(refused.code == "no_secret_key")
            #expect(refused.text.contains("KITELINE_SECRET_KEY"))
        }
    }
}
