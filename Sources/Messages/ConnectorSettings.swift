import Foundation

/// What a tenant says of a connector and anybody may read.
public struct ConnectorSettings: Sendable, Hashable, Codable {
    /// Where it is, where that is not the vendor's usual place.
    public var url: String?
    /// The language it is spoken to in: `zh` or `en`.
    public var language: String?
    /// For notices to a role, and for people who left no address: addresses on the channel.
    public var to: [String]?
    /// Requests a minute at most, where less is allowed than usual.
    public var perMinute: Int?

    /// DingTalk's to-dos: the union id under which they are made.
    public var creator: String?

    /// WeCom's messages to people: the number of the app they come from.
    public var agent: Int?

    /// A gateway's names for the number, the text and our id, and what it answers when a message is taken.
    public var numberField: String?
    public var textField: String?
    public var idField: String?
    public var successField: String?
    public var successValue: String?

    /// The mail server.
    public var host: String?
    public var port: Int?
    /// `tls`, `starttls` or `none`.
    public var security: String?
    public var from: String?

    /// A webhook's events: types, or areas such as `lead`; nil: all.
    public var events: [String]?

    enum CodingKeys: String, CodingKey {
        case url, language, to, creator, host, port, security, from, events
        case agent = "agent_id"
        case perMinute = "per_minute"
        case numberField = "number_field"
        case textField = "text_field"
        case idField = "id_field"
        case successField = "success_field"
        case successValue = "success_value"
    }

    public init() {}
}

/// A connector with everything needed to speak to it.
public struct ConnectorAccount: Sendable {
    public let name: String
    public let kind: ConnectorKind
    public let settings: ConnectorSettings
    /// By name. Never logged, never shown.
    public let secrets: [String: String]

    public init(name: String, kind: ConnectorKind, settings: ConnectorSettings, secrets: [String: String]) {
        self.name = name
        self.kind = kind
        self.settings = settings
        self.secrets = secrets
    }

    /// Where it is.
    public var url: String { settings.url ?? kind.usualURL ?? "" }
}

extension ConnectorAccount: CustomStringConvertible, CustomReflectable {
    public var description: String { "\(kind.rawValue) \(name)" }
    public var customMirror: Mirror { Mirror(self, children: ["name": name, "kind": kind.rawValue]) }
}

extension ConnectorKind {
    /// Whose breaker a connector passes: the vendor's; where there is no one vendor, the place's. At most a hundred letters, digits, `.`, `_`, `-`.
    public func dependency(_ settings: ConnectorSettings) -> String {
        guard let place = (self == .mail ? settings.host.map { "\($0):\(settings.port ?? 0)" } : settings.url) else { return rawValue }
        let authority = place.split(separator: "//").last?.split(separator: "/").first.map(String.init) ?? place
        let name = authority.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") ? $0 : "_" }
        return "\(rawValue).\(String(name.prefix(70)))"
    }

    /// The allowance, with what the tenant asks for: never more than usual.
    public func budget(_ settings: ConnectorSettings) -> Budget {
        guard let most = settings.perMinute, most < budget.perMinute + budget.reserved else { return budget }
        let reserved = min(budget.reserved, max(1, most / 3))
        return Budget(perMinute: max(0, most - reserved), reserved: reserved, perSecond: budget.perSecond)
    }
}
