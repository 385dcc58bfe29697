import Foundation
import PostgresClient
import Records
import Schema
import Tenancy
import TestSupport
import Testing

@testable import API

@Suite struct AuditTests {
    // MARK: The chain

    /// Each is done by somebody who may do everything in the database, trigger or not.
    @Test(
        arguments: [
            ("UPDATE audit_log SET reason = 'nothing' WHERE ROW", [.changed]),
            ("UPDATE audit_log SET at = at + interval '1 microsecond' WHERE ROW", [.changed]),
            ("UPDATE audit_log SET after = '{\"limit\": 1}' WHERE ROW", [.changed]), ("DELETE FROM audit_log WHERE ROW", [.missing]),
            ("DELETE FROM audit_log WHERE tenant_id = TENANT AND seq >= 5", [.missing]),
            (
                """
                UPDATE audit_log SET seq = -seq WHERE tenant_id = TENANT AND seq IN (4, 5);
                UPDATE audit_log SET seq = 9 + seq WHERE tenant_id = TENANT AND seq < 0
                """, [.changed]
            ),
            (
                """
                ALTER TABLE audit_log DISABLE TRIGGER chain_audit;
                INSERT INTO audit_log (tenant_id, actor, action, subject, seq, prev_hash, hash) VALUES (TENANT, 'x', 'x', 'x', 99, '', '')
                """, [.inserted]
            ),
        ] as [(String, Set<Kind>)])
    func `whatever is done to the log is found, and the row named`(tampering: String, expected: Set<Kind>) async throws {
        try await TestAPI.with { api in
            for number in 0..<6 { try await api.act(number) }
            let tenant = try await kept("acme", in: api)
            let sound = try await api.records.verifyAudit(of: tenant, page: 2)
            #expect(sound.faults == [])

            let statements = tampering.replacing("ROW", with: "tenant_id = TENANT AND seq = 4").replacing("TENANT", with: "\(api.acme.id)")
            for statement in statements.split(separator: ";") { _ = try await api.owner.query(.init(String(statement))) }

            let found = try await api.records.verifyAudit(of: tenant, page: 2)
            #expect(expected.isSubset(of: Set(found.faults.map(Kind.init))), "\(found.faults)")
            #expect(
                found.faults.contains {
                    $0.description.contains("row 4") || $0.description.contains("99") || $0.description.contains("rows 5")
                })
            let globex = try await kept("globex", in: api)
            #expect(try await api.records.verifyAudit(of: globex).faults == [], "a chain of its own")
        }
    }

    enum Kind: Sendable {
        case changed, missing, replaced, inserted, notAsNoted

        init(_ fault: AuditFault) {
            self =
                switch fault {
                case .changed: .changed
                case .missing: .missing
                case .replaced: .replaced
                case .inserted: .inserted
                case .notAsNoted: .notAsNoted
                }
        }
    }

    @Test func `many writers at once make one chain`() async throws {
        try await TestAPI.with { api in
            try await withThrowingTaskGroup { group in
                for number in 0..<40 { group.addTask { try await api.act(number) } }
                try await group.waitForAll()
            }

            let tenant = try await kept("acme", in: api)
            let report = try await api.records.verifyAudit(of: tenant)
            #expect(report.faults == [])
            #expect(report.rows == 43, "the tenant and its two keys came first")
            #expect(report.head?.seq == 43)
        }
    }

    @Test func `a change that is rolled back leaves no gap`() async throws {
        try await TestAPI.with { api in
            struct Undone: Error {}
            await #expect(throws: Undone.self) {
                try await api.engine.transaction { transaction in
                    _ = try transaction.query(
                        "INSERT INTO audit_log (tenant_id, actor, action, subject) VALUES (\(api.acme.id.rawValue), 'x', 'x', 'x')")
                    throw Undone()
                }
            }
            try await api.act(1)

            let tenant = try await kept("acme", in: api)
            #expect(try await api.records.verifyAudit(of: tenant).faults == [])
        }
    }

    @Test func `the application's roles cannot change what was written`() async throws {
        try await TestAPI.with { api in
            for statement in [
                "UPDATE audit_log SET reason = NULL", "DELETE FROM audit_log", "TRUNCATE audit_log", "DELETE FROM audit_head",
            ] {
                await #expect(throws: (any Error).self, "\(statement)") { try await api.engine.query(.init(statement)) }
                await #expect(throws: (any Error).self, "\(statement)") { try await api.app.query(.init(statement)) }
            }
            // What the writer says of the chain itself does not count.
            _ = try await api.engine.query(
                """
                INSERT INTO audit_log (tenant_id, actor, action, subject, seq, prev_hash, hash)
                VALUES (\(api.acme.id.rawValue), 'x', 'x', 'x', 77, '\\x00', '\\x00')
                """)
            let tenant = try await kept("acme", in: api)
            #expect(try await api.records.verifyAudit(of: tenant).faults == [])
        }
    }

    @Test func `a log from before the chain is taken into it`() async throws {
        try await TestServers.own { servers in
            let owner = PostgresPool(PostgresConfiguration(url: servers.postgresURL), size: 1, logger: .init(label: "test"))
            try await Migrator(owner).migrate(to: 11)
            _ = try await owner.query("INSERT INTO tenant (slug) VALUES ('acme')")
            for (tenant, reason) in [("1", "'one'"), ("NULL", "NULL"), ("1", "'two'"), ("1", "NULL")] {
                _ = try await owner.query(
                    .init("INSERT INTO audit_log (tenant_id, actor, action, subject, reason) VALUES (\(tenant), 'a', 'b', '车', \(reason))"))
            }

            try await Migrator(owner).migrate()

            _ = try await owner.query("INSERT INTO audit_log (tenant_id, actor, action, subject) VALUES (1, 'a', 'b', 'c')")
            let chains = try await owner.query(
                """
                SELECT tenant_id, count(*) AS n, bool_and(prev_hash = COALESCE(before, '') AND hash = audit_hash(a)) AS sound
                FROM (SELECT a, a.tenant_id, a.prev_hash, a.hash, lag(a.hash) OVER (PARTITION BY a.tenant_id ORDER BY a.seq) AS before FROM audit_log a) x
                GROUP BY tenant_id ORDER BY tenant_id NULLS FIRST
                """
            ).map { (try $0.get("n", as: Int64.self), try $0.get("sound", as: Bool.self)) }
            await owner.close()
            #expect(chains.map(\.0) == [1, 4])
            #expect(chains.map(\.1) == [true, true])
        }
    }

    // MARK: What is in it

    private struct Action: Sendable {
        let route: String
        let path: String
        let body: String
        var isPlatform = false
        let action: String
        let subject: String
        /// Members it must have, among others; nil: there was nothing.
        var before: String?
        var after: String?
        var status = 200
    }

    private static let why = #"{"reason":"why"}"#
    private static let actions = [
        Action(
            route: "PUT /v1/fuses/assignment", path: "/v1/fuses/assignment", body: #"{"state":"open","reason":"why"}"#,
            action: "fuse.open", subject: "assignment", before: #"{"state": "closed"}"#, after: #"{"state": "open"}"#),
        Action(
            route: "POST /v1/rulesets/{kind}/{name}/versions/{version}/publish", path: "/v1/rulesets/route/default/versions/2/publish",
            body: why, action: "ruleset.publish", subject: "route/default@2", before: #"{"version": 1}"#, after: #"{"version": 2}"#),
        Action(
            route: "POST /v1/breakers/{key}/open", path: "/v1/breakers/crm/open", body: why, action: "breaker.open", subject: "crm",
            after: #"{"limit": 0, "state": "open", "forced": true, "reason": "why"}"#),
        Action(
            route: "POST /v1/breakers/{key}/close", path: "/v1/breakers/crm/close", body: why, action: "breaker.close", subject: "crm",
            before: #"{"limit": 0, "state": "open", "forced": true, "reason": "why"}"#,
            after: #"{"state": "closed", "forced": false, "reason": "why"}"#),
        Action(
            route: "POST /v1/queues/{kind}/pause", path: "/v1/queues/probe/pause", body: why, action: "queue.pause", subject: "probe",
            after: #"{"limit": 0}"#),
        Action(
            route: "POST /v1/queues/{kind}/resume", path: "/v1/queues/probe/resume", body: why, action: "queue.resume", subject: "probe",
            before: #"{"limit": 0, "reason": "why"}"#, after: "{}"),
        Action(
            route: "PUT /v1/queues/{kind}", path: "/v1/queues/probe", body: #"{"limit":3,"reason":"why"}"#, isPlatform: true,
            action: "queue.limit", subject: "probe", after: #"{"limit": 3}"#),
        Action(
            route: "POST /v1/dependencies/{name}/pause", path: "/v1/dependencies/crm/pause", body: why, action: "dependency.pause",
            subject: "crm", after: #"{"limit": 0}"#),
        Action(
            route: "POST /v1/dependencies/{name}/resume", path: "/v1/dependencies/crm/resume", body: why, action: "dependency.resume",
            subject: "crm", before: #"{"limit": 0, "reason": "why"}"#, after: "{}"),
        Action(
            route: "PUT /v1/dependencies/{name}", path: "/v1/dependencies/crm", body: #"{"limit":3,"reason":"why"}"#, isPlatform: true,
            action: "dependency.limit", subject: "crm", after: #"{"limit": 3}"#),
        Action(
            route: "POST /v1/tenants/{slug}/pause", path: "/v1/tenants/acme/pause", body: why, isPlatform: true, action: "tenant.pause",
            subject: "acme", before: #"{"paused": false}"#, after: #"{"paused": true}"#),
        Action(
            route: "POST /v1/tenants/{slug}/resume", path: "/v1/tenants/acme/resume", body: why, isPlatform: true, action: "tenant.resume",
            subject: "acme", before: #"{"paused": true}"#, after: #"{"paused": false}"#),
        Action(
            route: "PUT /v1/tenants/{slug}", path: "/v1/tenants/acme", body: #"{"weight":7,"rate":2.5,"reason":"why"}"#, isPlatform: true,
            action: "tenant.update", subject: "acme", before: #"{"weight":1}"#, after: #"{"weight":7,"rate":2.5}"#),
        Action(
            route: "POST /v1/tenants/{slug}/keys", path: "/v1/tenants/acme/keys", body: #"{"role":"operator","reason":"why"}"#,
            isPlatform: true, action: "key.create", subject: "KEY+1", after: #"{"role":"operator","state":"good"}"#, status: 201),
        Action(
            route: "POST /v1/keys/{id}/revoke", path: "/v1/keys/KEY/revoke", body: why, isPlatform: true, action: "key.revoke",
            subject: "KEY", before: #"{"role":"tenant","state":"good"}"#, after: #"{"state":"revoked"}"#),
        Action(
            route: "PUT /v1/calendar", path: "/v1/calendar", body: calendar, action: "calendar.put", subject: "tenant",
            after: #"{"week":{"mon":["09:00-17:00"]}}"#,
            status: 201),
        Action(
            route: "PUT /v1/calendar/teams/{ext}", path: "/v1/calendar/teams/east", body: #"{"days":[],"reason":"why"}"#,
            action: "calendar.put", subject: "team/east", after: #"{"days":[]}"#, status: 201),
        Action(
            route: "DELETE /v1/calendar/teams/{ext}", path: "/v1/calendar/teams/east", body: why, action: "calendar.delete",
            subject: "team/east", before: #"{"days":[]}"#, status: 204),
        Action(
            route: "PUT /v1/national-calendars/{country}/{year}", path: "/v1/national-calendars/CN/2031",
            body: #"{"papers":["https://example.com/2031"],"off":["2031-01-01"],"reason":"why"}"#, isPlatform: true,
            action: "national_calendar.put", subject: "CN/2031", after: #"{"off":["2031-01-01"],"work":[]}"#),
        Action(
            route: "PUT /v1/offices/{office}", path: "/v1/offices/finance", body: #"{"people":["zhou"],"reason":"why"}"#,
            action: "office.put", subject: "finance", before: #"{"people":[]}"#, after: #"{"people":["zhou"]}"#),
        Action(
            route: "POST /v1/workers/{id}/drain", path: "/v1/workers/WORKER/drain", body: why, isPlatform: true, action: "worker.drain",
            subject: "WORKER", before: #"{"draining":false}"#, after: #"{"draining":true}"#, status: 202),
    ]
    private static let calendar = #"{"week":{"mon":["09:00-17:00"]},"reason":"why"}"#

    /// Routes of operators that are in no row of the table, and why.
    private static let elsewhere: Set<String> = [
        // In turn: RolloutRouteTests.
        "POST /v1/rollouts", "PATCH /v1/rollouts/{id}", "POST /v1/rollouts/{id}/promote", "POST /v1/rollouts/{id}/abort",
        // With customers that are alike: CustomerTests.
        "POST /v1/customer-reviews/{id}/link", "POST /v1/customer-reviews/{id}/keep-apart", "POST /v1/customers/{ext}/unlink",
        // ConnectorRouteTests.
        "PUT /v1/connectors/{name}", "DELETE /v1/connectors/{name}", "PUT /v1/quiet-hours", "DELETE /v1/quiet-hours",
        // DialPageTests.
        "POST /v1/alerts/{id}/resolve",
        // AlertTests.
        "POST /v1/alerts:resolve",
        // With what is lost by them: PermissionTests. The check changes nothing.
        "POST /v1/access/versions", "POST /v1/access/versions/{version}/restore", "POST /v1/access/check",
        // They look, and change nothing: ConnectorCheckTests, AccessProbeStories.
        "POST /v1/connectors/{name}/check", "POST /v1/access/probe",
    ]

    @Test func `everything an operator can do leaves who, what it was before and after, and why`() async throws {
        let dials = API.endpoints.filter { endpoint in
            guard endpoint.method != .get else { return false }
            return switch endpoint.access {
            case .tenant(.operator), .tenantOrAll(.operator), .platform, .tenant(.platform), .tenantOrAll(.platform): true
            default: false
            }
        }
        #expect(Set(dials.map { "\($0.method.rawValue) \($0.path)" }) == Set(Self.actions.map(\.route)).union(Self.elsewhere))

        try await TestAPI.with { api in
            for rules in ["rules: [{ id: a, to: everyone }]", "rules: [{ id: b, to: everyone }]"] {
                let saved = try await api.send(
                    "POST", "/v1/rulesets/route/default/versions", rules, type: "application/yaml")
                #expect([200, 201].contains(saved.status), "\(saved.text)")
            }
            let (_, revoked) = try await api.records.createKey(.tenant, for: api.acme.id, by: "test")
            let worker = try await api.ledger.register(host: "test", pid: 1)
            func named(_ text: String) -> String {
                text.replacing("WORKER", with: "\(worker)").replacing("KEY+1", with: "\(revoked + 1)").replacing("KEY", with: "\(revoked)")
            }
            let began = Date().addingTimeInterval(-1)
            for action in Self.actions {
                let method = String(action.route.prefix { $0 != " " })
                let key = action.isPlatform ? api.platformKey : api.acme.operatorKey
                let reply = try await api.send(method, named(action.path), action.body, as: key)
                #expect(reply.status == action.status, "\(action.route): \(reply.text)")

                let rows = try await api.owner.query(
                    """
                    SELECT actor, at, before::text AS before, after::text AS after, reason FROM audit_log
                    WHERE action = \(action.action) AND subject = \(named(action.subject)) ORDER BY id DESC LIMIT 2
                    """)
                #expect(rows.count == 1, "\(action.route)")
                let row = try #require(rows.first)
                let actor = try row.get("actor", as: String.self)
                #expect(action.isPlatform ? actor.hasPrefix("key:") : actor == "key:\(api.acme.operatorKeyID)")
                #expect((began...Date().addingTimeInterval(1)).contains(try row.get("at", as: Date.self)))
                #expect(tells(try row.get("before"), action.before), "\(action.route)")
                #expect(tells(try row.get("after"), action.after), "\(action.route)")
                #expect(try row.get("reason", as: String?.self) == "why", "\(action.route)")
            }
            let tenant = try await kept("acme", in: api)
            #expect(try await api.records.verifyAudit(of: tenant).faults == [])
        }
    }

    @Test(arguments: [
        ("POST", "/v1/queues/probe/pause", "queue.pause"), ("POST", "/v1/queues/probe/resume", "queue.resume"),
        ("PUT", "/v1/fuses/assignment", "fuse.close"), ("POST", "/v1/breakers/crm/open", "breaker.open"),
        ("POST", "/v1/workers/WORKER/drain", "worker.drain"), ("POST", "/v1/tenants/acme/pause", "tenant.pause"),
        ("POST", "/v1/tenants/acme/resume", "tenant.resume"),
    ]) func `a dial turned to what it is already is written down too, with who and why`(
        method: String, path: String, action: String
    ) async throws {
        try await TestAPI.with { api in
            let key = action.hasPrefix("tenant.") || action.hasPrefix("worker.") ? api.platformKey : api.acme.operatorKey
            let worker = try await api.ledger.register(host: "test", pid: 1)
            let path = path.replacing("WORKER", with: "\(worker)")
            for reason in ["first", "second"] {
                let body = action.hasPrefix("fuse.") ? #"{"state":"closed","reason":"\#(reason)"}"# : #"{"reason":"\#(reason)"}"#
                let reply = try await api.send(method, path, body, as: key)
                #expect((200...204).contains(reply.status), "\(reply.text)")
            }
            let written = try await api.owner.query(
                "SELECT reason FROM audit_log WHERE action = \(action) ORDER BY id")
            #expect(try written.map { try $0.get("reason", as: String.self) } == ["first", "second"])
        }
    }

    @Test func `of pauses at once one is the first, whose reason holds and is told`() async throws {
        try await TestAPI.with { api in
            let told = try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        let body = #"{"reason":"reason \#(number)"}"#
                        return try await api.send("POST", "/v1/queues/probe/pause", body, as: api.acme.operatorKey).json["reason"].string
                    }
                }
                return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
            }
            let first = try await api.owner.query("SELECT reason FROM audit_log WHERE action = 'queue.pause' AND before IS NULL")
            #expect(first.count == 1)
            #expect(try told == [#require(first.first).get("reason", as: String.self)])
            #expect(try await api.count("audit_log WHERE action = 'queue.pause'") == 6)
        }
    }

    @Test func `an operator reads its tenant's log page by page, the platform everybody's`() async throws {
        try await TestAPI.with { api in
            for number in 0..<5 { try await api.act(number) }
            func read(_ query: String, as key: String) async throws -> JSON {
                try await api.send("GET", "/v1/audit?\(query)", as: key).json
            }

            let first = try await read("limit=3&action=queue.pause", as: api.acme.operatorKey)
            let next = try #require(first["next_cursor"].string)
            let second = try await read("limit=3&action=queue.pause&cursor=\(next)", as: api.acme.operatorKey)

            #expect(first["items"].array?.map(\.["subject"].string) == ["kind-4", "kind-3", "kind-2"])
            #expect(second["items"].array?.map(\.["subject"].string) == ["kind-1", "kind-0"])
            #expect(second["next_cursor"].isNull)
            #expect(first["items"][0]["after"]["limit"].int == 0)
            #expect(first["items"][0]["hash"].string?.count == 64)
            #expect(try await read("action=queue.pause", as: api.globex.operatorKey)["items"].array?.count == 0)
            let own = "key:\(api.acme.operatorKeyID)"
            _ = try await api.owner.query("UPDATE api_key SET name = 'Night shift' WHERE id = \(api.acme.operatorKeyID)")
            for (query, count) in [
                ("actor=\(own)", 5), ("actor=Night%20shift", 5), ("actor=key:0", 0), ("actor=nobody", 0), ("since=2020-01-31T08:00:00Z", 5),
                ("until=2020-01-31T08:00:00Z", 0), ("since=2999-01-31T08:00:00Z", 0),
            ] {
                #expect(try await read("action=queue.pause&\(query)", as: api.acme.operatorKey)["items"].array?.count == count, "\(query)")
            }
            let lines = try await read("action=queue.pause", as: api.acme.operatorKey)["items"].array ?? []
            let third = try #require(lines[2]["at"].string)
            for (query, count) in [("since=\(third)", 3), ("until=\(third)", 2)] {
                #expect(try await read("action=queue.pause&\(query)", as: api.acme.operatorKey)["items"].array?.count == count, "\(query)")
            }
            _ = try await api.owner.query("UPDATE api_key SET name = 'Head office' WHERE role = 'platform'")
            #expect(try await read("actor=Head%20office", as: api.acme.operatorKey)["items"].array?.count == 0, "none of the tenant's")
            #expect(try await read("actor=Night%20shift", as: api.globex.operatorKey)["items"].array?.count == 0)
            _ = try await api.send("PUT", "/v1/sellers/s-9", #"{"name":"Ou Yang","status":"active"}"#)
            _ = try await api.send("PUT", "/v1/sellers/s-9/freeze", #"{"frozen":true,"reason":"away"}"#, as: api.acme.operatorKey)
            for subject in ["s-9", "Ou%20Yang"] {
                let found = try await read("subject=\(subject)", as: api.acme.operatorKey)["items"].array ?? []
                #expect(found.map(\.["action"].string) == ["seller.freeze", "seller.put"], "a seller by id or name")
            }
            #expect(try await read("subject=Ou%20Yang", as: api.globex.operatorKey)["items"].array?.count == 0)
            #expect(try await read("subject=kind-2", as: api.platformKey)["items"].array?.count == 1)
            #expect(try await read("action=key.create", as: api.platformKey)["items"].array?.count == 5)
            #expect(try await api.send("GET", "/v1/audit").status == 403)
            #expect(try await api.send("GET", "/v1/audit?since=1", as: api.acme.operatorKey).status == 422)
        }
    }
}

extension TestAPI {
    /// Something an operator of acme does.
    fileprivate func act(_ number: Int) async throws {
        let control = Control(
            gate: "k:kind-\(number)", source: .pause, limit: 0, action: "queue.pause", subject: "kind-\(number)", reason: "being mended")
        _ = try await records.apply(control, of: acme.id, by: "key:\(acme.operatorKeyID)", key: nil) { _ in
            StoredAnswer(status: 200, body: [])
        }
    }
}

/// Whether what was written has all these members; nil: whether nothing was.
private func tells(_ written: String?, _ expected: String?) -> Bool {
    func members(_ text: String) -> [String: NSObject]? {
        try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: NSObject]
    }
    guard let written, let expected else { return written == nil && expected == nil }
    guard let written = members(written), let expected = members(expected) else { return false }
    return expected.allSatisfy { written[$0.key] == $0.value }
}

/// A tenant as it is kept.
private func kept(_ slug: String, in api: TestAPI) async throws -> Tenant {
    let name = try #require(Slug(slug))
    return try #require(await api.records.tenant(name))
}
