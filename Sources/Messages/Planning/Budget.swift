import Foundation

/// How much one outside address is sent at most, so that it never has reason to punish.
///
/// Two allowances over the last sixty seconds: one for everybody, and one kept for what is urgent, which is given out no faster than
/// one in ten seconds. So whatever was sent before, something urgent waits ten seconds at most. Counted over every stretch of sixty
/// seconds, it also holds over every minute of the clock, whichever of the two the vendor counts.
public struct Budget: Sendable, Hashable {
    public var perMinute: Int
    /// Kept for what is urgent, in addition.
    public var reserved: Int
    /// Nil: no such limit.
    public var perSecond: Int?

    public init(perMinute: Int, reserved: Int, perSecond: Int? = nil) {
        self.perMinute = perMinute
        self.reserved = reserved
        self.perSecond = perSecond
    }

    static let reserveSpacing: TimeInterval = 10
}

/// What was sent to one address lately.
public struct SendWindow: Sendable, Hashable {
    public struct Send: Sendable, Hashable {
        public var plannedAt: Date
        /// When its answer was there; nil: it is not yet, so it may arrive at any moment.
        public var endedAt: Date?
        /// Whether it was taken from what is kept for urgent things.
        public var isReserved: Bool

        public init(plannedAt: Date, endedAt: Date?, isReserved: Bool) {
            self.plannedAt = plannedAt
            self.endedAt = endedAt
            self.isReserved = isReserved
        }
    }

    public private(set) var sends: [Send]

    public init(_ sends: [Send] = []) { self.sends = sends }

    public mutating func add(_ send: Send) { sends.append(send) }

    /// How many may be sent now that anybody may send.
    public func room(_ budget: Budget, at now: Date) -> Int {
        let general = budget.perMinute - count(reserved: false, within: 60, at: now)
        return max(0, min(general, burst(budget, at: now)))
    }

    /// Whether something urgent may be sent now from what is kept for it.
    public func hasReserve(_ budget: Budget, at now: Date) -> Bool {
        let last = sends.filter(\.isReserved).map(\.plannedAt).max() ?? .distantPast
        return now.timeIntervalSince(last) >= Budget.reserveSpacing && count(reserved: true, within: 60, at: now) < budget.reserved
            && burst(budget, at: now) > 0
    }

    private func burst(_ budget: Budget, at now: Date) -> Int {
        guard let most = budget.perSecond else { return .max }
        // One that is under way counts for as long as it is.
        return most - count(reserved: false, within: 1, at: now) - count(reserved: true, within: 1, at: now)
    }

    private func count(reserved: Bool, within seconds: TimeInterval, at now: Date) -> Int {
        sends.count { $0.isReserved == reserved && ($0.endedAt.map { now.timeIntervalSince($0) <= seconds } ?? true) }
    }
}
