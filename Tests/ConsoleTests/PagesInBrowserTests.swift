import Foundation
import SalesModel
import Testing

@testable import Console

extension InBrowser {
    @Suite struct PagesInBrowserTests {
        @Test(arguments: Chromium.Size.allCases, [Language.english, .chinese])
        func `every page fits its window, is labelled and legible in light and dark, and no script complains`(
            size: Chromium.Size, language: Language
        ) async throws {
            try await House.with { house in
                let things = try await Furnishing(house)
                try await Person.with(size, language, in: house) { person in
                    try await person.opens("/console/sign-in")
                    try await look(at: "sign-in", person)
                    try await person.signsIn(house.acme.operatorKey)
                    for (name, path) in things.pages {
                        try await person.opens("/console/\(path)")
                        try await look(at: name, person)
                    }
                    try await person.opens("/console/jobs/9999999")
                    try await look(at: "nowhere", person, isThere: false)
                    try await person.opens("/console/now")
                    try await person.signsOut()
                    try await person.signsIn(house.platformKey)
                    try await house.busy { _ in
                        for (name, path) in [("tenants", "tenants?tenant=acme"), ("workers", "workers"), ("now-of-all", "now")] {
                            try await person.opens("/console/\(path)")
                            try await look(at: name, person)
                        }
                    }
                }
            }
        }

        @Test(arguments: [(Chromium.Size.desktop, Language.english), (.phone, .chinese)])
        func `with ten thousand of everything each list fits its window and is legible`(
            size: Chromium.Size, language: Language
        ) async throws {
            try await House.with { house in
                let things = try await Furnishing(house)
                try await house.crowd()
                try await Person.with(size, language, in: house) { person in
                    try await person.opens("/console/sign-in")
                    try await person.signsIn(house.acme.operatorKey)
                    for (name, path) in things.pages where !path.contains("/") {
                        try await person.opens("/console/\(path)")
                        try await look(at: "\(name)-of-many", person)
                    }
                    try await person.signsOut()
                    try await person.signsIn(house.platformKey)
                    for name in ["tenants", "workers", "now"] {
                        try await person.opens("/console/\(name)")
                        try await look(at: name == "now" ? "now-of-all-of-many" : "\(name)-of-many", person)
                    }
                }
            }
        }

        @Test(arguments: Chromium.Size.allCases, [Language.english, .chinese])
        func `the longest menu, the platform's that acts for a tenant, is in sight as a whole`(
            size: Chromium.Size, language: Language
        ) async throws {
            try await House.with { house in
                try await Person.with(size, language, in: house) { person in
                    try await person.signsIn(house.platformKey)
                    try await person.opensMenu()
                    try await person.chooses("acme", in: "#tenant-choice")
                    try await person.presses(".whose button", leadingTo: "document.querySelector('.whose strong').textContent === 'acme'")

                    try await person.opensMenu()

                    let beyond = try await person.browser.run(
                        "const side = document.getElementById('side'); return Math.max(0, side.scrollHeight - innerHeight)")
                    #expect(beyond == "0")
                    try await person.browser.picture("menu-\(size.rawValue)-\(language.rawValue)")
                }
            }
        }

        private func look(at name: String, _ person: Person, isThere: Bool = true) async throws {
            let browser = person.browser
            let lang = try await browser.run("return document.documentElement.lang")
            #expect(lang.hasPrefix(person.words.language.rawValue), "\(name)")
            // Wide tables scroll within themselves. A phone's inner width grows with what does not.
            let wide = try await browser.run(Self.tooWide)
            #expect(wide == "", "\(name)")
            #expect(try await browser.run(Self.faults) == "", "\(name)")
            if browser.size == .phone { #expect(try await browser.run(Legibility.smallTargets) == "", "\(name)") }
            for isDark in [false, true] {
                try await browser.prefer(dark: isDark)
                #expect(try await browser.run(Legibility.faults) == "", "\(name)\(isDark ? ", dark" : "")")
                let picture = [name, browser.size.rawValue, person.words.language.rawValue] + (isDark ? ["dark"] : [])
                try await browser.picture(picture.joined(separator: "-"))
            }
            try await browser.prefer(dark: false)
            // A browser complains of a page that is not there, too.
            let complaints = try await browser.complaints()
            #expect(complaints.count == (isThere ? 0 : 1), "\(name): \(complaints)")
        }

        /// What makes the page wider than its window; nothing where it is not.
        private static let tooWide = """
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth - width <= 1) return '';
            return [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > width + 1)
                .map((one) => one.outerHTML.slice(0, 120)).slice(0, 5).join('\\n') || 'something';
            """

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
    }
}
