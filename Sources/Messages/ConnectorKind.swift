/// A kind of outside system that takes messages.
public enum ConnectorKind: String, Sendable, Hashable, CaseIterable {
    /// A DingTalk group robot (custom robot).
    case dingtalkRobot = "dingtalk_robot"
    /// A to-do in somebody's DingTalk, by an app of the organisation.
    case dingtalkTodo = "dingtalk_todo"
    /// A WeCom group robot.
    case wecomRobot = "wecom_robot"
    /// A message to one person in WeCom, by an app of the organisation.
    case wecomApp = "wecom_app"
    /// A Feishu (or Lark) custom bot.
    case feishuBot = "feishu_bot"
    /// A message to one person in Feishu, by an app of the organisation.
    case feishuApp = "feishu_app"
    /// A gateway for short messages, asked over HTTP.
    case smsGateway = "sms_http"
    case mail = "smtp"
    /// A tenant's own address, told of events.
    case webhook
}

extension ConnectorKind {
    /// Whether it speaks to one person; the others speak to a group.
    public var isPersonal: Bool {
        switch self {
        case .dingtalkTodo, .wecomApp, .feishuApp, .smsGateway, .mail: true
        case .dingtalkRobot, .wecomRobot, .feishuBot, .webhook: false
        }
    }

    /// The most bytes that may be said at once, as UTF-8.
    ///
    /// WeCom: Markdown of 4,096, of an app 2,048. Feishu: a body of 20 KB, with room for what stands around the text. DingTalk's robot names no limit; its
    /// other interfaces refuse more than 5,000 characters. Short messages: ten parts of 67 characters of three bytes.
    public var longestText: Int {
        switch self {
        case .dingtalkRobot: 5_000
        case .dingtalkTodo: 4_096
        case .wecomRobot: 4_000
        case .wecomApp: 2_048
        case .feishuBot, .feishuApp: 15_000
        case .smsGateway: 2_000
        case .mail: 100_000
        case .webhook: 20_000
        }
    }

    /// What it takes without punishing, a little below what the vendor allows: 20 a minute for the robots of DingTalk and WeCom, whose
    /// excess silences them for ten minutes and one; 100 a minute and 5 a second for Feishu's bots.
    public var budget: Budget {
        switch self {
        case .dingtalkRobot, .wecomRobot: Budget(perMinute: 12, reserved: 6)
        case .feishuBot: Budget(perMinute: 84, reserved: 6, perSecond: 4)
        case .dingtalkTodo: Budget(perMinute: 294, reserved: 6, perSecond: 10)
        case .wecomApp: Budget(perMinute: 594, reserved: 6)
        case .feishuApp: Budget(perMinute: 894, reserved: 6, perSecond: 40)
        case .smsGateway, .mail, .webhook: Budget(perMinute: 294, reserved: 6)
        }
    }

    /// What one person is sent by it at most; nil: no such limit. WeCom drops without a word what a member gets beyond 30 a minute and 1,000 an
    /// hour: 16 a minute are 960 an hour. Feishu takes five a second for one person.
    public var personalBudget: Budget? {
        switch self {
        case .wecomApp: Budget(perMinute: 10, reserved: 6)
        case .feishuApp: Budget(perMinute: 234, reserved: 6, perSecond: 4)
        case .dingtalkRobot, .dingtalkTodo, .wecomRobot, .feishuBot, .smsGateway, .mail, .webhook: nil
        }
    }

    /// The names of what must be kept secret, and whether it has to be given.
    public var secrets: [(name: String, isRequired: Bool)] {
        switch self {
        case .dingtalkRobot: [("access_token", true), ("secret", false)]
        case .dingtalkTodo: [("app_key", true), ("app_secret", true)]
        case .wecomRobot: [("key", true)]
        case .wecomApp: [("corp_id", true), ("corp_secret", true)]
        case .feishuApp: [("app_id", true), ("app_secret", true)]
        case .feishuBot: [("hook_id", true), ("secret", false)]
        case .smsGateway: [("authorization", false)]
        case .mail: [("user", false), ("password", false)]
        case .webhook: [("secret", true), ("previous_secret", false)]
        }
    }

    /// Where the vendor is; nil: the tenant says where.
    public var usualURL: String? {
        switch self {
        case .dingtalkRobot: "https://oapi.dingtalk.com"
        case .dingtalkTodo: "https://api.dingtalk.com"
        case .wecomRobot, .wecomApp: "https://qyapi.weixin.qq.com"
        case .feishuBot, .feishuApp: "https://open.feishu.cn"
        case .smsGateway, .mail, .webhook: nil
        }
    }
}
