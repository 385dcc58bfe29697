/// What a rule speaks of. Each has fields of its own, and things happen to each.
public enum SubjectType: String, Sendable, Hashable, CaseIterable {
    case lead, opportunity, customer, seller, incident

    public var label: Label {
        switch self {
        case .lead: Label("lead", "线索")
        case .opportunity: Label("opportunity", "商机")
        case .customer: Label("customer", "客户")
        case .seller: Label("seller", "销售")
        case .incident: Label("incident", "事故")
        }
    }
}

extension FieldCatalogue {
    /// The fields of a subject; a lead's are the tenant's own as well, and what became of the lead.
    ///
    /// - Parameter lead: What the tenant's maps give: `FieldCatalogue.standard` and more.
    public static func of(_ subject: SubjectType, lead: FieldCatalogue) -> FieldCatalogue {
        switch subject {
        case .lead: lead.adding(leadProgress)
        case .opportunity: FieldCatalogue(opportunity)
        case .customer: FieldCatalogue(customer)
        case .seller: FieldCatalogue(seller)
        case .incident: FieldCatalogue(incident)
        }
    }

    /// What became of a lead; no part of what routes it.
    private static let leadProgress = [
        Field("state", .text, origin: .lead, label: Label("state", "状态")),
        Field("owner", .text, origin: .lead, label: Label("owner", "负责人")),
        Field("team", .text, origin: .lead, label: Label("team", "团队")),
        Field("pool", .text, origin: .lead, label: Label("pool", "线索池")),
        Field("assigned_at", .date, origin: .lead, label: Label("assigned at", "分配时间")),
        Field("touched_at", .date, origin: .lead, label: Label("first touch", "首触时间")),
    ]

    private static let opportunity = [
        Field("stage", .text, label: Label("stage", "阶段")),
        Field("owner", .text, label: Label("owner", "负责人")),
        Field("team", .text, label: Label("team", "团队")),
        Field("industry", .text, label: Label("industry", "行业")),
        Field("region", .list, label: Label("region", "区域")),
        Field("city", .text, label: Label("city", "城市")),
        Field("source", .text, label: Label("source", "来源")),
        Field("lead", .text, label: Label("lead it came of", "来源线索")),
        Field("product_line", .text, label: Label("product line", "产品线")),
        Field("amount", .money, label: Label("amount", "金额")),
        Field("received", .money, label: Label("money received", "回款")),
        Field("recognised", .money, label: Label("recognised revenue", "已确认收入")),
        Field("won", .boolean, label: Label("won", "赢单")),
        Field("loss_reason", .text, label: Label("reason of the loss", "丢单原因")),
        Field("contract_type", .text, label: Label("contract type", "合同类型")),
        Field("competitor", .text, label: Label("competitor", "竞品信息")),
        Field("contacts", .number, label: Label("contacts", "联系人数")),
        Field("created_at", .date, label: Label("created at", "创建时间")),
        Field("updated_at", .date, label: Label("updated at", "更新时间")),
        Field("closed_at", .date, label: Label("closed at", "关闭时间")),
        Field("planned_signing_at", .date, label: Label("planned signing", "计划签约时间")),
        Field("fiscal_year_end", .date, label: Label("end of the customer's fiscal year", "客户财年截止")),
        Field("revenue_node_at", .date, label: Label("next revenue node", "下一收入确认节点")),
        Field("delivery_expected_at", .date, label: Label("expected delivery", "预计签收时间")),
    ]

    private static let customer = [
        Field("name", .text, label: Label("name", "名称")),
        Field("owner", .text, label: Label("owner", "负责人")),
        Field("team", .text, label: Label("team", "团队")),
        Field("industry", .text, label: Label("industry", "行业")),
        Field("region", .list, label: Label("region", "区域")),
        Field("source", .text, label: Label("source", "来源")),
        Field("grade", .text, label: Label("grade", "客户分级")),
        Field("phone", .text, label: Label("phone", "电话")),
        Field("credit_code", .text, label: Label("unified social credit code", "统一社会信用代码")),
        Field("budget", .money, label: Label("budget", "预算")),
        Field("decision_roles", .list, label: Label("decision chain", "决策链")),
        Field("pain", .text, label: Label("implementation pain", "实施痛点")),
        Field("contacts", .number, label: Label("contacts", "联系人数")),
        Field("opportunities", .number, label: Label("linked opportunities", "关联商机数")),
        Field("created_at", .date, label: Label("created at", "创建时间")),
        Field("updated_at", .date, label: Label("updated at", "更新时间")),
    ]

    private static let seller = [
        Field("name", .text, label: Label("name", "姓名")),
        Field("team", .text, label: Label("team", "团队")),
        Field("status", .text, label: Label("status", "在职状态")),
        Field("series", .text, label: Label("job series", "职级序列")),
        Field("newcomer", .boolean, label: Label("newcomer", "新人")),
        Field("pending", .number, label: Label("pending leads", "待跟进数")),
        Field("capacity", .number, label: Label("capacity", "容量")),
    ]

    private static let incident = [
        Field("severity", .text, label: Label("severity", "级别")),
        Field("module", .text, label: Label("module", "模块")),
        Field("detected_at", .date, label: Label("detected at", "发现时间")),
        Field("resolved_at", .date, label: Label("resolved at", "解决时间")),
    ]
}
