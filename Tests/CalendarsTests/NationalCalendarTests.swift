import Foundation
import Testing

@testable import Calendars

@Suite struct NationalCalendarTests {
    private let china = NationalCalendar.china

    @Test func `every year from 2007 on names its notice`() {
        #expect(china.years.keys.sorted() == Array(2007...2026))
        #expect(china.years.values.allSatisfy { $0.papers.allSatisfy { $0.contains("gov.cn/") } && !$0.papers.isEmpty })
    }

    @Test(arguments: [
        ("2026-02-14", NationalCalendar.Day.work), ("2026-02-16", .off), ("2026-02-24", nil), ("2018-12-31", .off), ("2018-12-29", .work),
        ("2020-01-31", .off), ("2020-02-02", .off),
    ])
    func `a day is as its notice says`(date: String, day: NationalCalendar.Day?) {
        #expect(china[CivilDate(date)!] == day)
    }

    @Test func `how many days each notice moves`() {
        let notices = (2019...2026).map { china.years[$0]!.days }

        #expect(notices.map { $0.values.filter { $0 == .work }.count } == [7, 7, 7, 7, 7, 8, 5, 6])
        // 2020 names a Monday that is worked, the first after the holiday that was prolonged.
        #expect(notices.map { $0.filter { $0.value == ($0.key.weekday < 5 ? .off : .work) }.count } == [25, 25, 25, 25, 25, 27, 23, 25])
    }

    @Test func `an unpublished year is not known, nor are the last days before it`() {
        #expect(china.knows(CivilDate("2026-12-28")!))
        #expect(!china.knows(CivilDate("2026-12-29")!))
        #expect(!china.knows(CivilDate("2027-06-01")!))
        #expect(
            china.unknown(CivilDate("2025-01-01")!, through: CivilDate("2028-12-31")!)
                == [CivilDate("2026-12-29")!..<CivilDate("2029-01-01")!])
    }

    /// `KITELINE_TEST_DATA` is the folder that holds `cn-holidays`, the files of NateScarlet/holiday-cn.
    static let files = ProcessInfo.processInfo.environment["KITELINE_TEST_DATA"].map { URL(fileURLWithPath: $0 + "/cn-holidays") }
        .flatMap { FileManager.default.fileExists(atPath: $0.path) ? $0 : nil }

    @Test(.enabled(if: files != nil, "set KITELINE_TEST_DATA to the folder that holds cn-holidays"))
    func `every entry of the collected notices is transcribed, and nothing else`() throws {
        struct File: Decodable {
            struct Day: Decodable {
                let name: String
                let date: String
                let isOffDay: Bool
            }
            let papers: [String]
            let days: [Day]
        }
        var entries = 0
        for year in 2007...2027 {
            let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: Self.files!.appending(path: "\(year).json")))
            let known = china.years[year]
            entries += file.days.count

            #expect((known == nil) == file.days.isEmpty)
            #expect(known?.papers ?? [] == file.papers)
            #expect(
                known?.days ?? [:] == Dictionary(uniqueKeysWithValues: file.days.map { (CivilDate($0.date)!, $0.isOffDay ? .off : .work) }))
            #expect(known?.names ?? [:] == Dictionary(uniqueKeysWithValues: file.days.map { (CivilDate($0.date)!, $0.name) }))
        }
        #expect(entries == 678)
    }
}
