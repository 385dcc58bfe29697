import Foundation
import Testing

/// The capability reference speaks of everything that had to be built, once, and names only tests that exist.
@Suite struct CapabilityTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private let text: String

    init() throws { text = try String(contentsOf: Self.root.appending(path: "docs/capabilities.md"), encoding: .utf8) }

    /// How many requirements each area of the catalogue has, as far as the areas are begun; of RPT and INT those that are to be there.
    private static let areas = [
        "PLAT": 15, "ACCESS": 9, "LEAD-IN": 12, "LEAD-SCORE": 5, "LEAD-ROUTE": 18, "LOAD": 9, "CID": 13, "SLA": 15, "STAGE": 18, "SPI": 8,
        "PRED": 8, "RULE": 10, "RPT": 5, "INT": 2,
    ]

    /// Of each row of the tables: the ids it begins with, and what it says of their state.
    private var rows: [(ids: Set<String>, state: String)] {
        text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count > 3, line.hasPrefix("|") else { return nil }
            return (Self.ids(cells[1]), cells[2])
        }
    }

    /// Of `SPI-02…04, I-13` those of the first; of `RULE-02, -03 canary` two.
    private static func ids(_ cell: String) -> Set<String> {
        var (ids, area, last): (Set<String>, String, Int) = ([], "", 0)
        for match in cell.matches(of: /(?<area>[A-Z]+(?:-[A-Z]+)*-)?(?<first>\d\d)\b|, -(?<next>\d\d)\b|…-?(?<through>\d\d)\b/) {
            if let name = match.area, let first = match.first {
                (area, last) = (String(name.dropLast()), Int(first)!)
            } else if let next = match.next {
                last = Int(next)!
            } else if let through = match.through {
                for number in last...max(last, Int(through)!) { ids.insert(id(area, number)) }
                last = Int(through)!
            } else {
                continue
            }
            ids.insert(id(area, last))
        }
        return ids
    }

    private static func id(_ area: String, _ number: Int) -> String { "\(area)-\(number < 10 ? "0" : "")\(number)" }

    @Test func `rows are read as people read them`() {
        #expect(Self.ids("SPI-02…04, I-13, H-25 the three dimensions") == ["SPI-02", "SPI-03", "SPI-04", "I-13", "H-25"])
        #expect(Self.ids("LEAD-ROUTE-02…08, -10, -12") == Set([2, 3, 4, 5, 6, 7, 8, 10, 12].map { Self.id("LEAD-ROUTE", $0) }))
        #expect(Self.ids("ACCESS-01…03, -09") == ["ACCESS-01", "ACCESS-02", "ACCESS-03", "ACCESS-09"])
        #expect(Self.ids("STAGE-01, -02…-11, CLOSE-01, -03") == Set((1...11).map { Self.id("STAGE", $0) } + ["CLOSE-01", "CLOSE-03"]))
    }

    @Test func `every requirement has its row`() {
        let there = rows.reduce(into: Set<String>()) { $0.formUnion($1.ids) }
        let wanted = Self.areas.flatMap { area, count in (1...count).map { Self.id(area, $0) } }

        #expect(wanted.count == 147)
        #expect(Set(wanted).subtracting(there).sorted() == [])
    }

    /// What is not done says so in one place, with its reason.
    @Test func `nothing is not done in one row and done in another, and what is not done says why`() {
        let undone = rows.filter { $0.state.hasPrefix("not done") }
        let done = rows.filter { !$0.state.hasPrefix("not done") }.reduce(into: Set<String>()) { $0.formUnion($1.ids) }
        let areas = ["SLA-", "STAGE-", "SPI-", "PRED-", "RPT-", "INT-"]

        for row in undone {
            #expect(row.ids.intersection(done).sorted() == [])
            guard row.ids.contains(where: { id in areas.contains { id.hasPrefix($0) } }) else { continue }
            #expect(row.state.count > "not done: ".count + 10, "\(row.ids.sorted())")
        }
        #expect(undone.count > 5)
    }

    @Test func `every suite that is named is there`() throws {
        let named = Set(text.matches(of: /`(\w+(?:Tests|Stories))`/).map { String($0.1) })
        let folder = Self.root.appending(path: "Tests")
        let paths = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        let sources = try paths.filter { $0.hasSuffix(".swift") }.map {
            try String(contentsOf: folder.appending(path: $0), encoding: .utf8)
        }
        let suites = sources.flatMap { $0.matches(of: /(?:struct|class|enum) (\w+(?:Tests|Stories))/).map { String($0.1) } }
        let folders = paths.filter { $0.hasSuffix("Tests") && !$0.contains("/") }

        #expect(named.count > 100)
        #expect(named.subtracting(suites).subtracting(folders).sorted() == [])
    }
}
