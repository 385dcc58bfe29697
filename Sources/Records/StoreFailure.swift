import PostgresClient

/// What an error from here means to whoever asked, without the database's own words for it.
public enum StoreFailure: Sendable, Hashable {
    /// Postgres could not be reached, or has no room; nobody knows whether a write was kept. Later it may work.
    case unavailable
    /// What was asked to be stored cannot be: out of a type's range, against a constraint.
    case refused(String)
    /// A mistake of ours.
    case unexpected

    public init(_ error: any Error) {
        guard let error = error as? PostgresError else {
            self = .unexpected
            return
        }
        switch error.code {
        case .connectionLost, .unknownCommit, .cancelled, .deadline, .poolExhausted, .closed: self = .unavailable
        case .server(let state) where state.hasPrefix("22") || state.hasPrefix("23"): self = .refused(error.message)
        // Connection trouble, conflicts that lasted, short of resources, operator's intervention, system errors.
        case .server(let state) where ["08", "40", "53", "55", "57", "58"].contains(String(state.prefix(2))): self = .unavailable
        case .server, .decoding, .invalidRequest, .roleRefused: self = .unexpected
        }
    }

    public var isRefusal: Bool {
        if case .refused = self { true } else { false }
    }
}
