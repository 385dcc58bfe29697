/// What a key may do.
public enum Role: String, Sendable, CaseIterable {
    /// Its own tenant's data and jobs.
    case tenant
    /// Also its tenant's dials: rule versions, rollouts, fuses, breakers, queues.
    case `operator`
    /// Every tenant; acts for one by naming it.
    case platform

    /// Whether this role may do what is asked of `other`: each contains the one before.
    public func includes(_ other: Role) -> Bool { rank >= other.rank }

    private var rank: Int {
        switch self {
        case .tenant: 0
        case .operator: 1
        case .platform: 2
        }
    }
}
