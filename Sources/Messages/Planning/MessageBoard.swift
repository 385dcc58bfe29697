import Foundation
import SalesModel

/// What waits to be said to the outside, and where it can be said: everything the next move is decided on.
public struct MessageBoard: Sendable {
    /// An outside address of the tenant's.
    public struct Line: Sendable, Hashable {
        public let name: String
        public let kind: ConnectorKind
        public var budget: Budget
        public var window: SendWindow
        /// What one person is sent by it at most, and was sent lately; nil: no such limit.
        public var personalBudget: Budget?
        public var windows: [String: SendWindow]
        /// Nothing is sent until then: the vendor asked for patience, its breaker is open, or its settings are wrong.
        public var closedUntil: Date?

        public init(
            name: String, kind: ConnectorKind, budget: Budget? = nil, window: SendWindow = SendWindow(),
            windows: [String: SendWindow] = [:],
            closedUntil: Date? = nil
        ) {
            personalBudget = kind.personalBudget
            self.windows = windows
            self.name = name
            self.kind = kind
            self.budget = budget ?? kind.budget
            self.window = window
            self.closedUntil = closedUntil
        }
    }

    /// What somebody is to be told on one channel.
    public struct Message: Sendable, Hashable, Identifiable {
        public let id: Int64
        public var urgency: Urgency
        public var since: Date
        /// As it stands on a card.
        public var bytes: Int
        /// Where it can be said, in the order of fail-over, and to which address there; one of a group's lines has none.
        public var ways: [Way]
        /// Lines that have been tried since it last began at the first.
        public var tried: Set<String>
        /// How often it has been through all its lines.
        public var rounds: Int
        public var notBefore: Date?
        /// Whether there was a way whose vendor says that nobody is there any more.
        public var isGone: Bool
        /// Whether a superior was told already that nobody has taken it.
        public var isAlarmed: Bool

        public init(
            id: Int64, urgency: Urgency, since: Date, bytes: Int, ways: [Way], tried: Set<String> = [], rounds: Int = 0,
            notBefore: Date? = nil, isGone: Bool = false, isAlarmed: Bool = false
        ) {
            self.isGone = isGone
            self.isAlarmed = isAlarmed
            self.id = id
            self.urgency = urgency
            self.since = since
            self.bytes = bytes
            self.ways = ways
            self.tried = tried
            self.rounds = rounds
            self.notBefore = notBefore
        }
    }

    public struct Way: Sendable, Hashable {
        public let line: String
        public let address: String?

        public init(line: String, address: String? = nil) {
            self.line = line
            self.address = address
        }
    }

    /// A request that has no answer yet, or failed and is to be sent again as it is.
    public struct Delivery: Sendable, Hashable, Identifiable {
        public enum State: Sendable, Hashable {
            case sending
            case waiting(until: Date)
        }

        public let id: Int64
        public let line: String
        /// Nil: a group's.
        public let address: String?
        public var messages: [Int64]
        public var state: State
        public var firstPlannedAt: Date
        /// Whether something urgent is among it.
        public var isUrgent: Bool

        public init(
            id: Int64, line: String, address: String? = nil, messages: [Int64], state: State, firstPlannedAt: Date, isUrgent: Bool
        ) {
            self.id = id
            self.line = line
            self.address = address
            self.messages = messages
            self.state = state
            self.firstPlannedAt = firstPlannedAt
            self.isUrgent = isUrgent
        }
    }

    public var lines: [Line]
    /// Waiting for a line, not part of any delivery.
    public var waiting: [Message]
    public var deliveries: [Delivery]
    /// The messages of those deliveries.
    public var underWay: [Int64: Message]
    /// Until when people are not disturbed by what is not urgent; nil: they may be.
    public var quietUntil: Date?

    public init(
        lines: [Line], waiting: [Message], deliveries: [Delivery] = [], underWay: [Int64: Message] = [:], quietUntil: Date? = nil
    ) {
        self.quietUntil = quietUntil
        self.lines = lines
        self.waiting = waiting
        self.deliveries = deliveries
        self.underWay = underWay
    }
}

/// What is to be done now.
public enum MessageMove: Sendable, Hashable {
    /// Messages sent as one, by a line. Urgent when one of them is.
    case send(messages: [Int64], line: String, address: String?, isUrgent: Bool, isReserved: Bool)
    /// A failed request sent again, unchanged.
    case again(delivery: Int64, isReserved: Bool)
    /// A request nobody waits for any longer; its messages go on to the next line.
    case abandon(delivery: Int64)
    /// All lines were tried: from the first again, after a pause.
    case anotherRound(message: Int64, notBefore: Date)
    /// It is urgent, and every way failed for a while: a superior is told, and it is tried on.
    case alarm(message: Int64)
    /// Nothing more is tried. `reason`: `not_connected`, `gone`, `expired`.
    case giveUp(message: Int64, reason: String)
}
