import TestSupport
import Testing

extension InBrowser {
    /// What was typed is never lost, and nobody is left waiting.
    @Suite struct SavesInBrowserTests {
        @Test func `a check of a rule's text leaves what was written to be found after a reload`() async throws {
            try await House.with { house in
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    try await browser.open("\(house.url)/console/rules/route/default")
                    try await browser.type("rules: [{ id: all, to: everyone }]", into: "#rule-text")
                    _ = try await browser.run("document.getElementById('main').dataset.first = 'yes'")

                    try await browser.click("button[name=dry_run]")
                    try await browser.wait(
                        until:
                            "!document.getElementById('main').dataset.first && document.querySelector('#rule-check .chip, #rule-check .note')"
                    )
                    try await browser.open("\(house.url)/console/rules/route/default")
                    try await browser.wait(until: "document.querySelector('[data-save-state] button')")

                    #expect(
                        try await browser.run("return document.querySelector('#rule-text').value") == "rules: [{ id: all, to: everyone }]")
                    #expect(try await house.count("ruleset_version") == 0)
                }
            }
        }

        @Test func `a check of permissions leaves the form as it is, and does not speak of it as of an old draft`() async throws {
            try await House.with { house in
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    try await person.opens("/console/permissions")
                    try await person.rewrites("#access-text", as: #"{"policies":[]}"#)
                    try await person.writes("nobody is held to a city", into: "#edit-reason")

                    try await person.presses("button[value=check]")

                    try await person.sees("document.querySelector('#edit [data-answer]')")
                    #expect(try await browser.run("return document.querySelector('#edit-reason').value") == "nobody is held to a city")
                    #expect(try await browser.run("return document.querySelector('#access-text').value") == #"{"policies":[]}"#)
                    #expect(try await browser.run("return document.querySelectorAll('#edit [data-save-state] > *').length") == "0")
                }
            }
        }

        @Test func `what is wrong with a rule's text is told once, below it, whether it was checked or saved`() async throws {
            try await House.with { house in
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    try await person.opens("/console/rules/route/default")
                    try await person.writes("rules: [{ id: all, to: everyone, by: magic }]", into: "#rule-text")
                    try await person.sees("document.querySelectorAll('#rule-check .faults li').length === 1")

                    try await person.presses("form[data-check] button.primary")

                    try await person.sees("document.querySelector('[data-save-state] [data-problem]')")
                    #expect(try await browser.run("return document.querySelectorAll('[data-problem] li').length") == "0")
                    #expect(try await browser.run("return document.querySelectorAll('#rule-check .faults li').length") == "1")
                }
            }
        }

        @Test func `a refused save shows its code beside the form and keeps what was typed`() async throws {
            try await House.with { house in
                let job = try await house.waitingJob()
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.tenantKey)
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

        @Test func `a lead that was given away meanwhile has its page shown anew, and what was typed is kept`() async throws {
            try await House.with { house in
                for id in ["s1", "s2", "s3"] {
                    try await house.call("PUT", "/v1/sellers/\(id)", #"{"name":"Seller \#(id)","status":"active","capacity":5}"#)
                }
                let lead = try #require(
                    try await house.call("POST", "/v1/leads", #"{"external_id":"L-1","source":"web","fields":{}}"#).json["lead_id"])
                func give(to seller: String) async throws {
                    let wish = #"{"seller":"\#(seller)","override":true,"reason":"test"}"#
                    let given = try await house.call("POST", "/v1/leads/\(lead)/assign", wish, as: house.acme.operatorKey)
                    try #require(given.status == 200, "\(given.text)")
                }
                try await give(to: "s1")
                try await Person.with(.desktop, .english, in: house) { person in
                    try await person.signsIn(house.acme.operatorKey)
                    try await person.opens("/console/leads/\(lead)")
                    try await person.sees("document.querySelector('#clocks') && document.body.innerText.includes('belongs to Seller s1')")
                    try await give(to: "s2")
                    try await person.chooses("s3", in: "#assign-seller")
                    try await person.presses("input[name=override]")
                    try await person.writes("knows them", into: "form[action$='/assign'] textarea[name=reason]")
                    try await person.presses("form[action$='/assign'] .buttons button")
                    try await person.confirms()

                    try await person.sees("document.querySelector('[data-problem]')?.dataset.code === 'lead_reassigned'")
                    #expect(try await person.reads("main").contains("belongs to Seller s2"), "the page is of now")
                    #expect(
                        try await person.browser.run("return document.querySelector('form[action$=\"/assign\"] textarea').value")
                            == "knows them")
                    #expect(try await house.call("GET", "/v1/leads/\(lead)").json["owner"] == "s2")
                }
            }
        }

        @Test
        func `a save whose answer does not come ends after its time, keeps what was typed, and is done once however often it is sent`()
            async throws
        {
            try await House.with { house in
                let job = try await house.waitingJob()
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    try await person.opens("/console/jobs/\(job)")
                    try await browser.run(Self.losingAnswers)
                    try await person.writes("not needed", into: "#cancel-reason")
                    try await person.presses("form[action$='/cancel'] .danger")
                    try await person.confirms()
                    try await person.sees("window.isLost")
                    #expect(try await browser.run("return window.patience") == "15000")
                    #expect(try await person.reads("[data-save-state] .saving") == person.words["script_saving"])
                    #expect(try await browser.run("return document.querySelector('form[action$=\"/cancel\"] .danger').disabled") == "1")

                    try await browser.run("window.pass()")
                    try await person.sees("document.querySelector('[data-save-state] .note.bad')")
                    #expect(try await person.reads("[data-save-state] .note p") == person.words["script_slow"])
                    #expect(try await browser.run("return document.querySelector('#cancel-reason').value") == "not needed")
                    #expect(try await browser.run("return document.querySelector('form[action$=\"/cancel\"] .danger').disabled") == "0")

                    // It had arrived; sent again, it is what was done already that is told.
                    #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "cancelled")
                    try await browser.run("window.fetch = window.sendReally")
                    try await person.presses("[data-save-state] button")
                    try await person.isTold("cancelled")
                    #expect(try await house.count("audit_log WHERE action = 'job.cancel' AND reason = 'not needed'") == 1)
                }
            }
        }

        @Test func `what would be made twice is not offered to be sent again when nobody knows what came of it`() async throws {
            try await House.with { house in
                try await Person.with(.phone, .chinese, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.platformKey)
                    try await person.opens("/console/tenants?tenant=acme")
                    try await browser.run(Self.losingAnswers)
                    let keys = try await house.count("api_key")
                    try await person.writes("for the night shift", into: "#create-key-reason")
                    try await person.presses("form[action='/console/tenants/acme/keys'] button")
                    try await person.sees("window.isLost")

                    try await browser.run("window.pass()")

                    try await person.sees("document.querySelector('[data-save-state] .note.bad')")
                    #expect(try await person.reads("[data-save-state] .note p") == person.words["script_unsure"])
                    try await person.presses("[data-save-state] .note button", leadingTo: "document.querySelector('#key-role')")
                    #expect(try await house.count("api_key") == keys + 1)
                    #expect(try await browser.run("return document.querySelectorAll('form[action$=\"/revoke\"]').length") == "3")
                }
            }
        }

        @Test func `a page of an older build is told to be loaded again, nothing is done, and the draft is there afterwards`() async throws
        {
            try await House.with { house in
                let job = try await house.waitingJob()
                try await Person.with(.desktop, .chinese, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    try await person.opens("/console/jobs/\(job)")
                    try await browser.run("document.body.dataset.build = 'before'")
                    try await person.writes("不再需要", into: "#cancel-reason")
                    try await person.presses("form[action$='/cancel'] .danger")
                    try await person.confirms()

                    try await person.sees("document.querySelector('[data-save-state] .note.bad')")
                    #expect(try await person.reads("[data-save-state] .note p") == person.words["script_outdated"])
                    #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "scheduled")
                    try await person.presses(
                        "[data-save-state] button", leadingTo: "document.querySelector('#cancel-reason').value === '不再需要'")

                    try await person.presses("form[action$='/cancel'] .danger")
                    try await person.confirms()
                    try await person.isTold("cancelled")
                }
            }
        }

        /// What is sent arrives, and its answer does not; `pass()` lets the time for it be over.
        private static let losingAnswers = """
            window.sendReally = window.fetch.bind(window);
            AbortSignal.timeout = (patience) => {
                const clock = new AbortController();
                window.patience = patience;
                window.pass = () => clock.abort(new DOMException('it took too long', 'TimeoutError'));
                return clock.signal;
            };
            window.fetch = async (where, { signal, ...wish }) => {
                const end = new Promise((_, end) => signal.addEventListener('abort', () => end(signal.reason)));
                await window.sendReally(where, wish);
                window.isLost = true;
                return end;
            };
            """
    }
}
