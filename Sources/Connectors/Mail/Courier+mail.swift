import CCurl
import Foundation
import Messages
import NIOPosix

extension Courier {
    /// By libcurl, on a thread that may wait.
    func mail(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let settings = account.settings
        let isTLS = settings.security == "tls"
        let (host, port) = (settings.host ?? "", settings.port ?? (isTLS ? 465 : 587))
        let from = settings.from ?? ""
        let recipients = notice.recipients.filter(MailMessage.isAddress)
        guard MailMessage.isAddress(from), !recipients.isEmpty else {
            return .failed(DeliveryFailure(.target, code: "no_address", message: "there is no address to send from or to"))
        }
        let address: String
        switch await web.resolver.address(of: host, port: port, web.policy) {
        case .success(let found): address = found
        case .failure(let failure): return .failed(failure)
        }
        var addressed = notice
        addressed.recipients = recipients
        let mail = Mail(
            url: "\(isTLS ? "smtps" : "smtp")://\(host):\(port)", resolve: "\(host):\(port):\(address)", from: from, recipients: recipients,
            user: account.secrets["user"], password: account.secrets["password"], isSTARTTLS: settings.security == "starttls",
            text: MailMessage(from: from, notice: addressed).text(at: now), timeout: timeout)
        let outcome = try? await NIOThreadPool.singleton.runIfActive { mail.send() }
        guard let outcome else { return .failed(DeliveryFailure(.transient, code: "stopping", message: "the process is stopping")) }
        return MailMessage.result(code: outcome.answer, outcome.message, at: now)
    }
}

/// One mail on its way to libcurl.
private struct Mail: Sendable {
    let url: String
    let resolve: String
    let from: String
    let recipients: [String]
    let user: String?
    let password: String?
    let isSTARTTLS: Bool
    let text: [UInt8]
    let timeout: Duration

    /// Blocks. The answer is the server's last code; 250 when the mail was taken, 0 when there was none.
    func send() -> (answer: Int, message: String) {
        var strings: [UnsafeMutablePointer<CChar>] = []
        func copy(_ text: String) -> UnsafePointer<CChar>? {
            guard let copy = strdup(text) else { return nil }
            strings.append(copy)
            return UnsafePointer(copy)
        }
        defer { for string in strings { free(string) } }
        let addresses = recipients.map { copy("<\($0)>") }
        var answer = 0
        var error = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let code = text.withUnsafeBytes { bytes in
            addresses.withUnsafeBufferPointer { list in
                var mail = ccurl_mail(
                    url: copy(url), resolve: copy(resolve), from: copy("<\(from)>"), recipients: list.baseAddress,
                    recipient_count: list.count,
                    user: user.flatMap(copy), password: copy(password ?? ""), starttls: isSTARTTLS ? 1 : 0,
                    timeout_ms: Int(timeout.components.seconds * 1_000),
                    text: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), length: bytes.count)
                return ccurl_send(&mail, &answer, &error)
            }
        }
        if code == 0 { return (250, "") }
        let words = String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // A login that is refused is told by curl's own code (67) with the server's 5xx.
        if code == 67 { return (535, words) }
        return (answer >= 400 ? answer : 0, words)
    }
}
