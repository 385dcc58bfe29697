import Foundation
import Sampling

/// The real leads of the Olist marketing funnel and the people who sold to them, with what the data lack made up by a seed:
/// the regions. All dates are shifted so that the last lead arrives today.
///
/// Found by `KITELINE_TEST_DATA`, the folder that holds `olist-marketing-funnel`; the data are not part of the project.
struct Olist {
    struct Seller {
        let id: String
        let deals: Int
        let regions: [String]
        /// Who closed a single deal has left, is on leave, or has no known status.
        let status: String?
    }

    struct Deal {
        let id: String
        let owner: String
        let industry: String
        let wonAt: Date
    }

    static let regions = ["norte", "nordeste", "centro-oeste", "sudeste", "sul"]

    static var folder: String? {
        guard let data = ProcessInfo.processInfo.environment["KITELINE_TEST_DATA"] else { return nil }
        let folder = data + "/olist-marketing-funnel"
        return FileManager.default.fileExists(atPath: folder) ? folder : nil
    }

    let sellers: [Seller]
    /// Those that closed until today.
    let deals: [Deal]
    /// A CSV file: mql_id, first_contact_date, origin, region.
    let leads: String
    /// Of each lead, by its id.
    let regionOf: [String: String]

    init(folder: String, today: Date, seed: UInt64 = 2018) throws {
        var generator = SeededNumbers(seed: seed)
        let rows = try Self.rows(of: folder + "/olist_marketing_qualified_leads_dataset.csv")
        let days = rows.map { Self.day($0[1]) }
        let shift = (today.timeIntervalSince1970 / 86_400).rounded(.down) - days.max()!

        var regionOf: [String: String] = [:]
        var lines = ["mql_id,first_contact_date,origin,region"]
        for (row, day) in zip(rows, days) {
            let region = Self.regions.randomElement(using: &generator)!
            regionOf[row[0]] = region
            lines.append("\(row[0]),\(Self.text(day: day + shift)),\(row[3]),\(region)")
        }
        self.regionOf = regionOf
        leads = lines.joined(separator: "\n") + "\n"

        let closed = try Self.rows(of: folder + "/olist_closed_deals_dataset.csv")
        deals = closed.map {
            Deal(
                id: $0[0], owner: $0[3], industry: $0[5],
                wonAt: Date(timeIntervalSince1970: (Self.day(String($0[4].prefix(10))) + shift) * 86_400))
        }.filter { $0.wonAt <= today }
        let counts = Dictionary(grouping: closed, by: { $0[3] }).mapValues(\.count)
        var gone: [String?] = ["inactive", "leave", nil]
        var place = Int.random(in: 0..<Self.regions.count, using: &generator)
        sellers = counts.sorted { $0.key < $1.key }.map { id, count in
            place += 1
            let regions = [Self.regions[place % 5], Self.regions[(place * 2 + 1) % 5]]
            let status: String? = count > 1 || gone.isEmpty ? "active" : gone.removeFirst()
            return Seller(id: id, deals: count, regions: Array(Set(regions)).sorted(), status: status)
        }
    }

    var active: [Seller] { sellers.filter { $0.status == "active" } }

    private static func rows(of file: String) throws -> [[String]] {
        // No field of these files is quoted but one with "cat, wolf", behind the columns read here.
        try String(contentsOfFile: file, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst().map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Days since 1970-01-01. The data set writes every date so; one that it does not is no data set of ours, and stops the tests.
    private static func day(_ text: String) -> Double {
        (try! Date(text, strategy: Date.ISO8601FormatStyle().year().month().day())).timeIntervalSince1970 / 86_400
    }

    private static func text(day: Double) -> String {
        Date(timeIntervalSince1970: day * 86_400).formatted(Date.ISO8601FormatStyle().year().month().day())
    }
}
