import DispatchIndex
import Ledger

/// Keeps the limits in the index as the ledger has them: tenants' weights, caps and rates, and the limits of gates.
actor LimitKeeper {
    private let ledger: Ledger
    private let dispatch: Dispatch
    private var shares: Set<TenantShare> = []
    private var toldUnder: Int64?

    init(ledger: Ledger, dispatch: Dispatch) {
        self.ledger = ledger
        self.dispatch = dispatch
    }

    /// Tells the index what has changed since the last call, and which of its gates are not as they should be.
    ///
    /// Others set gates too, at once, and may be overtaken or die between the ledger and the index. What the index holds is read
    /// before the ledger: a gate that is set in between is told the same once more, not what it was.
    func run() async throws {
        let present = try await dispatch.gateLimits()
        let (shares, gates) = (Set(try await ledger.tenantLimits().map(TenantShare.init)), try await ledger.gateLimits())
        // A rebuild reads the ledger itself, but what it read may be older than what was told to the life before.
        let epoch = dispatch.epoch
        if toldUnder != epoch { self.shares = [] }
        let fresh = shares.subtracting(self.shares)
        if !fresh.isEmpty { try await dispatch.configure(Array(fresh)) }
        var changed: [String: Int?] = gates.filter { present[$0.key] != $0.value }
        for gate in present.keys where gates[gate] == nil { changed.updateValue(nil, forKey: gate) }
        if !changed.isEmpty { try await dispatch.limit(gates: changed) }
        (self.shares, toldUnder) = (shares, epoch)
    }
}

extension TenantShare {
    init(_ limits: TenantLimits) {
        self.init(
            tenant: limits.tenant, weight: limits.weight, cap: limits.cap, rate: limits.rate, burst: limits.burst, capacity: limits.capacity
        )
    }
}
