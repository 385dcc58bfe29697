import Foundation
import Messages

extension Courier {
    func wecomRobot(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let robot = WeComRobot(url: account.url, key: account.secrets["key"] ?? "")
        return await ask(robot.question(notice)) { WeComRobot.result($0, at: now) }
    }
}
