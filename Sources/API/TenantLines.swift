import DispatchIndex
import Foundation
import Jobs
import Records
import Tenancy

extension TenantFairness {
    /// What it is entitled to among those who have jobs that may run; nil: it has none.
    var entitlement: Double? { hasWork ? shareEntitled : nil }
}

/// What the index knows of some tenants: their lines, and what they got of the workers.
struct TenantLines: Sendable {
    let fairness: [TenantFairness]
    let states: [TenantID: TenantState]

    /// - Parameter tenants: 200 at most; each is asked for on its own.
    init(of tenants: [TenantID], _ dispatch: Dispatch) async throws {
        fairness = try await dispatch.fairness(of: tenants)
        var states: [TenantID: TenantState] = [:]
        for tenant in tenants { states[tenant] = try await dispatch.state(of: tenant) }
        self.states = states
    }

    /// Seconds each tenant's first job that may run has been able to; none: nobody waits.
    ///
    /// - Parameter paused: whose jobs may not run at all, of which the index knows only a cap of none.
    func oldest(_ records: Records, but paused: Set<TenantID>, now: Date) async throws -> [TenantID: TimeInterval] {
        let first = states.filter { !paused.contains($0.key) }.mapValues { $0.flows.filter { $0.blocked == nil }.compactMap(\.first) }
        let since = try await records.claimableSince(first.values.flatMap(\.self))
        return first.compactMapValues { jobs in jobs.compactMap { since[$0] }.min().map { max(0, now.timeIntervalSince($0)) } }
    }
}
