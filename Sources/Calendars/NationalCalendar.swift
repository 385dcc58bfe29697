/// What a state says of its days: public holidays, and weekend days that are worked instead.
public struct NationalCalendar: Sendable, Hashable {
    public enum Day: String, Sendable, Hashable {
        case off, work
    }

    /// What one year's notice says; its days may lie at the end of the year before.
    public struct Year: Sendable, Hashable {
        public let year: Int
        /// Addresses of the notices.
        public let papers: [String]
        public let days: [CivilDate: Day]
        /// What a day is off or worked for.
        public let names: [CivilDate: String]

        public init(_ year: Int, papers: [String] = [], days: [CivilDate: Day], names: [CivilDate: String] = [:]) {
            self.year = year
            self.papers = papers
            self.days = days
            self.names = names
        }
    }

    /// `CN`.
    public let country: String
    public private(set) var years: [Int: Year]

    public init(_ country: String, _ years: [Year]) {
        self.country = country
        self.years = Dictionary(years.map { ($0.year, $0) }, uniquingKeysWith: { $1 })
    }

    /// The People's Republic of China, from 2007 on.
    public static let china = reading(country: "CN", String(decoding: PackageResources.cn_txt, as: UTF8.self))

    /// The calendars that come with the program, by country.
    public static let known = ["CN": china]

    /// With a year's notice in place of what was known of that year.
    public func with(_ year: Year) -> NationalCalendar {
        var calendar = self
        calendar.years[year.year] = year
        return calendar
    }

    /// What the notices say of a day; nil: nothing, so it is Monday to Friday. The notice of the next year speaks last.
    public subscript(date: CivilDate) -> Day? {
        let year = date.parts.year
        return years[year + 1]?.days[date] ?? years[year]?.days[date]
    }

    /// Whether all notices that may speak of the day are out. A notice can change the last three days of the year before: that of 2008
    /// and that of 2019 began on 29 December.
    public func knows(_ date: CivilDate) -> Bool {
        let (year, month, day) = date.parts
        return years[year] != nil && (month < 12 || day < 29 || years[year + 1] != nil)
    }

    /// The spans of days up to `last`, from `first` on, of which not all is known.
    func unknown(_ first: CivilDate, through last: CivilDate) -> [Range<CivilDate>] {
        var spans: [Range<CivilDate>] = []
        for year in first.parts.year...last.parts.year {
            let next = CivilDate.newYear(year + 1)
            let start = years[year] == nil ? CivilDate.newYear(year) : years[year + 1] == nil ? next + -3 : next
            guard start < next else { continue }
            if let before = spans.last, before.upperBound == start {
                spans[spans.count - 1] = before.lowerBound..<next
            } else {
                spans.append(start..<next)
            }
        }
        return spans
    }
}

// MARK: - Reading

extension NationalCalendar {
    /// Reads the resource, whose head says how it is written. It is part of the program, so a line that is not understood stops it.
    static func reading(country: String, _ text: String) -> NationalCalendar {
        var years: [Year] = []
        var (papers, days, names): ([String], [CivilDate: Day], [CivilDate: String]) = ([], [:], [:])
        var current: Int?
        func end() {
            if let current { years.append(Year(current, papers: papers, days: days, names: names)) }
            (papers, days, names) = ([], [:], [:])
        }
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "year":
                end()
                current = Int(words[1])
            case "paper": papers.append(words[1])
            default:
                guard let kind = Day(rawValue: words[0]), let first = CivilDate(words[1]) else {
                    preconditionFailure("the resource of \(country) has a line nobody understands: \(line)")
                }
                let last = CivilDate(words[2]) ?? first
                for number in first.number...last.number {
                    days[CivilDate(number: number)] = kind
                    names[CivilDate(number: number)] = words.last
                }
            }
        }
        end()
        return NationalCalendar(country, years)
    }
}
