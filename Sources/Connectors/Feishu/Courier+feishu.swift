import Foundation
import Messages

extension Courier {
    func feishuBot(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let bot = FeishuBot(url: account.url, hook: account.secrets["hook_id"] ?? "", secret: account.secrets["secret"])
        return await ask(bot.question(notice, at: now)) { FeishuBot.result($0, at: now) }
    }

    /// One request for each person.
    func feishuApp(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let app = FeishuApp(account)
        let shelf = TokenShelf.Key(url: app.url, app: app.app, secret: app.secret)
        let nobody = DeliveryFailure(.target, code: "no_member", message: "there is nobody to send to")
        return await eachRecipient(of: notice, or: nobody) { one in
            await letIn(shelf, app.tokenQuestion, FeishuApp.token, now) { token in
                await ask(app.question(one, token: token)) { FeishuApp.result($0, at: now) }
            }
        }
    }
}
