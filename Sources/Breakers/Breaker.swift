import Foundation

/// A circuit breaker: whether jobs that need a dependency may run, and how many at once.
///
/// A pure state machine: `next` answers what it becomes. Every state has its limit on the gate the jobs pass; the work itself is
/// never touched. The epoch grows with every change of state, and what a call says counts only for the state it began in.
public struct Breaker: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        /// Calls go through.
        case closed
        /// Nothing goes through until the time has come to ask again.
        case open
        /// The dependency itself asked for patience until a time.
        case throttled
        /// A few calls go through, to see.
        case halfOpen = "half_open"
        /// Healthy again; let in more and more, so that the waiting work does not fall upon it at once.
        case ramping
    }

    public var state: State
    public var epoch: Int64
    /// Most calls at once; nil: any number.
    public var limit: Int?
    /// When the state is to be looked at again.
    public var until: Date?
    /// Openings in a row, without a recovery in between.
    public var openings: Int
    /// Set by a person, and left to people.
    public var isForced: Bool
    public var reason: String

    public init(
        state: State = .closed, epoch: Int64 = 1, limit: Int? = nil, until: Date? = nil, openings: Int = 0, isForced: Bool = false,
        reason: String = ""
    ) {
        self.state = state
        self.epoch = epoch
        self.limit = limit
        self.until = until
        self.openings = openings
        self.isForced = isForced
        self.reason = reason
    }
}

/// How breakers behave.
public struct BreakerPolicy: Sendable {
    /// The first opening lasts this long at most, the next twice as long, and so on.
    public var base: TimeInterval
    /// No opening lasts longer: so soon after a recovery work goes on.
    public var cap: TimeInterval
    /// Answers a half-open breaker wants, without a failure. Until the first, one call at a time.
    public var successes: Int
    public var probes: Int
    /// Calls at once when the ramp begins and when it ends; doubled every `window`.
    public var rampFrom: Int
    public var rampTo: Int
    public var window: TimeInterval

    public init(
        base: TimeInterval = 5, cap: TimeInterval = 10, successes: Int = 3, probes: Int = 3, rampFrom: Int = 10, rampTo: Int = 640,
        window: TimeInterval = 1
    ) {
        self.base = base
        self.cap = cap
        self.successes = successes
        self.probes = probes
        self.rampFrom = rampFrom
        self.rampTo = rampTo
        self.window = window
    }

    /// - Parameter chance: uniform in 0 ..< 1; spreads what opened together over the second half of the time.
    func pause(afterOpenings openings: Int, chance: Double) -> TimeInterval {
        min(cap, base * pow(2, Double(min(openings, 30)))) * (0.5 + chance / 2)
    }
}

extension Breaker {
    /// What the breaker becomes; nil: it stays as it is.
    ///
    /// - Parameters:
    ///   - evidence: of the present epoch.
    ///   - throttledUntil: the latest time the dependency itself has named.
    ///   - chance: uniform in 0 ..< 1.
    public func next(
        _ evidence: FleetEvidence, throttledUntil: Date? = nil, policy: BreakerPolicy = BreakerPolicy(), now: Date, chance: Double
    ) -> Breaker? {
        if isForced { return nil }
        let isDue = until.map { $0 <= now } ?? true
        switch state {
        case .closed:
            if let throttledUntil, throttledUntil > now {
                return becoming(.throttled, limit: 0, until: throttledUntil, "it asked for patience")
            }
            return evidence.isDamning ? opened(evidence, policy, now, chance) : nil
        case .throttled:
            if let throttledUntil, throttledUntil > until ?? now { return with { $0.until = throttledUntil } }
            return isDue
                ? becoming(
                    .ramping, limit: policy.rampFrom, until: now.addingTimeInterval(policy.window), "the time it asked for has passed")
                : nil
        case .open:
            return isDue ? becoming(.halfOpen, limit: 1, until: nil, "time to ask again") : nil
        case .halfOpen:
            if let throttledUntil, throttledUntil > now {
                return becoming(.throttled, limit: 0, until: throttledUntil, "it asked for patience")
            }
            // A node that fails alone keeps away for a while, and another asks; where nobody else does, it is believed in the end.
            if evidence.failed > 0, !evidence.failsForOneAlone || evidence.failed >= policy.successes {
                return opened(evidence, policy, now, chance)
            }
            if evidence.answered >= policy.successes {
                return becoming(.ramping, limit: policy.rampFrom, until: now.addingTimeInterval(policy.window), "it answers again")
            }
            return evidence.answered > 0 && limit == 1 ? with { $0.limit = policy.probes } : nil
        case .ramping:
            if let throttledUntil, throttledUntil > now {
                return becoming(.throttled, limit: 0, until: throttledUntil, "it asked for patience")
            }
            if evidence.isDamning { return opened(evidence, policy, now, chance) }
            guard isDue else { return nil }
            // As much as one node of several can say, which may be cut off, holds nothing up.
            let isClean = evidence.score <= Evidence.threshold / 2
            let more = isClean ? (limit ?? policy.rampFrom) * 2 : limit ?? policy.rampFrom
            if more > policy.rampTo {
                var closed = becoming(.closed, limit: nil, until: nil, "it has recovered")
                closed.openings = 0
                return closed
            }
            return with {
                $0.limit = more
                $0.until = now.addingTimeInterval(policy.window)
            }
        }
    }

    /// Opened by a person, until a person closes it.
    public func forcedOpen(reason: String) -> Breaker {
        var next = becoming(.open, limit: 0, until: nil, reason)
        next.isForced = true
        return next
    }

    /// Closed by a person: from here on it judges anew.
    public func forcedClosed(reason: String) -> Breaker {
        var next = becoming(.closed, limit: nil, until: nil, reason)
        next.openings = 0
        next.isForced = false
        return next
    }

    private func opened(_ evidence: FleetEvidence, _ policy: BreakerPolicy, _ now: Date, _ chance: Double) -> Breaker {
        let calls = evidence.answered + evidence.failed
        var next = becoming(
            .open, limit: 0, until: now.addingTimeInterval(policy.pause(afterOpenings: openings, chance: chance)),
            evidence.failed == 0 && evidence.isDamning
                ? "the last calls took much longer than they used to" : "\(evidence.failed) of the last \(calls) calls failed")
        next.openings += 1
        return next
    }

    private func becoming(_ state: State, limit: Int?, until: Date?, _ reason: String) -> Breaker {
        with {
            $0.state = state
            $0.epoch += 1
            $0.limit = limit
            $0.until = until
            $0.reason = reason
        }
    }

    private func with(_ change: (inout Breaker) -> Void) -> Breaker {
        var copy = self
        change(&copy)
        return copy
    }
}
