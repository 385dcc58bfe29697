import Connectors
import FakeVendors
import Foundation
import LocalVendors
import Messages
import PostgresClient
import Testing

/// Whether a connector would work, said in words and without a message to anybody.
@Suite struct ConnectorCheckTests {
    private static let policy = OutgoingPolicy(allowsLoopback: true)

    private func check(
        _ kind: ConnectorKind, secrets: [String: String], _ change: (inout ConnectorSettings) -> Void
    ) async -> [ConnectorFinding] {
        var settings = ConnectorSettings()
        change(&settings)
        let courier = Courier(Self.policy, timeout: .seconds(120))
        let findings = await courier.check(ConnectorAccount(name: "c", kind: kind, settings: settings, secrets: secrets))
        await courier.close()
        return findings
    }

    private func words(_ findings: [ConnectorFinding]) -> [String] {
        findings.map { "\($0.subject.rawValue) \($0.isGood.map(String.init) ?? "?")" }
    }

    @Test func `apps are let in or not by a token, robots say only by a message, and nobody is told anything`() async throws {
        let vendors = LocalVendors()
        vendors.with {
            $0.wecom.corporations["c"] = "s"
            $0.feishu.apps["a"] = "s"
            $0.dingtalk.apps["k"] = "s"
        }
        try await vendors.serving { address in
            let at: (inout ConnectorSettings) -> Void = { $0.url = address }
            let apps: [(ConnectorKind, [String: String], [String: String])] = [
                (.wecomApp, ["corp_id": "c", "corp_secret": "s"], ["corp_id": "c", "corp_secret": "wrong"]),
                (.feishuApp, ["app_id": "a", "app_secret": "s"], ["app_id": "a", "app_secret": "wrong"]),
                (.dingtalkTodo, ["app_key": "k", "app_secret": "s"], ["app_key": "k", "app_secret": "wrong"]),
            ]
            for (kind, right, wrong) in apps {
                #expect(words(await check(kind, secrets: right, at)) == ["address true", "reach true", "login true"], "\(kind)")
                let refused = await check(kind, secrets: wrong, at)
                #expect(words(refused) == ["address true", "reach true", "login false"], "\(kind)")
                #expect(refused.last?.words.contains("refuses") == true)
                #expect(!refused.contains { $0.words.contains("wrong\"") })
            }
            for kind in [ConnectorKind.dingtalkRobot, .wecomRobot, .feishuBot, .smsGateway, .webhook] {
                #expect(words(await check(kind, secrets: [:], at)) == ["address true", "reach true", "login ?"], "\(kind)")
            }
            #expect(vendors.shown.isEmpty)
            #expect(vendors.with { $0.receiver.requests.isEmpty })
        }
        let nobody = await check(.wecomRobot, secrets: [:]) { $0.url = "http://127.0.0.1:1" }
        #expect(words(nobody) == ["address true", "reach false"])
        let inside = await check(.webhook, secrets: [:]) { $0.url = "https://10.0.0.7/hook" }
        #expect(words(inside) == ["address false"])
        #expect(inside[0].words == "The address is an address of an internal network.")
    }

    @Test func `a mail server is greeted and left again`() async throws {
        try await MailServer.with { server, port in
            let open = await check(.mail, secrets: [:]) { ($0.host, $0.port, $0.security) = ("localhost", port, "none") }
            let closed = await check(.mail, secrets: [:]) { ($0.host, $0.port, $0.security) = ("127.0.0.1", 1, "none") }

            #expect(words(open) == ["address true", "reach true", "login ?"])
            #expect(words(closed) == ["address true", "reach false"])
            #expect(server.mails.isEmpty)
        }
    }

    @Test func `over HTTP an operator hears what is wrong, and what came of the last message`() async throws {
        let vendors = LocalVendors()
        vendors.with { $0.wecom.corporations["c"] = "s" }
        try await vendors.serving { address in
            var options = TestAPI.Options()
            (options.outgoing, options.secrets) = (Self.policy, SecretBox(key: Array(0..<32)))
            try await TestAPI.with(options) { api in
                func put(_ secret: String) async throws -> Reply {
                    try await api.send(
                        "PUT", "/v1/connectors/app",
                        #"{"kind":"wecom_app","settings":{"url":"\#(address)","agent_id":7},"secrets":{"corp_id":"c","corp_secret":"\#(secret)"},"reason":"x"}"#,
                        as: api.acme.operatorKey)
                }
                func check(as key: String? = nil, _ name: String = "app") async throws -> Reply {
                    try await api.send("POST", "/v1/connectors/\(name)/check", as: key ?? api.acme.operatorKey)
                }
                let lacking = try await api.send(
                    "PUT", "/v1/connectors/app", #"{"kind":"wecom_app","secrets":{"corp_id":"c","corp_secret":"s"},"reason":"x"}"#,
                    as: api.acme.operatorKey)
                #expect(lacking.faults == ["settings.agent_id missing"])
                #expect(try await put("wrongsecret").status == 201)
                let wrong = try await check()
                #expect(try await put("s").status == 200)
                let right = try await check()
                // As if it had been sealed elsewhere.
                _ = try await api.owner.query("UPDATE connector SET secrets = decode('01', 'hex') || sha256('x'::bytea)")
                let sealed = try await check()

                #expect([wrong, right, sealed].map(\.status) == [200, 200, 200])
                #expect(try wrong.json["ok"].bool == false && right.json["ok"].bool == true && sealed.json["ok"].bool == false)
                #expect(
                    try wrong.json["findings"][2]["words"].string == "WeCom refuses the corp id and secret (40001): invalid credential.")
                #expect(!wrong.text.contains("wrongsecret"))
                #expect(try right.json["findings"][3]["words"].string == "No message has been sent by it yet.")
                #expect(try sealed.json["findings"][0]["what"].string == "secrets")
                #expect(try await check(as: "acme").status == 403)
                #expect(try await check("other").status == 404)
                #expect(try await check(as: api.globex.operatorKey).status == 404)
            }
        }
    }
}
