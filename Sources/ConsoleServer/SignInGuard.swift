import Console
import Foundation
import Synchronization

/// Counts attempts to sign in, for this process.
final class SignInGuard: Sendable {
    private let attempts = Mutex(Attempts())

    /// - Parameter address: of whom a trusted proxy names, else the other end's; nil on a Unix socket.
    func admits(_ address: String?, at now: Date) -> Bool {
        attempts.withLock { $0.admit(address ?? "local", at: now) }
    }

    /// One that was admitted had a key or a link that is good.
    func excuse(_ address: String?) {
        attempts.withLock { $0.excuse(address ?? "local") }
    }
}
