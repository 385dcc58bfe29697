import Foundation
import Messages

extension Courier {
    func feishuBot(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let bot = FeishuBot(url: account.url, hook: account.secrets["hook_id"] ?? "", secret: account.secrets["secret"])
        return await ask(bot.question(notice, at: now)) { FeishuBot.result($0, at: now) }
    }
}
