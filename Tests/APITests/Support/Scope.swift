import PostgresClient
import Tenancy

extension Statement {
    /// Holds the transaction to a tenant's rows, as the application does.
    static func scope(_ tenant: TenantID) -> Statement { "SELECT set_config('kiteline.tenants', \("{\(tenant)}"), true)" }
}
