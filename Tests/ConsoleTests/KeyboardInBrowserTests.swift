import Testing

@testable import Console

extension InBrowser {
    /// Everything can be done with the keys alone.
    @Suite struct KeyboardInBrowserTests {
        @Test func `a link skips the menu, and Tab goes through every control in the page's order, each seen where the focus is`()
            async throws
        {
            try await House.with { house in
                let things = try await Furnishing(house)
                try await Person.with(.desktop, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    for (path, isDark) in [("jobs/\(things.waiting)", false), ("breakers", true)] {
                        try await browser.prefer(dark: isDark)
                        try await person.opens("/console/\(path)")
                        try await browser.press(.tab)
                        #expect(try await browser.run("return document.activeElement.className") == "skip")
                        #expect(try await browser.run(Self.faultOfFocus) == "", "\(path)")
                        try await browser.press(.enter)
                        #expect(try await browser.run("return document.activeElement.id") == "main", "\(path)")

                        try await person.opens("/console/\(path)")
                        let count = try #require(Int(try await browser.run(Self.controls + "return window.controls.length")))
                        #expect(count > 20, "\(path)")
                        for place in 0..<count {
                            try await browser.press(.tab)
                            #expect(try await browser.run(Self.faultOfFocus) == "", "\(path)")
                            // Looked for each time: what is live may stand anew in its place.
                            let focused = Self.controls + "return window.controls.indexOf(document.activeElement)"
                            #expect(try await browser.run(focused) == "\(place)", "\(path)")
                        }
                    }
                }
            }
        }

        @Test(arguments: [Chromium.Size.desktop, .phone])
        func `Escape closes the question and the menu, does nothing, and the focus is where it was`(size: Chromium.Size) async throws {
            try await House.with { house in
                let job = try await house.waitingJob()
                try await Person.with(size, .english, in: house) { person in
                    let browser = person.browser
                    try await person.signsIn(house.acme.operatorKey)
                    try await person.opens("/console/jobs/\(job)")
                    try await person.writes("not needed", into: "#cancel-reason")
                    try await browser.press(.tab)
                    try await browser.press(.enter)
                    try await person.sees("document.querySelector('dialog[open]')?.contains(document.activeElement)")
                    // What does no harm is what Enter would do.
                    #expect(try await browser.run("return document.activeElement.textContent") == person.words["script_cancel"])

                    try await browser.press(.escape)

                    try await person.sees("!document.querySelector('dialog')")
                    #expect(try await browser.run("return document.activeElement.matches('form[action$=\"/cancel\"] .danger')") == "1")
                    #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "scheduled")

                    guard size == .phone else { return }
                    try await person.opensMenu()
                    #expect(try await browser.run("return document.getElementById('side').contains(document.activeElement)") == "1")
                    try await browser.press(.escape)
                    #expect(try await browser.run("return document.activeElement.matches('[data-menu]')") == "1")
                    #expect(try await browser.run("return getComputedStyle(document.getElementById('side')).display") == "none")
                }
            }
        }

        /// What can be reached, in the order in which it stands.
        private static let controls = """
            const all = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]');
            window.controls = [...all].filter((one) => !one.disabled && one.checkVisibility({ visibilityProperty: true }));
            """

        /// Why the focus is not seen: it has no ring, or something lies over it, or it is outside the window.
        private static let faultOfFocus = """
            const one = document.activeElement;
            const { outlineStyle, outlineWidth } = getComputedStyle(one);
            const box = one.getClientRects()[0];
            const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
            const seen = document.elementFromPoint(x, y);
            if (outlineStyle === 'none' || parseFloat(outlineWidth) < 2) return 'no ring: ' + one.outerHTML.slice(0, 120);
            if (!seen || !(one.contains(seen) || seen.contains(one))) return 'not in sight: ' + one.outerHTML.slice(0, 120);
            return '';
            """
    }
}
