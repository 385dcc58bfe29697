/// The type of a standard field; conditions are checked against it when a rule set is saved.
public enum FieldType: String, Sendable, Hashable, CaseIterable {
    case text, number, money, boolean, date, list
}

/// A field that rules may read.
public struct Field: Sendable, Hashable {
    /// Where its value comes from.
    public enum Origin: Sendable, Hashable {
        /// A map gives it from what the outside sent.
        case mapped
        /// The lead itself: always known.
        case lead
        /// The score card: known once the lead is scored.
        case score
    }

    public let name: String
    public let type: FieldType
    public let origin: Origin
    public let label: Label
    /// All it can be; nil: anything of its type.
    public let values: [String]?
    /// An amount below zero is a slip, or another system's sign for none: nobody has such a budget.
    public let isNeverBelowZero: Bool

    public init(
        _ name: String, _ type: FieldType, origin: Origin = .mapped, label: Label, values: [String]? = nil, isNeverBelowZero: Bool = false
    ) {
        self.name = name
        self.type = type
        self.origin = origin
        self.label = label
        self.values = values
        self.isNeverBelowZero = isNeverBelowZero
    }

    /// Whether it can be this amount.
    public func takes(_ money: Money) -> Bool { !isNeverBelowZero || money.amountMinor >= 0 }
}

/// A name as people read it.
public struct Label: Sendable, Hashable {
    public let english: String
    public let chinese: String

    public init(_ english: String, _ chinese: String) {
        self.english = english
        self.chinese = chinese
    }
}

/// Every field a tenant's rules may read: the standard ones and those its own maps add.
public struct FieldCatalogue: Sendable, Hashable {
    private var byName: [String: Field]

    public init(_ fields: [Field]) {
        byName = Dictionary(fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public subscript(name: String) -> Field? { byName[name] }

    public var names: [String] { byName.keys.sorted() }

    /// This catalogue and the given fields; a standard field keeps its meaning.
    public func adding(_ fields: [Field]) -> FieldCatalogue {
        var copy = self
        for field in fields where copy.byName[field.name] == nil { copy.byName[field.name] = field }
        return copy
    }

    /// What every tenant has (LEAD-IN-08).
    public static let standard = FieldCatalogue([
        Field("source", .text, origin: .lead, label: Label("source", "来源")),
        Field("received_at", .date, origin: .lead, label: Label("received at", "进线时间")),
        Field("region", .list, label: Label("region", "区域")),
        Field("industry", .text, label: Label("industry", "行业")),
        Field("source_channel", .text, label: Label("source channel", "线索来源渠道")),
        Field("budget", .money, label: Label("budget", "预算"), isNeverBelowZero: true),
        Field("product_line", .text, label: Label("product line", "产品线")),
        Field("intent_signals", .list, label: Label("intent signals", "意向信号")),
        Field("company", .text, label: Label("company", "公司")),
        Field("contact", .text, label: Label("contact", "联系人")),
        Field("contact_role", .text, label: Label("contact's role", "联系人职务")),
        Field("decision_roles", .list, label: Label("decision chain", "决策链")),
        Field("phone", .text, label: Label("phone", "电话")),
        Field("email", .text, label: Label("e-mail", "电子邮箱")),
        Field("credit_code", .text, label: Label("unified social credit code", "统一社会信用代码")),
        Field("needed_in_days", .number, label: Label("needed in days", "需求天数")),
        Field("interactions", .number, label: Label("past interactions", "历史互动次数")),
        Field("account_manager", .text, label: Label("account manager", "专属客户经理")),
        Field("score", .number, origin: .score, label: Label("score", "线索质量分")),
        Field("band", .text, origin: .score, label: Label("score band", "分数段"), values: Band.allCases.map(\.rawValue)),
        Field("intent", .text, origin: .score, label: Label("intent grade", "意向等级"), values: IntentGrade.allCases.map(\.rawValue)),
    ])
}
