import Foundation
import Messages

extension Courier {
    /// One request for each number. The delivery has failed when the first did; those that were taken before are recognised by their ids.
    func smsGateway(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let settings = account.settings
        let gateway = SMSGateway(
            url: account.url, authorization: account.secrets["authorization"], numberField: settings.numberField ?? "to",
            textField: settings.textField ?? "text", idField: settings.idField ?? "id",
            success: settings.successField.map { ($0, settings.successValue ?? "0") })
        var last = DeliveryResult.failed(DeliveryFailure(.target, code: "no_number", message: "there is no number to send to"))
        for (place, number) in notice.recipients.enumerated() {
            var one = notice
            one.recipients = [number]
            if place > 0 { one.id += "-\(place + 1)" }
            last = await ask(gateway.question(one)) { gateway.result($0, at: now) }
            guard case .delivered = last else { return last }
        }
        return last
    }
}
