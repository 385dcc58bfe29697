import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// Leaves one row, in a table without a unique key, so that a doubled effect would show.
public struct ProbeEffect: WrittenEffect, Equatable {
    public var key: String

    public init(key: String) { self.key = key }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        let probes = effects.compactMap { settled in (settled.effect as? ProbeEffect).map { (settled, $0.key) } }
        guard !probes.isEmpty else { return [] }
        return [
            """
            INSERT INTO probe_effect (tenant_id, effect_key, job_id, attempt)
            SELECT * FROM unnest(\(probes.map(\.0.tenant.rawValue)), \(probes.map(\.1)), \(probes.map(\.0.job.rawValue)), \(probes.map { Int32($0.0.attempt) }))
            """
        ]
    }
}

/// What the probe kind asks of tenant data: whether its pretended dependency is down.
public struct ProbeDependencies: Sendable {
    private let postgres: PostgresPool

    /// - Parameter postgres: a pool under the role `kiteline_app`.
    public init(postgres: PostgresPool) { self.postgres = postgres }

    public func isFailing(_ name: String, of tenant: TenantID) async throws -> Bool {
        try await postgres.pipeline([.tenants([tenant]), "SELECT failing FROM probe_dependency WHERE name = \(name)"])[1].first?.get(
            "failing") ?? false
    }
}
