import Foundation
import Testing

@testable import JSONEnvelope

@Suite struct FieldReaderTests {
    @Test func `good fields are read and nothing is said`() throws {
        var reader = try reader(
            #"{"name":"陈","n":3,"x":0.5,"on":true,"at":"2026-01-31T08:00:00+08:00","state":"leave","tags":["a","b"],"data":{"k":1},"none":null}"#
        )

        #expect(reader.string("name", length: 1...5, required: true) == "陈")
        #expect(reader.integer("n", in: 0...9) == 3)
        #expect(reader.double("x", in: 0...1) == 0.5)
        #expect(reader.bool("on") == true)
        #expect(reader.date("at") == Date(timeIntervalSince1970: 1_769_817_600))
        #expect(reader.choice("state", of: ["active", "leave"]) == "leave")
        #expect(reader.strings("tags") == ["a", "b"])
        #expect(reader.object("data")?["k"]?.integer == 1)
        #expect(reader.string("none") == nil)
        #expect(reader.string("absent") == nil)
        #expect(reader.finish() == [])
    }

    @Test func `every fault is told, each with its field`() throws {
        var reader = try reader(
            #"{"name":"","long":"abcdef","n":10,"f":1.5,"s":"1","on":1,"at":"yesterday","state":"gone","tags":["a",1,""],"data":[],"extra":1,"gone":null}"#,
            path: "jobs[2]")

        _ = reader.string("name", required: true)
        _ = reader.string("long", length: 1...5)
        _ = reader.integer("n", in: 0...9)
        _ = reader.integer("f", in: 0...9)
        _ = reader.integer("s", in: 0...9)
        _ = reader.bool("on")
        _ = reader.date("at")
        _ = reader.choice("state", of: ["active"])
        _ = reader.strings("tags")
        _ = reader.object("data")
        _ = reader.string("gone", required: true)
        _ = reader.string("missing", required: true)
        let errors = reader.finish()

        #expect(
            errors.map { "\($0.field) \($0.code)" } == [
                "jobs[2].name too_short", "jobs[2].long too_long", "jobs[2].n out_of_range", "jobs[2].f out_of_range",
                "jobs[2].s wrong_type",
                "jobs[2].on wrong_type", "jobs[2].at bad_format", "jobs[2].state not_allowed", "jobs[2].tags[1] wrong_type",
                "jobs[2].tags[2] too_short", "jobs[2].data wrong_type", "jobs[2].gone missing", "jobs[2].missing missing",
                "jobs[2].extra unknown_field",
            ])
    }

    @Test(arguments: ["[]", "1", "null", "\"x\""])
    func `a body that is no object is one error, not one for each field`(_ text: String) throws {
        var reader = try reader(text)

        _ = reader.string("name", required: true)

        #expect(reader.finish().map(\.code) == ["wrong_type"])
    }

    @Test func `a length is counted in characters, not bytes`() throws {
        var reader = try reader(#"{"a":"中中中","b":"中中中中","c":"中"}"#)

        #expect(reader.string("a", length: 1...3) == "中中中")
        #expect(reader.string("b", length: 1...3) == nil)
        #expect(reader.string("c", length: 2...3) == nil)
        #expect(reader.finish().map(\.code) == ["too_long", "too_short"])
    }

    private func reader(_ text: String, path: String = "") throws -> FieldReader {
        FieldReader(try JSONEnvelope(Array(text.utf8)).root, path: path)
    }
}
