/// Who did something with a key, as the audit log names them: `key:7`, and `key:7 of wang` where it is a person's.
///
/// The statement that searches the audit log reads the same form (`Records/AuditReading`).
public struct KeyActor: Sendable, Hashable, CustomStringConvertible {
    /// The key's number.
    public let key: Int64
    /// Whose it is, by the tenant's own name; nil: nobody's in particular.
    public let user: String?

    /// The holder of a key.
    public init(key: Int64, user: String? = nil) { (self.key, self.user) = (key, user) }

    /// Nil for whoever used no key, such as a rollout's guards.
    public init?(_ text: String) {
        // Pages ask it of every text of an answer.
        guard text.hasPrefix("key:"), let match = text.wholeMatch(of: /key:(\d+)(?: of (.+))?/), let key = Int64(match.1) else {
            return nil
        }
        self.init(key: key, user: match.2.map(String.init))
    }

    public var description: String { user.map { "key:\(key) of \($0)" } ?? "key:\(key)" }
}
