import Foundation

/// A mail as it is handed to a mail server: RFC 5322, its text in UTF-8 and Base64.
public struct MailMessage: Sendable, Hashable {
    public var from: String
    public var notice: Notice

    public init(from: String, notice: Notice) {
        self.from = from
        self.notice = notice
    }

    /// The text with headers, lines ended by CR and LF. `Message-ID` is the notice's id, the same on every try.
    public func text(at now: Date) -> [UInt8] {
        let domain = from.split(separator: "@").last.map(String.init) ?? "localhost"
        let body = Signing.base64(Array(notice.lines.joined(separator: "\r\n").utf8))
        let lines = [
            "Date: \(DateFormatter.english("EEE, dd MMM yyyy HH:mm:ss +0000").string(from: now))", "From: <\(from)>",
            "To: \(notice.recipients.map { "<\($0)>" }.joined(separator: ", "))",
            "Subject: \(Self.encoded(Markup.cut(Markup.line(notice.isCard ? notice.title : notice.lines.first ?? notice.title), bytes: 200)))",
            "Message-ID: <\(notice.id)@\(domain)>", "MIME-Version: 1.0", "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "",
        ]
        return Array((lines + Self.folded(body) + [""]).joined(separator: "\r\n").utf8)
    }

    /// RFC 2047: words of at most 75 characters, each whole characters.
    private static func encoded(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 128 }) else { return text }
        var (words, word) = ([String](), "")
        for character in text {
            if word.utf8.count + character.utf8.count > 42 {
                words.append(word)
                word = ""
            }
            word.append(character)
        }
        return (words + [word]).map { "=?utf-8?B?\(Signing.base64(Array($0.utf8)))?=" }.joined(separator: "\r\n ")
    }

    private static func folded(_ text: String) -> [String] {
        var (rest, lines) = (Substring(text), [String]())
        while !rest.isEmpty {
            lines.append(String(rest.prefix(76)))
            rest = rest.dropFirst(76)
        }
        return lines
    }

    /// Whether a text can be an address without changing what stands around it.
    public static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && text.utf8.count <= 254 && parts.allSatisfy { !$0.isEmpty }
            && text.utf8.allSatisfy { (33...126).contains($0) && !"<>,;:\"()[]\\".utf8.contains($0) }
    }

    /// What a mail server's last code says (RFC 5321): 2 taken, 4 later, 5 never.
    /// - Parameter code: 0 when there was no answer.
    public static func result(code: Int, _ message: String, at now: Date) -> DeliveryResult {
        switch code {
        case 200...299: .delivered(reference: nil)
        case 421, 450, 451: .failed(.transient, "smtp_\(code)", message)
        case 452: .failed(.throttled, "smtp_452", message, until: now.addingTimeInterval(300))
        case 400...499: .failed(.transient, "smtp_\(code)", message)
        case 530, 534, 535, 538: .failed(.config, "smtp_\(code)", message)
        case 550, 551, 553: .failed(.target, "smtp_\(code)", message)
        case 500...599: .failed(.content, "smtp_\(code)", message)
        default: .failed(.transient, "smtp_none", message)
        }
    }
}
