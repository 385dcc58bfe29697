import Foundation
import Messages

extension Courier {
    func wecomRobot(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let robot = WeComRobot(url: account.url, key: account.secrets["key"] ?? "")
        return await ask(robot.question(notice)) { WeComRobot.result($0, at: now) }
    }

    func wecomApp(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        guard !notice.recipients.isEmpty else {
            return .failed(DeliveryFailure(.target, code: "no_member", message: "there is nobody to send to"))
        }
        let app = WeComApp(account)
        let shelf = TokenShelf.Key(url: app.url, app: app.corporation, secret: app.secret)
        return await letIn(shelf, app.tokenQuestion, WeComApp.token, now) { token in
            await ask(app.question(notice, token: token)) { WeComApp.result($0, at: now).reaching(notice.recipients) }
        }
    }
}
