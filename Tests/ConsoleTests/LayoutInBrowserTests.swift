import Foundation
import SalesModel
import Testing

@testable import Console

extension InBrowser {
    /// Where things stand on a page, measured on one that its sample fills.
    @Suite struct LayoutInBrowserTests {
        @Test(arguments: Chromium.Size.allCases, Language.allCases)
        func `what two versions decide differently is a table on a desktop's screen and cards on a phone's`(
            size: Chromium.Size, language: Language
        ) async throws {
            try await draw("rollout", size, language) { browser in
                let row = try await browser.run("return getComputedStyle(document.querySelector('#shadow tbody tr')).display")
                let beyond = try await browser.run(
                    "const panel = document.getElementById('shadow'); return panel.scrollWidth > panel.clientWidth ? 'wide' : ''")

                #expect(row == (size == .desktop ? "table-row" : "grid") && beyond == "")
            }
        }

        @Test(arguments: [
            ("lead", "[aria-labelledby=score-title] td > .bar"), ("rollout", "[aria-labelledby=replay-title] td > .bar"),
            ("overdue", "#escalations td select"),
        ])
        func `a bar or a field alone in its cell stands on the line of its row`(page: String, what: String) async throws {
            try await draw(page, .desktop, .english) { browser in
                let astray = try await browser.run("const things = [...document.querySelectorAll('\(what)')];" + Self.astray)

                #expect(astray == "")
            }
        }

        @Test(arguments: [("en", true), ("zh-CN", false)])
        func `lines of a subtitle are made even in English alone, for Chinese would be broken within words`(
            language: String, isEven: Bool
        ) async throws {
            try await draw("overdue", .phone, .english) { browser in
                let style = try await browser.run(
                    """
                    document.documentElement.lang = '\(language)';
                    return getComputedStyle(document.querySelector('.page-head .sub')).textWrap;
                    """)

                #expect(style.contains("balance") == isEven, "\(style)")
            }
        }

        /// Which of `things` stand more than a pixel above or below the first words of their rows.
        private static let astray = """
            const middle = (box) => box.top + box.height / 2;
            const line = (cell) => {
                const words = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
                while (words.nextNode() && !words.currentNode.data.trim());
                const range = document.createRange();
                range.selectNodeContents(words.currentNode);
                return middle(range.getClientRects()[0]);
            };
            const away = (thing) => middle(thing.getBoundingClientRect()) - line(thing.closest('tr').firstElementChild);
            return things.length ? things.map(away).filter((one) => Math.abs(one) > 1).join() : 'nothing is there';
            """

        /// Shows a page as its sample fills it, with its styles within it: no service has to run.
        private func draw(
            _ name: String, _ size: Chromium.Size, _ language: Language, _ look: (Chromium) async throws -> Void
        ) async throws {
            let styles = try #require(Asset.at("\(Asset.path)/console.css"))
            let view = try Contexts.view(name).merging(["t": Words.of(language).view])
            let page = Templates.all.page(name, view)
                .replacing(/<link rel="stylesheet"[^>]*>/, with: "<style>\(String(decoding: styles.bytes, as: UTF8.self))</style>")
            try await Chromium.with(size, language: language.rawValue) { browser in
                try await browser.open("data:text/html;charset=utf-8;base64,\(Data(page.utf8).base64EncodedString())")
                try await look(browser)
            }
        }
    }
}
