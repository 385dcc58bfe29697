import JSONEnvelope
import SalesModel
import Testing

@testable import Console

@Suite struct LeadsTableTests {
    private static let sellers = #"{"items":[{"external_id":"s1","name":"Chen, Wei","team":"east","team_name":"East team"}]}"#
    private static let leads = #"""
        {"items":[{"id":"2","name":"苏州 \"Kite\"","source":"web","external_id":"L-2","state":"assigned","owner":"s1","score":81,
        "received_at":"2026-03-18T06:30:05Z","touched_at":"2026-03-18T06:31:05Z","assignment":{"outcome":"assigned","matched_rule":"vip"}},
        {"id":"1","name":"=1+1","source":"@web","external_id":"-1","state":"pooled","pool":"north","received_at":"2026-03-18T06:30:05Z"}]}
        """#

    private func table(_ language: Language, pages: Int = 1) throws -> LeadsTable {
        var table = LeadsTable(frame(language).1)
        for _ in 0..<pages { table.add(try node(Self.leads), SellerNames(try node(Self.sellers))) }
        return table
    }

    @Test func `leads are taken out in the words of their page, and nothing in them is a formula`() throws {
        let english = try table(.english)
        let chinese = try table(.chinese)

        #expect(
            english.text == """
                \u{FEFF}"Number","Lead","Source","External id","State","Owner","Team","Rule","Score","Received","First touch"\r
                "2","苏州 ""Kite""\","web","L-2","Assigned","Chen, Wei","East team","vip","81","2026-03-18 14:30:05","2026-03-18 14:31:05"\r
                "1","'=1+1","'@web","'-1","In a pool","Pool north","","","","2026-03-18 14:30:05",""\r

                """)
        #expect(chinese.text.hasPrefix("\u{FEFF}\"编号\",\"线索\",") && chinese.text.contains("\"2026-03-18 14:31:05\"\r\n"))
        #expect(english.name(of: "acme", isWhole: true) == "leads-acme-2026-03-18.csv")
        #expect(english.name(of: "acme", isWhole: false) == "leads-acme-2026-03-18-first-2.csv")
    }

    @Test func `a table ends with the most leads it may have, and its name says so`() throws {
        let full = try table(.english, pages: LeadsTable.most / 2 + 1)

        #expect(full.isFull && full.text.split(separator: "\r\n").count == LeadsTable.most + 1)
        #expect(
            full.name(of: "acme", isWhole: true) == "leads-acme-2026-03-18-first-5000.csv",
            "those that were left out are some that there are")
    }

    @Test(arguments: [
        ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"), ("+86 138", "'+86 138"), ("-1", "'-1"), ("@sum", "'@sum"), ("＝1", "'＝1"),
        ("\n=1", "'\n=1"),
        ("\tx", "'\tx"),
        ("=\u{301}1", "'=\u{301}1"),
        ("Kite = 1", "Kite = 1"), ("", ""), ("138", "138"),
    ])
    func `what a spreadsheet would run is text`(value: String, cell: String) {
        #expect(value.withoutFormula == cell)
    }

    @Test func `cells stand in quotes, and a quote within one is doubled`() {
        #expect(["a", "b,c", "d \"e\"", "f\ng", ""].csv == "\"a\",\"b,c\",\"d \"\"e\"\"\",\"f\ng\",\"\"\r\n")
    }
}
