import Foundation
import Messages

extension Courier {
    func mail(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let from = account.settings.from ?? ""
        var addressed = notice
        addressed.recipients.removeAll { !MailMessage.isAddress($0) }
        guard MailMessage.isAddress(from), !addressed.recipients.isEmpty else {
            return .failed(DeliveryFailure(.target, code: "no_address", message: "there is no address to send from or to"))
        }
        let server: MailServer
        switch await MailServer.of(account, through: web, timeout: timeout) {
        case .success(let found): server = found
        case .failure(let failure): return .failed(failure)
        }
        let text = MailMessage(from: from, notice: addressed).text(at: now)
        guard let outcome = await server.take(text, from: from, to: addressed.recipients) else {
            return .failed(DeliveryFailure(.transient, code: "stopping", message: "the process is stopping"))
        }
        let code =
            switch outcome.code {
            case 0: 250
            case MailServer.loginDenied: 535
            default: outcome.answer >= 400 ? outcome.answer : 0
            }
        return MailMessage.result(code: code, outcome.code == 0 ? "" : outcome.words, at: now)
    }

    /// Greets the mail server, logs in where it has a user, and leaves.
    func checkMail(_ account: ConnectorAccount) async -> [ConnectorFinding] {
        let server: MailServer
        switch await MailServer.of(account, through: web, timeout: timeout) {
        case .success(let found): server = found
        case .failure(let failure): return [ConnectorFinding(.address, false, "\(failure.message.capitalizedFirst).")]
        }
        let known = ConnectorFinding(.address, true, "The address may be talked to.")
        guard let outcome = await server.greet() else { return [known, ConnectorFinding(.reach, nil, "This process is stopping.")] }
        switch outcome.code {
        case 0:
            return [
                known, ConnectorFinding(.reach, true, "The mail server answers."),
                account.secrets["user"] != nil
                    ? ConnectorFinding(.login, true, "It takes the user and password.")
                    : ConnectorFinding(.login, nil, "It has no user; whether it takes mail without one is told only by a mail."),
            ]
        case MailServer.loginDenied:
            return [
                known, ConnectorFinding(.reach, true, "The mail server answers."),
                ConnectorFinding(.login, false, "It refuses the user or the password: \(outcome.words)."),
            ]
        default: return [known, ConnectorFinding(.reach, false, "The mail server cannot be talked to: \(outcome.words).")]
        }
    }
}
