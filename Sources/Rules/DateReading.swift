import Foundation
import JSONEnvelope

/// Dates as outside systems and rule sets write them.
enum DateReading {
    /// `2026-01-31` (midnight UTC), or RFC 3339; the colon of the offset may be missing, as Salesforce and Java write it.
    static func date(from text: String) -> Date? {
        RFC3339.day(text) ?? RFC3339.date(text) ?? withColon(text).flatMap(RFC3339.date)
    }

    /// Whether a text would be a date on another day of its month.
    static func isOfNoDay(_ text: String) -> Bool {
        let day = text.dropFirst(8).prefix(2)
        guard day.count == 2, day.allSatisfy({ $0.isASCII && $0.isNumber }), date(from: text) == nil else { return false }
        return date(from: "\(text.prefix(8))01\(text.dropFirst(10))") != nil
    }

    private static func withColon(_ text: String) -> String? {
        let offset = Array(text.utf8.suffix(5))
        guard offset.count == 5, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(offset[0]) else { return nil }
        return "\(text.dropLast(2)):\(text.suffix(2))"
    }
}
