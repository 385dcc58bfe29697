/// Where an open opportunity stands in the forecast. Every one stands in exactly one place; only the first two make the forecast's total.
public enum ForecastClass: String, Sendable, Hashable, CaseIterable {
    /// In a late stage and moving: counts in full.
    case committed
    /// Counts at its odds.
    case weighted
    /// Stalled: nothing happened for longer than its stage allows. Counts for nothing.
    case atRisk = "at_risk"
    /// An amount that a seller expects and nothing shows. Counts for nothing.
    case selfEntered = "self_entered_expected"

    public var counts: Bool { self == .committed || self == .weighted }
}

/// Why an open opportunity is in no class.
public enum Exclusion: String, Sendable, Hashable, CaseIterable {
    case amountMissing = "amount_missing"
    case unknownStage = "unknown_stage"
}

/// How long an opportunity may stay without an effective action before it is stalled.
public struct StallLimits: Sendable, Hashable {
    /// In seconds, as the clock of the same name counts; by stage, and for all others.
    public var byStage: [String: Int]
    public var otherwise: Int

    /// Five days; three where the requirement is being confirmed (STAGE-02, STAGE-03).
    public static let standard = StallLimits(byStage: ["requirement_confirmation": 3 * 86_400], otherwise: 5 * 86_400)

    public init(byStage: [String: Int], otherwise: Int) {
        self.byStage = byStage
        self.otherwise = otherwise
    }

    public func seconds(in stage: String) -> Int { byStage[stage] ?? otherwise }
}

/// Since when nothing happened.
public struct Stall: Sendable, Hashable {
    public enum Reason: String, Sendable, Hashable {
        /// There was an effective action, too long ago.
        case noRecentAction = "no_recent_action"
        /// Since it came into the stage there was none that we know of: late data look the same, and are treated the same.
        case noKnownAction = "no_known_action"
    }

    public var reason: Reason
    /// Whole days, at least one.
    public var days: Int

    public init(reason: Reason, days: Int) {
        self.reason = reason
        self.days = days
    }
}

extension OpenDeal {
    /// Nil while it moves: up to the last allowed second it still does.
    ///
    /// - Parameter limit: in seconds.
    public func stall(limit: Int) -> Stall? {
        let acted = secondsSinceAction.flatMap { $0 < secondsInStage ? $0 : nil }
        let seconds = acted ?? secondsInStage
        guard seconds > limit else { return nil }
        return Stall(reason: acted == nil ? .noKnownAction : .noRecentAction, days: max(1, seconds / 86_400))
    }
}
