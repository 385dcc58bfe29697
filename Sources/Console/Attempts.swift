import Foundation

/// Bounds how often somebody may try to sign in: so many from one address and so many in all, refilled steadily.
///
/// Keys and tokens hold 256 bits of chance, so nobody guesses one; the bound keeps those who try from costing much.
public struct Attempts: Sendable {
    private struct Allowance {
        var left: Double
        var at: Date
    }

    /// Of one address, at once.
    static let burst = 10.0
    /// Of one address, a second.
    static let rate = 0.2
    /// Of all together.
    static let burstOfAll = 200.0
    static let rateOfAll = 10.0
    /// Addresses remembered; beyond, those that are full again are forgotten.
    static let most = 10_000

    private var byAddress: [String: Allowance] = [:]
    private var all = Allowance(left: Self.burstOfAll, at: .distantPast)

    public init() {}

    /// Counts an attempt. False: there were too many.
    public mutating func admit(_ address: String, at now: Date) -> Bool {
        if byAddress.count >= Self.most {
            byAddress = byAddress.filter { now.timeIntervalSince($0.value.at) < Self.burst / Self.rate }
            if byAddress.count >= Self.most { return false }
        }
        var own = byAddress[address] ?? Allowance(left: Self.burst, at: now)
        let isAdmitted = Self.take(&own, Self.burst, Self.rate, now)
        byAddress[address] = own
        return isAdmitted && Self.take(&all, Self.burstOfAll, Self.rateOfAll, now)
    }

    private static func take(_ allowance: inout Allowance, _ burst: Double, _ rate: Double, _ now: Date) -> Bool {
        allowance.left = min(burst, allowance.left + max(0, now.timeIntervalSince(allowance.at)) * rate)
        allowance.at = now
        guard allowance.left >= 1 else { return false }
        allowance.left -= 1
        return true
    }
}
