import Foundation
import Messages

extension Courier {
    typealias TokenReading = @Sendable (HTTPAnswer, Date) -> Result<AccessToken, DeliveryFailure>

    /// Asks with a token. One that has become stale is fetched anew, once; then the credentials are to blame.
    ///
    /// - Parameters:
    ///   - question: asks for a token.
    ///   - reading: what the answer to it says.
    func letIn(
        _ key: TokenShelf.Key, _ question: HTTPQuestion, _ reading: @escaping TokenReading, _ now: Date,
        _ ask: (_ token: String) async -> DeliveryResult
    ) async -> DeliveryResult {
        var stale: AccessToken?
        for _ in 0..<2 {
            let token: AccessToken
            switch await tokens.token(for: key, not: stale, at: now, fetch: { await self.token(question, reading, now) }) {
            case .success(let fetched): token = fetched
            case .failure(let failure): return .failed(failure)
            }
            let result = await ask(token.text)
            guard case .failed(let failure) = result, failure.failureClass == .auth else { return result }
            stale = token
        }
        return .failed(DeliveryFailure(.config, code: "token", message: "a token that was just given is refused"))
    }

    func token(_ question: HTTPQuestion, _ reading: TokenReading, _ now: Date) async -> Result<AccessToken, DeliveryFailure> {
        switch await web.ask(question, timeout: timeout) {
        case .success(let answer): reading(answer, now)
        case .failure(let failure): .failure(failure)
        }
    }
}
