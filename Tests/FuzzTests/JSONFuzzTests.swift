import Foundation
import JSONEnvelope
import Testing

@Suite struct JSONFuzzTests {
    private static let texts = [
        #"{"kind":"probe","args":{"sleep_ms":5,"effect_key":"a-1","payload":{"n":[1,2.5,-3e2,true,false,null]}},"priority":9}"#,
        #"{"external_id":"L-1","source":"展会","received_at":"2026-01-31T08:00:00Z","fields":{"公司":"北京\u534e\ud83d\ude00","预算":120000}}"#,
        #"[[],{},[{}],"",0,-0.0,1E+2,"\"\\\/\b\f\n\r\t\u00e9",{"a":{"b":{"c":[[[1]]]}}}]"#,
        #"{"jobs":[{"kind":"a","args":{}},{"kind":"b","unique_key":"k","run_at":"2026-01-01T00:00:00+02:00"}],"n":9007199254740993,"x":1e308}"#,
    ]
    private static let words = [
        "1e400", "-0", "1e-400", "\"\\u0000\"", "\\ud800", "\\udc00\\ud800", "{\"a\":1,\"a\":2}", "[[[[", "18446744073709551616", "NaN",
        "\u{FEFF}",
        "\\u00", "tru", "\"n\":", "\u{2028}",
    ]

    @Test(arguments: Fuzz.seeds)
    func `what the scanner takes means to Foundation what it means to us`(seed: UInt64) {
        Fuzz.run("json", seed, count: 600, texts: Self.texts, words: Self.words) { text, _ in
            // Foundation drops a byte order mark also where a text begins with one; we keep it.
            guard let envelope = try? JSONEnvelope(text, levels: 40), text.firstRange(of: [0xEF, 0xBB, 0xBF]) == nil else { return }
            let theirs = try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
            #expect(
                theirs.map { isSame(envelope.root, $0) } == true,
                "we take \(String(reflecting: String(decoding: text, as: UTF8.self))) for something else (seed \(seed))")
        }
    }

    @Test(arguments: Fuzz.seeds)
    func `whatever fields hold, reading them gives values or errors`(seed: UInt64) {
        Fuzz.run("fields", seed, texts: Self.texts, words: Self.words) { text, _ in
            guard let envelope = try? JSONEnvelope(text, levels: 4) else { return }
            var reader = FieldReader(envelope.root)
            for name in ["kind", "external_id", "source", "jobs", "args", "n", "x", "received_at", "fields", "priority"] {
                let found =
                    [
                        reader.string(name) != nil, reader.integer(name, in: -5...5) != nil, reader.double(name, in: 0...1) != nil,
                        reader.bool(name) != nil, reader.date(name) != nil, reader.choice(name, of: ["probe", "a"]) != nil,
                        reader.object(name) != nil, reader.array(name, count: 0...3) != nil, reader.strings(name) != nil,
                    ].count(where: \.self)
                // A text may be a plain one, a time and a choice at once; nothing is of two types.
                #expect(found <= 3, "\(name) in \(String(decoding: text, as: UTF8.self)) (seed \(seed))")
            }
            #expect(reader.finish().allSatisfy { !$0.field.isEmpty || !$0.message.isEmpty })
        }
    }

    @Test(arguments: Fuzz.seeds)
    func `a time that is read is the one Foundation reads, and is written so that it is read again`(seed: UInt64) {
        let times = [
            "2026-01-31T08:00:00Z", "2024-02-29T23:59:59.999999+14:00", "0001-01-01T00:00:00-00:00", "9999-12-31T23:59:59.5-12:00",
            "1969-12-31T23:59:59.000001Z",
        ]
        Fuzz.run(
            "time", seed, count: 2_000, texts: times, words: ["T24:00", ":60", "+23:59", "-24:00", "0000", "02-30", ".1234567", "t", "z"]
        ) {
            text, _ in
            let text = String(decoding: text, as: UTF8.self)
            guard let date = RFC3339.date(text) else { return }
            #expect(RFC3339.date(RFC3339.text(date)) == date, "\(text) → \(RFC3339.text(date)) (seed \(seed))")
            // Before 1600 Foundation counts in the Julian calendar.
            if !text.contains("."), date.timeIntervalSince1970 > -11_000_000_000, let theirs = try? Date(text, strategy: .iso8601) {
                #expect(date == theirs, "\(text) (seed \(seed))")
            }
        }
    }

    private func isSame(_ ours: JSONNode, _ theirs: Any) -> Bool {
        switch ours.type {
        case .object:
            guard let dictionary = theirs as? [String: Any], dictionary.count == ours.members.count else { return false }
            return ours.members.allSatisfy { member in dictionary[member.key].map { isSame(member.value, $0) } ?? false }
        case .array:
            guard let list = theirs as? [Any], list.count == ours.elements.count else { return false }
            return zip(ours.elements, list).allSatisfy(isSame)
        case .string: return ours.string.map { Array($0.utf8) } == (theirs as? String).map { Array($0.utf8) }
        case .number:
            guard let number = theirs as? NSNumber else { return false }
            if let integer = ours.integer, integer != number.int64Value { return false }
            // Foundation reads long fractions as decimals and loses the last bit of some; the C library does not.
            let exact = strtod(String(decoding: ours.bytes, as: UTF8.self), nil)
            return ours.double == exact && abs(exact - number.doubleValue) <= exact.ulp
        case .true, .false: return ours.bool == (theirs as? Bool)
        case .null: return theirs is NSNull
        }
    }
}
