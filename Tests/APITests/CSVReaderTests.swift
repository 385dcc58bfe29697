import Foundation
import Tenancy
import Testing

@testable import API

@Suite struct CSVReaderTests {
    @Test(
        arguments: [
            ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]), ("a,b\r\n1,2", [["a", "b"], ["1", "2"]]), ("a\rb\r", [["a"], ["b"]]),
            ("a,\n,b\n", [["a", ""], ["", "b"]]), (#""a","b""# + "\n", [["a", "b"]]), (#""x ""y"" z""#, [[#"x "y" z"#]]),
            ("\"one\ntwo\",3\n", [["one\ntwo", "3"]]), ("\"one\r\ntwo\"\n", [["one\r\ntwo"]]), ("\"a,b\",c", [["a,b", "c"]]),
            ("\n\n a \n\n", [[" a "]]),
            ("\u{FEFF}a\n", [["a"]]), ("\u{FEFF}", []), ("", []), ("中,😀\n", [["中", "😀"]]), (#""""# + "\n", [[""]]),
            ("a,b,\n", [["a", "b", ""]]),
        ] as [(String, [[String]])])
    func `rows are read as RFC 4180 has them, wherever the pieces are cut`(_ text: String, _ rows: [[String]]) {
        let bytes = Array(text.utf8)
        for size in 1...max(1, bytes.count) {
            var reader = CSVReader()
            var read: [CSVReader.Row] = []
            for start in stride(from: 0, to: bytes.count, by: size) { read += reader.read(bytes[start..<min(start + size, bytes.count)]) }
            read += reader.finish()

            #expect(read.map(\.content) == rows.map { .fields($0) }, "in pieces of \(size)")
        }
    }

    @Test func `a row knows the lines it begins and ends on`() {
        var reader = CSVReader()

        let rows = reader.read("a\r\n\r\n\"b\r\nb\"\nc\rd\n\"e\n\nf\n".utf8) + reader.finish()

        #expect(rows.map(\.line) == [1, 3, 5, 6, 7])
        #expect(rows.map(\.lastLine) == [1, 4, 5, 6, 9])
    }

    @Test(
        arguments: [
            ("1,\"Acme\n2,\"Bolt\"\n3,Core\n", "has text after a closing quote"),
            ("1,\"Acme\n2,Bolt\n3,Core", "opens a quote that is never closed"),
            ("1,\"Acme\n2,Bolt\n3\",Core,x\n", "has 4 fields"), ("\"\(String(repeating: "x", count: 201))\n\n\",Acme", "has more than 200"),
        ])
    func `a quote that takes the lines below with it names them all`(_ text: String, _ fault: String) throws {
        let columns = LeadColumns(
            source: "web", externalID: "id", receivedAt: nil, times: TimeReader(zone: .gmt), now: Date(timeIntervalSince1970: 0))
        var reader = CSVLeads(columns, Limits())

        let rows = try reader.read(Array("id,company\n\(text)".utf8)) + reader.finish()

        let faults = rows.compactMap { row -> ImportFault? in if case .fault(let fault) = row { fault } else { nil } }
        #expect(faults.map(\.line) == [2])
        let last = text.hasPrefix("1,\"Acme\n2,\"") ? 3 : 4
        #expect(faults.first?.message.hasPrefix(fault) == true)
        #expect(faults.first?.message.hasSuffix("; lines 2 to \(last) were read as one row, since a quote was open") == true)
    }

    @Test(
        arguments: [
            ("a\"b,c\nd\n", .quoteInsideField), ("\"a\"b,c\nd\n", .textAfterQuote), ("\"a\nb\nc", .unclosedQuote), ("a\0\nd\n", .hasNull),
            ("1,2,3,4\nd\n", .tooManyColumns), ("123456789\nd\n", .fieldTooLong), ("12345678,12345678,1234\nd\n", .rowTooLong),
            ("\"123456789\n,\"\"\",x\nd\n", .fieldTooLong),
        ] as [(String, CSVReader.RowFault)])
    func `a bad row is one fault and the next row is read`(_ text: String, _ fault: CSVReader.RowFault) {
        var reader = CSVReader(.init(columns: 3, field: 8, row: 20))

        let rows = reader.read(text.utf8) + reader.finish()

        #expect(rows.first?.content == .fault(fault))
        if text.hasSuffix("d\n") { #expect(rows.dropFirst().map(\.content) == [.fields(["d"])]) }
    }

    @Test(arguments: [[0xD6, 0xD0], [0xFF, 0xFE, 0x61], [0xC0, 0xAF], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func `what is not UTF-8 is a fault of its row`(_ bytes: [UInt8]) {
        var reader = CSVReader()

        let rows = reader.read(Array("ok\n".utf8) + bytes + Array("\nd\n".utf8))

        #expect(rows.map(\.content) == [.fields(["ok"]), .fault(.notUTF8), .fields(["d"])])
    }

    @Test func `lines are split wherever the pieces are cut, and those too long passed over`() {
        let bytes = Array("one\n\n  \r\nlonglonglong\ntwo".utf8)
        for size in 1...bytes.count {
            var reader = LineReader(limit: 8)
            var lines: [LineReader.Line] = []
            for start in stride(from: 0, to: bytes.count, by: size) { lines += reader.read(bytes[start..<min(start + size, bytes.count)]) }
            lines += reader.finish()

            #expect(lines.map(\.number) == [1, 4, 5])
            #expect(lines.map { $0.bytes.map { String(decoding: $0, as: UTF8.self) } } == ["one", nil, "two"])
        }
    }
}
