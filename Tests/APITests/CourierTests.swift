import Connectors
import FakeVendors
import Foundation
import LocalVendors
import Messages
import Testing

/// The last step out of the house.
@Suite struct CourierTests {
    private let notice = Notice(id: "kiteline-7", title: "t", lines: ["线索等待首触"], recipients: ["chen@example.com", "no address"])
    private let hook = CloudEvent(id: "evt_1", source: "/tenants/acme", type: "sales.x.v1", time: Date(), data: Array("{}".utf8))

    private func account(_ kind: ConnectorKind, _ change: (inout ConnectorSettings) -> Void) -> ConnectorAccount {
        var settings = ConnectorSettings()
        change(&settings)
        return ConnectorAccount(name: "c", kind: kind, settings: settings, secrets: ["secret": MessageHouse.webhookSecret])
    }

    private func with<R>(_ policy: OutgoingPolicy, timeout: Duration = .seconds(120), _ body: (Courier) async throws -> R) async throws -> R
    {
        let courier = Courier(policy, timeout: timeout)
        let result: Result<R, any Error>
        do { result = .success(try await body(courier)) } catch { result = .failure(error) }
        await courier.close()
        return try result.get()
    }

    private func failure(_ result: DeliveryResult) -> DeliveryFailure? {
        if case .failed(let failure) = result { failure } else { nil }
    }

    @Test func `a mail is handed to its server, addressed to those who have an address`() async throws {
        try await MailServer.with { server, port in
            let result = try await with(OutgoingPolicy(allowsLoopback: true)) { courier in
                await courier.deliver(
                    .notice(notice),
                    by: account(.mail) {
                        ($0.host, $0.port, $0.security, $0.from) = ("localhost", port, "none", "kiteline@example.com")
                    })
            }

            #expect(result == .delivered(reference: nil))
            let mail = try #require(server.mails.first)
            #expect(mail.from.contains("<kiteline@example.com>"))
            #expect(mail.recipients.count == 1 && mail.recipients[0].contains("<chen@example.com>"))
            #expect(mail.text.contains("Message-ID: <kiteline-7@example.com>"))
            #expect(mail.text.contains(Data("线索等待首触".utf8).base64EncodedString()))
        }
    }

    @Test func `a mail server's refusal is understood`() async throws {
        try await MailServer.with(recipients: "550 no such user") { _, port in
            let result = try await with(OutgoingPolicy(allowsLoopback: true)) { courier in
                await courier.deliver(
                    .notice(notice),
                    by: account(.mail) {
                        ($0.host, $0.port, $0.security, $0.from) = ("127.0.0.1", port, "none", "kiteline@example.com")
                    })
            }

            #expect(failure(result)?.failureClass == .target)
        }
    }

    @Test func `nothing is sent into an internal network, also where a name leads there`() async throws {
        let vendors = LocalVendors()
        try await vendors.serving { address in
            let port = try #require(URL(string: address)?.port)
            let own = ProcessInfo.processInfo.hostName
            try await with(OutgoingPolicy()) { courier in
                for url in [
                    "https://127.0.0.1:\(port)/hook", "https://localhost:\(port)/hook", "https://\(own):\(port)/hook", "\(address)/hook",
                ] {
                    let refused = failure(await courier.deliver(.event(hook), by: account(.webhook) { $0.url = url }))
                    #expect(refused?.code == "address_refused", "\(url): \(String(describing: refused))")
                    #expect(refused?.failureClass == .config)
                }
                let mail = await courier.deliver(
                    .notice(notice),
                    by: account(.mail) { ($0.host, $0.port, $0.security, $0.from) = (own, port, "tls", "kiteline@example.com") })
                #expect(failure(mail)?.code == "address_refused")
            }
            #expect(vendors.with { $0.receiver.requests.isEmpty })
        }
    }

    @Test func `where nobody listens is a failure that passes, and its words hold no secret`() async throws {
        try await with(OutgoingPolicy(allowsLoopback: true), timeout: .seconds(120)) { courier in
            var settings = ConnectorSettings()
            settings.url = "http://127.0.0.1:1"
            let nobody = ConnectorAccount(name: "r", kind: .wecomRobot, settings: settings, secrets: ["key": "very-secret"])

            let closed = failure(await courier.deliver(.notice(notice), by: nobody))

            #expect(closed?.code == "unreachable" && closed?.failureClass == .transient)
            #expect(!String(describing: closed).contains("very-secret"))
        }
    }

    @Test func `silence is a failure that passes, and its words hold no secret`() async throws {
        let vendors = LocalVendors()
        vendors.with { $0.troubles = [.wecom: .silent(.seconds(30))] }
        try await vendors.serving { address in
            try await with(OutgoingPolicy(allowsLoopback: true), timeout: .milliseconds(500)) { courier in
                var settings = ConnectorSettings()
                settings.url = address
                let robot = ConnectorAccount(name: "r", kind: .wecomRobot, settings: settings, secrets: ["key": "very-secret"])
                let silent = failure(await courier.deliver(.notice(notice), by: robot))

                #expect(silent?.code == "timeout" && silent?.failureClass == .transient)
                #expect(!String(describing: silent).contains("very-secret"))
                #expect(!String(describing: robot).contains("very-secret"))
                #expect(!String(reflecting: robot).contains("very-secret"))
            }
        }
    }

    @Test func `what is sent again after a crash has its number still, and is recognised where numbers are honoured`() async throws {
        let vendors = LocalVendors()
        vendors.with {
            $0.receiver.secret = MessageHouse.webhookSecret
            $0.dingtalk.apps["k"] = "s"
        }
        try await vendors.serving { address in
            try await with(OutgoingPolicy(allowsLoopback: true)) { courier in
                var settings = ConnectorSettings()
                settings.url = address
                settings.creator = "boss"
                let todo = ConnectorAccount(
                    name: "t", kind: .dingtalkTodo, settings: settings, secrets: ["app_key": "k", "app_secret": "s"])
                for _ in 0..<2 {
                    let results = [
                        await courier.deliver(.event(hook), by: account(.webhook) { $0.url = address + "/hook" }),
                        await courier.deliver(.notice(notice), by: account(.smsGateway) { $0.url = address + "/sms" }),
                        await courier.deliver(.notice(notice), by: todo),
                    ]
                    #expect(results.allSatisfy { if case .delivered = $0 { true } else { false } }, "\(results)")
                }
            }
            // The notice has two recipients, each a short message of its own.
            #expect(vendors.shown.map(\.id) == ["kiteline-7", "kiteline-7", "kiteline-7-2", "evt_1"])
        }
    }

    @Test func `a redirection is not followed`() async throws {
        let vendors = LocalVendors()
        vendors.with { $0.receiver.status = 302 }
        try await vendors.serving { address in
            try await with(OutgoingPolicy(allowsLoopback: true)) { courier in
                let result = await courier.deliver(.event(hook), by: account(.webhook) { $0.url = address + "/hook" })
                #expect(failure(result)?.code == "http_302")
            }
            #expect(vendors.with { $0.receiver.requests.count } == 1)
        }
    }

    /// The standard's own library judges what we send: PyPI's `standardwebhooks`, where Python finds it.
    @Test(
        .enabled("python3 has no standardwebhooks; the standard's own vector is tried in any case") { await StandardLibrary.isThere() })
    func `the standard's own library accepts our signatures`() async throws {
        let vendors = LocalVendors()
        vendors.with { $0.receiver.secret = MessageHouse.webhookSecret }
        try await vendors.serving { address in
            try await with(OutgoingPolicy(allowsLoopback: true)) { courier in
                let result = await courier.deliver(.event(hook), by: account(.webhook) { $0.url = address + "/hook" })
                #expect(result == .delivered(reference: nil))
            }
            let request = try #require(vendors.with { $0.receiver.requests.first })
            let accepted = try await StandardLibrary.accepts(request, secret: MessageHouse.webhookSecret)
            let refused = try await StandardLibrary.accepts(request, secret: "whsec_" + Data(repeating: 7, count: 32).base64EncodedString())
            #expect(accepted)
            #expect(!refused)
        }
    }
}

/// `standardwebhooks` in Python.
private enum StandardLibrary {
    static func isThere() async -> Bool { (try? await run("import standardwebhooks.webhooks", [])) == 0 }

    static func accepts(_ request: FakeRequest, secret: String) async throws -> Bool {
        let headers = try JSONSerialization.data(withJSONObject: request.headers)
        let script = "import sys, json, standardwebhooks.webhooks as w; w.Webhook(sys.argv[1]).verify(sys.argv[2], json.loads(sys.argv[3]))"
        let arguments = [secret, String(decoding: request.body, as: UTF8.self), String(decoding: headers, as: UTF8.self)]
        return try await run(script, arguments) == 0
    }

    private static func run(_ script: String, _ arguments: [String]) async throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", "python3", "-c", script] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return try await withCheckedThrowingContinuation { ended in
            process.terminationHandler = { ended.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch {
                process.terminationHandler = nil
                ended.resume(throwing: error)
            }
        }
    }
}
