import Foundation
import Messages

/// Tokens of apps, each fetched by one caller while the others wait for it, and kept until shortly before their end.
actor TokenShelf {
    struct Key: Hashable {
        let url: String
        let app: String
        /// A new secret wants a new token.
        let secret: String
    }

    private var tokens: [Key: AccessToken] = [:]
    private var fetching: [Key: Task<Result<AccessToken, DeliveryFailure>, Never>] = [:]
    /// Apps remembered.
    private let limit = 10_000
    /// A token this near its end is not used any more.
    private let margin: TimeInterval = 60

    /// - Parameter stale: one that was refused; it is not given again.
    func token(
        for key: Key, not stale: AccessToken? = nil, at now: Date,
        fetch: @escaping @Sendable () async -> Result<AccessToken, DeliveryFailure>
    ) async -> Result<AccessToken, DeliveryFailure> {
        if let token = tokens[key], token != stale, token.until > now.addingTimeInterval(margin) { return .success(token) }
        let task = fetching[key] ?? Task { await fetch() }
        fetching[key] = task
        let result = await task.value
        fetching[key] = nil
        if case .success(let token) = result {
            if tokens.count >= limit { tokens = [:] }
            tokens[key] = token
        }
        return result
    }
}
