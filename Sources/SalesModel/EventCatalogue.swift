/// Something that can happen to a subject, with what is told of it.
public struct EventType: Sendable, Hashable {
    public let name: String
    public let label: Label
    public let subjects: Set<SubjectType>
    /// What its `data` may hold. A field an event does not carry is known to be empty: the event says all there is.
    public let fields: FieldCatalogue

    public init(_ name: String, _ label: Label, of subjects: Set<SubjectType>, _ fields: [Field] = []) {
        self.name = name
        self.label = label
        self.subjects = subjects
        self.fields = FieldCatalogue(fields + Self.common)
    }

    /// Told of every event.
    private static let common = [Field("actor", .text, label: Label("actor", "操作人"))]
}

/// Every event that rules may count, start from or stop at.
public struct EventCatalogue: Sendable, Hashable {
    private let byName: [String: EventType]

    public init(_ types: [EventType]) {
        byName = Dictionary(types.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public subscript(name: String) -> EventType? { byName[name] }

    public var names: [String] { byName.keys.sorted() }

    /// The names of what can happen to a subject.
    public func names(of subject: SubjectType) -> [String] { names.filter { byName[$0]!.subjects.contains(subject) } }

    public static let standard = EventCatalogue(contact + progress + papers + alarms)

    private static let people: Set<SubjectType> = [.lead, .opportunity, .customer]

    private static let contact = [
        // Whatever is one: see `Contact`.
        EventType(Contact.name, Label("contact", "联系客户"), of: people),
        EventType(
            "call", Label("call", "电话"), of: people,
            [text("direction", "direction", "方向"), text("result", "result", "结果"), number("minutes", "minutes", "时长（分钟）")]),
        EventType("message", Label("message", "消息"), of: people, [text("channel", "channel", "渠道"), text("direction", "direction", "方向")]),
        EventType(
            "touch", Label("first touch", "首触"), of: people,
            [text("channel", "channel", "渠道"), text("direction", "direction", "方向"), text("result", "result", "结果")]),
        EventType(
            "follow_up", Label("follow-up", "跟进"), of: people,
            [
                text("pain", "customer's pain", "客户当前痛点"), text("our_action", "our action", "我方响应动作"),
                text("problem_solved", "problem solved", "本次解决什么问题"), text("customer_next_step", "customer's next step", "客户明确下一步动作"),
                date("promised_at", "promised for", "下一步承诺时间"), text("next_step_choice", "next step", "下一步三选一"),
                text("obstacle", "obstacle", "障碍"), number("credibility", "credibility", "动作可信度"),
            ]),
        EventType(
            "visit", Label("visit", "拜访"), of: people,
            [
                number("nodes_passed", "nodes passed", "通过节点数"), boolean("valid", "valid", "有效"), text("place", "place", "地点"),
                number("minutes", "minutes", "时长（分钟）"),
            ]),
        EventType(
            "interview", Label("interview", "访谈"), of: people,
            [
                text("topic", "topic", "主题"), number("minutes", "minutes", "时长（分钟）"), boolean("has_transcript", "has a transcript", "有转写"),
                boolean("form_completed", "form completed", "表单已填写"),
            ]),
        EventType("reply", Label("customer's reply", "客户回复"), of: people, [text("channel", "channel", "渠道")]),
        EventType(
            "action", Label("sales action", "销售动作"), of: people,
            [
                text("action", "action", "动作"), number("credibility", "credibility", "动作可信度"),
                boolean("evidence_valid", "evidence valid", "证据有效"),
            ]),
        EventType("callback", Label("call-back", "回访"), of: people, [text("by_role", "by role", "回访角色")]),
        EventType("demo", Label("demo", "演示"), of: people, [boolean("on_site", "on site", "现场")]),
        EventType(
            "demo_record", Label("record of a demo", "演示记录"), of: people,
            [text("pain", "customer's technical pain", "客户技术痛点"), text("fit", "fit of our solution", "方案契合度")]),
    ]

    private static let progress = [
        EventType("created", Label("created", "创建"), of: [.lead, .opportunity, .customer], [text("source", "source", "来源")]),
        EventType(
            "assigned", Label("assigned", "分配"), of: [.lead, .customer], [text("seller", "seller", "销售"), text("team", "team", "团队")]),
        EventType("transferred", Label("transferred", "转交"), of: [.lead], [text("to", "to", "转交给")]),
        EventType("completed", Label("completed by marketing", "市场补充完成"), of: [.lead]),
        EventType("closed", Label("closed", "关闭"), of: [.lead], [text("reason", "reason", "原因")]),
        EventType(
            "transition", Label("change of stage", "阶段变更"), of: [.opportunity], [text("from", "from", "原阶段"), text("to", "to", "新阶段")]),
        EventType("stage_update", Label("update within a stage", "阶段内更新"), of: [.opportunity]),
        EventType("tag_set", Label("tag set", "打标签"), of: people, [text("tag", "tag", "标签")]),
        EventType("tag_cleared", Label("tag cleared", "取消标签"), of: people, [text("tag", "tag", "标签")]),
    ]

    private static let papers = [
        EventType(
            "upload", Label("upload", "上传"), of: people,
            [
                text("document", "document", "文件类型"), boolean("signed", "signed", "已签字"), text("format", "format", "格式"),
                boolean("checked", "checked", "已校验"),
            ]),
        EventType(
            "review", Label("review", "审核"), of: people,
            [text("subject", "of what", "审核事项"), text("by_role", "by role", "审核角色"), text("result", "result", "结果")]),
        EventType(
            "checklist_item", Label("checklist item", "清单项"), of: [.opportunity],
            [
                text("item", "item", "事项"), boolean("has_proof", "has its proof", "有凭证"), boolean("approved", "approved twice", "二级审批通过"),
            ]),
        EventType("quotation", Label("quotation", "报价"), of: people, [text("configuration_sheet", "configuration sheet", "产品配置单")]),
        EventType(
            "evidence", Label("evidence", "凭证"), of: [.opportunity],
            [text("kind", "kind", "凭证类别"), text("source", "source", "来源"), boolean("verified", "verified", "已核验")]),
        EventType(
            "shipment", Label("shipment", "发货"), of: people, [text("number", "number", "物流单号"), boolean("signed", "signed for", "已签收")]),
    ]

    private static let alarms = [
        EventType("support_request", Label("request for technical support", "技术支援申请"), of: people, [text("topic", "topic", "事项")]),
        EventType("support_answer", Label("answer of technical support", "技术支援回复"), of: people),
        EventType("incident_detected", Label("incident detected", "发现事故"), of: [.incident]),
        EventType("fuse_opened", Label("fuse opened", "熔断"), of: [.incident]),
        EventType("incident_resolved", Label("incident resolved", "事故解决"), of: [.incident]),
    ]

    private static func text(_ name: String, _ english: String, _ chinese: String) -> Field {
        Field(name, .text, label: Label(english, chinese))
    }

    private static func number(_ name: String, _ english: String, _ chinese: String) -> Field {
        Field(name, .number, label: Label(english, chinese))
    }

    private static func boolean(_ name: String, _ english: String, _ chinese: String) -> Field {
        Field(name, .boolean, label: Label(english, chinese))
    }

    private static func date(_ name: String, _ english: String, _ chinese: String) -> Field {
        Field(name, .date, label: Label(english, chinese))
    }
}
