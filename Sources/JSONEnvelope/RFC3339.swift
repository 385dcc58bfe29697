import Foundation

/// Times as the API reads and writes them: RFC 3339, written in UTC to the microsecond.
///
/// Dates are counted in the proleptic Gregorian calendar by whole days from 1970, without a calendar object: Howard
/// Hinnant's `days_from_civil`, where the year begins in March so that a leap day comes last.
public enum RFC3339 {
    /// The beginnings of the years 1 and 10,000.
    private static let firstSecond = daysFromCivil(1, 1, 1) * 86_400
    private static let endSecond = daysFromCivil(10_000, 1, 1) * 86_400

    /// The instant a text names; nil unless it is `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)` with every part in range.
    ///
    /// The year is 1 to 9999, in UTC too, a second is 0 to 59: a leap second has no place in Unix time. Digits of the fraction after the sixth are dropped.
    public static func date(_ text: String) -> Date? {
        var text = text
        return text.withUTF8 { bytes in
            var parser = Parser(bytes)
            return parser.dateTime()
        }
    }

    /// A day alone, `YYYY-MM-DD`, as its first instant in UTC; else nil.
    public static func day(_ text: String) -> Date? {
        var text = text
        return text.withUTF8 { bytes in
            var parser = Parser(bytes)
            guard let days = parser.day(), parser.isAtEnd else { return nil }
            return Date(timeIntervalSince1970: Double(days * 86_400))
        }
    }

    /// `2026-01-31T08:00:00.000000Z`, without the fraction when it is zero. What no such text can name is written as the nearest that can.
    public static func text(_ date: Date) -> String {
        let seconds = date.timeIntervalSince1970
        let within = seconds.isNaN ? 0 : min(max(seconds, Double(firstSecond)), Double(endSecond - 1))
        let micros = Int((within * 1_000_000).rounded())
        let (second, fraction) = micros.floorDivided(by: 1_000_000)
        let (days, ofDay) = second.floorDivided(by: 86_400)
        let (year, month, day) = civil(days)
        var out: [UInt8] = []
        out.reserveCapacity(27)
        append(year, digits: 4, to: &out)
        out.append(UInt8(ascii: "-"))
        append(month, digits: 2, to: &out)
        out.append(UInt8(ascii: "-"))
        append(day, digits: 2, to: &out)
        out.append(UInt8(ascii: "T"))
        append(ofDay / 3600, digits: 2, to: &out)
        out.append(UInt8(ascii: ":"))
        append(ofDay / 60 % 60, digits: 2, to: &out)
        out.append(UInt8(ascii: ":"))
        append(ofDay % 60, digits: 2, to: &out)
        if fraction != 0 {
            out.append(UInt8(ascii: "."))
            append(fraction, digits: 6, to: &out)
        }
        out.append(UInt8(ascii: "Z"))
        return String(decoding: out, as: UTF8.self)
    }

    private static func append(_ value: Int, digits: Int, to out: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            out.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    static func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = year.floorDivided(by: 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (days + 719_468).floorDivided(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private struct Parser {
        private let bytes: UnsafeBufferPointer<UInt8>
        private var at = 0

        init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        var isAtEnd: Bool { at == bytes.count }

        mutating func dateTime() -> Date? {
            guard let days = day(), take("T") || take("t"), let ofDay = timeOfDay(), let micros = fraction(), let offset = offset(), isAtEnd
            else { return nil }
            // In UTC too it must be of a year that can be written.
            guard (RFC3339.firstSecond..<RFC3339.endSecond).contains(days * 86_400 + ofDay - offset) else { return nil }
            let seconds = Double(days * 86_400 + ofDay - offset) + Double(micros) / 1_000_000
            // At the end of time the last microseconds round up to a year that can't be written.
            return seconds < Double(RFC3339.endSecond) ? Date(timeIntervalSince1970: seconds) : nil
        }

        mutating func day() -> Int? {
            guard let year = number(4, 1...9999), take("-"), let month = number(2, 1...12), take("-"), let day = number(2, 1...31) else {
                return nil
            }
            let days = RFC3339.daysFromCivil(year, month, day)
            // The thirtieth of February is a day of March, and comes back as one.
            return RFC3339.civil(days).day == day ? days : nil
        }

        private mutating func timeOfDay() -> Int? {
            guard let hour = number(2, 0...23), take(":"), let minute = number(2, 0...59), take(":"), let second = number(2, 0...59) else {
                return nil
            }
            return hour * 3600 + minute * 60 + second
        }

        private mutating func fraction() -> Int? {
            guard take(".") else { return 0 }
            var micros = 0
            var digits = 0
            while at < bytes.count, bytes[at] >= UInt8(ascii: "0"), bytes[at] <= UInt8(ascii: "9") {
                if digits < 6 { micros = micros * 10 + Int(bytes[at] - UInt8(ascii: "0")) }
                digits += 1
                at += 1
            }
            guard digits > 0 else { return nil }
            for _ in min(digits, 6)..<6 { micros *= 10 }
            return micros
        }

        /// Seconds east of UTC.
        private mutating func offset() -> Int? {
            if take("Z") || take("z") { return 0 }
            let sign = take("+") ? 1 : take("-") ? -1 : 0
            guard sign != 0, let hour = number(2, 0...23), take(":"), let minute = number(2, 0...59) else { return nil }
            return sign * (hour * 3600 + minute * 60)
        }

        private mutating func number(_ digits: Int, _ range: ClosedRange<Int>) -> Int? {
            guard at + digits <= bytes.count else { return nil }
            var value = 0
            for _ in 0..<digits {
                guard bytes[at] >= UInt8(ascii: "0"), bytes[at] <= UInt8(ascii: "9") else { return nil }
                value = value * 10 + Int(bytes[at] - UInt8(ascii: "0"))
                at += 1
            }
            return range.contains(value) ? value : nil
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
            at += 1
            return true
        }
    }
}

extension Int {
    /// Quotient and remainder, the remainder never negative.
    fileprivate func floorDivided(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
