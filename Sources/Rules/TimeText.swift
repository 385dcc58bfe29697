/// Lengths of time as rule sets write them.
enum TimeText {
    private static let units: [(name: Character, seconds: Int)] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]

    /// Whole seconds; nil when it is none, or longer than a hundred years.
    static func seconds(_ text: String) -> Int? {
        guard text.utf8.count <= 12, let last = text.last, let unit = units.first(where: { $0.name == last }) else {
            return text == "0" ? 0 : nil
        }
        let digits = text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let count = Int(digits) else { return nil }
        let (seconds, isTooLong) = count.multipliedReportingOverflow(by: unit.seconds)
        return isTooLong || seconds > 100 * 366 * 86_400 ? nil : seconds
    }

    /// `48h`, `90s`, `5d`: the largest unit up to days that leaves nothing over.
    static func text(_ seconds: Int) -> String {
        guard seconds != 0 else { return "0s" }
        let unit = units.dropFirst().first { seconds % $0.seconds == 0 }!
        return "\(seconds / unit.seconds)\(unit.name)"
    }

    /// As people say it: `2 h 5 min`, `2 小时 5 分`. The two largest units that count.
    static func words(_ seconds: Int, chinese: Bool) -> String {
        let names: [Character: String] =
            chinese ? ["w": "周", "d": "天", "h": "小时", "m": "分钟", "s": "秒"] : ["w": "weeks", "d": "d", "h": "h", "m": "min", "s": "s"]
        var rest = seconds
        var parts: [String] = []
        for unit in units.dropFirst() where rest >= unit.seconds && parts.count < 2 {
            parts.append("\(rest / unit.seconds) \(names[unit.name]!)")
            rest %= unit.seconds
        }
        return parts.isEmpty ? "0 \(names["s"]!)" : parts.joined(separator: " ")
    }
}
