import Foundation
import PostgresClient
import Records
import Testing

@Suite struct NotificationTests {
    @Test func `what is told under a key is told to a recipient once`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            func tell(_ recipient: String, key: String?) async throws {
                _ = try await house.app.pipeline([
                    .tenants([tenant]),
                    .notify(
                        recipient, "late", "lead 1", of: tenant, english: "late", chinese: "超时", urgency: .urgent,
                        channels: [.workApp, .inApp], key: key),
                ])
            }

            try await tell("chen", key: "clock:1:8min")
            try await tell("chen", key: "clock:1:8min")
            try await tell("wang", key: "clock:1:8min")
            try await tell("chen", key: nil)
            try await tell("chen", key: nil)

            let told = try await house.records.notifications(of: tenant).items
            #expect(told.map(\.recipient) == ["chen", "chen", "wang", "chen"])
            #expect(Set(told.map(\.urgency)) == [.urgent])
            #expect(try await house.count("notification WHERE channels = '{work_app}'") == 4)
        }
    }
}
