import SalesModel

/// What do we say, to whom, on which channel?
public struct MessageRules: Sendable, Hashable {
    public let messages: [Message]

    public subscript(id: String) -> Message? { messages.first { $0.id == id } }
}

public struct Message: Sendable, Hashable {
    public let id: String
    public let subject: SubjectType
    public let texts: [MessageText]
}

/// What is said on a channel in a language.
public struct MessageText: Sendable, Hashable {
    /// nil: on every channel that has no text of its own.
    public let channel: Channel?
    public let language: Language
    public let title: MessageTemplate?
    public let body: MessageTemplate
}

extension Message {
    /// The text for a channel: its own, else the one for all.
    public func text(on channel: Channel, in language: Language) -> MessageText? {
        texts.first { $0.channel == channel && $0.language == language } ?? texts.first { $0.channel == nil && $0.language == language }
    }

    /// Every value its texts need.
    public var placeholders: Set<String> { Set(texts.flatMap { ($0.title?.names ?? []) + $0.body.names }) }
}

/// A text with places to be filled in: `{company}`, `{due_at:time}`, `{contact|客户}`; `{{` and `}}` are braces.
public struct MessageTemplate: Sendable, Hashable {
    public struct Placeholder: Sendable, Hashable {
        public let name: String
        public let format: MessageFormat
        /// What stands there when there is no value. Without it a missing value keeps the message from being sent.
        public let otherwise: String?
    }

    public enum Piece: Sendable, Hashable {
        case text(String)
        case value(Placeholder)
    }

    public let pieces: [Piece]

    public var names: [String] { pieces.compactMap { if case .value(let value) = $0 { value.name } else { nil } } }
}

/// How a value is written.
public enum MessageFormat: String, Sendable, Hashable, CaseIterable {
    case plain
    /// Day, and day and minute, in the recipient's time zone.
    case date, time
    /// Of seconds: `2 h 5 min`.
    case duration
    case money
    case percent

    /// The types it fits.
    var types: Set<FieldType> {
        switch self {
        case .plain: [.text, .number, .boolean, .list]
        case .date, .time: [.date]
        case .duration, .percent: [.number]
        case .money: [.money]
        }
    }

    /// What a type is written as if nothing is said.
    static func usual(for type: FieldType) -> MessageFormat {
        switch type {
        case .text, .number, .boolean, .list: .plain
        case .date: .time
        case .money: .money
        }
    }
}

extension FieldCatalogue {
    /// What a message knows besides its subject's fields: the occasion it is sent on.
    static let occasion = FieldCatalogue([
        Field("subject.id", .text, label: Label("the subject's id", "对象编号")),
        Field("recipient", .text, label: Label("recipient's name", "接收人姓名")),
        Field("owner.name", .text, label: Label("owner's name", "负责人姓名")),
        Field("clock", .text, label: Label("clock", "时钟")),
        Field("level", .text, label: Label("level", "级别")),
        Field("due_at", .date, label: Label("due", "截止时间")),
        Field("late_by", .number, label: Label("late by (seconds)", "超时（秒）")),
        Field("reason", .text, label: Label("reason", "原因")),
        Field("summary", .text, label: Label("last communications", "最近沟通摘要")),
        Field("count", .number, label: Label("how many", "数量")),
        Field("missing", .list, label: Label("what is missing", "缺少的内容")),
        Field("before", .text, label: Label("before", "变更前")),
        Field("after", .text, label: Label("after", "变更后")),
        Field("link", .text, label: Label("link", "链接")),
    ])
}
