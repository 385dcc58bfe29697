import Foundation
import Messages

/// One thing looked at when a connector is checked.
public struct ConnectorFinding: Sendable, Hashable {
    public enum Subject: String, Sendable, Hashable {
        /// Whether its secrets can be opened.
        case secrets
        /// Whether its address may be talked to, and is known.
        case address
        /// Whether anybody answers there.
        case reach
        /// Whether it is let in.
        case login
        /// What came of the last message that was sent by it.
        case lately
    }

    public let subject: Subject
    /// Nil: nobody can tell without sending people a message.
    public let isGood: Bool?
    /// For people. Holds no secret.
    public let words: String

    public init(_ subject: Subject, _ isGood: Bool?, _ words: String) {
        self.subject = subject
        self.isGood = isGood
        self.words = words
    }
}

extension Courier {
    /// Looks at a connector without sending a message to anybody: its address, whether somebody answers there, and where the vendor lets
    /// that be asked whether it is let in.
    public func check(_ account: ConnectorAccount, at now: Date = Date()) async -> [ConnectorFinding] {
        switch account.kind {
        case .mail: await checkMail(account)
        case .dingtalkTodo:
            await reached(account) {
                let todo = DingTalkTodo(account)
                return await self.login("DingTalk", "app key and secret") { await self.token(todo.tokenQuestion, DingTalkTodo.token, now) }
            }
        case .wecomApp:
            await reached(account) {
                let app = WeComApp(account)
                return await self.login("WeCom", "corp id and secret") { await self.token(app.tokenQuestion, WeComApp.token, now) }
            }
        case .feishuApp:
            await reached(account) {
                let app = FeishuApp(account)
                return await self.login("Feishu", "app id and secret") { await self.token(app.tokenQuestion, FeishuApp.token, now) }
            }
        case .dingtalkRobot, .wecomRobot, .feishuBot:
            await reached(account) {
                ConnectorFinding(.login, nil, "This vendor tells only by a message whether the robot's key and signature are right.")
            }
        case .smsGateway, .webhook:
            await reached(account) { ConnectorFinding(.login, nil, "Whether it takes what it is sent is told only by a message.") }
        }
    }

    /// Address and reach, and then what can be known of the login.
    private func reached(_ account: ConnectorAccount, _ login: () async -> ConnectorFinding) async -> [ConnectorFinding] {
        // Asks for nothing: no gateway and no receiver takes this for a message.
        let question = HTTPQuestion("OPTIONS", account.url, headers: ["webhook-request-origin": "kiteline"])
        switch await web.ask(question, timeout: timeout) {
        case .failure(let failure) where failure.code == "address_refused":
            return [ConnectorFinding(.address, false, "\(failure.message.capitalizedFirst).")]
        case .failure(let failure) where failure.code == "no_host":
            let advice = "Is it written right, and does this machine reach the network and its name server?"
            return [ConnectorFinding(.address, false, "\(failure.message.capitalizedFirst). \(advice)")]
        case .failure(let failure):
            return [
                ConnectorFinding(.address, true, "The address may be talked to."),
                ConnectorFinding(.reach, false, "Nobody answers there: \(failure.message)."),
            ]
        case .success(let answer):
            // Not to know OPTIONS is no trouble: messages come by POST.
            let isGood = answer.status < 500 || answer.status == 501
            let reach = ConnectorFinding(
                .reach, isGood, isGood ? "Somebody answers there." : "The other side is in trouble (HTTP \(answer.status)).")
            return [ConnectorFinding(.address, true, "The address may be talked to."), reach] + (isGood ? [await login()] : [])
        }
    }

    private func login(
        _ vendor: String, _ credentials: String, _ ask: () async -> Result<AccessToken, DeliveryFailure>
    ) async -> ConnectorFinding {
        switch await ask() {
        case .success: ConnectorFinding(.login, true, "\(vendor) takes the \(credentials).")
        case .failure(let failure) where failure.failureClass == .config:
            ConnectorFinding(.login, false, "\(vendor) refuses the \(credentials) (\(failure.code)): \(failure.message).")
        case .failure(let failure): ConnectorFinding(.login, false, "\(vendor) gave no token (\(failure.code)): \(failure.message).")
        }
    }
}

extension String {
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
