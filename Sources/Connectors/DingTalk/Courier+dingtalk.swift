import Foundation
import Messages

extension Courier {
    func dingtalkRobot(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let robot = DingTalkRobot(url: account.url, token: account.secrets["access_token"] ?? "", secret: account.secrets["secret"])
        return await ask(robot.question(notice, at: now)) { DingTalkRobot.result($0, at: now) }
    }

    func dingtalkTodo(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let todo = DingTalkTodo(account)
        let shelf = TokenShelf.Key(url: todo.url, app: todo.key, secret: todo.secret)
        return await letIn(shelf, todo.tokenQuestion, DingTalkTodo.token, now) { token in
            await ask(todo.question(notice, token: token)) { DingTalkTodo.result($0, at: now) }
        }
    }
}
