import Foundation
import Messages

/// Brings what is said to the outside: knows each system's way, and that its address is one we may talk to.
public final class Courier: Sendable {
    /// What is brought.
    public enum Parcel: Sendable {
        case notice(Notice)
        case event(CloudEvent)
    }

    let web: Web
    let tokens = TokenShelf()
    let timeout: Duration
    /// Which addresses may be talked to.
    public var policy: OutgoingPolicy { web.policy }

    /// - Parameters:
    ///   - policy: which addresses may be talked to.
    ///   - timeout: of one request, with the looking up of its name.
    public init(_ policy: OutgoingPolicy = OutgoingPolicy(), timeout: Duration = .seconds(10)) {
        web = Web(policy)
        self.timeout = timeout
    }

    /// One try. Never throws: what goes wrong is an answer.
    public func deliver(_ parcel: Parcel, by account: ConnectorAccount, at now: Date = Date()) async -> DeliveryResult {
        switch (parcel, account.kind) {
        case (.notice(let notice), .dingtalkRobot): await dingtalkRobot(notice, account, now)
        case (.notice(let notice), .dingtalkTodo): await dingtalkTodo(notice, account, now)
        case (.notice(let notice), .wecomRobot): await wecomRobot(notice, account, now)
        case (.notice(let notice), .wecomApp): await wecomApp(notice, account, now)
        case (.notice(let notice), .feishuBot): await feishuBot(notice, account, now)
        case (.notice(let notice), .feishuApp): await feishuApp(notice, account, now)
        case (.notice(let notice), .smsGateway): await smsGateway(notice, account, now)
        case (.notice(let notice), .mail): await mail(notice, account, now)
        case (.event(let event), .webhook): await webhook(event, account, now)
        case (.notice, .webhook), (.event, _):
            .failed(DeliveryFailure(.config, code: "kind", message: "a connector of this kind is not told such things"))
        }
    }

    /// Asks, and gives the answer to whoever knows what it means.
    func ask(_ question: HTTPQuestion, timeout: Duration? = nil, _ meaning: (HTTPAnswer) -> DeliveryResult) async -> DeliveryResult {
        switch await web.ask(question, timeout: timeout ?? self.timeout) {
        case .success(let answer): meaning(answer)
        case .failure(let failure): .failed(failure)
        }
    }

    /// One request after another for each recipient, until one fails: then the delivery has. Who is not there any more keeps nobody else from
    /// being told. Each has an id of its own, the same on every try, by which those who were told before are recognised.
    func eachRecipient(
        of notice: Notice, or nobody: DeliveryFailure, _ tell: (Notice) async -> DeliveryResult
    ) async -> DeliveryResult {
        var last = DeliveryResult.failed(nobody)
        var gone: [String] = []
        var taken: DeliveryResult?
        for (place, recipient) in notice.recipients.enumerated() {
            var one = notice
            one.recipients = [recipient]
            if place > 0 { one.id += "-\(place + 1)" }
            last = await tell(one)
            switch last {
            case .delivered: taken = last
            case .failed(let failure) where failure.failureClass == .target: gone.append(recipient)
            case .failed: return last
            }
        }
        guard case .delivered(let reference, _)? = taken else { return last }
        return .delivered(reference: reference, dropped: gone)
    }

    /// Ends open connections.
    public func close() async { await web.close() }
}
