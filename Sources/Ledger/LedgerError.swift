import PostgresClient

public enum LedgerError: Error, Sendable, Equatable {
    /// More waits to be written than may wait. Nothing was stored; try again shortly.
    case busy
    /// Postgres could not be reached, or its answer to the commit was lost. Repeat with the same idempotency key.
    case unavailable
    /// The epoch changed under a claim or a confirmation; nothing was done.
    case epochLost
    /// A row was refused for what it contains; the text says what.
    case invalid(String)
}

extension PostgresError {
    /// The statement failed for what it contained, not for the state of the world: classes 22 (data) and 23 (integrity).
    var isAboutData: Bool { sqlState.map { $0.hasPrefix("22") || $0.hasPrefix("23") } ?? false }

    /// The server as a whole could not serve.
    var isOutage: Bool { sqlState == nil || ["08", "53", "57", "58"].contains { sqlState!.hasPrefix($0) } }
}
