import Foundation

/// Dates as outside systems and rule sets write them.
enum DateReading {
    /// `2026-01-31` (midnight UTC), or RFC 3339 with or without fractions of a second.
    static func date(from text: String) -> Date? {
        if text.utf8.count == 10 {
            return try? Date(text, strategy: Date.ISO8601FormatStyle().year().month().day().dateSeparator(.dash))
        }
        // The longest RFC 3339 time with nine digits of fraction and an offset has 35.
        guard text.utf8.count <= 35 else { return nil }
        return (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}
