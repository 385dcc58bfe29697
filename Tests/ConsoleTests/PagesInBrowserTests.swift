import Foundation
import TestSupport
import Testing

/// Pages as a person sees and uses them, in a real browser. One after another: a browser is heavy.
@Suite(
    .serialized,
    .enabled(if: Chromium.isThere, "needs \(Chromium.program) and \(Chromium.driver): apt-get install chromium chromium-driver"))
struct BrowserTests {
    private static let pages = [
        "now", "jobs", "rollouts", "breakers", "dead-letters", "leads", "overdue", "forecast", "process-health", "rules",
        "rules/route/default", "permissions",
    ]

    @Test(arguments: Chromium.Size.allCases, ["en", "zh"])
    func `every page fits its window, is labelled, and no script complains`(size: Chromium.Size, language: String) async throws {
        try await House.with { house in
            try await house.sales()
            try await Chromium.with(size, language: language) { browser in
                try await browser.signIn(house, house.acme.operatorKey)
                for page in Self.pages {
                    try await browser.open("\(house.url)/console/\(page)")
                    try await browser.wait(until: "document.readyState === 'complete'")

                    try await browser.picture("\(page.replacing("/", with: "-"))-\(size.rawValue)-\(language)")
                    let lang = try await browser.run("return document.documentElement.lang")
                    #expect(lang.hasPrefix(language), "\(page)")
                    // Wide tables scroll within themselves.
                    #expect(
                        try await browser.run("return document.documentElement.scrollWidth - innerWidth <= 1") == "1", "\(page) is too wide"
                    )
                    #expect(try await browser.run(Self.faults) == "", "\(page)")
                    #expect(try await browser.complaints() == [], "\(page)")
                }
            }
        }
    }

    /// What a screen reader would stumble over: fields and buttons without a name, pictures without words, no or several first headings.
    private static let faults = """
        const named = (one) => (one.getAttribute('aria-label') || one.getAttribute('title') || one.textContent.trim()
            || one.labels?.length || document.getElementById(one.getAttribute('aria-labelledby') ?? ''));
        const faults = [];
        for (const one of document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href]'))
            if (!named(one)) faults.push(one.outerHTML.slice(0, 120));
        for (const one of document.querySelectorAll('img:not([alt]), svg:not([aria-hidden]):not([role])')) faults.push(one.outerHTML.slice(0, 120));
        if (document.querySelectorAll('h1').length !== 1) faults.push('h1: ' + document.querySelectorAll('h1').length);
        const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
        for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) faults.push('twice: ' + id);
        return faults.join('\\n');
        """

    @Test(arguments: Chromium.Size.allCases)
    func `somebody signs in, finds a job, cancels it with a reason and is told so`(size: Chromium.Size) async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            try await Chromium.with(size, language: "en") { browser in
                try await browser.open("\(house.url)/console/jobs")
                try await browser.wait(until: "document.querySelector('#key')")
                try await browser.type(house.acme.operatorKey, into: "#key")
                try await browser.click("button.primary")
                try await browser.wait(until: "location.pathname === '/console/jobs' && document.querySelector('#job-list a')")
                try await browser.click("#job-list a")
                try await browser.wait(until: "document.querySelector('#cancel-reason')")

                try await browser.type("not needed", into: "#cancel-reason")
                try await browser.click("form[action$='/cancel'] button.danger")
                try await browser.wait(until: "document.querySelector('dialog[open]')")
                #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "scheduled")
                try await browser.click("dialog .danger")
                try await browser.wait(until: "document.querySelector('.note.good')")

                #expect(try await browser.run("return document.querySelector('.note.good').textContent").contains("cancelled"))
                #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "cancelled")
                #expect(try await browser.complaints() == [])
            }
        }
    }

    @Test func `a page that is open shows what happens without being loaded again`() async throws {
        try await House.with { house in
            try await Chromium.with(.desktop, language: "en") { browser in
                try await browser.signIn(house, house.acme.tenantKey)
                try await browser.open("\(house.url)/console/jobs")
                try await browser.wait(until: "document.querySelector('[data-live-state]:not([hidden])')")
                _ = try await browser.run("window.stayed = true")

                try await house.working {
                    let job = try #require(await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"])
                    try await browser.wait(until: "document.querySelector('#job-list a[href=\"/console/jobs/\(job)\"]')")
                }

                #expect(try await browser.run("return window.stayed === true") == "1")
                #expect(try await browser.complaints() == [])
            }
        }
    }

    @Test func `what comes while the page is being read again is shown too, without another event`() async throws {
        try await House.with { house in
            try await Chromium.with(.desktop, language: "en") { browser in
                try await browser.signIn(house, house.acme.tenantKey)
                try await browser.open("\(house.url)/console/jobs")
                try await browser.wait(until: "document.querySelector('[data-live-state]:not([hidden])')")
                // The first reading of the page is held up until the second job was told of and the page would have looked for it.
                _ = try await browser.run(
                    """
                    const [real, told] = [window.fetch, new EventSource('/console/events?types=job')];
                    let [reads, ended] = [0, 0];
                    window.fetch = async (...wish) => {
                        const answer = await real(...wish);
                        if (++reads > 1) return answer;
                        window.isHeldUp = true;
                        await new Promise((go) => (window.goOn = go));
                        return answer;
                    };
                    told.addEventListener('job.completed', () => { if (++ended === 2) setTimeout(() => window.goOn(), 2_500); });
                    """)

                try await house.working {
                    _ = try await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#)
                    try await browser.wait(until: "window.isHeldUp")
                    let job = try #require(await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"])
                    try await browser.wait(until: "document.querySelector('#job-list a[href=\"/console/jobs/\(job)\"]')")
                }
            }
        }
    }

    @Test func `a page of one tenant is not filled with another's that was chosen in another window`() async throws {
        try await House.with { house in
            try await Chromium.with(.desktop, language: "en") { browser in
                try await browser.open("\(house.url)/console/sign-in")
                try await browser.type(house.platformKey, into: "#key")
                try await browser.click("button.primary")
                try await browser.wait(until: "location.pathname === '/console/tenants'")
                try await browser.run(Self.choosing("acme"))
                try await browser.open("\(house.url)/console/jobs")
                try await browser.wait(until: "document.querySelector('[data-live-state]:not([hidden])')")
                #expect(try await browser.run("return document.body.dataset.for") == "acme")

                try await browser.run(Self.choosing("globex"))
                try await house.working {
                    _ = try await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#)
                    try await browser.wait(until: "document.querySelector('.whose strong').textContent === 'globex'")
                }

                #expect(try await browser.run("return document.body.dataset.for") == "globex")
                #expect(try await browser.run("return document.querySelectorAll('#job-list a[href^=\"/console/jobs/\"]').length") == "0")
            }
        }
    }

    /// What another window of the same browser does.
    private static func choosing(_ tenant: String) -> String {
        """
        const request = new XMLHttpRequest();
        request.open('POST', '/console/tenant', false);
        request.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded');
        request.send(new URLSearchParams({ csrf: document.querySelector('[name=csrf]').value, tenant: '\(tenant)' }).toString());
        """
    }

    @Test func `a check of a rule's text leaves what was written to be found after a reload`() async throws {
        try await House.with { house in
            try await Chromium.with(.desktop, language: "en") { browser in
                try await browser.signIn(house, house.acme.operatorKey)
                try await browser.open("\(house.url)/console/rules/route/default")
                try await browser.type("rules: [{ id: all, to: everyone }]", into: "#rule-text")
                _ = try await browser.run("document.getElementById('main').dataset.first = 'yes'")

                try await browser.click("button[name=dry_run]")
                try await browser.wait(
                    until:
                        "!document.getElementById('main').dataset.first && document.querySelector('#rule-check .chip, #rule-check .note')")
                try await browser.open("\(house.url)/console/rules/route/default")
                try await browser.wait(until: "document.querySelector('[data-save-state] button')")

                #expect(try await browser.run("return document.querySelector('#rule-text').value") == "rules: [{ id: all, to: everyone }]")
                #expect(try await house.count("ruleset_version") == 0)
            }
        }
    }

    @Test func `a refused save shows its code beside the form and keeps what was typed`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            try await Chromium.with(.desktop, language: "en") { browser in
                try await browser.signIn(house, house.acme.tenantKey)
                try await browser.open("\(house.url)/console/jobs/\(job)")
                try await browser.type("somebody else was faster", into: "#cancel-reason")
                _ = try await house.call("POST", "/v1/jobs/\(job)/retry")
                try await house.working {
                    try await expectSoon { try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "completed" }
                }

                try await browser.click("form[action$='/cancel'] button.danger")
                try await browser.wait(until: "document.querySelector('dialog[open]')")
                try await browser.click("dialog .danger")
                try await browser.wait(until: "document.querySelector('[data-save-state] [data-problem]')")

                #expect(try await browser.run("return document.querySelector('[data-problem]').dataset.code") == "job_completed")
                #expect(try await browser.run("return document.querySelector('#cancel-reason').value") == "somebody else was faster")
            }
        }
    }
}

extension Chromium {
    fileprivate func signIn(_ house: House, _ key: String) async throws {
        try await open("\(house.url)/console/sign-in")
        try await type(key, into: "#key")
        try await click("button.primary")
        try await wait(until: "location.pathname === '/console/now'")
    }
}

extension House {
    /// Something for each page to show.
    fileprivate func sales() async throws {
        for (id, name) in [("s1", "Chen Wei"), ("s2", "欧阳娜娜（大客户三组·新能源汽车行业专家）")] {
            try await call("PUT", "/v1/sellers/\(id)", #"{"name":"\#(name)","status":"active","capacity":5}"#)
        }
        for rules in ["rules: [{ id: all, to: everyone }]", "rules: [{ id: all, to: everyone, by: round_robin }]"] {
            try await call("POST", "/v1/rulesets/route/default/versions", rules, type: "application/yaml")
        }
        try await call("POST", "/v1/rollouts", #"{"kind":"route","name":"default","version":2,"percent":5}"#, as: acme.operatorKey)
        try await call(
            "POST", "/v1/breakers/erp-of-the-east-china-plant/open", #"{"reason":"it is being mended until Thursday"}"#,
            as: acme.operatorKey)
        for number in 0..<12 {
            let company = "江苏新能源汽车动力电池结构件有限公司（常州分公司）\(number)"
            try await call("POST", "/v1/leads", #"{"external_id":"L-\#(number)","source":"website","fields":{"company":"\#(company)"}}"#)
        }
        try await working {
            for args in ["{}", #"{"fail_times":9,"error_class":"permanent"}"#] {
                let job = try #require(await call("POST", "/v1/jobs", #"{"kind":"probe","args":\#(args)}"#).json["id"])
                try await expectSoon { try await ["completed", "discarded"].contains(call("GET", "/v1/jobs/\(job)").json["state"]) }
            }
            try await expectSoon { try await count("lead WHERE state = 'assigned'") == 12 }
        }
    }
}
