import TestSupport
import Testing

@testable import Console

extension InBrowser {
    /// Where scripts are off, every page is links and forms.
    @Suite struct WithoutScriptsTests {
        @Test func `with scripts off every page is read at every width, and what is done is done and told`() async throws {
            try await House.with { house in
                let things = try await Furnishing(house)
                try await Person.with(.desktop, .chinese, in: house) { person in
                    let browser = person.browser
                    try await browser.forbidScripts()
                    try await person.signsIn(house.acme.operatorKey)
                    for area in Self.areas {
                        try await person.opens("/console/\(area)")
                        #expect(try await person.reads("main").count > 60, "\(area)")
                        #expect(try await browser.run(Self.isWithin) == "1", "\(area)")
                        // What only a script would fill is not there at all.
                        #expect(try await browser.run(Self.emptyPlaces) == "", "\(area)")
                    }

                    // On a narrow screen the menu is a place on the page, which the link to it opens.
                    try await browser.narrow()
                    try await person.opens("/console/now")
                    #expect(try await browser.run(Self.menu) == "none")
                    #expect(try await browser.run("return document.querySelector('[data-menu]').getAttribute('href')") == "#side")
                    // By its address: the driver has been seen to hang on a click within a page that runs no scripts.
                    try await person.opens("/console/jobs#side")
                    #expect(try await browser.run(Self.menu) == "flex")
                    try await person.presses(
                        "#side nav a[href='/console/breakers']", leadingTo: "location.pathname === '/console/breakers'")
                    for area in Self.areas {
                        try await person.opens("/console/\(area)")
                        #expect(try await browser.run(Self.isWithin) == "1", "\(area), narrow")
                    }

                    try await person.opens("/console/jobs/\(things.waiting)")
                    try await person.writes("not needed", into: "#cancel-reason")
                    try await person.presses("form[action$='/cancel'] .danger", leadingTo: "location.search.includes('done')")
                    try await person.isTold("cancelled")
                    #expect(try await house.call("GET", "/v1/jobs/\(things.waiting)").json["state"] == "cancelled")

                    try await person.opens("/console/breakers")
                    try await person.presses("#fuse summary")
                    try await person.writes(" ", into: "#fuse textarea")
                    try await person.presses("#fuse form button", leadingTo: "document.querySelector('[data-problem]')")
                    #expect(try await browser.run("return document.querySelector('[data-problem]').dataset.code") == "invalid")
                    try await person.writes("wrong map", into: "#fuse textarea")
                    try await person.presses("#fuse form button", leadingTo: "location.search.includes('done')")
                    try await person.isTold("fuse_opened")

                    try await person.opens("/console/rules/route/default")
                    try await person.rewrites("#rule-text", as: "rules: [{ id: all, to: everyone, by: magic }]")
                    try await person.presses("button[name=dry_run]", leadingTo: "document.querySelector('#rule-check .note.bad')")
                    #expect(try await browser.run("return document.querySelector('#rule-text').value").contains("magic"))
                    #expect(try await browser.run("return document.querySelector('dialog') === null") == "1")
                }
            }
        }

        private static let areas = [
            "now", "jobs", "dead-letters", "breakers", "rules", "rollouts", "permissions", "leads", "sellers", "overdue", "forecast",
            "process-health",
        ]

        private static let menu = "return getComputedStyle(document.getElementById('side')).display"
        private static let isWithin = "return document.documentElement.scrollWidth - document.documentElement.clientWidth <= 1"

        private static let emptyPlaces = """
            const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().height > 1;
            return [...document.querySelectorAll('[data-live-state], [data-save-state], #words, #announcer')].filter(seen)
                .map((one) => one.outerHTML.slice(0, 120)).join('\\n');
            """
    }
}
