import Foundation
import Identity
import Ledger
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// A subject whose clocks are kept, by its number.
public struct ClockKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let type: SubjectType
    public let id: Int64

    public init(_ type: SubjectType, _ id: Int64) {
        self.type = type
        self.id = id
    }

    /// Reads `lead/7`.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let type = SubjectType(rawValue: String(parts[0])), let id = Int64(parts[1]) else { return nil }
        self.init(type, id)
    }

    /// `lead/7`
    public var description: String { "\(type.rawValue)/\(id)" }

    public static func < (a: ClockKey, b: ClockKey) -> Bool { (a.type.rawValue, a.id) < (b.type.rawValue, b.id) }
}

extension Statement {
    /// Has the clocks of subjects looked at again now, because something happened to them: to be run in the transaction that says what.
    ///
    /// Whoever has decided on how they stood before decides again. Comes after everything else that locks the subjects, so that everybody
    /// takes these rows last. Of subjects that no live clock rule watches nothing is kept. The tenant must be set.
    static func armClocks(of type: SubjectType, _ ids: some Collection<Int64>, of tenant: TenantID, at now: Date) -> Statement {
        """
        INSERT INTO clock_subject AS c (tenant_id, subject_type, subject_id, next_at)
        SELECT \(tenant.rawValue), \(type.rawValue), id, \(now)::timestamptz FROM unnest(\(Set(ids).sorted())) AS n(id)
        WHERE EXISTS (SELECT FROM clock_watch w WHERE w.tenant_id = \(tenant.rawValue) AND w.subject_type = \(type.rawValue))
        ORDER BY id
        ON CONFLICT (tenant_id, subject_type, subject_id) DO UPDATE SET fence = c.fence + 1, next_at = excluded.next_at, job_id = NULL
        """
    }

    /// The same for customers, by their own ids or numbers, or because they are those of leads. The order of all arming in one transaction is
    /// that of the types' names.
    static func armCustomerClocks(
        named names: some Collection<String>, ofLeads leads: some Collection<Int64>, of tenant: TenantID, at now: Date
    ) -> Statement {
        let (names, numbers) = (Set(names).sorted(), names.compactMap { CustomerID(name: $0)?.rawValue }.sorted())
        return """
            INSERT INTO clock_subject AS c (tenant_id, subject_type, subject_id, next_at)
            SELECT \(tenant.rawValue), 'customer', id, \(now)::timestamptz
            FROM (
                SELECT id FROM customer
                WHERE tenant_id = \(tenant.rawValue) AND (external_id = ANY(\(names)) OR id = ANY(\(numbers))) AND merged_into IS NULL
                UNION
                SELECT customer_id FROM lead
                WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(Set(leads).sorted())) AND customer_id IS NOT NULL) n
            WHERE EXISTS (SELECT FROM clock_watch w WHERE w.tenant_id = \(tenant.rawValue) AND w.subject_type = 'customer')
            ORDER BY id
            ON CONFLICT (tenant_id, subject_type, subject_id) DO UPDATE SET fence = c.fence + 1, next_at = excluded.next_at, job_id = NULL
            """
    }

    /// The same for opportunities by their external ids.
    static func armOpportunityClocks(named names: some Collection<String>, of tenant: TenantID, at now: Date) -> Statement {
        """
        INSERT INTO clock_subject AS c (tenant_id, subject_type, subject_id, next_at)
        SELECT \(tenant.rawValue), 'opportunity', o.id, \(now)::timestamptz FROM opportunity o
        WHERE o.tenant_id = \(tenant.rawValue) AND o.external_id = ANY(\(Set(names).sorted()))
            AND EXISTS (SELECT FROM clock_watch w WHERE w.tenant_id = \(tenant.rawValue) AND w.subject_type = 'opportunity')
        ORDER BY o.id
        ON CONFLICT (tenant_id, subject_type, subject_id) DO UPDATE SET fence = c.fence + 1, next_at = excluded.next_at, job_id = NULL
        """
    }

    /// The same for a tenant's incidents that are not over yet.
    static func armIncidentClocks(of tenant: TenantID, at now: Date) -> Statement {
        """
        INSERT INTO clock_subject AS c (tenant_id, subject_type, subject_id, next_at)
        SELECT \(tenant.rawValue), 'incident', i.id, \(now)::timestamptz FROM incident i
        WHERE i.tenant_id = \(tenant.rawValue) AND i.drained_at IS NULL
            AND EXISTS (SELECT FROM clock_watch w WHERE w.tenant_id = \(tenant.rawValue) AND w.subject_type = 'incident')
        ORDER BY i.id
        ON CONFLICT (tenant_id, subject_type, subject_id) DO UPDATE SET fence = c.fence + 1, next_at = excluded.next_at, job_id = NULL
        """
    }

    /// The same for those that have clocks already, and for nobody else.
    static func rearmClocks(of type: SubjectType, _ ids: some Collection<Int64>, of tenant: TenantID, at now: Date) -> Statement {
        """
        WITH known AS (
            SELECT subject_id FROM clock_subject
            WHERE tenant_id = \(tenant.rawValue) AND subject_type = \(type.rawValue) AND subject_id = ANY(\(Set(ids).sorted()))
            ORDER BY subject_id FOR UPDATE)
        UPDATE clock_subject c SET fence = c.fence + 1, next_at = \(now), job_id = NULL FROM known k
        WHERE c.tenant_id = \(tenant.rawValue) AND c.subject_type = \(type.rawValue) AND c.subject_id = k.subject_id
        """
    }

    /// The same for whatever a seller has, because other hours count for them now. What is due already stays due.
    static func rearmClocks(ofSeller name: String, of tenant: TenantID, at now: Date) -> Statement {
        """
        WITH own AS (
            SELECT 'lead' AS type, l.id FROM seller s JOIN lead l ON l.tenant_id = s.tenant_id AND l.owner_id = s.id
            WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(name)
            UNION ALL
            SELECT 'customer', c.id FROM seller s JOIN customer c ON c.tenant_id = s.tenant_id AND c.owner_id = s.id
            WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(name)
            UNION ALL
            SELECT 'opportunity', o.id FROM opportunity o WHERE o.tenant_id = \(tenant.rawValue) AND o.owner = \(name)),
        known AS (
            SELECT c.subject_type, c.subject_id
            FROM own o JOIN clock_subject c ON c.tenant_id = \(tenant.rawValue) AND c.subject_type = o.type AND c.subject_id = o.id
            WHERE c.next_at IS NOT NULL
            ORDER BY c.subject_type, c.subject_id FOR UPDATE OF c)
        UPDATE clock_subject c SET fence = c.fence + 1, next_at = \(now), job_id = NULL FROM known k
        WHERE c.tenant_id = \(tenant.rawValue) AND c.subject_type = k.subject_type AND c.subject_id = k.subject_id
        """
    }

    /// Has all clocks of a tenant that still run looked at again, because rules or calendars have changed: page by page, by `promoteClocks`.
    static func rearmAllClocks(of tenant: TenantID, at now: Date) -> Statement {
        """
        INSERT INTO clock_rearm (tenant_id, asked_at) VALUES (\(tenant.rawValue), \(now))
        ON CONFLICT (tenant_id) DO UPDATE SET asked_at = excluded.asked_at, after_type = '', after_id = 0
        """
    }
}

extension PostgresTransaction {
    /// What the rules say of time, and of what clocks read, counts from now on: notes which subjects a clock rule set watches, now that it is
    /// live, and has running clocks looked at again.
    func noteForClocks(_ live: RuleSetVersion, of tenant: TenantID) throws {
        if live.kind.setsClocks { _ = try query(.rearmAllClocks(of: tenant, at: Date())) }
        guard live.kind == .clock else { return }
        let watched = live.watchedSubjects
        _ = try pipeline([
            """
            DELETE FROM clock_watch w
            WHERE w.tenant_id = \(tenant.rawValue) AND (w.ruleset = \(live.name) OR NOT EXISTS (
                SELECT FROM ruleset_version v
                WHERE v.tenant_id = w.tenant_id AND v.kind = 'clock' AND v.name = w.ruleset AND v.state = 'live'))
            """,
            """
            INSERT INTO clock_watch (tenant_id, ruleset, subject_type)
            SELECT \(tenant.rawValue), \(live.name), type FROM unnest(\(watched.map(\.rawValue))) AS n(type)
            """,
            // Nothing may happen to an incident until it is over.
            .armIncidentClocks(of: tenant, at: Date()),
        ])
    }

    /// What a candidate watches is kept beside what the live rules do, from its first customer on; the next version that goes live tidies up.
    func noteForClocks(candidate kind: RuleKind, _ name: String, version: Int, of tenant: TenantID) throws {
        guard kind == .clock else { return }
        let row = try query(
            """
            \(unescaped: RuleSetVersion.select)
            WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name = \(name) AND version = \(Int32(version))
            """
        ).first
        guard let candidate = try row.map(RuleSetVersion.init) else { return }
        _ = try query(
            """
            INSERT INTO clock_watch (tenant_id, ruleset, subject_type)
            SELECT \(tenant.rawValue), \(name), type FROM unnest(\(candidate.watchedSubjects.map(\.rawValue))) AS n(type)
            ON CONFLICT DO NOTHING
            """)
    }
}

extension RuleSetVersion {
    /// The subjects whose clocks it keeps.
    fileprivate var watchedSubjects: [SubjectType] {
        // One that needs the tenant's own fields to be read may watch anything.
        let all: [SubjectType] = [.customer, .incident, .lead, .opportunity]
        guard let clocks = parsed(.standard)?.clocks else { return all }
        return all.filter(Set(clocks.clocks.map(\.subject)).contains)
    }
}

extension RuleKind {
    /// Whether what is due, or what clocks read, changes with it.
    var setsClocks: Bool { [.clock, .score, .map].contains(self) }
}

extension LeadDecisionEffect {
    /// Arms the clocks of the customers whose leads were assigned: they count from the first of these.
    static func armingCustomers(_ decided: [(settled: SettledEffect, effect: LeadDecisionEffect)]) -> Statement? {
        let armed = decided.filter { $0.effect.decision.watchesCustomer && $0.effect.decision.owner != nil && $0.effect.customer != nil }
        guard !armed.isEmpty else { return nil }
        return """
            INSERT INTO clock_subject AS c (tenant_id, subject_type, subject_id, next_at)
            SELECT n.tenant, 'customer', n.id, min(n.at)
            FROM unnest(\(armed.map(\.settled.tenant.rawValue)), \(armed.compactMap { $0.effect.customer?.customer.rawValue }), \(armed.map(\.effect.decision.decidedAt)))
                AS n(tenant, id, at)
            GROUP BY n.tenant, n.id
            ORDER BY n.tenant, n.id
            ON CONFLICT (tenant_id, subject_type, subject_id) DO UPDATE SET fence = c.fence + 1, next_at = excluded.next_at, job_id = NULL
            """
    }

    /// Arms the clocks of leads that were decided on, to be looked at when the first of them is due; of a lead that was touched already, at once.
    static func arming(_ decided: [(settled: SettledEffect, effect: LeadDecisionEffect)]) -> Statement? {
        let armed = decided.filter { $0.effect.decision.looksAt != nil }
        guard !armed.isEmpty else { return nil }
        return """
            INSERT INTO clock_subject AS c (tenant_id, subject_type, subject_id, next_at, clocks, looked_at)
            SELECT n.tenant, 'lead', n.id, n.at, n.clocks, n.now
            FROM unnest(\(armed.map(\.settled.tenant.rawValue)), \(armed.map(\.effect.lead.lead.id.rawValue)), \(armed.map { $0.effect.lead.isTouched ? $0.effect.decision.decidedAt : $0.effect.decision.looksAt }),
                    \(armed.map { ClockDocument.json($0.effect.decision.clocks) }), \(armed.map(\.effect.decision.decidedAt)))
                AS n(tenant, id, at, clocks, now)
            ORDER BY n.tenant, n.id
            ON CONFLICT (tenant_id, subject_type, subject_id) DO UPDATE
                SET fence = c.fence + 1, next_at = excluded.next_at, job_id = NULL, clocks = excluded.clocks, looked_at = excluded.looked_at
            """
    }
}
