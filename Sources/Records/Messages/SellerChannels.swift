import Foundation
import Messages
import PostgresClient
import Rules

/// Where a seller can be reached, as `PUT /v1/sellers` was told:
/// `{"sms":"13800138000","mail":"chen@example.com","dingtalk":"chen","dingtalk_mobile":"…","dingtalk_union_id":"…","wecom":"ChenWei",
/// "feishu":"ou_…","opt_out":["sms"]}`. What is none of these is left alone.
struct SellerChannels {
    private let values: [String: String]
    private let optOut: Set<String>

    init(_ json: JSONBytes?) {
        let object = json.flatMap { try? JSONSerialization.jsonObject(with: Data($0.bytes)) as? [String: Any] } ?? [:]
        values = object.compactMapValues { $0 as? String }
        optOut = Set(object["opt_out"] as? [String] ?? [])
    }

    func hasOptedOut(of channel: String) -> Bool { optOut.contains(channel) }

    /// Where one person is reached by a connector of this kind; nil when they left no address.
    func address(on kind: ConnectorKind) -> String? {
        switch kind {
        case .smsGateway: usable("sms")
        case .mail: usable("mail").flatMap { MailMessage.isAddress($0) ? $0 : nil }
        case .dingtalkTodo: usable("dingtalk_union_id")
        case .wecomApp: usable("wecom")
        case .feishuApp: usable("feishu")
        case .dingtalkRobot, .wecomRobot, .feishuBot, .webhook: nil
        }
    }

    /// Whom a group's robot calls.
    func called(by kind: ConnectorKind) -> [String] {
        switch kind {
        case .dingtalkRobot: [usable("dingtalk") ?? usable("dingtalk_mobile")].compactMap(\.self)
        case .wecomRobot: [usable("wecom")].compactMap(\.self)
        case .feishuBot: [usable("feishu")].compactMap(\.self)
        case .dingtalkTodo, .wecomApp, .feishuApp, .smsGateway, .mail, .webhook: []
        }
    }

    private func usable(_ name: String) -> String? {
        values[name].flatMap { $0.isEmpty || $0.utf8.count > 200 || $0.contains(where: { $0.isWhitespace || $0 == "," }) ? nil : $0 }
    }
}

extension Channel {
    /// Kinds of connectors that serve it, and those that stand in when none of these takes it.
    var kinds: (own: Set<ConnectorKind>, otherwise: Set<ConnectorKind>) {
        switch self {
        case .inApp: ([], [])
        case .workApp: ([.dingtalkTodo, .dingtalkRobot, .wecomApp, .wecomRobot, .feishuApp, .feishuBot], [.smsGateway])
        case .sms: ([.smsGateway], [])
        case .mail: ([.mail], [])
        }
    }
}
