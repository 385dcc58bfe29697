import JSONEnvelope
import Testing

@testable import kiteline

@Suite struct LeadExportTests {
    @Test func `all pages are written under one header, with the fields that were asked for`() async throws {
        let first = #"""
            {"id":"2","source":"web","external_id":"L-2","name":"苏州, \"Kite\"","state":"held","held_reason":"held_failed","owner":null,
            "received_at":"2026-01-31T08:00:00Z","fields":{"phone":"138","n":1.50}}
            """#
        let last = #"{"id":"1","source":"web","external_id":"L-1","state":"assigned","owner":"=anna","score":81,"fields":{}}"#
        let pages: [String?: String] = [
            nil: #"{"items":[\#(first)],"next_cursor":"2"}"#, "2": #"{"items":[\#(last)],"next_cursor":null}"#,
        ]
        var written = ""

        let empty = try await LeadExport(fields: ["phone", "n"]).write(
            to: { written += $0 },
            page: { cursor in try JSONEnvelope(Array(#require(pages[cursor]).utf8), levels: 4).root })

        #expect(
            written == """
                \u{FEFF}"id","source","external_id","name","state","held_reason","owner","pool","score","received_at","touched_at",\
                "phone","n"\r
                "2","web","L-2","苏州, ""Kite""\","held","held_failed","","","","2026-01-31T08:00:00Z","","138","1.50"\r
                "1","web","L-1","","assigned","","'=anna","","81","","","",""\r

                """)
        #expect(empty.isEmpty)
    }

    @Test(
        arguments: [
            (#"[{"id":"2","fields":{"phone":"138"}},{"id":"1","fields":{"n":null}}]"#, ["nosuch"]),
            (#"[{"id":"1"}]"#, ["phone", "nosuch", "n"]),
            ("[]", []),
        ] as [(String, [String])])
    func `a field that none of the leads came with is told of`(leads: String, empty: [String]) async throws {
        let told = try await LeadExport(fields: ["phone", "nosuch", "n"]).write(
            to: { _ in }, page: { _ in try JSONEnvelope(Array(#"{"items":\#(leads),"next_cursor":null}"#.utf8), levels: 4).root })

        #expect(told == empty)
    }
}
