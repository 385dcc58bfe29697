import SalesModel

extension RuleWords {
    /// A key of a rule set; a list's is the name of one of its items.
    static func key(_ name: String) -> Label { keys[name] ?? Label("“\(name)”", "“\(name)”") }

    private static let keys: [String: Label] = [
        // map
        "sources": Label("sources", "适用来源"), "fields": Label("field", "字段"), "ignore": Label("ignored outside fields", "忽略的外部字段"),
        "from": Label("from", "来自"), "type": Label("type", "类型"), "optional": Label("optional", "可为空"), "default": Label("default", "默认值"),
        "values": Label("value", "取值"), "unlisted": Label("unlisted values", "未列出的值"), "currency": Label("currency", "币种"),
        // score
        "dimensions": Label("part", "维度"), "cases": Label("case", "档位"), "points": Label("points", "分值"),
        "otherwise": Label("otherwise", "否则"), "mode": Label("mode", "计分方式"), "when": Label("condition", "条件"),
        // route
        "rules": Label("rule", "规则"), "to": Label("goes to", "分配给"), "by": Label("chosen", "选择方式"), "then": Label("then", "其后"),
        "n": Label("best", "前几名"), "window_months": Label("window in months", "统计月数"), "active_only": Label("active only", "仅在职"),
        "min_closed": Label("fewest closed deals", "最少成交单数"), "metric": Label("ranked by", "排名指标"), "filters": Label("filters", "筛选"),
        "alternates": Label("alternate", "备选"), "fallback": Label("fallback", "兜底"), "pool": Label("pool", "线索池"),
        "team": Label("team", "团队"), "teams": Label("teams", "团队"), "seller": Label("seller", "销售"), "sellers": Label("sellers", "销售"),
        "seller_in_field": Label("seller named in", "字段指定的销售"), "strategy": Label("strategy", "策略"), "bands": Label("bands", "分段"),
        "intent": Label("intent", "意向"), "per": Label("chosen by", "选择依据"),
        // match
        "method": Label("method", "方法"), "card": Label("card", "比对卡"), "phone": Label("phone", "电话"), "name": Label("name", "名称"),
        "credit_code": Label("unified social credit code", "统一社会信用代码"), "highlight": Label("highlighted above", "高亮阈值"),
        "review": Label("reviewed from", "复核阈值"), "link": Label("linked from", "自动关联阈值"), "comparable": Label("least comparable", "最少可比分值"),
        "prior": Label("prior", "先验"), "switchboard": Label("switchboard above", "总机阈值"), "aliases": Label("alias", "别名"),
        "compare": Label("compared as", "比较方式"), "at_least": Label("likeness from", "相似度下限"),
        // clock
        "clocks": Label("clock", "时钟"), "subject": Label("subject", "对象"), "starts": Label("start", "起点"), "stops": Label("stop", "终点"),
        "budget": Label("time allowed", "时限"), "classes": Label("class", "等级"), "calendar": Label("calendar", "日历"),
        "catch_up": Label("when late", "补发方式"), "levels": Label("level", "级别"), "after": Label("after", "时长"), "at": Label("at", "时点"),
        "channels": Label("channels", "渠道"), "message": Label("message", "消息"), "do": Label("action", "动作"), "on": Label("event", "事件"),
        "grace": Label("grace", "宽限"), "urgency": Label("urgency", "紧急程度"), "before": Label("before", "提前"),
        "where": Label("of which", "筛选条件"),
        // gate
        "stages": Label("stage", "阶段"), "gates": Label("gate", "关卡"), "requires": Label("requirement", "要求"), "final": Label("final", "终态"),
        "else_on": Label("else from", "否则起于"), "which": Label("which", "取哪一次"), "action_list": Label("list of actions", "动作清单"),
        "wait_in": Label("waits in", "暂留于"), "label": Label("label", "名称"), "en": Label("English", "英文"), "zh": Label("Chinese", "中文"),
        // measure
        "measures": Label("measure", "指标"), "ratio": Label("share of", "占比条件"), "among": Label("among", "统计范围"),
        "sum": Label("sum of", "求和"),
        "count": Label("count", "计数"), "weighted": Label("weighted part", "加权项"), "weight": Label("weight", "权重"),
        "window": Label("window", "时间窗"), "target": Label("target", "目标"), "class": Label("class", "类别"),
        "gte": Label("at least", "不低于"), "lte": Label("at most", "不高于"),
        // message
        "messages": Label("message", "消息"), "texts": Label("text", "文案"), "title": Label("title", "标题"), "body": Label("body", "正文"),
        "channel": Label("channel", "渠道"), "language": Label("language", "语言"),
    ]

    /// Values that are words of the rules.
    static let words: [String: Label] = [
        "fewest_pending": Label("by fewest pending", "待跟进最少"), "round_robin": Label("by turns", "轮询"),
        "top_n_by_close_rate": Label("by past deals", "成交率前几名"), "dedicated": Label("by name", "专属"),
        "group_first": Label("from the team first", "团队优先"), "everyone": Label("everyone", "全体"), "newcomers": Label("the newcomers", "新人"),
        "marketing": Label("marketing", "市场部"), "true": Label("yes", "是"), "false": Label("no", "否"), "owner": Label("owner", "负责人"),
        "manager": Label("manager", "主管"), "sales_director": Label("sales director", "销售总监"), "in_app": Label("in-app", "站内"),
        "work_app": Label("work app", "企业应用"), "sms": Label("SMS", "短信"), "mail": Label("mail", "邮件"),
    ]
}
