import Foundation
import PostgresClient
import Tenancy

/// A line of the audit log, for people.
public struct AuditRecord: Sendable, Hashable {
    public let id: Int64
    /// Its place in its chain.
    public let seq: Int64
    public let hash: [UInt8]
    /// Nil: what concerns no tenant in particular.
    public let tenant: String?
    public let at: Date
    public let actor: String
    /// What people call the actor's key; nil where it has no name, or no key did it.
    public let keyName: String?
    public let action: String
    public let subject: String
    public let before: JSONBytes?
    public let after: JSONBytes?
    public let reason: String?
}

/// What a chain looked like when it was read through.
public struct AuditReport: Sendable, Hashable {
    /// Nil: the chain of what concerns no tenant.
    public let tenant: String?
    public let rows: Int
    /// Where it ends; nil where it has no row. Noted elsewhere, it shows later whether everything was written anew.
    public let head: AuditMark?
    public let faults: [AuditFault]
}

/// What the log is searched for; what is nil doesn't matter.
public struct AuditSearch: Sendable, Hashable {
    public var action: String?
    /// What it was done to: its name in the log, or what people call the seller it was done to.
    public var subject: String?
    /// Who did it: `key:7` with whoever had it, the key's name, or the person whose key it was.
    public var actor: String?
    /// Done at this time or later, and before that.
    public var since: Date?
    public var until: Date?

    public init() {}
}

extension Records {
    /// The log, the newest first.
    /// - Parameters:
    ///   - tenant: whose; nil: everybody's.
    ///   - namesAll: tells the names of platform keys too; otherwise those of the tenant's own.
    public func audit(
        _ search: AuditSearch = AuditSearch(), of tenant: TenantID?, namesAll: Bool = false, before cursor: Int64 = .max, limit: Int
    ) async throws -> Page<AuditRecord> {
        let sellers = try await sellers(named: search.subject, of: tenant)
        // An actor is `key:7`, `key:7 of wang` or a word. Every line is asked whose it is: so the keys of that name are found once, before,
        // and names are looked up for the page's lines only.
        let rows = try await engine.query(
            """
            WITH named AS MATERIALIZED (
                SELECT 'key:' || id AS key FROM api_key WHERE name = \(search.actor) AND (\(namesAll) OR tenant_id = \(tenant?.rawValue)))
            SELECT a.id, a.seq, a.hash, t.slug, a.at, a.actor, k.name AS key_name, a.action, a.subject, a.before, a.after, a.reason
            FROM (
                SELECT * FROM audit_log
                WHERE id < \(cursor) AND (\(tenant?.rawValue)::bigint IS NULL OR tenant_id = \(tenant?.rawValue))
                    AND (\(search.action)::text IS NULL OR action = \(search.action))
                    AND (\(search.subject)::text IS NULL OR subject = \(search.subject)
                        OR starts_with(action, 'seller.') AND subject = ANY(\(sellers)))
                    AND (\(search.actor)::text IS NULL OR actor = \(search.actor) OR split_part(actor, ' of ', 1) = \(search.actor)
                        OR starts_with(actor, 'key:') AND substr(actor, NULLIF(strpos(actor, ' of '), 0) + 4) = \(search.actor)
                        OR split_part(actor, ' of ', 1) IN (SELECT key FROM named))
                    AND (\(search.since)::timestamptz IS NULL OR at >= \(search.since))
                    AND (\(search.until)::timestamptz IS NULL OR at < \(search.until))
                ORDER BY id DESC
                LIMIT \(limit + 1)) a
                LEFT JOIN tenant t ON t.id = a.tenant_id
                LEFT JOIN api_key k ON k.id = substring(a.actor FROM '^key:([0-9]{1,18})( of |$)')::bigint
                    AND (\(namesAll) OR k.tenant_id = a.tenant_id)
            ORDER BY a.id DESC
            """)
        let items = try rows.prefix(limit).map(AuditRecord.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }

    /// External ids of those people call so.
    private func sellers(named name: String?, of tenant: TenantID?) async throws -> [String] {
        guard let name, let tenant else { return [] }
        return try await read(
            tenant, "SELECT external_id FROM seller WHERE tenant_id = \(tenant.rawValue) AND name = \(name) LIMIT 100"
        ).map { try $0.get("external_id") }
    }

    /// Reads a chain through.
    /// - Parameters:
    ///   - tenant: whose; nil: the one of what concerns no tenant.
    ///   - noted: a mark of it that was noted earlier.
    public func verifyAudit(of tenant: Tenant?, noted: AuditMark? = nil, page: Int = 1_000) async throws -> AuditReport {
        let chain = tenant?.id.rawValue ?? 0
        var verification = AuditVerification(noted: noted)
        // What is written meanwhile is left to the next time.
        let head = try await auditHead(chain)
        var last: Int64 = 0
        while true {
            let entries = try await engine.query(
                """
                SELECT id, seq, tenant_id, (extract(epoch FROM at) * 1000000)::bigint AS at, actor, action, subject, before::text AS before,
                    after::text AS after, reason, prev_hash, hash
                FROM audit_log
                WHERE COALESCE(tenant_id, 0) = \(chain) AND seq > \(last) AND seq <= \(head?.seq ?? 0)
                ORDER BY COALESCE(tenant_id, 0), seq
                LIMIT \(page)
                """
            ).map(AuditEntry.init)
            for entry in entries { verification.read(entry) }
            guard let end = entries.last else { break }
            last = end.seq
        }
        verification.end(at: head)
        // Asked at one moment, so that what is written meanwhile is no stray.
        let strays = try await engine.query(
            """
            SELECT seq, id FROM audit_log
            WHERE COALESCE(tenant_id, 0) = \(chain) AND seq > COALESCE((SELECT seq FROM audit_head WHERE chain = \(chain)), 0)
            ORDER BY seq
            LIMIT 100
            """
        ).map { AuditFault.inserted(seq: try $0.get("seq"), id: try $0.get("id")) }
        return AuditReport(tenant: tenant?.slug, rows: verification.rows, head: head, faults: verification.faults + strays)
    }

    private func auditHead(_ chain: Int64) async throws -> AuditMark? {
        try await engine.query("SELECT seq, hash FROM audit_head WHERE chain = \(chain)").first.map {
            AuditMark(seq: try $0.get("seq"), hash: try $0.get("hash"))
        }
    }
}

extension AuditRecord {
    fileprivate init(_ row: Row) throws {
        id = try row.get("id")
        seq = try row.get("seq")
        hash = try row.get("hash")
        tenant = try row.get("slug")
        at = try row.get("at")
        actor = try row.get("actor")
        keyName = try row.get("key_name")
        action = try row.get("action")
        subject = try row.get("subject")
        before = try row.get("before")
        after = try row.get("after")
        reason = try row.get("reason")
    }
}

extension AuditEntry {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: try row.get("id"), seq: try row.get("seq"), tenant: try row.get("tenant_id"), at: try row.get("at"),
            actor: try row.get("actor"), action: try row.get("action"), subject: try row.get("subject"), before: try row.get("before"),
            after: try row.get("after"), reason: try row.get("reason"), previous: try row.get("prev_hash"), hash: try row.get("hash"))
    }
}
