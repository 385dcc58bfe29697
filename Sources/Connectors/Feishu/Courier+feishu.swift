import Foundation
import Messages

extension Courier {
    func feishuBot(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let bot = FeishuBot(url: account.url, hook: account.secrets["hook_id"] ?? "", secret: account.secrets["secret"])
        return await ask(bot.question(notice, at: now)) { FeishuBot.result($0, at: now) }
    }

    /// One request for each person; those who were told before are recognised by their ids.
    func feishuApp(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let app = FeishuApp(account)
        let shelf = TokenShelf.Key(url: app.url, app: app.app, secret: app.secret)
        var last = DeliveryResult.failed(DeliveryFailure(.target, code: "no_member", message: "there is nobody to send to"))
        for (place, recipient) in notice.recipients.enumerated() {
            var one = notice
            one.recipients = [recipient]
            if place > 0 { one.id += "-\(place + 1)" }
            let said = one
            last = await letIn(shelf, app.tokenQuestion, FeishuApp.token, now) { token in
                await ask(app.question(said, token: token)) { FeishuApp.result($0, at: now) }
            }
            guard case .delivered = last else { return last }
        }
        return last
    }
}
