import Foundation
import Testing

@testable import Console

/// What a page offers, its reader may do; what it does not offer them is refused.
@Suite struct OfferTests {
    @Test func `each page offers a role what it may do, and what is not offered is refused and written down`() async throws {
        try await House.with { house in
            let things = try await Furnishing(house)
            let (operators, tenants) = (Browser(house), Browser(house))
            try await operators.signIn(house.acme.operatorKey)
            try await tenants.signIn(house.acme.tenantKey)
            let (all, some) = (try await offers(to: operators, things), try await offers(to: tenants, things))
            // A page that is an operator's says so in the log, too.
            let seen = try await house.count("audit_log WHERE action = 'refused'")
            let withheld = Set(all.keys).subtracting(some.keys)
            #expect(Set(some.keys).isSubset(of: all.keys) && !some.isEmpty)
            #expect(
                withheld.isSuperset(of: [
                    "/console/fuses/assignment", "/console/permissions", "/console/rollouts/\(things.rollout)/abort",
                ]))

            for (action, page) in some { #expect(try await tenants.submit(page, action, Self.typed).status != 403, "\(action)") }
            #expect(try await house.count("audit_log WHERE action = 'refused'") == seen)

            let form = try tenants.form(try await tenants.get("/console/now"), "/console/sign-out").merging(Self.typed) { $1 }
            for action in withheld {
                let noted = try await house.count("audit_log WHERE action = 'refused'")
                #expect(try await tenants.post(action, form).status == 403, "\(action)")
                #expect(try await house.count("audit_log WHERE action = 'refused'") > noted, "\(action)")
            }

            for (action, page) in all { #expect(try await operators.submit(page, action, Self.typed).status != 403, "\(action)") }
            for row in try await house.owner.query("SELECT DISTINCT action FROM audit_log") {
                let action: String = try row.get("action")
                #expect(AuditView.actions.contains(action), "\(action) has no name on the page of the audit log")
            }
        }
    }

    /// What has to be typed for somebody's right to it to be asked for at all.
    private static let typed = ["reason": "x", "seller": "s1", "override": "true", "what": "kind:probe"]

    /// Where the forms of all pages go, each with a page that has it.
    private func offers(to browser: Browser, _ things: Furnishing) async throws -> [String: Browser.Answer] {
        var offers: [String: Browser.Answer] = [:]
        for (_, path) in things.pages {
            let page = try await browser.get("/console/\(path)")
            for match in page.text.matches(of: /method="post" action="([^"]*)"/) { offers[String(match.1)] = page }
        }
        return offers.filter { $0.key != "/console/sign-out" }
    }
}
