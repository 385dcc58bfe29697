/// An e-mail address in form.
public struct EmailAddress: Sendable, Hashable, CustomStringConvertible {
    public let local: String
    public let domain: String

    public var description: String { "\(local)@\(domain)" }

    /// Nil when it can't be an address.
    public init?(_ text: String) {
        let folded = String(Folding.folded(text)).split(separator: " ").joined()
        let parts = folded.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= 64, parts[1].utf8.count <= 253 else { return nil }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy({ !$0.isEmpty }) else { return nil }
        domain = parts[1] == "googlemail.com" ? "gmail.com" : String(parts[1])
        // Only where the provider is known to pass over them.
        var name = String(parts[0])
        if domain == "gmail.com" { name = String(name.prefix { $0 != "+" }).filter { $0 != "." } }
        guard !name.isEmpty else { return nil }
        local = name
    }

    /// Of a provider whose customers have nothing to do with one another.
    public var isPublic: Bool { Self.publicDomains.contains(domain) }

    /// 1 the same; 0.8 one slip apart; 0.5 another mailbox of the same company; else 0.
    func likeness(to other: EmailAddress) -> Double {
        if self == other { return 1 }
        if Slips.areOneApart(Array(description.utf8), Array(other.description.utf8)), local.utf8.count > 4 { return 0.8 }
        return domain == other.domain && !isPublic ? 0.5 : 0
    }

    private static let publicDomains: Set<String> = [
        "qq.com", "vip.qq.com", "foxmail.com", "163.com", "vip.163.com", "126.com", "yeah.net", "139.com", "189.cn", "wo.cn", "sina.com",
        "sina.cn", "vip.sina.com", "sohu.com", "tom.com", "21cn.com", "aliyun.com", "gmail.com", "hotmail.com", "outlook.com", "live.com",
        "msn.com", "yahoo.com", "yahoo.cn", "yahoo.com.cn", "icloud.com", "me.com", "protonmail.com", "proton.me", "aol.com", "gmx.com",
        "gmx.de", "mail.com", "mail.ru", "yandex.ru", "naver.com",
    ]
}
