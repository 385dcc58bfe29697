/// One thing looked at, what was found, and what to do about it.
struct Finding: Encodable, Sendable {
    enum Verdict: String, Encodable, Sendable {
        case good
        /// Works, but not as it is meant to.
        case doubtful
        /// A promise cannot be kept.
        case wrong
    }

    let check: String
    let verdict: Verdict
    let found: String
    let advice: String?

    static func good(_ check: String, _ found: String) -> Finding { Finding(check: check, verdict: .good, found: found, advice: nil) }

    static func wrong(_ check: String, _ found: String, _ advice: String) -> Finding {
        Finding(check: check, verdict: .wrong, found: found, advice: advice)
    }

    /// Good when `isFine`, else of the verdict given.
    static func judge(_ check: String, _ found: String, _ isFine: Bool, else verdict: Verdict = .wrong, _ advice: String) -> Finding {
        Finding(check: check, verdict: isFine ? .good : verdict, found: found, advice: isFine ? nil : advice)
    }
}
