import SalesModel
import Testing

@testable import Console

@Suite struct TemplateTests {
    @Test(arguments: Contexts.names)
    func `a sample context fills its template`(name: String) throws {
        let page = String(name.prefix { $0 != "." })
        try #require(Templates.all.sources[page] != nil, "no template is named \(page)")
        for language in Language.allCases {
            let view = try Contexts.view(name).merging(["t": Words.of(language).view])

            let text = Templates.all.page(page, view)

            #expect(text.hasPrefix("<!doctype html>"))
            #expect(text.hasSuffix("</html>\n"))
            #expect(!text.contains("{{"))
        }
    }

    @Test func `what is written in a page is text, whatever it holds`() throws {
        let (layout, clerk) = frame()
        let job = try node(
            #"{"id":"7","kind":"<script>alert(1)</script>","state":"discarded","args":{"name":"<script>\"'&"},"error":{"class":"permanent","message":"</p><script>"}}"#
        )

        let text = Templates.all.page("job", JobView.page(layout, clerk, job: job, once: "x\"><script>"))

        #expect(!text.contains("<script>"))
        #expect(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    }

    @Test func `no name is found further out when it is nothing here`() {
        let view: View = ["name": "outer", "items": [["name": .nothing], ["name": .text("")], [:]]]

        let text = try? Templates(["page": "{{#items}}({{name}}{{^name}}-{{/name}}){{/items}}"]).page("page", view)

        #expect(text == "(-)(-)(outer)")
    }

    @Test func `every build of the files has an address of its own`() {
        #expect(Asset.build.wholeMatch(of: /[0-9a-f]{12}/) != nil)
        #expect(Asset.at("\(Asset.path)/console.css")?.type == "text/css; charset=utf-8")
        #expect(Asset.at("/console/static/000000000000/console.css") == nil)
        #expect(Asset.at("\(Asset.path)/../console.css") == nil)
    }
}
