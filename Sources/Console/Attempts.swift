import Foundation

/// Bounds how often somebody may fail to sign in: so many from one network and so many in all, refilled steadily.
///
/// Keys and tokens hold 256 bits of chance, so nobody guesses one; the bound keeps those who try from costing much. It must not keep out
/// those who have a key: what was no failure is not counted, and who has not failed lately is heard however often others have.
public struct Attempts: Sendable {
    private struct Allowance {
        var left: Double
        var at: Date

        /// What is left by now.
        mutating func refill(_ burst: Double, _ rate: Double, _ now: Date) {
            left = min(burst, left + max(0, now.timeIntervalSince(at)) * rate)
            at = now
        }
    }

    /// Of one network, at once.
    static let burst = 10.0
    /// Of one network, a second.
    static let rate = 0.2
    /// Of all together.
    static let burstOfAll = 200.0
    static let rateOfAll = 10.0
    /// Networks remembered; beyond, those that are full again are forgotten, then those heard of longest ago.
    static let most = 10_000

    private var byNetwork: [String: Allowance] = [:]
    private var all = Allowance(left: Self.burstOfAll, at: .distantPast)

    public init() {}

    /// Counts an attempt as one that fails. False: there were too many.
    public mutating func admit(_ address: String, at now: Date) -> Bool {
        let network = Self.network(of: address)
        if byNetwork.count >= Self.most, byNetwork[network] == nil { forget(at: now) }
        var own = byNetwork[network] ?? Allowance(left: Self.burst, at: now)
        own.refill(Self.burst, Self.rate, now)
        all.refill(Self.burstOfAll, Self.rateOfAll, now)
        defer { byNetwork[network] = own }
        let isNew = own.left >= Self.burst
        guard own.left >= 1, isNew || all.left >= 1 else { return false }
        own.left -= 1
        all.left = max(0, all.left - 1)
        return true
    }

    /// An attempt that was counted has not failed: it is given back.
    public mutating func excuse(_ address: String) {
        byNetwork[Self.network(of: address)]?.left += 1
        all.left = min(Self.burstOfAll, all.left + 1)
    }

    /// Of a full table half is left at most, so that it is not gone through for each attempt.
    private mutating func forget(at now: Date) {
        byNetwork = byNetwork.filter { now.timeIntervalSince($0.value.at) < Self.burst / Self.rate }
        guard byNetwork.count > Self.most / 2 else { return }
        let latest = byNetwork.sorted { $0.value.at > $1.value.at }.prefix(Self.most / 2)
        byNetwork = Dictionary(latest.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// What one party has at the least: an IPv4 address, or the 2^64 addresses of an IPv6 network.
    static func network(of address: String) -> String {
        var bytes = in6_addr()
        guard address.contains(":"), inet_pton(AF_INET6, address, &bytes) == 1 else { return String(address.prefix(64)) }
        return withUnsafeBytes(of: bytes) { bytes in
            // An IPv4 address in IPv6's clothes is one address.
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            return (isMapped ? bytes.suffix(4) : bytes.prefix(8)).map { String($0, radix: 16) }.joined(separator: isMapped ? "." : ":")
        }
    }
}
