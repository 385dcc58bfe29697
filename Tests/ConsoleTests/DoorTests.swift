import Foundation
import SalesModel
import Tenancy
import Testing

@testable import Console

/// What stands between a request and a page, without servers.
@Suite struct DoorTests {
    @Test func `a form is read as it was typed, and a doubtful one not at all`() {
        let form = Form("reason=a+b%26c%0D%0Ad&csrf=&x".utf8)

        #expect(form?["reason"] == "a b&c\nd")
        #expect(form?.words("csrf") == nil && form?.has("csrf") == true)
        #expect(Form("a=1&a=2".utf8) == nil)
        #expect(Form("a=%FF".utf8) == nil)
        #expect(Form("a=%00".utf8) == nil)
        #expect(Form([0xFF]) == nil)
    }

    @Test func `of a cookie that comes twice nothing is believed`() {
        let cookies = CookieJar("kl_session=abc; kl_theme=dark; kl_session=def")

        #expect(cookies["kl_session"] == nil)
        #expect(cookies["kl_theme"] == "dark")
        #expect(CookieJar(nil)["kl_session"] == nil)
    }

    @Test(
        arguments: [
            (nil, nil, true), ("http://kiteline.example", "same-origin", true), ("https://kiteline.example", nil, true),
            ("http://evil.example", nil, false), ("null", nil, false), (nil, "cross-site", false), (nil, "same-site", false),
            (nil, "none", false), ("http://kiteline.example", "cross-site", false), ("http://kiteline.example.evil.example", nil, false),
            ("https://public.example:8443", "same-origin", true),
        ] as [(String?, String?, Bool)])
    func `only our own pages' forms are ours`(origin: String?, fetchSite: String?, isOurs: Bool) {
        let provenance = Provenance(origin: origin, fetchSite: fetchSite)

        #expect(provenance.isOurs(host: "kiteline.example", publicURL: "https://public.example:8443/") == isOurs)
    }

    @Test(
        arguments: [
            (nil, nil, Language.english), (nil, "zh-CN,zh;q=0.9,en;q=0.8", .chinese), (nil, "en-GB,en;q=0.9,zh;q=0.8", .english),
            (nil, "fr, zh;q=0.5, en;q=0.6", .english), (nil, "fr", .english), ("zh", "en", .chinese), ("xx", "zh", .chinese),
            (nil, "zh;q=0", .english),
        ] as [(String?, String?, Language)])
    func `the language is the chosen one, or the first of the browser's`(chosen: String?, accepted: String?, language: Language) {
        #expect(Language(chosen: chosen, accepted: accepted) == language)
    }

    @Test(arguments: [
        "//evil.example", "https://evil.example/console/", "/console//evil.example", "/consolex", "/console/\\evil", "/console/a b", nil,
        "/console/../v1/overview", "/console/%2E%2e/v1/overview", "/console/.%2e", "/console/%zz",
    ])
    func `nobody is sent anywhere but into the console`(path: String?) { #expect(InnerPath.checked(path) == "/console/now") }

    @Test func `a place within the console is kept with its query`() {
        #expect(InnerPath.checked("/console/jobs?state=discarded&cursor=7") == "/console/jobs?state=discarded&cursor=7")
        #expect(InnerPath.checked("/console/leads?id=../7") == "/console/leads?id=../7")
    }

    @Test func `attempts to sign in are bounded for an address and for all`() {
        var attempts = Attempts()
        let now = Date(timeIntervalSince1970: 1_000_000)

        var one = 0
        for _ in 0..<12 where attempts.admit("a", at: now) { one += 1 }
        let other = attempts.admit("b", at: now)
        let later = now.addingTimeInterval(5)
        let again = [attempts.admit("a", at: later), attempts.admit("a", at: later)]
        var others = 0
        for _ in 0..<5 { for number in 0..<100 where attempts.admit("c\(number)", at: later) { others += 1 } }

        #expect(one == 10 && other && again == [true, false])
        #expect((150...200).contains(others))
    }

    @Test func `whoever fails keeps nobody out who has not failed, and a right key counts for nothing`() {
        var attempts = Attempts()
        let now = Date(timeIntervalSince1970: 1_000_000)
        for _ in 0..<20 { for number in 0..<Attempts.most { _ = attempts.admit("10.\(number / 250).\(number % 250).1", at: now) } }

        for number in 0..<100 {
            let isAdmitted = attempts.admit("192.0.2.\(number)", at: now)
            #expect(isAdmitted)
        }
        for _ in 0..<50 {
            let isAdmitted = attempts.admit("198.51.100.7", at: now)
            #expect(isAdmitted)
            attempts.excuse("198.51.100.7")
        }
    }

    @Test(
        arguments: [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:fffe", true), ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "192.0.2.1", true),
            ("nonsense:", "nonsense::", false),
        ] as [(String, String, Bool)])
    func `an IPv6 network tries as one, IPv4 addresses each for itself`(one: String, other: String, isSame: Bool) {
        #expect((Attempts.network(of: one) == Attempts.network(of: other)) == isSame)
    }

    @Test func `a form's token belongs to one session and does not lead back to it`() {
        let (one, other) = (SessionToken(chance: .init(repeating: 1, count: 32)), SessionToken(chance: .init(repeating: 2, count: 32)))

        #expect(one.accepts(formToken: one.formToken))
        #expect(!one.accepts(formToken: other.formToken))
        #expect(!one.accepts(formToken: "") && !one.accepts(formToken: one.secret))
        #expect(one.formToken != one.secret && "\(one)" == "session")
        #expect(SessionToken(one.secret)?.hash == one.hash)
        #expect(SessionToken("short") == nil && SessionToken(String(repeating: "%", count: 43)) == nil)
    }
}
