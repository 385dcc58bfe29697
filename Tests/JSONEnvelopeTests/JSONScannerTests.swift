import Foundation
import Testing

@testable import JSONEnvelope

/// Cases after JSONTestSuite (`y_` must pass, `n_` must not, `i_` ours to settle).
@Suite struct JSONScannerTests {
    @Test(arguments: [
        "{}", "[]", " [ ] ", "\t{\n}\r", "0", "-0", "true", "false", "null", #""""#, #"" ""#, "[1]", "[null, 1, \"1\", {}]", "[[]   ]",
        "[-0]", "[-1]", "[-123]", "[0e+1]", "[0e1]", "[1E22]", "[1E-2]", "[1E+2]", "[123e65]", "[20e1]", "[123.456e78]",
        "[-0.000000000000001]",
        #"{"asd":"sdf", "dfg":"fgh"}"#, #"{"":0}"#, #"{"a":[]}"#, #"{"a":{"a":{"a":1}}}"#, #"{"foo\u0001bar": 42}"#,
        #"["\u0060\u012a\u12AB"]"#, #"["\uD801\udc37"]"#, #"["\ud83d\ude39\ud83d\udc8d"]"#, #"["\"\\\/\b\f\n\r\t"]"#, #"["\\u0000"]"#,
        #"["\uFFFF"]"#, #"["\uDBFF\uDFFE"]"#, #"["a/*b*/c/*d//e"]"#, "[\"\u{7F}\"]", "[\"é€😀\u{2028}\u{FEFF}\"]", #"{"a":1,"A":2}"#,
    ])
    func `a text that RFC 8259 allows is taken`(_ text: String) {
        #expect(fault(in: text) == nil)
    }

    @Test(
        arguments: [
            ("", .empty), (" \n", .empty), ("\u{FEFF}{}", .byteOrderMark), ("{", .unexpectedEnd), ("[", .unexpectedEnd),
            ("[1", .unexpectedEnd),
            (#"{"a""#, .unexpectedEnd), (#"{"a":"#, .unexpectedEnd), (#"["a"#, .unexpectedEnd), (#"["\"#, .unexpectedEnd),
            (#"["\u00"#, .unexpectedEnd),
            ("[1,]", .trailingComma), (#"{"a":1,}"#, .trailingComma), ("[1,,2]", .unexpectedByte), ("[,1]", .unexpectedByte),
            ("[,]", .unexpectedByte),
            ("[1 2]", .unexpectedByte), (#"{"a" 1}"#, .unexpectedByte), (#"{"a"::1}"#, .badLiteral), ("{1:1}", .unexpectedByte),
            ("{a:1}", .unexpectedByte),
            ("{'a':1}", .unexpectedByte), ("['a']", .badLiteral), ("[1}", .unexpectedByte), (#"{"a":1]"#, .unexpectedByte),
            ("]", .unexpectedByte),
            ("}", .unexpectedByte), ("[]]", .trailingText), ("{}x", .trailingText), ("1 2", .trailingText), ("[][]", .trailingText),
            ("tru", .unexpectedEnd), ("True", .badLiteral), ("nulL", .badLiteral), ("[truee]", .badLiteral), ("[NaN]", .badLiteral),
            ("[Infinity]", .badLiteral), ("// c", .badLiteral), ("[1]//c", .trailingText), ("/**/[1]", .badLiteral),
            ("[01]", .badNumber), ("[-01]", .badNumber), ("[+1]", .badLiteral), ("[.5]", .badLiteral), ("[1.]", .badNumber),
            ("[-]", .badNumber),
            ("[1e]", .badNumber), ("[1e+]", .badNumber), ("[1.e1]", .badNumber), ("[0x1]", .badNumber), ("[1_000]", .badNumber),
            ("[1.2.3]", .badNumber),
            ("[--1]", .badNumber), ("[1+2]", .badNumber), ("[-Infinity]", .badNumber), ("-", .unexpectedEnd), ("1e999", .numberTooLarge),
            ("[\(String(repeating: "1", count: 65))]", .numberTooLarge), (#"["\x00"]"#, .badEscape), (#"["\a"]"#, .badEscape),
            (#"["\u00G0"]"#, .badEscape), (#"["\U0041"]"#, .badEscape), (#"["\uD800"]"#, .loneSurrogate),
            (#"["\uD800\n"]"#, .loneSurrogate),
            (#"["\uDC00\uD800"]"#, .loneSurrogate), (#"["\uD800\uD800"]"#, .loneSurrogate), (#"["\uD834A"]"#, .loneSurrogate),
            (#"["\u0000"]"#, .nullCharacter), (#"{"\u0000":1}"#, .nullCharacter), ("[\"\u{0}\"]", .controlCharacter),
            ("[\"a\nb\"]", .controlCharacter),
            ("[\"\u{1F}\"]", .controlCharacter), ("[\"\t\"]", .controlCharacter), ("[\u{A0}1]", .badLiteral),
            ("[1\u{0C}]", .unexpectedByte),
            (#"{"a":1,"a":1}"#, .duplicateKey), (#"{"a":1,"\u0061":1}"#, .duplicateKey), (#"[{"x":{"b":1,"b":2}}]"#, .duplicateKey),
        ] as [(String, JSONFault.Reason)])
    func `a text that is not JSON, or cannot be stored, is refused with its reason`(_ text: String, _ reason: JSONFault.Reason) {
        #expect(fault(in: text)?.reason == reason)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0xAF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC3, 0x28],
            [0xE2, 0x28, 0xA1],
            // 中 in GBK
            [0xD6, 0xD0],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(_ bytes: [UInt8]) {
        let text = Array("[\"".utf8) + bytes + Array("\"]".utf8)

        #expect(throws: JSONFault(reason: .badUTF8, offset: 2)) { try JSONEnvelope(text) }
    }

    @Test func `a fault tells where it is`() {
        #expect(fault(in: #"{"a": 01}"#) == JSONFault(reason: .badNumber, offset: 7))
        #expect(fault(in: #"{"a":1,"b":2,"a":3}"#) == JSONFault(reason: .duplicateKey, offset: 13))
    }

    @Test func `keys that look alike but differ in their bytes are different keys`() {
        #expect(fault(in: "{\"é\":1,\"e\u{301}\":2}") == nil)
    }

    @Test func `a repeated key is found among thousands`() {
        let members = (0..<5_000).map { #""k\#($0)":1"# }

        #expect(fault(in: "{\(members.joined(separator: ","))}") == nil)
        #expect(fault(in: "{\((members + [#""\u006b4711":2"#]).joined(separator: ","))}")?.reason == .duplicateKey)
    }

    @Test func `what is too large, too deep or too many is refused at the bound and taken below it`() {
        let limits = JSONLimits(bytes: 40, depth: 3, members: 4)

        #expect(fault(in: "[[[1]]]", limits) == nil)
        #expect(fault(in: "[[[[1]]]]", limits)?.reason == .tooDeep)
        #expect(fault(in: "[1,2,3,4]", limits) == nil)
        #expect(fault(in: "[1,2,3,4,5]", limits)?.reason == .tooManyMembers)
        #expect(fault(in: #"{"a":1,"b":1,"c":1,"d":1,"e":1}"#, limits)?.reason == .tooManyMembers)
        #expect(fault(in: "\"\(String(repeating: "x", count: 38))\"", limits) == nil)
        #expect(fault(in: "\"\(String(repeating: "x", count: 39))\"", limits)?.reason == .tooLarge)
        #expect(fault(in: String(repeating: "[", count: 100_000))?.reason == .tooDeep)
    }

    @Test func `every beginning of a text is refused as cut short, and never read past its end`() throws {
        let whole = Array(#" {"a\n":[1.5e-3,true,null,{"b":"\ud83d\ude00é"}],"c":-12} "#.utf8)
        let last = whole.count - 2

        for length in 0..<last {
            #expect(throws: JSONFault.self, "the first \(length) bytes") { try JSONEnvelope(Array(whole[..<length])) }
        }
        #expect(throws: Never.self) { try JSONEnvelope(whole) }
    }
}

func fault(in text: String, _ limits: JSONLimits = JSONLimits()) -> JSONFault? {
    do {
        _ = try JSONEnvelope(Array(text.utf8), limits: limits)
        return nil
    } catch {
        return error
    }
}
