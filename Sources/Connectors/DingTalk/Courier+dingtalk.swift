import Foundation
import Messages

extension Courier {
    func dingtalkRobot(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let robot = DingTalkRobot(url: account.url, token: account.secrets["access_token"] ?? "", secret: account.secrets["secret"])
        return await ask(robot.question(notice, at: now)) { DingTalkRobot.result($0, at: now) }
    }

    /// A to-do needs a token. One that has become stale is fetched anew, once; then the credentials are to blame.
    func dingtalkTodo(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let todo = DingTalkTodo(
            url: account.url, key: account.secrets["app_key"] ?? "", secret: account.secrets["app_secret"] ?? "",
            creator: account.settings.creator ?? "")
        var stale: AccessToken?
        for _ in 0..<2 {
            let token: AccessToken
            switch await tokens.token(for: todo.shelf, not: stale, at: now, fetch: { await self.token(of: todo, now) }) {
            case .success(let fetched): token = fetched
            case .failure(let failure): return .failed(failure)
            }
            let result = await ask(todo.question(notice, token: token.text)) { DingTalkTodo.result($0, at: now) }
            guard case .failed(let failure) = result, failure.failureClass == .auth else { return result }
            stale = token
        }
        return .failed(DeliveryFailure(.config, code: "token", message: "DingTalk refuses a token it has just given"))
    }

    private func token(of todo: DingTalkTodo, _ now: Date) async -> Result<AccessToken, DeliveryFailure> {
        switch await web.ask(todo.tokenQuestion, timeout: timeout) {
        case .success(let answer): DingTalkTodo.token(answer, at: now)
        case .failure(let failure): .failure(failure)
        }
    }
}

extension DingTalkTodo {
    fileprivate var shelf: TokenShelf.Key { TokenShelf.Key(url: url, app: key, secret: secret) }
}
