import Console
import Foundation
import Synchronization

/// Counts attempts to sign in, for this process.
final class SignInGuard: Sendable {
    private let attempts = Mutex(Attempts())

    /// - Parameter address: the other end's; behind a proxy they share one, and the bound for all together holds.
    func admits(_ address: String?, at now: Date) -> Bool {
        attempts.withLock { $0.admit(address ?? "local", at: now) }
    }
}
