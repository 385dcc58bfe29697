import Foundation
import JSONEnvelope
import Jobs
import Ledger
import Permissions
import PostgresClient
import Tenancy

/// Raises an alert for each role, domain and action that failed, and ends those of what works again (ACCESS-09).
public struct AccessProbeEffect: WrittenEffect {
    static let alertCode = "access_probe_failed"

    private let round: AccessProbeRound

    public init(_ round: AccessProbeRound) { self.round = round }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.flatMap { settled in (settled.effect as? AccessProbeEffect)?.statements(of: settled.tenant, at: settled.at) ?? [] }
    }

    private func statements(of tenant: TenantID, at now: Date) -> [Statement] {
        // Of several people who stand for one role the first is named.
        let failures = Dictionary(round.failures.map { ($0.probe.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = failures.keys.sorted()
        let over: Statement = """
            UPDATE alert SET resolved_at = \(now)
            WHERE tenant_id = \(tenant.rawValue) AND code = \(Self.alertCode) AND resolved_at IS NULL AND subject <> ALL(\(names))
            """
        return [over]
            + names.map { name in
                .raise(Self.alertCode, name, detail: JSONBytes(failures[name]!.json), of: tenant, at: now)
            }
    }
}

extension ProbeFailure {
    fileprivate var json: [UInt8] { JSONWriter.object { write(to: &$0) } }

    func write(to object: inout JSONWriter) {
        object.member("role", probe.role)
        object.member("domain", probe.city?.name)
        object.member("action", probe.action.rawValue)
        object.member("user", probe.person.id)
        object.member("cause", cause.rawValue)
        object.member("message", message.isEmpty ? nil : message)
    }
}

extension AccessProbeRound {
    /// Failures a result names; all are told as alerts.
    private static let shown = 100

    /// As the job's result shows it.
    public var json: [UInt8] {
        JSONWriter.object { object in
            object.member("version", version)
            object.member("tried", tried)
            object.member("left_out", leftOut)
            object.member("failed", failures.count)
            object.array("failures") { list in for failure in failures.prefix(Self.shown) { list.object { failure.write(to: &$0) } } }
        }
    }
}

extension NewJob {
    /// The kind of the jobs that try what people may do.
    public static let probeAccessKind = "probe_access"

    public static func probeAccess(of tenant: TenantID) -> NewJob {
        NewJob(tenant: tenant, kind: probeAccessKind, arguments: Array("{}".utf8), priority: 3, uniqueKey: "hourly")
    }
}

extension Records {
    /// Has the permissions of every tenant tried that has said anything of them, or given a key to a person. To be called once an hour.
    /// - Returns: of how many.
    @discardableResult public func enqueueAccessProbes() async throws -> Int {
        let rows = try await engine.pipeline([
            .everyTenant,
            """
            SELECT t.id FROM tenant t
            WHERE EXISTS (SELECT FROM access_version v WHERE v.tenant_id = t.id)
                OR EXISTS (SELECT FROM api_key k WHERE k.tenant_id = t.id AND k.person IS NOT NULL AND k.revoked_at IS NULL)
            ORDER BY t.id
            """,
        ])[1]
        let jobs = try rows.map { NewJob.probeAccess(of: TenantID(try $0.get("id"))) }
        for start in stride(from: 0, to: jobs.count, by: 500) {
            _ = try await ledger.enqueue(Array(jobs[start..<min(start + 500, jobs.count)]))
        }
        return jobs.count
    }
}
