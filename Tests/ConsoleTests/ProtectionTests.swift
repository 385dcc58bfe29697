import API
import Foundation
import Testing

@testable import Console

@Suite struct ProtectionTests {
    @Test func `every answer says what may run, be framed and be kept`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            let door = try await browser.get("/console/sign-in")
            try await browser.signIn(house.acme.operatorKey)

            for page in [door, try await browser.get("/console/now"), try await browser.get("/console/no-such-page")] {
                #expect(page["content-security-policy"]?.contains("default-src 'none'; script-src 'self'; style-src 'self'") == true)
                #expect(page["content-security-policy"]?.contains("frame-ancestors 'none'") == true)
                #expect(page["x-content-type-options"] == "nosniff" && page["x-frame-options"] == "DENY")
                #expect(page["referrer-policy"] == "same-origin" && page["cache-control"] == "no-store")
                // The policy would stop them in a browser; here it is seen that no page needs them.
                #expect(page.text.firstMatch(of: /<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:/) == nil)
            }
            #expect(try await browser.get("/console/no-such-page").status == 404)
        }
    }

    @Test func `files have their build in their address and are kept for ever`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            let page = try await browser.get("/console/sign-in")
            let address = try #require(page.text.firstMatch(of: /href="([^"]*console\.css)"/)).1

            let file = try await browser.get(String(address))

            #expect(address == "/console/static/\(Asset.build)/console.css")
            #expect(file.status == 200 && file["content-type"] == "text/css; charset=utf-8")
            #expect(file["cache-control"] == "public, max-age=31536000, immutable")
            #expect(try await browser.get("/console/static/0123456789ab/console.css").status == 404)
            #expect(try await browser.get("/console/static/\(Asset.build)/en.json").status == 404)
        }
    }

    @Test func `what another site sends, or a page of another session, is not done`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            let (browser, other) = (Browser(house), Browser(house))
            try await browser.signIn(house.acme.operatorKey)
            try await other.signIn(house.acme.operatorKey)
            let path = "/console/jobs/\(job)/cancel"
            let fields = try browser.form(try await browser.get("/console/jobs/\(job)"), path)
            let theirs = try other.form(try await other.get("/console/jobs/\(job)"), path)

            let attempts = [
                try await browser.post(path, fields, headers: ["Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"]),
                try await browser.post(path, fields, headers: ["Origin": "null"]),
                try await browser.post(path, fields, headers: ["Sec-Fetch-Site": "same-site"]),
                try await browser.post(path, fields.merging(["csrf": ""]) { $1 }),
                try await browser.post(path, fields.filter { $0.key != "csrf" }),
                try await browser.post(path, fields.merging(["csrf": theirs["csrf"] ?? ""]) { $1 }),
            ]

            for attempt in attempts { #expect(attempt.status == 403 && attempt.code == "foreign_form") }
            let json = try await browser.send("POST", path, #"{"csrf":"x"}"#, ["Content-Type": "application/json"])
            #expect(json.status == 400)
            #expect(try await browser.send("DELETE", path, nil, [:]).status == 405)
            #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "scheduled")
            #expect(try await browser.post(path, fields).status == 303)
            #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "cancelled")
        }
    }

    @Test func `a form beyond its bound is refused`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            let form = try browser.form(try await browser.get("/console/sign-in"), "/console/sign-in")

            let huge = try await browser.post("/console/sign-in", form.merging(["key": String(repeating: "x", count: 3 << 20)]) { $1 })

            #expect(huge.status == 413 && huge.code == "body_too_large")
            #expect(try await browser.get("/console/sign-in").status == 200)
        }
    }

    @Test func `who fails to sign in is counted by the address a trusted proxy names last`() async throws {
        try await House.with { house in
            func attempt(_ forwarded: String) async throws -> Int {
                let browser = Browser(house)
                let form = try browser.form(try await browser.get("/console/sign-in"), "/console/sign-in")
                let wrong = form.merging(["key": "kl_t_wrong"]) { $1 }
                return try await browser.post("/console/sign-in", wrong, headers: ["X-Forwarded-For": forwarded]).status
            }
            var statuses: [Int] = []
            // Whatever a caller writes before what the proxy adds.
            for number in 0..<12 { statuses.append(try await attempt("192.0.2.\(number), 198.51.100.7")) }

            #expect(statuses.first == 401 && statuses.last == 429)
            #expect(try await attempt("198.51.100.8") == 401)
        }
    }

    @Test func `a page of another build is told to be loaded again, and nothing is done`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let page = try await browser.get("/console/jobs/\(job)")

            let old = try await browser.submit(page, "/console/jobs/\(job)/cancel", headers: ["Kiteline-Build": "000000000000"])
            // Without scripts no header says so.
            let unscripted = try await browser.submit(page, "/console/jobs/\(job)/cancel", ["build": "000000000000"])
            #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "scheduled")
            let own = try await browser.submit(page, "/console/jobs/\(job)/cancel", headers: ["Kiteline-Build": Asset.build])

            #expect(old.status == 426 && old.code == "client_outdated" && unscripted.code == "client_outdated")
            #expect(own.status == 303)
        }
    }

    @Test func `where the address is https nothing is shown or taken in the open, and cookies stay secure`() async throws {
        try await House.with(transport: TransportSecurity(publicURL: "https://kiteline.example")) { house in
            let browser = Browser(house)
            let secure = ["X-Forwarded-Proto": "https", "Origin": "https://kiteline.example"]

            let open = try await browser.get("/console/jobs?state=running")
            let sent = try await browser.post("/console/sign-in", ["key": house.acme.operatorKey])
            let entered = try await browser.post("/console/sign-in", ["key": house.acme.operatorKey], headers: secure)

            #expect(open.status == 308 && open["location"] == "https://kiteline.example/console/jobs?state=running")
            #expect(
                sent.status == 403 && sent.text.contains("https_required") && sent.text.contains("https://kiteline.example/console/sign-in")
            )
            #expect(sent.cookies.isEmpty)
            #expect(entered.status == 303 && entered.cookies.allSatisfy { $0.contains("; Secure") })
            #expect(entered["strict-transport-security"] == "max-age=31536000")
        }
    }

    @Test func `language and theme are the browser's, and only those there are`() async throws {
        try await House.with { house in
            let browser = Browser(house)

            let english = try await browser.get("/console/sign-in")
            let chinese = try await browser.get("/console/sign-in", headers: ["Accept-Language": "zh-CN,zh;q=0.9"])
            let back = try await browser.post("/console/preferences", ["language": "zh", "theme": "dark", "back": "//evil.example"])
            let chosen = try await browser.get("/console/sign-in")
            _ = try await browser.post("/console/preferences", ["language": "xx", "theme": "\"><script>", "back": "/console/sign-in"])

            #expect(english.text.contains(#"<html lang="en" data-theme="auto">"#))
            #expect(chinese.text.contains(#"<html lang="zh-CN""#))
            #expect(back.status == 303 && back["location"] == "/console/now")
            #expect(chosen.text.contains(#"<html lang="zh-CN" data-theme="dark">"#))
            #expect(browser.cookies["kl_language"] == "zh" && browser.cookies["kl_theme"] == "dark")
        }
    }

    @Test func `after a refused form the language is chosen on the page it stood on, however often it was refused`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let path = "/console/jobs/\(job)"
            let long = ["reason": String(repeating: "x", count: 600)]

            let refused = try await browser.submit(try await browser.get(path), "\(path)/cancel", long)
            let again = try await browser.submit(refused, "\(path)/cancel", long)
            let chosen = try await browser.submit(again, "/console/preferences", ["language": "zh"])
            let foreign = try browser.form(refused, "\(path)/cancel").merging(long) { $1 }.merging(["at": "//evil.example"]) { $1 }
            let sent = try await browser.post("\(path)/cancel", foreign)

            #expect(refused.status == 422 && again.status == 422)
            #expect(chosen.status == 303 && chosen["location"] == path)
            #expect(try browser.form(sent, "/console/preferences")["back"] == "/console/now")
        }
    }

    @Test func `the API is untouched by the pages beside it`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            // A session is good for pages only.
            #expect(try await browser.get("/v1/jobs").status == 401)
            #expect(try await browser.get("/").status == 404)
            let home = try await browser.get("/", headers: ["Accept": "text/html"])
            #expect(home.status == 303 && home["location"] == "/console/now")
            #expect(try await browser.get("/healthz").status == 200)
        }
    }
}
