import Rules

/// What can be rolled out: a change of a rule set, or a model that warns.
public enum RolloutKind: Sendable, Hashable {
    case rule(RuleKind)
    /// Of sellers who may fall below the base line of process health.
    case warningModel

    /// The only name of a warning model.
    public static let modelName = "spi"
    static let modelWord = "warning_model"

    public init?(rawValue: String) {
        if rawValue == Self.modelWord {
            self = .warningModel
        } else if let kind = RuleKind(rawValue: rawValue) {
            self = .rule(kind)
        } else {
            return nil
        }
    }

    public var rawValue: String {
        switch self {
        case .rule(let kind): kind.rawValue
        case .warningModel: Self.modelWord
        }
    }

    /// Nil: no rule set.
    public var rules: RuleKind? {
        if case .rule(let kind) = self { kind } else { nil }
    }

    /// Every kind a rollout can be started of, by its word.
    public static let startable = RuleKind.allCases.filter(\.isOfDecisions).map(\.rawValue) + [modelWord]
}
