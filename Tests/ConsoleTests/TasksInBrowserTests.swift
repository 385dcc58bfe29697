import Foundation
import SalesModel
import TestSupport
import Testing

@testable import Console

extension InBrowser {
    /// Each page's main task, as a person does it.
    @Suite struct TasksInBrowserTests {
        @Test(arguments: Chromium.Size.allCases, [Language.english, .chinese])
        func `every page's task is done as a person does it, and is told in their language`(
            size: Chromium.Size, language: Language
        ) async throws {
            try await House.with { house in
                let things = try await Furnishing(house)
                try await Person.with(size, language, in: house) { person in
                    try await house.working {
                        try await person.signsIn(house.acme.operatorKey)
                        try await person.does(PageTask.ofOperators, with: things)
                        try await person.signsOut()
                        try await person.signsIn(house.platformKey)
                        try await person.does(PageTask.ofThePlatform, with: things)
                    }
                }
            }
        }
    }
}

extension Person {
    /// One task after another; what goes wrong with one is told under its name.
    fileprivate func does(_ tasks: [PageTask], with things: Furnishing) async throws {
        for task in tasks {
            do {
                try await task.does(self, things)
            } catch {
                Issue.record(error, "\(task.name)")
            }
            #expect(try await browser.complaints() == [], "\(task.name)")
        }
    }
}

extension PageTask {
    static let ofOperators = [
        watching, cancelling, redriving, rollingOut, breaking, explaining, freezing, calling, forecasting, coaching, ruling, packing,
        permitting,
    ]
    static let ofThePlatform = [settingTenants, givingKeys, seeingWorkers, choosing]

    private static let watching = PageTask("now: sees a job end without loading the page again") { person, _ in
        try await person.goes(to: "now")
        try await person.sees("document.querySelector('[data-live-state]:not([hidden])')")
        try await person.browser.run("window.before = document.getElementById('numbers').innerText; window.stayed = true")

        _ = try await person.house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#)
        try await person.sees("document.getElementById('numbers').innerText !== window.before")

        #expect(try await person.browser.run("return window.stayed") == "1")
    }

    private static let cancelling = PageTask("jobs: finds a job, cancels it, and has it run after all") { person, things in
        let (house, job) = (person.house, things.waiting)
        try await person.goes(to: "jobs")
        try await person.chooses("scheduled", in: "#job-state")
        try await person.presses("form[role=search] button", leadingTo: "location.search.includes('scheduled')")
        try await person.presses("#job-list a[href='/console/jobs/\(job)']", leadingTo: "document.querySelector('#cancel-reason')")

        try await person.writes("not needed", into: "#cancel-reason")
        try await person.presses("form[action$='/cancel'] .danger")
        try await person.sees("document.querySelector('dialog[open]')")
        #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "scheduled")
        try await person.confirms()
        try await person.isTold("cancelled")
        #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "cancelled")

        try await person.saves("form[action$='/retry']", reason: "needed after all", done: "retried")
        try await expectSoon { try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "completed" }
    }

    private static let redriving = PageTask("dead letters: previews what would run again, and runs it") { person, things in
        let house = person.house
        try await person.goes(to: "dead-letters")
        try await person.chooses("probe", in: "#dead-kind")
        try await person.presses("button[name=preview]", leadingTo: "document.querySelector('#preview')")
        try await person.sees("document.querySelector(\"#preview li a[href='/console/jobs/\(things.dead)']\")")
        #expect(try await house.call("GET", "/v1/jobs/\(things.dead)").json["state"] == "discarded")

        try await person.saves("#preview form", reason: "it is mended", sure: true, done: "redriven")

        try await expectSoon { try await house.call("GET", "/v1/jobs/\(things.dead)").json["state"] == "completed" }
    }

    private static let rollingOut = PageTask("rollouts: turns one up, takes it back, begins another and makes it live") { person, things in
        let (house, path) = (person.house, "/console/rollouts/\(things.rollout)")
        try await person.goes(to: "rollouts")
        try await person.presses("#running-rollouts a[href='\(path)']", leadingTo: "location.pathname === '\(path)'")

        // A share that there is not is refused, and nobody is asked whether it shall be.
        try await person.rewrites("[name=otherPercent]", as: "150")
        try await person.writes("nothing odd so far", into: "form[action$='/percent'] textarea[name=reason]")
        try await person.presses("form[action$='/percent'] .buttons button")
        try await person.sees("document.querySelector('[data-save-state] .note.bad') && !document.querySelector('dialog')")
        // The browser's log tells of the refusal.
        #expect(try await person.browser.complaints().allSatisfy { $0.contains("422") })
        try await person.presses("label.option:has([value='20'])")
        try await person.saves("form[action$='/percent']", sure: true, done: "percent")
        #expect(try await house.call("GET", "/v1/rollouts/\(things.rollout)").text.contains(#""percent":20"#))
        try await person.saves("form[action$='/abort']", reason: "two complaints", sure: true, done: "aborted")
        #expect(try await house.call("GET", "/v1/rollouts/\(things.rollout)").json["state"] == "aborted")

        try await person.goes(to: "rollouts")
        try await person.chooses("route/default@2", in: "#start-draft")
        try await person.saves("form[action='/console/rollouts']", reason: "mended", done: "started")
        try await person.saves("form[action$='/promote']", reason: "agreed", sure: true, done: "promoted")
        #expect(try await house.count("ruleset_version WHERE version = 2 AND state = 'live'") == 1)
    }

    private static let breaking = PageTask("fuses and breakers: stops assignment and lets it go on, closes a breaker and forces it open") {
        person, _ in
        let (house, breaker) = (person.house, "#breaker-list form[action*='\(Furnishing.breaker)']")
        try await person.goes(to: "breakers")

        try await person.presses("#fuse summary")
        try await person.saves("#fuse form", reason: "wrong map", sure: true, done: "fuse_opened")
        #expect(try await house.call("GET", "/v1/fuses/assignment").json["state"] == "open")
        try await person.saves("#fuse form", reason: "the map is mended", sure: true, done: "fuse_closed")
        #expect(try await house.call("GET", "/v1/fuses/assignment").json["state"] == "closed")

        for done in ["breaker_closed", "breaker_opened"] {
            try await person.presses("#breaker-list details:has(form[action*='\(Furnishing.breaker)']) > summary")
            try await person.saves(breaker, reason: "as agreed", sure: true, done: done)
        }
        #expect(try await house.count("audit_log WHERE action LIKE 'breaker.%' AND reason = 'as agreed'") == 2)
    }

    private static let explaining = PageTask("leads: finds one, reads why its owner has it, and gives it to another") { person, things in
        let house = person.house
        try await person.goes(to: "leads")
        try await person.writes("L-3", into: "#lead-text")
        try await person.presses("form[role=search] button", leadingTo: "location.search.includes('L-3')")
        try await person.presses("#lead-list tbody a", leadingTo: "location.pathname === '/console/leads/\(things.lead)'")
        let why = try await person.reads("#why .reasons")
        #expect(why.contains(person.words.language == .chinese ? "规则“all”" : "Rule “all” applies."))

        let owner = try #require(await house.call("GET", "/v1/leads/\(things.lead)").json["owner"])
        try await person.chooses(owner == "s1" ? "s2" : "s1", in: "#assign-seller")
        // Without the tick it would be refused: the form asks for that, and for nothing else.
        try await person.writes("knows them", into: "form[action$='/assign'] textarea")
        try await person.presses("form[action$='/assign'] .buttons button")
        #expect(try await person.browser.run("return document.querySelectorAll('[name=override]:invalid').length") == "1")
        #expect(try await person.browser.run("return document.querySelectorAll('dialog').length") == "0")
        try await person.presses("[name=override]")
        try await person.saves("form[action$='/assign']", sure: true, done: "assigned")
        #expect(try await house.call("GET", "/v1/leads/\(things.lead)").json["owner"] != owner)
    }

    private static let freezing = PageTask("sellers: finds somebody, keeps new leads from them, and lets them come again") { person, _ in
        try await person.goes(to: "sellers")
        try await person.writes("欧阳", into: "#seller-text")
        try await person.presses("form:has(#seller-text) button", leadingTo: "location.search.includes('text=')")
        try await person.presses("#seller-list tbody a", leadingTo: "location.pathname === '/console/sellers/s2'")
        try await person.saves("form[action$='/freeze']", reason: "on a training", sure: true, done: "seller_frozen")
        #expect(try await person.house.call("GET", "/v1/sellers?state=frozen").text.contains("on a training"))
        #expect(try await person.reads("main").contains("on a training"))

        try await person.saves("form:has([name=until])", reason: "and a week more", done: "seller_refrozen")
        #expect(try await person.house.call("GET", "/v1/sellers?state=frozen").text.contains("a week more"))

        try await person.saves("form[action$='/freeze']", reason: "back again", done: "seller_thawed")
        #expect(try await person.house.count("seller WHERE frozen_at IS NOT NULL") == 0)
    }

    private static let calling = PageTask("overdue: sees who is late with what, and says why") { person, _ in
        try await person.goes(to: "overdue")
        try await person.chooses("lead_first_touch", in: "#clock")
        try await person.presses("form:has(#clock) button", leadingTo: "location.search.includes('clock=lead_first_touch')")
        #expect(try await person.reads("#people tbody").contains("Chen Wei"))

        try await person.chooses("busy", in: "#escalations tr:has(form) select")
        try await person.presses("#escalations tr:has(form) button")
        try await person.isTold("explained")

        #expect(try await person.house.count("escalation WHERE reason = 'busy'") == 2)
    }

    private static let forecasting = PageTask("forecast: has it worked out anew, and reads it") { person, _ in
        try await person.goes(to: "forecast")
        try await person.presses("form[action$='/rebuild'] button", leadingTo: "location.search.includes('rebuild=')")

        try await person.sees("document.querySelector('#figures > .note.good')")
        #expect(try await person.reads("main").contains("98,000,000.00"))
    }

    private static let coaching = PageTask("process health: chooses a week and a team, and reads a diagnosis") { person, _ in
        try await person.goes(to: "process-health")
        let week = try await person.browser.run("return document.querySelector('#week option:nth-child(2)').value")
        try await person.chooses(week, in: "#week")
        try await person.chooses("north", in: "#team")
        try await person.presses("form:has(#week) button", leadingTo: "location.search.includes('week=\(week)')")

        #expect(try await person.reads("#dimensions h2").contains(week))
        #expect(try await person.reads("#dimensions tbody").contains("欧阳娜娜"))
        let nodes = try await person.reads(".nodes")
        #expect(nodes.contains(person.words["node_late_follow_up"]) && nodes.contains(person.words["node_missing_evidence"]))
    }

    private static let ruling = PageTask("rules: writes a change while it is checked, saves it and makes it live") { person, _ in
        try await person.goes(to: "rules")
        try await person.presses("main a[href='/console/rules/route/default']", leadingTo: "document.querySelector('#rule-text')")
        try await person.rewrites("#rule-text", as: "rules: [{ id: all, to: everyone, by: magic }]")
        try await person.sees("document.querySelector('#rule-check .note.bad')")
        try await person.rewrites("#rule-text", as: "rules: [{ id: every, to: everyone }]")
        try await person.sees(
            "document.querySelector('#rule-check :is(.chip.good, .note.warn)') && !document.querySelector('#rule-check .note.bad')")

        try await person.presses("form[data-check] .primary")
        try await person.isTold("rule_saved")
        try await person.saves("form[action$='/publish']", reason: "agreed", sure: true, done: "published")

        #expect(try await person.house.count("ruleset_version WHERE version = 3 AND state = 'live'") == 1)
    }

    private static let packing = PageTask("packs: reads one, and takes its rules into the editor beside what was typed there") {
        person, _ in
        try await person.opens("/console/rules/route/default")
        try await person.rewrites("#rule-text", as: "rules: [{ id: typed, to: everyone }]")
        try await person.goes(to: "rules")
        try await person.presses("main a[href='/console/packs/saas']", leadingTo: "document.querySelector('#route pre')")
        let text = try await person.reads("#route pre")
        try await person.presses("#route a", leadingTo: "document.querySelector('#rule-text')")

        let taken = try await person.browser.run("return document.querySelector('#rule-text').value")
        #expect(taken.trimmingCharacters(in: .whitespacesAndNewlines) == text.trimmingCharacters(in: .whitespacesAndNewlines))
        #expect(try await person.house.count("ruleset_version WHERE version > 3") == 0)
        try await person.opens("/console/rules/route/default")
        #expect(try await person.browser.run("return document.querySelector('#rule-text').value").contains("id: typed"))
    }

    private static let permitting = PageTask("permissions: checks a change, sees who loses what, types the words and makes it") {
        person, _ in
        let book = """
            {"policies":[{"id":"cities","effect":"allow","to":{"role":"seller"},"actions":["opportunity.create","lead.query"],"cities":["北京"]}]}
            """
        try await person.goes(to: "permissions")
        try await person.rewrites("#access-text", as: book)
        try await person.presses("#edit button[value=check]")
        try await person.sees("document.querySelector('#edit-confirmation')")
        #expect(try await person.reads("#edit .faults").contains("s1"))
        #expect(try await person.house.count("access_version") == 0)

        let asked = try await person.reads("label[for=edit-confirmation]")
        let wanted = try #require(asked.firstMatch(of: /remove [a-z._]+ from \d+/), "\(asked)").0
        try await person.writes(String(wanted), into: "#edit-confirmation")
        try await person.saves("#edit form", reason: "cities", sure: true, done: "permissions_changed")

        #expect(try await person.house.count("access_version") == 1)
    }

    private static let settingTenants = PageTask("tenants: sets a weight, a cap and a rate") { person, _ in
        try await person.goes(to: "tenants")
        try await person.presses("#tenant-list a[href*='tenant=acme']", leadingTo: "document.querySelector('#set-weight')")
        for (name, value) in [("weight", "3"), ("cap", "40"), ("rate", "12.5")] { try await person.rewrites("#set-\(name)", as: value) }
        try await person.saves("form[action='/console/tenants/acme']", reason: "the larger plan", done: "tenant_saved")

        #expect(try await person.house.count("tenant WHERE slug = 'acme' AND weight = 3 AND cap = 40 AND rate = 12.5") == 1)
    }

    private static let givingKeys = PageTask("tenants: makes a key, is shown it once, and revokes it") { person, _ in
        try await person.opens("/console/tenants?tenant=acme")
        try await person.chooses("operator", in: "#key-role")
        try await person.writes("for the night shift", into: "#create-key-reason")
        try await person.presses("form[action='/console/tenants/acme/keys'] button")
        try await person.sees("document.querySelector('pre[data-copy]')")
        let key = try await person.reads("pre[data-copy]")
        #expect(try await person.house.call("GET", "/v1/jobs", as: key).status == 200)

        let number = try await person.house.count("api_key")
        try await person.writes("it is over", into: "#revoke-\(number)-reason")
        try await person.presses("form[action='/console/tenants/acme/keys/\(number)/revoke'] button")
        try await person.confirms()
        try await person.isTold("key_revoked")

        try await expectSoon { try await person.house.call("GET", "/v1/jobs", as: key).status == 401 }
    }

    private static let seeingWorkers = PageTask("workers: sees who is alive and what they run") { person, _ in
        let house = person.house
        let job = try #require(await house.call("POST", "/v1/jobs", #"{"kind":"probe","args":{"sleep_ms":600000}}"#).json["id"])
        try await expectSoon { try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "running" }
        try await person.goes(to: "workers")

        // What was looked at is remembered for two seconds.
        try await expectSoon {
            try await person.opens("/console/workers")
            return try await person.reads("#running-jobs").contains(job)
        }
        #expect(try await person.reads("#worker-list").contains("pid \(getpid())"))

        _ = try await house.call("POST", "/v1/jobs/\(job)/cancel", "{}")
    }

    private static let choosing = PageTask("now: chooses a tenant to act for, and another") { person, _ in
        for tenant in ["acme", "globex"] {
            try await person.opensMenu()
            try await person.chooses(tenant, in: "#tenant-choice")
            try await person.presses("form:has(#tenant-choice) button", leadingTo: "location.pathname === '/console/now'")
            #expect(try await person.browser.run("return document.querySelector('.whose strong').textContent") == tenant)
        }
    }
}
