import Rollouts
import Rules
import SalesModel

/// A rollout whose candidate cannot be read together with what is live: it is to be taken back, and decides nothing meanwhile.
struct UnreadableRollout: Sendable {
    let id: Int64
    let kind: RolloutKind
    let percent: Percent
    let words: String
}

extension UnreadableRollout {
    init?(_ record: RolloutRecord, _ unreadable: UnreadableRuleSet?) {
        guard let unreadable else { return nil }
        let isItself = unreadable.reference == RuleSetReference(kind: record.kind.rawValue, name: record.name, version: record.version)
        self.init(
            id: record.id, kind: record.kind, percent: record.percent,
            words: "unreadable: \(isItself ? "" : "with it ")\(RulesUnreadable(unreadable).description)")
    }
}
