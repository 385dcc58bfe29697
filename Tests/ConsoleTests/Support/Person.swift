import SalesModel
import Testing

@testable import Console

/// Somebody in front of a browser: goes where the menu leads, writes, presses, and reads what comes.
struct Person: Sendable {
    let house: House
    let browser: Chromium
    let words: Words

    /// Gives `body` a browser of this size, and whoever reads this language before it.
    static func with(_ size: Chromium.Size, _ language: Language, in house: House, _ body: (Person) async throws -> Void) async throws {
        try await Chromium.with(size, language: language.rawValue) { browser in
            try await body(Person(house: house, browser: browser, words: .of(language)))
        }
    }

    func signsIn(_ key: String) async throws {
        try await browser.open("\(house.url)/console/sign-in")
        try await browser.type(key, into: "#key")
        try await presses("button.primary", leadingTo: "!location.pathname.endsWith('/sign-in')")
    }

    func signsOut() async throws {
        try await opensMenu()
        try await presses("form[action='/console/sign-out'] button", leadingTo: "location.pathname === '/console/sign-in'")
    }

    /// Follows the menu to a page.
    func goes(to area: String) async throws {
        try await opensMenu()
        try await presses("#side nav a[href='/console/\(area)']", leadingTo: "location.pathname === '/console/\(area)'")
        #expect(try await browser.run("return document.querySelector('h1').textContent").isEmpty == false, "\(area)")
    }

    /// On a wide screen the menu stands beside the page.
    func opensMenu() async throws {
        if browser.size == .phone { try await browser.click("[data-menu]") }
    }

    func opens(_ path: String) async throws {
        try await browser.open("\(house.url)\(path)")
        try await sees("document.readyState === 'complete'")
    }

    func presses(_ selector: String) async throws { try await browser.click(selector) }

    /// Presses what leads to another page, and waits for it.
    func presses(_ selector: String, leadingTo there: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await browser.run("window.wasHere = true")
        try await browser.click(selector)
        try await sees("!window.wasHere && document.readyState === 'complete' && (\(there))", sourceLocation: sourceLocation)
    }

    func writes(_ text: String, into selector: String) async throws { try await browser.type(text, into: selector) }

    /// Writes in place of what stands there.
    func rewrites(_ selector: String, as text: String) async throws {
        try await browser.clear(selector)
        try await browser.type(text, into: selector)
    }

    func chooses(_ value: String, in selector: String) async throws { try await browser.click("\(selector) option[value='\(value)']") }

    func sees(_ script: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await browser.wait(until: script, sourceLocation: sourceLocation)
    }

    func reads(_ selector: String) async throws -> String {
        try await browser.run("return document.querySelector(\"\(selector)\").innerText")
    }

    /// Sends a form: gives the reason, presses its button, and says yes where that is asked.
    func saves(
        _ form: String, reason: String? = nil, sure: Bool = false, done: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        if let reason { try await writes(reason, into: "\(form) textarea[name=reason]") }
        try await presses("\(form) .buttons button:last-of-type")
        if sure { try await confirms(sourceLocation: sourceLocation) }
        try await isTold(done, sourceLocation: sourceLocation)
    }

    /// Is asked, in words that say what follows, and says yes.
    func confirms(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await sees("document.querySelector('dialog[open] p')?.textContent.length > 4", sourceLocation: sourceLocation)
        #expect(try await reads("dialog h2") == words["script_sure"])
        try await presses("dialog .danger")
    }

    /// Reads that it was done, in their language.
    func isTold(_ done: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let text = words["done_\(done)"]
        try await sees(
            "[...document.querySelectorAll('main > .note.good')].some((one) => one.innerText.trim() === `\(text)`)",
            sourceLocation: sourceLocation)
    }
}
