import DispatchIndex
import Foundation
import Records
import Tenancy

/// What the index knows of some tenants: what they got of the workers, and how long their first in line has been waiting.
struct TenantLines: Sendable {
    let fairness: [TenantFairness]
    let states: [TenantID: TenantState]
    /// Seconds the first job that may run has been able to; none: nobody waits.
    let oldest: [TenantID: TimeInterval]

    /// - Parameter tenants: 200 at most; each is asked for on its own.
    init(of tenants: [TenantID], _ records: Records, _ dispatch: Dispatch) async throws {
        fairness = try await dispatch.fairness(of: tenants)
        var states: [TenantID: TenantState] = [:]
        for tenant in tenants { states[tenant] = try await dispatch.state(of: tenant) }
        self.states = states
        let first = states.mapValues { $0.flows.filter { $0.blocked == nil }.compactMap(\.first) }
        let since = try await records.claimableSince(first.values.flatMap(\.self))
        let now = Date()
        oldest = first.compactMapValues { jobs in jobs.compactMap { since[$0] }.min().map { max(0, now.timeIntervalSince($0)) } }
    }
}
