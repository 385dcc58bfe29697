import Rules
import SalesModel

/// A rollout whose candidate cannot be read together with what is live: it is to be taken back, and decides nothing meanwhile.
struct UnreadableRollout: Sendable {
    let standing: RolloutStanding
    let words: String
}

extension UnreadableRollout {
    init?(_ record: RolloutRecord, _ unreadable: UnreadableRuleSet?) {
        guard let unreadable else { return nil }
        let isItself = unreadable.reference == RuleSetReference(kind: record.kind.rawValue, name: record.name, version: record.version)
        standing = RolloutStanding(record)
        words = "unreadable: \(isItself ? "" : "with it ")\(RulesUnreadable(unreadable).description)"
    }
}
