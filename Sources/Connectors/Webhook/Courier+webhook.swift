import Foundation
import Messages

extension Courier {
    func webhook(_ event: CloudEvent, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let secrets = [account.secrets["secret"], account.secrets["previous_secret"]].compactMap(\.self)
        let hook = Webhook(url: account.url, secrets: secrets)
        return await ask(hook.question(event, at: now), timeout: .seconds(20)) { Webhook.result($0, at: now) }
    }
}
