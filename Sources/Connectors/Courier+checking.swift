import CCurl
import Foundation
import Messages
import NIOPosix

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
        case .failure(let failure) where failure.code == "address_refused" || failure.code == "no_host":
            return [ConnectorFinding(.address, false, "\(failure.message.capitalizedFirst).")]
        case .failure(let failure):
            return [
                ConnectorFinding(.address, true, "The address may be talked to."),
                ConnectorFinding(.reach, false, "Nobody answers there: \(failure.message)."),
            ]
        case .success(let answer):
            let isGood = answer.status < 500
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

    /// Greets the mail server, logs in where it has a user, and leaves.
    private func checkMail(_ account: ConnectorAccount) async -> [ConnectorFinding] {
        let (settings, isTLS) = (account.settings, account.settings.security == "tls")
        let (host, port) = (settings.host ?? "", settings.port ?? (isTLS ? 465 : 587))
        let address: String
        switch await web.resolver.address(of: host, port: port, web.policy) {
        case .success(let found): address = found
        case .failure(let failure): return [ConnectorFinding(.address, false, "\(failure.message.capitalizedFirst).")]
        }
        let known = ConnectorFinding(.address, true, "The address may be talked to.")
        let visit = MailVisit(
            url: "\(isTLS ? "smtps" : "smtp")://\(host):\(port)", resolve: "\(host):\(port):\(address)", user: account.secrets["user"],
            password: account.secrets["password"], isSTARTTLS: settings.security == "starttls", timeout: timeout)
        guard let outcome = try? await NIOThreadPool.singleton.runIfActive({ visit.make() }) else {
            return [known, ConnectorFinding(.reach, nil, "This process is stopping.")]
        }
        let hasUser = account.secrets["user"] != nil
        switch outcome.code {
        case 0:
            return [
                known, ConnectorFinding(.reach, true, "The mail server answers."),
                hasUser
                    ? ConnectorFinding(.login, true, "It takes the user and password.")
                    : ConnectorFinding(.login, nil, "It has no user; whether it takes mail without one is told only by a mail."),
            ]
        // CURLE_LOGIN_DENIED
        case 67:
            return [
                known, ConnectorFinding(.reach, true, "The mail server answers."),
                ConnectorFinding(.login, false, "It refuses the user or the password: \(outcome.words)."),
            ]
        default: return [known, ConnectorFinding(.reach, false, "The mail server cannot be talked to: \(outcome.words).")]
        }
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

/// A visit to a mail server without a mail.
private struct MailVisit: Sendable {
    let url: String
    let resolve: String
    let user: String?
    let password: String?
    let isSTARTTLS: Bool
    let timeout: Duration

    /// Blocks. Curl's own code, 0 when everything went well.
    func make() -> (code: Int, words: String) {
        var strings: [UnsafeMutablePointer<CChar>] = []
        func copy(_ text: String) -> UnsafePointer<CChar>? {
            guard let copy = strdup(text) else { return nil }
            strings.append(copy)
            return UnsafePointer(copy)
        }
        defer { for string in strings { free(string) } }
        var mail = ccurl_mail(
            url: copy(url), resolve: copy(resolve), from: nil, recipients: nil, recipient_count: 0, user: user.flatMap(copy),
            password: copy(password ?? ""), starttls: isSTARTTLS ? 1 : 0, timeout_ms: Int(timeout.components.seconds * 1_000), text: nil,
            length: 0)
        var error = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let code = ccurl_visit(&mail, &error)
        return (Int(code), String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
