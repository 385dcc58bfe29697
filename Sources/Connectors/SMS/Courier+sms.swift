import Foundation
import Messages

extension Courier {
    /// One request for each number.
    func smsGateway(_ notice: Notice, _ account: ConnectorAccount, _ now: Date) async -> DeliveryResult {
        let settings = account.settings
        let gateway = SMSGateway(
            url: account.url, authorization: account.secrets["authorization"], numberField: settings.numberField ?? "to",
            textField: settings.textField ?? "text", idField: settings.idField ?? "id",
            success: settings.successField.map { ($0, settings.successValue ?? "0") })
        let nobody = DeliveryFailure(.target, code: "no_number", message: "there is no number to send to")
        return await eachRecipient(of: notice, or: nobody) { one in
            await ask(gateway.question(one)) { gateway.result($0, at: now) }
        }
    }
}
