import Foundation
import PostgresClient
import Rollouts

/// What a rollout is judged by, as whoever started it asked; frozen with it.
public struct RolloutTerms: Sendable, Hashable, Codable {
    public enum Promotion: String, Sendable, Hashable, Codable, CaseIterable {
        /// When every guard finds it good enough a person is told, and decides.
        case manual
        /// Then it goes to everybody by itself.
        case automatic
    }

    /// A first touch counts as in time within so many minutes; nil: touches are not judged.
    public var firstTouchMinutes: Double?
    /// How many points worse first touches may be.
    public var firstTouchMargin: Double
    /// How many points worse the success of assignment may be.
    public var successMargin: Double
    /// Canary leads without which nothing is promoted on evidence.
    public var leastLeads: Int
    public var promotion: Promotion

    public init(
        firstTouchMinutes: Double? = 4, firstTouchMargin: Double = Guard.behaviourMargin * 100,
        successMargin: Double = Guard.successMargin * 100, leastLeads: Int = 500, promotion: Promotion = .manual
    ) {
        self.firstTouchMinutes = firstTouchMinutes
        self.firstTouchMargin = firstTouchMargin
        self.successMargin = successMargin
        self.leastLeads = leastLeads
        self.promotion = promotion
    }

    enum CodingKeys: String, CodingKey {
        case firstTouchMinutes = "first_touch_minutes"
        case firstTouchMargin = "first_touch_margin"
        case successMargin = "success_margin"
        case leastLeads = "least_leads"
        case promotion
    }

    /// - Parameter before: the tenant's last leads before the rollout began.
    func plan(before: Counts) -> RolloutPlan {
        var guards = [
            Guard(RunningRollout.technical, .technical(before: before)),
            Guard(RunningRollout.success, .comparison(margin: successMargin / 100)),
        ]
        if firstTouchMinutes != nil { guards.append(Guard(RunningRollout.firstTouch, .comparison(margin: firstTouchMargin / 100))) }
        return RolloutPlan(guards: guards, leastLeads: leastLeads)
    }

    var firstTouchWithin: TimeInterval? { firstTouchMinutes.map { $0 * 60 } }
}
