extension Recurrence {
    /// Reads five fields of cron: minute, hour, day of month, month, day of week. Lists, ranges, steps; names of months and
    /// weekdays; 0 and 7 are Sunday. When day of month and day of week are both restricted, either is enough.
    public init(cron text: String) throws(RecurrenceFault) {
        let fields = text.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count == 5 else { throw RecurrenceFault("needs five fields: minute, hour, day of month, month, day of week") }
        minutes = try CronField("minute", 0...59).choices(in: fields[0])
        hours = try CronField("hour", 0...23).choices(in: fields[1])
        let days = try CronField("day of month", 1...31).choices(in: fields[2])
        months = try CronField("month", 1...12, names: CronField.months, firstName: 1).choices(in: fields[3])
        var weekdays = try CronField("day of week", 0...7, names: CronField.weekdays).choices(in: fields[4])
        if weekdays.contains(7) { weekdays = Choices(weekdays.values.map { $0 % 7 }) }
        self.days = .cron(
            days: days, weekdays: weekdays, areDaysRestricted: fields[2].first != "*", areWeekdaysRestricted: fields[4].first != "*")
        guard isPossible else { throw RecurrenceFault("names a day that no month has") }
    }

    /// Reads days and a time in words: `day 09:00`, `weekday 08:30`, `monday 09:00`, `monday,thursday 10:00`, `first friday 10:00`,
    /// `last friday 17:00`, `day 15 09:00`, `last day 18:00`.
    public init(every text: String) throws(RecurrenceFault) {
        var words = text.lowercased().split(separator: " ", omittingEmptySubsequences: true)
        guard let time = words.popLast(), let (hour, minute) = Self.time(time) else {
            throw RecurrenceFault("must end with a time such as 09:00; for every few minutes or hours there is cron, such as */15 * * * *")
        }
        minutes = Choices([minute])
        hours = Choices([hour])
        months = Choices(1...12)
        days = try Self.days(words)
        guard isPossible else { throw RecurrenceFault("names a day that no month has") }
    }

    private static func time(_ text: Substring) -> (hour: Int, minute: Int)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count <= 2, parts[1].count == 2, let hour = number(parts[0]), let minute = number(parts[1]),
            hour < 24,
            minute < 60
        else { return nil }
        return (hour, minute)
    }

    private static func days(_ words: [Substring]) throws(RecurrenceFault) -> DayRule {
        let anyDay = Choices(1...31)
        func weekdays(_ chosen: Choices) -> DayRule {
            .cron(days: anyDay, weekdays: chosen, areDaysRestricted: false, areWeekdaysRestricted: true)
        }
        switch words.count {
        case 1 where words[0] == "day": return weekdays(Choices(0...6))
        case 1 where words[0] == "weekday": return weekdays(Choices(1...5))
        case 1:
            var chosen = Choices()
            for name in words[0].split(separator: ",", omittingEmptySubsequences: false) { chosen.insert(try weekday(name)) }
            return weekdays(chosen)
        case 2 where words == ["last", "day"]: return .lastDay
        case 2 where words[0] == "last": return .last(weekday: try weekday(words[1]))
        case 2 where words[0] == "day":
            guard let day = number(words[1]), anyDay.contains(min(day, 32)) else {
                throw RecurrenceFault("\"\(words[1])\" is no day of a month")
            }
            return .cron(days: Choices([day]), weekdays: Choices(0...6), areDaysRestricted: true, areWeekdaysRestricted: false)
        case 2:
            guard let place = ["first", "second", "third", "fourth"].firstIndex(of: words[0]) else {
                throw RecurrenceFault("\"\(words[0])\" is none of first, second, third, fourth, last, day")
            }
            return .ordinal(place + 1, weekday: try weekday(words[1]))
        default: throw RecurrenceFault("must be days and a time, such as: monday 09:00 or first friday 10:00")
        }
    }

    private static func weekday(_ name: Substring) throws(RecurrenceFault) -> Int {
        let names = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
        guard let place = names.firstIndex(where: { $0 == name || $0.prefix(3) == name }) else {
            throw RecurrenceFault("\"\(name)\" is no weekday")
        }
        return place
    }

    /// Digits only: `Int` would take a sign.
    static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { 0x30...0x39 ~= $0 } && text.count <= 4 ? Int(text) : nil
    }

    /// Whether there is such a day at all; 29 February is one.
    private var isPossible: Bool {
        guard case .cron(let days, _, true, false) = days else { return true }
        let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return months.values.contains { month in days.values.contains { $0 <= lengths[month - 1] } }
    }
}

/// One of the five fields.
private struct CronField {
    static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    static let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    let name: String
    let range: ClosedRange<Int>
    let names: [String]
    let firstName: Int

    init(_ name: String, _ range: ClosedRange<Int>, names: [String] = [], firstName: Int = 0) {
        self.name = name
        self.range = range
        self.names = names
        self.firstName = firstName
    }

    func choices(in text: Substring) throws(RecurrenceFault) -> Choices {
        var choices = Choices()
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            for value in try values(of: part) { choices.insert(value) }
        }
        return choices
    }

    private func values(of part: Substring) throws(RecurrenceFault) -> [Int] {
        let halves = part.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, let first = halves.first else { throw fault(part) }
        let ends = first.split(separator: "-", omittingEmptySubsequences: false)
        let span: ClosedRange<Int>
        switch ends.count {
        case 1 where first == "*": span = range.upperBound == 7 ? 0...6 : range
        case 1:
            let single = try value(ends[0], of: part)
            guard halves.count == 1 else { throw RecurrenceFault("\"\(part)\": a step needs a range, such as */5 or 10-50/5") }
            span = single...single
        case 2:
            let (low, high) = (try value(ends[0], of: part), try value(ends[1], of: part))
            guard low <= high else { throw RecurrenceFault("\"\(part)\": the \(name)'s range runs backwards") }
            span = low...high
        default: throw fault(part)
        }
        guard halves.count == 2 else { return Array(span) }
        guard let step = Recurrence.number(halves[1]), step > 0 else { throw fault(part) }
        return Array(stride(from: span.lowerBound, through: span.upperBound, by: step))
    }

    private func value(_ text: Substring, of part: Substring) throws(RecurrenceFault) -> Int {
        let lowered = text.lowercased()
        if let place = names.firstIndex(of: lowered) { return place + firstName }
        guard let value = Recurrence.number(text), !text.isEmpty, range.contains(value) else { throw fault(part) }
        return value
    }

    private func fault(_ part: Substring) -> RecurrenceFault {
        RecurrenceFault("\"\(part)\" is no \(name): \(range.lowerBound) to \(range.upperBound), lists, ranges and steps are")
    }
}
