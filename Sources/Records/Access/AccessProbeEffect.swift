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
    /// Of permissions that cannot be read.
    private static let policies = "policies"

    private let round: AccessProbeRound

    public init(_ round: AccessProbeRound) { self.round = round }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.flatMap { settled in (settled.effect as? AccessProbeEffect)?.statements(of: settled.tenant, at: settled.at) ?? [] }
    }

    private func statements(of tenant: TenantID, at now: Date) -> [Statement] {
        let raised = alerts
        let names = raised.keys.sorted()
        // Of what was not tried nobody knows whether it works again.
        let tried = round.tried.map(\.name) + (round.isReadable ? [Self.policies] : [])
        return [
            """
            UPDATE alert SET resolved_at = \(now)
            WHERE tenant_id = \(tenant.rawValue) AND code = \(Self.alertCode) AND resolved_at IS NULL AND subject <> ALL(\(names))
                AND (\(round.isComplete && round.isReadable) OR subject = ANY(\(tried)))
            """,
            """
            INSERT INTO alert AS a (tenant_id, code, subject, detail, first_at, last_at)
            SELECT \(tenant.rawValue), \(Self.alertCode), n.subject, n.detail, \(now), \(now)
            FROM unnest(\(names), \(names.map { JSONBytes(raised[$0]!) })) AS n(subject, detail)
            ORDER BY n.subject
            ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL
                DO UPDATE SET count = a.count + 1, last_at = excluded.last_at, detail = excluded.detail
            """,
        ]
    }

    /// By subject: one for each role, domain and action; where more than five domains of one role and action failed, one for them together.
    private var alerts: [String: [UInt8]] {
        guard round.isReadable else {
            return [Self.policies: JSONWriter.object { $0.member("cause", "unreadable") }]
        }
        struct Action: Hashable {
            let role: String
            let action: RecordAction
        }
        var alerts: [String: [UInt8]] = [:]
        for (action, failures) in Dictionary(grouping: round.failures, by: { Action(role: $0.probe.role, action: $0.probe.action) }) {
            // Of several people who stand for one role the first is named.
            let each = Dictionary(failures.map { ($0.probe.name, $0) }, uniquingKeysWith: { first, _ in first })
            if each.count <= 5 {
                alerts.merge(each.mapValues { failure in JSONWriter.object { failure.write(to: &$0) } }) { first, _ in first }
            } else {
                alerts["\(action.role)/*/\(action.action.rawValue)"] = JSONWriter.object { object in
                    failures[0].write(to: &object)
                    object.member("domains", failures.prefix(50).compactMap { $0.probe.city?.name })
                    object.member("domains_failed", each.count)
                }
            }
        }
        return alerts
    }
}

extension ProbeFailure {
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
    private static let shown = 50

    /// As the job's result shows it.
    public var json: [UInt8] {
        JSONWriter.object { object in
            object.member("version", version)
            object.member("readable", isReadable)
            object.member("tried", tried.count)
            object.member("complete", isComplete)
            object.member("failed", failures.count)
            object.array("failures") { list in for failure in failures.prefix(Self.shown) { list.object { failure.write(to: &$0) } } }
        }
    }

    public var hasPassed: Bool { isReadable && failures.isEmpty }
}

extension NewJob {
    /// The kind of the jobs that try what people may do.
    public static let probeAccessKind = "probe_access"

    public static func probeAccess(of tenant: TenantID) -> NewJob {
        // One that waits is enough.
        NewJob(tenant: tenant, kind: probeAccessKind, arguments: Array("{}".utf8), priority: 3, uniqueKey: "waiting")
    }
}

extension Records {
    /// Has one tenant's permissions tried now; the job that does.
    public func enqueueAccessProbe(of tenant: TenantID) async throws -> JobID {
        try await ledger.enqueue([.probeAccess(of: tenant)])[0]
    }

    /// Has the permissions of every tenant tried that has said anything of them, or given a key to a person. To be called once an hour.
    /// - Returns: of how many.
    @discardableResult public func enqueueAccessProbes() async throws -> Int {
        let rows = try await engine.pipeline([
            .everyTenant,
            """
            SELECT t.id FROM tenant t
            WHERE EXISTS (SELECT FROM access_version v WHERE v.tenant_id = t.id)
                OR EXISTS (SELECT FROM api_key k WHERE k.tenant_id = t.id AND k.person IS NOT NULL AND k.revoked_at IS NULL)
                OR EXISTS (SELECT FROM alert a WHERE a.tenant_id = t.id AND a.code = \(AccessProbeEffect.alertCode) AND a.resolved_at IS NULL)
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
