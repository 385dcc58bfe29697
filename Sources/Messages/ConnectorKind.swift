/// A kind of outside system that takes messages.
public enum ConnectorKind: String, Sendable, Hashable, CaseIterable {
    /// A DingTalk group robot (custom robot).
    case dingtalkRobot = "dingtalk_robot"
    /// A to-do in somebody's DingTalk, by an app of the organisation.
    case dingtalkTodo = "dingtalk_todo"
    /// A WeCom group robot.
    case wecomRobot = "wecom_robot"
    /// A Feishu (or Lark) custom bot.
    case feishuBot = "feishu_bot"
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
        case .dingtalkTodo, .smsGateway, .mail: true
        case .dingtalkRobot, .wecomRobot, .feishuBot, .webhook: false
        }
    }

    /// The most bytes that may be said at once, as UTF-8.
    ///
    /// WeCom: Markdown of 4,096. Feishu: a body of 20 KB, with room for what stands around the text. DingTalk's robot names no limit; its
    /// other interfaces refuse more than 5,000 characters. Short messages: ten parts of 67 characters of three bytes.
    public var longestText: Int {
        switch self {
        case .dingtalkRobot: 5_000
        case .dingtalkTodo: 4_096
        case .wecomRobot: 4_000
        case .feishuBot: 15_000
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
        case .smsGateway, .mail, .webhook: Budget(perMinute: 294, reserved: 6)
        }
    }

    /// The names of what must be kept secret, and whether it has to be given.
    public var secrets: [(name: String, isRequired: Bool)] {
        switch self {
        case .dingtalkRobot: [("access_token", true), ("secret", false)]
        case .dingtalkTodo: [("app_key", true), ("app_secret", true)]
        case .wecomRobot: [("key", true)]
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
        case .wecomRobot: "https://qyapi.weixin.qq.com"
        case .feishuBot: "https://open.feishu.cn"
        case .smsGateway, .mail, .webhook: nil
        }
    }
}
