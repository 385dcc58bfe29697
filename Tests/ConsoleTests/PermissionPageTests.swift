import Foundation
import TestSupport
import Testing

/// What operators see and change of permissions (ACCESS-01…03, -09).
@Suite struct PermissionPageTests {
    private static let path = "/console/permissions"
    private static let domain = """
        {"policies":[{"id":"cities","effect":"allow","to":{"role":"seller"},"actions":["opportunity.create","lead.query"],"cities":["北京"]}]}
        """

    private func staffed(_ house: House) async throws {
        try await house.call("PUT", "/v1/teams/north", #"{"name":"North","manager":"wang"}"#)
        try await house.call("PUT", "/v1/sellers/anna", #"{"name":"Anna","team":"north","regions":["成都"],"status":"active"}"#)
    }

    @Test func `a change is checked, says who loses what, wants its words typed, and can be brought back`() async throws {
        try await House.with { house in
            try await staffed(house)
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let page = try await browser.get(Self.path)

            let looked = try await browser.submit(page, Self.path, ["source": Self.domain, "do": "check", "reason": "a look"])
            let refused = try await browser.submit(page, Self.path, ["source": Self.domain, "do": "apply", "reason": "cities"])
            #expect(try await house.count("access_version") == 0)
            let words = ["source": Self.domain, "do": "apply", "reason": "cities", "confirmation": "remove opportunity.create from 1"]
            let changed = try await browser.submit(page, Self.path, words)
            let after = try await browser.get(Self.path)
            let emptied = try await browser.submit(after, Self.path, ["source": #"{"policies":[]}"#, "do": "apply", "reason": "all"])
            let two = try await browser.get(Self.path)
            let restore = "\(Self.path)/versions/1/restore"
            let unsaid = try await browser.submit(two, restore, ["reason": "back"])
            let restored = try await browser.submit(
                unsaid, restore, ["reason": "back", "confirmation": "remove opportunity.create from 1"])
            let three = try await browser.get(Self.path)

            #expect(page.text.contains("No policy yet") && page.text.contains(#"aria-current="page""#))
            #expect(looked.status == 200 && looked.text.contains("2 abilities would be lost") && looked.text.contains("anna"))
            #expect(looked.text.contains("Type “remove opportunity.create from 1” to go on"))
            #expect(looked.text.contains(">a look</textarea>"), "what is checked is not done yet: it stays as it was typed")
            #expect(refused.status == 422 && refused.text.contains("data-whole") && refused.text.contains("北京"))
            #expect(refused.text.contains("2 abilities would be lost") && refused.text.contains("Type “remove opportunity.create from 1”"))
            #expect(refused.text.contains(">cities</textarea>"), "what was typed is kept")
            #expect(changed["location"] == "\(Self.path)?done=permissions_changed")
            #expect(after.text.contains("the role seller") && after.text.contains("create an opportunity") && after.text.contains("北京"))
            #expect(emptied.status == 303 && two.text.contains("Version 2"))
            #expect(unsaid.status == 422 && unsaid.text.contains("restore-words-1"))
            #expect(unsaid.text.contains(#"<label for="restore-words-1">Type “remove opportunity.create from 1” to go on</label>"#))
            #expect(!unsaid.text.contains("/v1/access"), "who reads a page asks no address of the API")
            #expect(restored["location"] == "\(Self.path)?done=permissions_restored")
            #expect(three.text.contains("version 1 brought back"))
            #expect(try await house.count("audit_log WHERE action IN ('access.change', 'access.restore')") == 3)
        }
    }

    @Test func `whoever is not known to sell anywhere loses everything but the cities they are held to`() async throws {
        try await House.with { house in
            try await house.call("PUT", "/v1/sellers/bert", #"{"name":"Bert","status":"active"}"#)
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let page = try await browser.get(Self.path)

            let looked = try await browser.submit(page, Self.path, ["source": Self.domain, "do": "check"])

            #expect(looked.text.contains("bert") && looked.text.contains("everywhere but 北京"), "\(looked.text)")
        }
    }

    @Test func `what somebody may do is answered for every action, with why, in both languages`() async throws {
        try await House.with { house in
            try await staffed(house)
            let book = Self.domain.dropLast() + #", "reason":"cities","confirmation":"remove opportunity.create from 1"}"#
            let kept = try await house.call("POST", "/v1/access/versions", String(book), as: house.acme.operatorKey)
            try #require(kept.status == 201, "\(kept.text)")
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            let away = try await browser.get("\(Self.path)?user=anna&city=%E6%88%90%E9%83%BD")
            let chinese = try await browser.get("\(Self.path)?user=anna&city=%E5%8C%97%E4%BA%AC", headers: ["Accept-Language": "zh"])
            let nobody = try await browser.get("\(Self.path)?user=%3Cb%3E")

            #expect(away.text.matches(of: />Denied</).count == 2 && away.text.contains("cities"))
            #expect(chinese.text.contains("新建商机") && !chinese.text.contains(">拒绝<"))
            #expect(nobody.status == 422 && nobody.text.contains("<strong>Person</strong>") && !nobody.text.contains("<b>"))
        }
    }

    @Test func `what the probe found stands there, it can be asked for, and nobody but operators sees any of it`() async throws {
        try await House.with { house in
            let detail =
                #"{"role":"seller","domain":"成都","action":"opportunity.create","user":"anna","cause":"outside_every_domain","message":null}"#
            _ = try await house.owner.query(
                """
                INSERT INTO alert (tenant_id, code, subject, detail)
                VALUES (\(house.acme.id.rawValue), 'access_probe_failed', 'seller/成都/opportunity.create', \(detail)::jsonb)
                """)
            _ = try await house.owner.query(
                """
                INSERT INTO alert (tenant_id, code, subject, detail) VALUES
                    (\(house.acme.id.rawValue), 'access_probe_failed', 'policies', '{"cause":"unreadable"}'),
                    (\(house.acme.id.rawValue), 'access_probe_failed', 'manager/*/lead.edit',
                     '{"role":"manager","domain":"上海","action":"lead.edit","user":"wang","cause":"broken","domains":["上海","杭州"],"domains_failed":6}')
                """)
            let (operators, tenants) = (Browser(house), Browser(house))
            try await operators.signIn(house.acme.operatorKey)
            try await tenants.signIn(house.acme.tenantKey)
            let page = try await operators.get(Self.path)
            let asked = try await operators.submit(page, "\(Self.path)/probe")
            let now = try await operators.get("/console/now")
            let seen = try await tenants.get(Self.path)

            #expect(page.text.contains("seller · 成都 · anna") && page.text.contains("none of their data domains holds"))
            #expect(page.text.contains("<h3>Policies</h3>") && page.text.contains("the policies cannot be read"))
            #expect(page.text.contains("manager · 上海, 杭州 · wang"))
            #expect(asked["location"] == "\(Self.path)?done=probe_asked")
            #expect(try await house.count("job WHERE kind = 'probe_access'") == 1)
            #expect(now.text.contains(Self.path) && now.text.contains("Somebody cannot do what they have to"))
            #expect(seen.status == 403)
            #expect(try await !tenants.get("/console/now").text.contains(Self.path))
        }
    }
}
