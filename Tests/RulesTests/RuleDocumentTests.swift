import Testing

@testable import Rules

@Suite struct RuleDocumentTests {
    private func fault(_ source: String) -> RuleFault? {
        if case .failure(let fault) = RuleNode.parse(source) { fault } else { nil }
    }

    @Test func `aliases that multiply are refused`() {
        let laughs = (1...9).map { level in "a\(level): &a\(level) [\((1...9).map { _ in "*a\(level - 1)" }.joined(separator: ","))]" }
        let bomb = (["a0: &a0 [lol]"] + laughs).joined(separator: "\n")

        #expect(fault(bomb)?.code == .tooLarge)
    }

    @Test func `few aliases that multiply much are refused`() {
        let wide = "a: &a [\((0..<5000).map(String.init).joined(separator: ","))]\nb: [*a, *a, *a, *a]"

        #expect(fault(wide)?.code == .tooLarge)
    }

    @Test func `a key made of aliases cannot be used to multiply`() {
        let laughs = (1...9).map { level in "a\(level): &a\(level) [\((1...9).map { _ in "*a\(level - 1)" }.joined(separator: ","))]" }

        #expect(fault((["a0: &a0 [lol]"] + laughs + ["? *a9", ": x"]).joined(separator: "\n"))?.code == .tooLarge)
    }

    @Test(arguments: [
        String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 50_000), String(repeating: "- ", count: 100_000),
        String(repeating: "? ", count: 100_000), (0..<3000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
        "a: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
    ])
    func `deep nesting is refused before it is followed`(source: String) {
        #expect(fault(source)?.code == .tooLarge)
    }

    @Test func `a text over the size limit is refused`() {
        #expect(fault("a: " + String(repeating: "x", count: RuleNode.Bounds.bytes))?.code == .tooLarge)
    }

    @Test(arguments: ["a: [", "a: b: c", "\t- a", "a: \"", "a: *nothing", "%", "a: 1\n---\nb: 2", "a: !!x [", "\u{0}"])
    func `what is not YAML is refused with its line`(source: String) {
        #expect(fault(source)?.code == .syntax)
    }

    @Test(arguments: [("a: 1\nb: \"x\u{7}\"\n", "U+0007", 2), ("\u{1b}a: 1", "U+001B", 1), ("a: 1\r\n\r\n# \u{fffe}", "U+FFFE", 3)])
    func `a control character is refused with its name and line`(source: String, character: String, line: Int) {
        let message = "It holds the character \(character), which YAML does not allow; remove it."

        #expect(fault(source) == RuleFault(path: "", code: .syntax, message: message, line: line))
    }

    @Test(arguments: ["", "   \n", "# only a comment"])
    func `an empty text is refused`(source: String) {
        #expect(fault(source) != nil || RuleNode.isNothing(source))
    }

    @Test func `a key given twice is refused with its line`() {
        let fault = fault("a: 1\nb: 2\na: 3\n")

        #expect(fault?.code == .duplicate)
        #expect(fault?.message.contains("a") == true)
    }

    @Test func `in JSON a text stands in quotes, in YAML whatever is written is a text`() {
        #expect(
            faults(.map, #"{"sources": [1], "fields": {"region": {"from": true}, "beds": {"from": "b", "type": "number", "default": 5}}}"#)
                == ["sources[0]: wrong_type", "fields.region.from: wrong_type"])
        #expect(faults(.map, "{ sources: [1], fields: { region: { from: true }, beds: { from: b, type: number, default: 5 } } }").isEmpty)
    }

    @Test func `the hash sees content, not layout`() throws {
        func hash(_ source: String) throws -> String { try RuleNode.parse(source).get().hash(salt: "map") }

        let base = try hash("a: 1\nb: [x, y]\n")
        #expect(base.count == 64)
        #expect(try hash("# why\nb:\n  - \"x\"\n  - y\na:   1") == base)
        #expect(try hash(#"{"a": 1, "b": ["x", "y"]}"#) == base)
        #expect(try hash("a: \"1\"\nb: [x, y]\n") != base)
        #expect(try hash("a: 1\nb: [y, x]\n") != base)
        #expect(try hash("a: 1\nb: [xy]\n") != base)
        #expect(try RuleNode.parse("a: 1\nb: [x, y]\n").get().hash(salt: "route") != base)
    }
}

extension RuleNode {
    fileprivate static func isNothing(_ source: String) -> Bool {
        if case .success(let node) = parse(source) { node.isNull } else { false }
    }
}
