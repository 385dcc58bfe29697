import CrashPoints
import DispatchIndex
import Jobs
import Ledger
import Tenancy

/// Brings deferred jobs into the index as their lines drain, many at a time.
///
/// The index remembers which lines have surplus and tells one process at a time to fill one; the ledger knows it for certain, and is
/// asked now and then, so that a line the index has forgotten is filled all the same.
actor Refill {
    private let ledger: Ledger
    private let dispatch: Dispatch
    private let interval: Duration
    private var lookedAt: ContinuousClock.Instant?
    /// Where the next look into the ledger goes on.
    private var last: (tenant: TenantID, flow: String)?

    /// - Parameter interval: between two looks into the ledger.
    init(ledger: Ledger, dispatch: Dispatch, interval: Duration = .seconds(2)) {
        self.ledger = ledger
        self.dispatch = dispatch
        self.interval = interval
    }

    /// Fills every line that has room.
    /// - Returns: how many jobs came into the index.
    @discardableResult
    func run() async throws -> Int {
        var total = 0
        while !Task.isCancelled, !dispatch.isFull {
            let thirsty = try await dispatch.thirsty(known: try await known())
            guard !thirsty.isEmpty else { break }
            for (line, wants) in thirsty { total += try await fill(line, with: wants) }
        }
        return total
    }

    private func known() async throws -> [Line] {
        if let lookedAt, ContinuousClock.now - lookedAt < interval { return [] }
        lookedAt = .now
        let lines = try await ledger.linesWithDeferred(after: last)
        last = lines.count < 500 ? nil : lines.last
        return lines.map { Line(tenant: $0.tenant, flow: $0.flow) }
    }

    private func fill(_ line: Line, with wants: Int) async throws -> Int {
        let deferred = try await ledger.deferred(of: line.tenant, flow: line.flow, atMost: wants)
        // In the index first: should this process die here, they are brought in once more, which changes nothing.
        let epoch = try await dispatch.push(deferred.jobs.map(Push.init))
        CrashPoint.inRefill.reached()
        if deferred.count > 0 { try await ledger.confirm(deferred, epoch: epoch) }
        try await dispatch.noteFilled(line, by: deferred.count, next: deferred.next)
        return deferred.jobs.count
    }
}
