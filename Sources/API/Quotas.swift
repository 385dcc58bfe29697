import DispatchIndex
import Records
import Synchronization
import Tenancy

/// Turns enqueues away when a tenant has too many ready jobs of a kind, deferred ones included.
///
/// Nobody counts jobs on the way in. What is known is a count about a second old, plus what was let in since: first of
/// all kinds together, from Redis, which costs nothing; only when that is above the quota, kind by kind from Postgres.
/// Without Redis the last count stays, and enqueueing goes on. Callers at the same moment may exceed a quota by what
/// they have under way together.
final class Quotas: Sendable {
    private struct Known {
        /// Ready jobs by kind; nil while only the total is known.
        var byKind: [String: Int]?
        var total = 0
        /// Let in since the count.
        var admitted: [String: Int] = [:]
        /// Of these, what was let in before the count began, and so is in it.
        var countedIn: [String: Int] = [:]
        var until: ContinuousClock.Instant
        var isCounting = true

        func atMost(_ kind: String) -> Int { (byKind.map { $0[kind] ?? 0 } ?? total) + (admitted[kind] ?? 0) }

        /// The first kind that has no room.
        func full(for wanted: [String: Int], under quota: Int) -> String? {
            wanted.first { atMost($0.key) + $0.value > quota }?.key
        }
    }

    private static let freshness: Duration = .seconds(1)
    /// More flows than are counted at once: it has to be counted kind by kind.
    private static let uncounted = Int.max / 2

    private let records: Records
    private let dispatch: Dispatch
    private let now: @Sendable () -> ContinuousClock.Instant
    private let known = Mutex<[TenantID: Known]>([:])

    init(records: Records, dispatch: Dispatch, now: @Sendable @escaping () -> ContinuousClock.Instant) {
        self.records = records
        self.dispatch = dispatch
        self.now = now
    }

    /// - Parameter wanted: how many jobs of each kind are to be enqueued.
    /// - Throws: a 429 that names the kind.
    func admit(_ wanted: [String: Int], of tenant: Tenant) async throws {
        await countAgainIfStale(tenant.id)
        if takes(wanted, of: tenant) == nil { return }
        beginCount(tenant.id)
        let exact = try await records.readyJobs(of: tenant.id)
        note(tenant.id, byKind: exact, total: exact.values.reduce(0, +))
        if let full = takes(wanted, of: tenant) { throw Problem.quotaExceeded(full, quota: tenant.settings.quota) }
    }

    /// Takes room for one job if there surely is some; false where that is not known at this moment.
    func admitsAtOnce(_ kind: String, of tenant: Tenant) -> Bool {
        let now = now()
        return known.withLock { known in
            guard let entry = known[tenant.id], entry.isCounting || entry.until > now,
                entry.atMost(kind) + 1 <= tenant.settings.quota
            else { return false }
            known[tenant.id]?.admitted[kind, default: 0] += 1
            return true
        }
    }

    /// Takes the room there is; names the kind that has none.
    private func takes(_ wanted: [String: Int], of tenant: Tenant) -> String? {
        known.withLock { known in
            if let full = known[tenant.id]?.full(for: wanted, under: tenant.settings.quota) { return full }
            for (kind, count) in wanted { known[tenant.id]?.admitted[kind, default: 0] += count }
            return nil
        }
    }

    /// A tenant's first caller waits for the first count; later ones go by the last.
    private func countAgainIfStale(_ tenant: TenantID) async {
        let now = now()
        let (isStale, isFirst) = known.withLock { known in
            guard let entry = known[tenant] else {
                known[tenant] = Known(until: now)
                return (true, true)
            }
            guard entry.until <= now, !entry.isCounting else { return (false, false) }
            known[tenant]?.isCounting = true
            known[tenant]?.countedIn = entry.admitted
            return (true, false)
        }
        guard isStale else { return }
        let count = Task {
            do {
                note(tenant, byKind: nil, total: try await dispatch.readyOrDeferred(of: tenant) ?? Self.uncounted)
            } catch {
                note(tenant, byKind: nil, total: nil)
            }
        }
        if isFirst { await count.value }
    }

    private func beginCount(_ tenant: TenantID) {
        known.withLock { known in
            let admitted = known[tenant]?.admitted ?? [:]
            known[tenant]?.countedIn = admitted
        }
    }

    /// What was let in while it was counted may be in the count or not: it is counted twice, rather than not at all.
    /// - Parameter total: nil when nobody could say.
    private func note(_ tenant: TenantID, byKind: [String: Int]?, total: Int?) {
        let until = now() + Self.freshness
        known.withLock { known in
            if let total {
                known[tenant]?.byKind = byKind
                known[tenant]?.total = total
                for (kind, count) in known[tenant]?.countedIn ?? [:] { known[tenant]?.admitted[kind]? -= count }
                known[tenant]?.countedIn = [:]
            }
            known[tenant]?.until = until
            known[tenant]?.isCounting = false
        }
    }
}
