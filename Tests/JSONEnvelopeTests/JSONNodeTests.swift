import Foundation
import Testing

@testable import JSONEnvelope

@Suite struct JSONNodeTests {
    @Test func `a member travels on as the bytes it came in`() throws {
        let envelope = try JSONEnvelope(Array(#"{ "kind" : "probe", "args" : { "n": 1.0, "x" :[ 1, 2 ] } }"#.utf8))

        #expect(envelope.root["args"].map { String(decoding: $0.bytes, as: UTF8.self) } == #"{ "n": 1.0, "x" :[ 1, 2 ] }"#)
        #expect(envelope.root["args"]?["n"]?.double == 1)
        #expect(envelope.root["missing"] == nil)
        #expect(envelope.root.count == 2)
    }

    @Test func `levels below those asked for are checked but not split`() throws {
        let text = Array(#"{"a":{"b":{"c":1}}}"#.utf8)

        let one = try JSONEnvelope(text, levels: 1)
        let three = try JSONEnvelope(text, levels: 3)

        #expect(one.root["a"]?.type == .object)
        #expect(one.root["a"]?.members.isEmpty == true)
        #expect(one.root["a"]?.count == 1)
        #expect(three.root["a"]?["b"]?["c"]?.integer == 1)
    }

    @Test func `elements and members come in the order of the text, whatever lies between`() throws {
        let envelope = try JSONEnvelope(Array(#"[{"a":[1,[2],{"x":3}],"b":"t"},[],{},"s"]"#.utf8), levels: 2)

        #expect(envelope.root.elements.map(\.type) == [.object, .array, .object, .string])
        #expect(envelope.root.elements[0].members.map(\.key) == ["a", "b"])
        #expect(envelope.root.elements[0]["a"]?.elements.map(\.type) == [])
        #expect(envelope.root.elements[0]["b"]?.string == "t")
    }

    @Test(arguments: [
        (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"), (#""\u4e2d\u00e9\uD83D\uDE00x""#, "中é😀x"), (#""中é😀""#, "中é😀"), (#""""#, ""),
        (#""\uFFFF""#, "\u{FFFF}"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
    ])
    func `a string is read with its escapes resolved`(_ json: String, _ text: String) throws {
        #expect(try JSONEnvelope(Array(json.utf8)).root.string == text)
        #expect(try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed) as? String == text)
    }

    @Test func `a key is found by its meaning, escapes resolved`() throws {
        #expect(try JSONEnvelope(Array(#"{"\u006bind":7}"#.utf8)).root["kind"]?.integer == 7)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9223372036854775808", nil),
            ("-9223372036854775809", nil),
            ("1.0", nil), ("1e2", nil), ("true", nil), (#""1""#, nil),
        ] as [(String, Int64?)])
    func `only what is written as a whole number and fits is one`(_ json: String, _ number: Int64?) throws {
        #expect(try JSONEnvelope(Array(json.utf8)).root.integer == number)
    }

    @Test func `what is written is read back the same by Foundation`() throws {
        let text = "quote \" backslash \\ line\n\r\t\u{1}\u{1F} 中 😀 /"

        let bytes = JSONWriter.object { object in
            object.member("text", text)
            object.member("none", String?.none)
            object.member("number", -7)
            object.member("share", 0.25)
            object.member("flag", true)
            object.member("at", Date(timeIntervalSince1970: 1.5))
            object.member("args", json: Array(#"{"a":[1]}"#.utf8))
            object.member("list", ["a", "b"])
            object.array("items") { list in
                for n in 0..<2 { list.object { $0.member("n", n) } }
            }
        }

        #expect(throws: Never.self) { try JSONEnvelope(bytes) }
        let read = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
        let wanted: NSDictionary = [
            "text": text, "none": NSNull(), "number": -7, "share": 0.25, "flag": true, "at": "1970-01-01T00:00:01.500000Z",
            "args": ["a": [1]], "list": ["a", "b"], "items": [["n": 0], ["n": 1]],
        ]
        #expect(read == wanted)
    }
}
