import PostgresClient
import Tenancy

// The counters by which a decision knows what it saw of loads and deals; see docs/architecture.md, 42. Whoever changes pending leads by
// another way than a decision moves the counter before it locks any load, and appends to load_change under its new number.

extension Statement {
    /// Loads are about to change by another way than a decision. In the same transaction, before any load is locked.
    static func moveLoads(of tenant: TenantID) -> Statement {
        """
        INSERT INTO routing_clock AS c (tenant_id, load_seq) VALUES (\(tenant.rawValue), 1)
        ON CONFLICT (tenant_id) DO UPDATE SET load_seq = c.load_seq + 1
        RETURNING load_seq
        """
    }

    /// A deal is about to be told. In the same transaction, before it is written.
    static func moveDeals(of tenant: TenantID) -> Statement {
        """
        INSERT INTO routing_clock AS c (tenant_id, deal_seq) VALUES (\(tenant.rawValue), 1)
        ON CONFLICT (tenant_id) DO UPDATE SET deal_seq = c.deal_seq + 1
        RETURNING deal_seq
        """
    }
}
