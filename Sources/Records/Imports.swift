import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// How far an import has come.
public struct ImportRecord: Sendable, Hashable {
    public enum State: String, Sendable {
        case running, completed, failed
    }

    public let id: Int64
    public let source: String
    public let state: State
    public let rows: Int
    public let accepted: Int
    public let rejected: Int
    /// Of those accepted, leads that were known before: their fields were updated.
    public let updated: Int
    /// The first faults, a JSON array.
    public let errors: JSONBytes
    /// The first `RepeatedID`s, a JSON array.
    public let repeated: JSONBytes
    public let createdAt: Date
    public let finishedAt: Date?

    /// What whoever sent a file that was not taken in whole can do.
    public static let repeating =
        "Rows counted as accepted are in. Send the same file again: leads known by source and external id are not made twice."
}

/// What an import has counted so far.
public struct ImportCount: Sendable, Hashable {
    public var rows = 0
    public var accepted = 0
    public var rejected = 0
    public var updated = 0
    public var repeated: [RepeatedID] = []

    public init() {}
}

/// A line of an import whose id an earlier line has too: it is one lead, and the later line's fields count.
public struct RepeatedID: Sendable, Hashable, Codable {
    public let line: Int
    /// The first line with this id.
    public let earlier: Int

    public init(line: Int, earlier: Int) {
        self.line = line
        self.earlier = earlier
    }
}

extension Records {
    /// Opens an import.
    public func beginImport(source: String, of tenant: TenantID) async throws -> Int64 {
        try await write(tenant) { transaction in
            try transaction.query(
                "INSERT INTO lead_import (tenant_id, source, state) VALUES (\(tenant.rawValue), \(source), 'running') RETURNING id"
            ).first!.get("id")
        }
    }

    /// Notes how far an import has come.
    ///
    /// - Parameter errors: a JSON array of the first faults.
    public func noteImport(_ id: Int64, of tenant: TenantID, _ state: ImportRecord.State, _ count: ImportCount, errors: [UInt8])
        async throws
    {
        _ = try await write(tenant) { transaction in
            try transaction.query(
                """
                UPDATE lead_import
                SET state = \(state.rawValue), rows = \(count.rows), accepted = \(count.accepted), rejected = \(count.rejected), updated = \(count.updated),
                    errors = \(JSONBytes(errors)), repeated = \(JSONBytes.encoding(count.repeated)),
                    finished_at = CASE WHEN \(state.rawValue) = 'running' THEN NULL ELSE now() END, heard_at = now()
                WHERE tenant_id = \(tenant.rawValue) AND id = \(id)
                """)
        }
    }

    /// Tells that an import still goes on.
    public func keepImport(_ id: Int64, of tenant: TenantID) async throws {
        _ = try await write(tenant) { transaction in
            try transaction.query("UPDATE lead_import SET heard_at = now() WHERE tenant_id = \(tenant.rawValue) AND id = \(id)")
        }
    }

    /// Ends the imports of every tenant that have not been heard of for `silence`: their process is gone. To be called now and then.
    ///
    /// One that was only slow says so by going on, and ends as it ends.
    public func endSilentImports(after silence: Duration = .seconds(120)) async throws {
        let seconds = Double(silence.components.seconds) + Double(silence.components.attoseconds) / 1e18
        _ = try await engine.pipeline([
            // Row security shows imports of tenants that are named, so all are.
            .everyTenant,
            """
            UPDATE lead_import
            SET state = 'failed', finished_at = now(), errors = errors || jsonb_build_array(jsonb_build_object(
                'line', rows, 'field', NULL, 'message', 'the import was interrupted here. ' || \(ImportRecord.repeating)))
            WHERE state = 'running' AND heard_at < now() - make_interval(secs => \(seconds))
            """,
        ])
    }

    public func leadImport(_ id: Int64, of tenant: TenantID) async throws -> ImportRecord? {
        try await read(
            tenant,
            """
            SELECT id, source, state, rows, accepted, rejected, updated, errors, repeated, created_at, finished_at
            FROM lead_import
            WHERE tenant_id = \(tenant.rawValue) AND id = \(id)
            """
        ).first.map(ImportRecord.init)
    }
}

extension Records {
    /// How many jobs of leads that came in during an import are deferred: those of another import of the same time are among them.
    public func deferredJobs(of record: ImportRecord, of tenant: TenantID) async throws -> Int {
        try await read(
            tenant,
            """
            SELECT COALESCE(sum(jobs), 0)::bigint AS jobs FROM deferred
            WHERE tenant_id = \(tenant.rawValue) AND flow = \(NewJob.assignLeadKind) AND since >= \(record.createdAt)
                AND since <= COALESCE(\(record.finishedAt)::timestamptz, 'infinity')
            """
        ).first!.get("jobs")
    }
}

// A streamed request's hash is known at its end only, and its work is not one transaction: its key is taken first, kept
// while it runs, and answered last. Should the process die meanwhile, the key is free again when its short lease ends.
extension Records {
    private static let lease = "1 minute"

    /// Takes the key of a request about to stream in; `inFlight` when another holds it, nil when it is free or was answered before:
    /// which of the two the hash will tell.
    public func beginOnce(_ key: String, of tenant: TenantID) async throws -> StreamedKey {
        try await write(tenant) { transaction in
            let taken = try transaction.query(
                """
                INSERT INTO idem (tenant_id, key, hash, expires_at)
                VALUES (\(tenant.rawValue), \(key), ''::bytea, now() + \(unescaped: "interval '\(Self.lease)'"))
                ON CONFLICT (tenant_id, key) DO UPDATE
                    SET hash = excluded.hash, status = NULL, answer = NULL, expires_at = excluded.expires_at WHERE idem.expires_at < now()
                RETURNING 1
                """)
            if !taken.isEmpty { return .taken }
            let isAnswered: Bool? = try transaction.query(
                "SELECT status IS NOT NULL AS answered FROM idem WHERE tenant_id = \(tenant.rawValue) AND key = \(key)"
            ).first?.get("answered")
            return isAnswered == true ? .answered : .inFlight
        }
    }

    /// Keeps the key of a streaming request for another while.
    public func prolongOnce(_ key: String, of tenant: TenantID) async throws {
        _ = try await write(tenant) { transaction in
            try transaction.query(
                """
                UPDATE idem SET expires_at = now() + \(unescaped: "interval '\(Self.lease)'")
                WHERE tenant_id = \(tenant.rawValue) AND key = \(key) AND status IS NULL
                """)
        }
    }

    /// Keeps the answer of a streamed request with its key.
    public func endOnce(_ key: IdempotencyKey, _ answer: StoredAnswer) async throws {
        _ = try await write(key.tenant) { transaction in
            try transaction.query(
                """
                UPDATE idem SET hash = \(key.hash), status = \(Int32(answer.status)), answer = \(answer.body), expires_at = now() + interval '24 hours'
                WHERE tenant_id = \(key.tenant.rawValue) AND key = \(key.key)
                """)
        }
    }

    /// Frees the key of a streamed request that was refused.
    public func abandonOnce(_ key: String, of tenant: TenantID) async throws {
        _ = try await write(tenant) { transaction in
            try transaction.query("DELETE FROM idem WHERE tenant_id = \(tenant.rawValue) AND key = \(key) AND status IS NULL")
        }
    }

    /// What the request with this key was answered.
    public func answered(_ key: IdempotencyKey) async throws -> Once {
        try await write(key.tenant) { try $0.answered(key) }
    }
}

/// How a streamed request's key was found.
public enum StreamedKey: Sendable, Hashable {
    case taken
    case answered
    case inFlight
}

extension ImportRecord {
    init(_ row: Row) throws {
        id = try row.get("id")
        source = try row.get("source")
        state = State(rawValue: try row.get("state"))!  // a check in the table allows no other
        rows = try row.get("rows")
        accepted = try row.get("accepted")
        rejected = try row.get("rejected")
        updated = try row.get("updated")
        errors = try row.get("errors")
        repeated = try row.get("repeated")
        createdAt = try row.get("created_at")
        finishedAt = try row.get("finished_at")
    }
}
