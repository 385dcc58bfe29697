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
    /// Of a model: so many of a hundred of its warnings may be false; nil: no model is rolled out.
    public var falseWarnings: Double?
    /// Of rules that say who a lead is: a person may be asked about so many of a hundred leads where the live version asks nobody; nil: not
    /// judged.
    public var asked: Double?
    /// So many of a hundred leads may become part of a customer whom the live version does not take them for; nil: not judged.
    public var joined: Double?

    /// By whom a change of such a kind is judged where nobody says otherwise: recognition may be put right for a fifth of the leads, and may
    /// ask about a tenth of them.
    public static func standard(for kind: RolloutKind?) -> RolloutTerms {
        switch kind {
        case .warningModel: model
        case .rule(.match): RolloutTerms(asked: 10, joined: 20)
        default: RolloutTerms()
        }
    }

    /// Of a model: the attention of managers is worth four true ones of ten warnings (`ReleaseGate.leastPrecision`), and fifty whose fortnight is
    /// over tell something.
    public static let model = RolloutTerms(
        firstTouchMinutes: nil, successMargin: Guard.behaviourMargin * 100, leastLeads: 50, falseWarnings: 60)

    public init(
        firstTouchMinutes: Double? = 4, firstTouchMargin: Double = Guard.behaviourMargin * 100,
        successMargin: Double = Guard.successMargin * 100, leastLeads: Int = 500, promotion: Promotion = .manual,
        falseWarnings: Double? = nil, asked: Double? = nil, joined: Double? = nil
    ) {
        self.falseWarnings = falseWarnings
        self.asked = asked
        self.joined = joined
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
        case falseWarnings = "false_warnings"
        case asked
        case joined
    }

    /// - Parameters:
    ///   - before: the tenant's last leads before the rollout began.
    ///   - isAlone: nothing was live before, so there is nothing to compare with.
    func plan(before: Counts, isAlone: Bool) -> RolloutPlan {
        if let falseWarnings {
            let limit = Guard(RunningRollout.falseWarnings, .limit(rate: falseWarnings / 100, margin: Guard.behaviourMargin))
            let beside = isAlone ? [] : [Guard(RunningRollout.success, .comparison(margin: successMargin / 100))]
            return RolloutPlan(
                guards: [limit] + beside, leastLeads: leastLeads, words: RolloutPlan.Words(unit: "warnings", members: "teams"))
        }
        var guards = [
            Guard(RunningRollout.technical, .technical(before: before)),
            Guard(RunningRollout.success, .comparison(margin: successMargin / 100)),
        ]
        if firstTouchMinutes != nil { guards.append(Guard(RunningRollout.firstTouch, .comparison(margin: firstTouchMargin / 100))) }
        for (name, share) in [(RunningRollout.asked, asked), (RunningRollout.joined, joined)] {
            if let share { guards.append(Guard(name, .limit(rate: share / 100, margin: Guard.behaviourMargin))) }
        }
        return RolloutPlan(guards: guards, leastLeads: leastLeads)
    }

    var firstTouchWithin: TimeInterval? { firstTouchMinutes.map { $0 * 60 } }
}
