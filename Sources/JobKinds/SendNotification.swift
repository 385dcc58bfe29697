import Connectors
import Foundation
import Jobs
import Messages
import Records
import Tenancy

/// Makes one try of a delivery, and says what came of it. When it is tried again, or elsewhere, the planner decides: a job is one try.
public struct SendNotification: PerformingHandler {
    public struct Arguments: JobArguments {
        var delivery: Int64
        var number: Int

        public init(json: [UInt8]) throws {
            let reader = try ArgumentReader(json)
            guard let id = try reader.string("delivery").flatMap({ Int64($0) }), let number = try reader.integer("try") else {
                throw Failure(.permanent, "delivery and try are needed")
            }
            delivery = id
            self.number = number
        }
    }

    public let kind = SendNotification.definition
    private let reader: DeliveryReader
    private let courier: Courier
    private let secrets: SecretBox
    /// Tries of a delivery by one connector before its messages go on.
    private let mostTries = 12

    /// - Parameter secrets: opens what connectors keep. A process without the key has no such handler: it would take every
    ///   connector for broken, while another process can open them.
    public init(reader: DeliveryReader, courier: Courier, secrets: SecretBox) {
        self.reader = reader
        self.courier = courier
        self.secrets = secrets
    }

    /// The kind, for those who only need to know of it.
    public static let definition = JobKind(
        "send_notification",
        arguments: ArgumentSchema([
            .required("delivery", .string(maxLength: 20), "what is sent"),
            .required("try", .integer(1...1_000_000), "which try of it"),
        ]), isPublic: false)

    public func outcome(of job: Job<Arguments>) async throws -> Outcome {
        let (id, number) = (job.arguments.delivery, job.arguments.number)
        let found: OutgoingDelivery?
        do { found = try await reader.delivery(id, try: number, of: job.tenant) } catch {
            // Our own database's trouble says nothing of the other side.
            var outcome = Outcome.failed(.transient, String(describing: error))
            outcome.word = .nothing
            return outcome
        }
        guard let delivery = found else {
            // Its place in the connector's allowance is free again.
            var outcome = Outcome.completed(
                "superseded", [DeliveryEffect(delivery: id, number: number, result: nil, endedAt: Date())])
            outcome.word = .nothing
            return outcome
        }
        let result: DeliveryResult
        if let account = delivery.account(of: job.tenant, secrets) {
            result = await courier.deliver(delivery.parcel, by: account)
        } else {
            result = .failed(
                DeliveryFailure(.config, code: "secret_key", message: "the secrets were sealed under another KITELINE_SECRET_KEY"))
        }
        return outcome(of: delivery, number, result, at: Date())
    }

    /// Where a try's result takes its job. Throttling, wrong settings and recipients that are gone are the connector's matter, which the
    /// effect writes down; only silence and outages speak of the other side's health, never what it says; what is refused for its content is set aside.
    private func outcome(of delivery: OutgoingDelivery, _ number: Int, _ result: DeliveryResult, at now: Date) -> Outcome {
        func ended(_ code: String, again: Date? = nil) -> Outcome {
            .completed(code, [DeliveryEffect(delivery: delivery.id, number: number, result: result, endedAt: now, again: again)])
        }
        guard case .failed(let failure) = result else { return ended("sent") }
        let isEvent = if case .event = delivery.parcel { true } else { false }
        var outcome: Outcome
        switch failure.failureClass {
        case .content where !isEvent: return .failed(.permanent, "refused (\(failure.code)): \(failure.message)")
        case .transient, .content:
            let again: Date? =
                isEvent
                ? Webhook.nextTry(after: number, failure: failure, at: now, chance: .random(in: 0..<1))
                : number >= mostTries
                    ? nil : now.addingTimeInterval(RetryPolicy(base: 1, cap: 60).delay(afterAttempt: number, chance: .random(in: 0..<1)))
            outcome = ended("not_taken", again: again)
            outcome.word = failure.isOutage ? .failed : .answered
        case .throttled, .quota: outcome = ended("throttled", again: failure.until ?? now.addingTimeInterval(60))
        case .config, .auth:
            outcome = ended("refused")
            // Where our own rules refuse the address, nobody was asked.
            if failure.code == "address_refused" || failure.code == "secret_key" { outcome.word = .nothing }
        case .target: outcome = ended("gone")
        }
        return outcome
    }
}

extension OutgoingDelivery {
    fileprivate var parcel: Courier.Parcel {
        switch content {
        case .notice(let notice): .notice(notice)
        case .event(let event): .event(event)
        }
    }

    /// Nil when its secrets cannot be opened.
    fileprivate func account(of tenant: TenantID, _ box: SecretBox) -> ConnectorAccount? {
        guard let opened = box.open(secrets, place: ConnectorSecrets.place(connector, of: tenant)),
            let values = try? JSONDecoder().decode([String: String].self, from: Data(opened))
        else { return nil }
        return ConnectorAccount(name: connector, kind: kind, settings: settings, secrets: values)
    }
}
