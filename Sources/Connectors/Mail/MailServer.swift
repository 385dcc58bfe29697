import CCurl
import Foundation
import Messages
import NIOPosix

/// A mail server at the address that was looked up and allowed, talked to by libcurl on a thread that may wait.
struct MailServer: Sendable {
    /// What curl said, 0 when all went well; the server's last code, 0 when there was none; and curl's words.
    typealias Outcome = (code: Int, answer: Int, words: String)

    /// Curl's code for a login that was refused (CURLE_LOGIN_DENIED).
    static let loginDenied = 67

    private let url: String
    private let resolve: String
    private let user: String?
    private let password: String?
    private let isSTARTTLS: Bool
    private let timeout: Duration

    /// The server an account names, once its address is known to be one that may be talked to.
    static func of(_ account: ConnectorAccount, through web: Web, timeout: Duration) async -> Result<MailServer, DeliveryFailure> {
        let settings = account.settings
        let isTLS = settings.security == "tls"
        let (host, port) = (settings.host ?? "", settings.port ?? (isTLS ? 465 : 587))
        return await web.resolver.address(of: host, port: port, web.policy).map { address in
            MailServer(
                url: "\(isTLS ? "smtps" : "smtp")://\(host):\(port)", resolve: "\(host):\(port):\(address)", user: account.secrets["user"],
                password: account.secrets["password"], isSTARTTLS: settings.security == "starttls", timeout: timeout)
        }
    }

    /// Hands a mail over; nil when the process is stopping.
    func take(_ text: [UInt8], from: String, to recipients: [String]) async -> Outcome? {
        try? await NIOThreadPool.singleton.runIfActive { talk(text, from: from, to: recipients) }
    }

    /// Greets, logs in where there is a user, and leaves; nil when the process is stopping.
    func greet() async -> Outcome? {
        try? await NIOThreadPool.singleton.runIfActive { talk(nil, from: nil, to: []) }
    }

    /// Blocks.
    private func talk(_ text: [UInt8]?, from: String?, to recipients: [String]) -> Outcome {
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
        // One byte more, so that an empty text is not taken for none.
        let code = ((text ?? []) + [0]).withUnsafeBytes { bytes in
            addresses.withUnsafeBufferPointer { list in
                var mail = ccurl_mail(
                    url: copy(url), resolve: copy(resolve), from: from.flatMap { copy("<\($0)>") }, recipients: list.baseAddress,
                    recipient_count: list.count, user: user.flatMap(copy), password: copy(password ?? ""), starttls: isSTARTTLS ? 1 : 0,
                    timeout_ms: Int(timeout.components.seconds * 1_000),
                    text: text == nil ? nil : bytes.baseAddress?.assumingMemoryBound(to: CChar.self), length: bytes.count - 1)
                return ccurl_talk(&mail, &answer, &error)
            }
        }
        return (Int(code), answer, String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
