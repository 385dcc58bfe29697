import DispatchIndex
import Ledger

/// Keeps the limits in the index as the ledger has them: tenants' weights, caps and rates, and the limits of gates.
actor LimitKeeper {
    private let ledger: Ledger
    private let dispatch: Dispatch
    private var shares: Set<TenantShare> = []
    private var gates: [String: Int] = [:]
    private var toldUnder: Int64?

    init(ledger: Ledger, dispatch: Dispatch) {
        self.ledger = ledger
        self.dispatch = dispatch
    }

    /// Tells the index what has changed since the last call.
    func run() async throws {
        let (shares, gates) = (Set(try await ledger.tenantLimits().map(TenantShare.init)), try await ledger.gateLimits())
        // A rebuild reads the ledger itself, but what it read may be older than what was told to the life before.
        let epoch = dispatch.epoch
        if toldUnder != epoch { (self.shares, self.gates) = ([], [:]) }
        let fresh = shares.subtracting(self.shares)
        if !fresh.isEmpty { try await dispatch.configure(Array(fresh)) }
        var changed: [String: Int?] = gates.filter { self.gates[$0.key] != $0.value }
        for gate in self.gates.keys where gates[gate] == nil { changed.updateValue(nil, forKey: gate) }
        if !changed.isEmpty { try await dispatch.limit(gates: changed) }
        (self.shares, self.gates, toldUnder) = (shares, gates, epoch)
    }
}

extension TenantShare {
    init(_ limits: TenantLimits) {
        self.init(tenant: limits.tenant, weight: limits.weight, cap: limits.cap, rate: limits.rate, burst: limits.burst)
    }
}
