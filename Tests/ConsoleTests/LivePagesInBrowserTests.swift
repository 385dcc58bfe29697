import Dispatch
import Foundation
import TestSupport
import Testing

extension InBrowser {
    @Suite struct LivePagesInBrowserTests {
        @Test func `a page that is open shows what happens without being loaded again`() async throws {
            try await House.with { house in
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.tenantKey)
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

        @Test func `a page is there before what is costly to count, which comes as soon as it is known`() async throws {
            try await House.with { house in
                // Else the page shows how to begin, and looks for leads, which are read with their escalations.
                _ = try await house.owner.query(
                    """
                    INSERT INTO job_history (id, run, tenant_id, kind, state, attempt, lost, fence, enqueued_at, finished_at)
                    VALUES (1, 1, \(house.acme.id.rawValue), 'probe', 'completed', 1, 0, 1, now(), now())
                    """)
                let (isHeld, hold) = AsyncStream.makeStream(of: Void.self)
                let counted = DispatchSemaphore(value: 0)
                async let held: Void = house.owner.transaction(deadline: .seconds(120)) { transaction in
                    _ = try transaction.query("LOCK TABLE escalation IN ACCESS EXCLUSIVE MODE")
                    hold.yield()
                    counted.wait()
                }
                for await _ in isHeld { break }
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    defer { counted.signal() }
                    try await person.signsIn(house.acme.operatorKey)
                    try await browser.wait(until: "document.querySelector('#attention[data-counting]')")
                    #expect(
                        try await browser.run("return document.querySelector('#attention').textContent").contains("Leads that are late"))
                    _ = try await browser.run("window.stayed = true")

                    counted.signal()

                    try await browser.wait(until: "!document.querySelector('[data-counting]')")
                    #expect(try await browser.run("return window.stayed === true") == "1")
                    #expect(try await browser.complaints() == [])
                }
                try await held
            }
        }

        @Test func `nothing is put away under the finger while something is pressed`() async throws {
            try await House.with { house in
                try await Person.with(.phone, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.tenantKey)
                    try await browser.open("\(house.url)/console/jobs")
                    try await browser.wait(until: "document.querySelector('[data-live-state]:not([hidden])')")
                    _ = try await browser.run(
                        """
                        window.reads = 0;
                        const read = window.fetch;
                        window.fetch = (...asked) => { window.reads += 1; return read(...asked); };
                        // However long the machine takes.
                        window.finger = setInterval(() => dispatchEvent(new PointerEvent('pointerdown')), 200);
                        """)

                    let job = try #require(await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"])
                    let isShown = "document.querySelector('#job-list a[href=\"/console/jobs/\(job)\"]')"
                    try await house.working {
                        // Whoever reads a second time has had the first answer.
                        try await browser.wait(until: "window.reads > 1")
                        #expect(try await browser.run("return \(isShown) === null") == "1")

                        _ = try await browser.run("clearInterval(window.finger); dispatchEvent(new PointerEvent('pointerup'))")
                        try await browser.wait(until: isShown)
                    }
                    #expect(try await browser.complaints() == [])
                }
            }
        }

        @Test func `the fuse that somebody turned in another window is offered as it is now`() async throws {
            try await House.with { house in
                func turn(_ state: String) async throws {
                    let turned = try await house.call(
                        "PUT", "/v1/fuses/assignment", #"{"state":"\#(state)","reason":"test"}"#, as: house.acme.operatorKey)
                    try #require(turned.status == 200, "\(turned.text)")
                }
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    try await browser.open("\(house.url)/console/breakers")
                    try await browser.wait(until: "document.querySelector('[data-live-state]:not([hidden])')")
                    _ = try await browser.run("window.stayed = true")

                    for (state, next) in [("open", "closed"), ("closed", "open")] {
                        try await turn(state)
                        try await browser.wait(until: "document.querySelector('#fuse input[name=state]').value === '\(next)'")
                    }
                    #expect(try await browser.run("return window.stayed === true") == "1")
                }
            }
        }

        @Test func `what comes while the page is being read again is shown too, without another event`() async throws {
            try await House.with { house in
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.tenantKey)
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
                        window.told = told;
                        """)
                    // Else the first job may end before this page's own listener hears anything.
                    try await browser.wait(until: "window.told.readyState === 1")

                    try await house.working {
                        _ = try await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#)
                        try await browser.wait(until: "window.isHeldUp")
                        let job = try #require(await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"])
                        try await browser.wait(until: "document.querySelector('#job-list a[href=\"/console/jobs/\(job)\"]')")
                    }
                }
            }
        }

        @Test func `what a page was given before an event had its effect is read once more when it is quiet`() async throws {
            try await House.with { house in
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.tenantKey)
                    try await browser.open("\(house.url)/console/jobs")
                    try await browser.wait(until: "document.querySelector('[data-live-state]:not([hidden])')")
                    // The first reading is answered as the page was before, and the timer of five seconds goes off when the test says so.
                    _ = try await browser.run(
                        """
                        const [real, later, before] = [window.fetch, window.setTimeout, document.documentElement.outerHTML];
                        window.setTimeout = (act, time, ...more) => {
                            if (time !== 5_000) return later(act, time, ...more);
                            window.isQuiet = act;
                            return 0;
                        };
                        window.reads = 0;
                        window.fetch = async (...wish) => (window.reads++ === 0 ? new Response(before) : real(...wish));
                        """)

                    try await house.working {
                        let job = try #require(await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"])
                        try await browser.wait(until: "window.reads === 1 && window.isQuiet")
                        #expect(
                            try await browser.run("return document.querySelectorAll('#job-list a[href=\"/console/jobs/\(job)\"]').length")
                                == "0")
                        try await browser.run("window.isQuiet()")

                        try await browser.wait(until: "document.querySelector('#job-list a[href=\"/console/jobs/\(job)\"]')")
                    }
                }
            }
        }

        @Test func `a draft's way on is offered as soon as its last replay has passed`() async throws {
            try await House.with { house in
                _ = try await house.call("PUT", "/v1/tenants/acme", #"{"sandbox_rounds":1}"#, as: house.platformKey)
                try await house.call("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","capacity":5}"#)
                for id in ["all", "everybody"] {
                    let rules = "rules: [{ id: \(id), to: everyone }]"
                    let saved = try await house.call("POST", "/v1/rulesets/route/default/versions", rules, type: "application/yaml")
                    try #require(saved.status == 201, "\(saved.text)")
                }
                try await house.working {
                    let lead = try #require(
                        try await house.call("POST", "/v1/leads", #"{"external_id":"L-1","source":"web","fields":{}}"#).json["lead_id"])
                    try await expectSoon { try await house.call("GET", "/v1/leads/\(lead)").json["state"] == "assigned" }
                    try await Person.with(.desktop, .english, in: house) { person in
                        let browser = person.browser
                        try await person.signsIn(house.acme.operatorKey)
                        try await browser.open("\(house.url)/console/rules/route/default?version=2")
                        try await browser.wait(until: "document.querySelector('[data-live-state]:not([hidden])')")
                        #expect(try await browser.run("return document.querySelectorAll('#onward form').length") == "0")
                        _ = try await browser.run("window.stayed = true")

                        let days = [-1.0, 1].map { Date().addingTimeInterval($0 * 86_400).ISO8601Format() }
                        let asked = try await house.call(
                            "POST", "/v1/rulesets/route/default/versions/2/replay", #"{"from":"\#(days[0])","to":"\#(days[1])"}"#)
                        try #require(asked.status == 202, "\(asked.text)")

                        try await browser.wait(until: "document.querySelector('#onward form[action$=\"/versions/2/publish\"]')")
                        #expect(try await browser.run("return window.stayed === true") == "1")
                    }
                }
            }
        }

        @Test func `what was opened stays open and keeps the focus, though something newer comes above it`() async throws {
            try await House.with { house in
                func raise(_ code: String, _ count: Int) async throws {
                    _ = try await house.owner.query(
                        """
                        INSERT INTO alert (tenant_id, code, subject)
                        SELECT \(house.acme.id.rawValue), \(code), 'web/' || n FROM generate_series(1, \(count)::integer) n
                        """)
                }
                try await raise("schema_drift", 5)
                try await raise("clock_unreadable", 1)
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    try await browser.wait(until: "document.querySelector('[data-live-state]:not([hidden])')")
                    try await browser.run("document.querySelector('#attention .alike').open = true")
                    try await browser.run("document.querySelector('#attention .alike summary').focus()")

                    try await raise("incident_late", 1)

                    try await browser.wait(until: "document.querySelectorAll('#attention > ul > li').length === 3")
                    #expect(try await browser.run("return document.querySelectorAll('#attention details[open]').length") == "1")
                    #expect(
                        try await browser.run("return document.querySelector('#attention details[open]').dataset.key") == "schema_drift")
                    #expect(try await browser.run("return document.activeElement.parentElement.dataset.key") == "schema_drift")
                }
            }
        }

        @Test func `the platform's page of all tenants is read again while somebody looks, and says when it cannot be`() async throws {
            try await House.with { house in
                _ = try await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#)
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.platformKey)
                    try await browser.wait(until: "document.querySelector('#busiest .choose [value=acme]')")
                    try await browser.run(
                        """
                        document.querySelector('#busiest .choose [value=acme]').focus();
                        window.readsAgain = window.fetch;
                        window.fetch = () => Promise.reject(new TypeError('away'));
                        """)
                    try await browser.wait(until: "document.querySelector('[data-live-state].lost')")
                    _ = try await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: house.globex.tenantKey)

                    try await browser.run("window.fetch = window.readsAgain")

                    try await browser.wait(until: "document.querySelector('#busiest .choose [value=globex]')")
                    #expect(try await browser.run("return document.querySelector('[data-live-state]').textContent") == "Updates itself")
                    #expect(try await browser.run("return document.activeElement.value") == "acme")
                }
            }
        }

        @Test func `a page of one tenant is not filled with another's that was chosen in another window`() async throws {
            try await House.with { house in
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.platformKey)
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
                    #expect(
                        try await browser.run("return document.querySelectorAll('#job-list a[href^=\"/console/jobs/\"]').length") == "0")
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
    }
}
