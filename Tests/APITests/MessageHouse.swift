import Connectors
import FakeVendors
import Foundation
import JobKinds
import Jobs
import LocalVendors
import Maintenance
import Messages
import PostgresClient
import Records
import Rules
import SalesModel
import Tenancy
import Testing

/// A sales house with the vendors' fakes around it, all real but for who they are.
struct MessageHouse: Sendable {
    static let box = SecretBox(key: Array(0..<32))!
    static let webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    let house: SalesHouse
    let vendors: LocalVendors
    let tenant: TenantID
    /// Where the fakes are.
    let address: String
    private let courier: Courier

    static func with<R: Sendable>(timeout: Duration = .seconds(120), _ body: @Sendable (MessageHouse) async throws -> R) async throws -> R {
        try await SalesHouse.with { house in
            let vendors = LocalVendors()
            vendors.with {
                $0.dingtalk.robots["t"] = FakeDingTalk.Robot(secret: "SECabc")
                $0.dingtalk.apps["k"] = "s"
                $0.wecom.robots["k"] = FakeWeCom.Robot()
                $0.feishu.bots["h"] = FakeFeishu.Bot(secret: "s")
                $0.receiver.secret = webhookSecret
            }
            let tenant = try await house.tenant()
            return try await vendors.serving { address in
                let courier = Courier(OutgoingPolicy(allowsLoopback: true), timeout: timeout)
                let result: Result<R, any Error>
                do {
                    let messages = MessageHouse(house: house, vendors: vendors, tenant: tenant, address: address, courier: courier)
                    result = .success(try await body(messages))
                } catch { result = .failure(error) }
                await courier.close()
                return try result.get()
            }
        }
    }

    /// Connects a vendor, as an operator does.
    func connect(
        _ name: String, _ kind: ConnectorKind, place: Int, secrets: [String: String], _ change: (inout ConnectorSettings) -> Void = { _ in }
    )
        async throws
    {
        var settings = ConnectorSettings()
        settings.url = address
        change(&settings)
        let sealed = Self.box.seal(
            Array(try JSONEncoder().encode(secrets)), place: ConnectorSecrets.place(name, of: tenant),
            nonce: (0..<12).map { _ in .random(in: 0...255) })
        let wish = ConnectorWish(
            kind: kind, place: place, isEnabled: true, settings: settings, secrets: sealed, secretNames: secrets.keys.sorted(),
            reason: "test")
        try #require(try await house.records.put(connector: name, of: tenant, by: "test") { _ in wish } != nil)
    }

    /// DingTalk, then WeCom, then Feishu.
    func connectAll() async throws {
        try await connect("ding", .dingtalkRobot, place: 1, secrets: ["access_token": "t", "secret": "SECabc"])
        try await connect("wecom", .wecomRobot, place: 2, secrets: ["key": "k"])
        try await connect("feishu", .feishuBot, place: 3, secrets: ["hook_id": "h", "secret": "s"])
    }

    func told(
        _ text: String, urgency: Urgency = .urgent, channels: [Channel] = [.workApp], to recipient: String = "chen", key: String? = nil
    )
        -> [Statement]
    {
        [
            .tenants([tenant]),
            .notify(recipient, "test", "1", of: tenant, english: text, chinese: text, urgency: urgency, channels: channels, key: key),
        ]
    }

    func tell(_ text: String, urgency: Urgency = .urgent, channels: [Channel] = [.workApp], to recipient: String = "chen") async throws {
        _ = try await house.engine.pipeline(told(text, urgency: urgency, channels: channels, to: recipient))
    }

    /// Everything that sends, while `body` runs.
    func sending(_ planner: MessagePlanner = MessagePlanner(), workers: Int = 1, _ body: () async throws -> Void) async throws {
        let handler = SendNotification(reader: DeliveryReader(postgres: house.app), courier: courier, secrets: Self.box)
        let records = house.records
        try await house.working(
            workers: workers, more: [AnyHandler(handler)],
            chores: [
                Chore("messages", every: .milliseconds(50)) { while try await records.planMessages(planner, now: Date()) {} },
                Chore("webhooks", every: .milliseconds(100)) { while try await records.relayWebhooks(now: Date()) {} },
            ], body)
    }

    /// Until no message waits any more.
    func settled() async throws { try await soon { try await house.count("message WHERE state IN ('waiting', 'sending')") == 0 } }

    func messages() async throws -> [MessageRecord] { try await house.records.messages(of: tenant).items }
}
