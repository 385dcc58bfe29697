import Ledger
import PostgresClient

/// An answer as it was, or will be, sent.
public struct StoredAnswer: Sendable, Hashable {
    public var status: Int
    public var body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// What became of a request that may be a repetition.
public enum Once: Sendable, Hashable {
    /// Done now.
    case done(StoredAnswer)
    /// Done by an earlier request with this key; its answer.
    case replayed(StoredAnswer)
    /// The key belongs to another request.
    case keyReused
    /// The first request with this key has not ended.
    case inFlight
}

extension PostgresTransaction {
    /// Runs `body` unless a request with this key was answered before; keeps the answer with the key, in this transaction.
    ///
    /// The key's row is inserted first. A second request with the same key waits there for the first one's end: if that
    /// committed it reads the answer, if not it is itself the first. The tenant must be set.
    func once(_ key: IdempotencyKey?, _ body: () throws -> StoredAnswer) throws -> Once {
        guard let key else { return .done(try body()) }
        let taken = try query(
            """
            INSERT INTO idem (tenant_id, key, hash, expires_at)
            VALUES (\(key.tenant.rawValue), \(key.key), \(key.hash), now() + interval '24 hours')
            ON CONFLICT (tenant_id, key) DO UPDATE
                SET hash = excluded.hash, status = NULL, answer = NULL, expires_at = excluded.expires_at WHERE idem.expires_at < now()
            RETURNING 1
            """)
        guard !taken.isEmpty else { return try answered(key) }
        let answer = try body()
        _ = try query(
            """
            UPDATE idem SET status = \(Int32(answer.status)), answer = \(answer.body)
            WHERE tenant_id = \(key.tenant.rawValue) AND key = \(key.key)
            """)
        return .done(answer)
    }

    /// What the first request with this key was answered.
    func answered(_ key: IdempotencyKey) throws -> Once {
        let rows = try query(
            "SELECT hash, status, answer FROM idem WHERE tenant_id = \(key.tenant.rawValue) AND key = \(key.key)")
        guard let row = rows.first else { return .inFlight }
        guard let status = try row.get("status", as: Int32?.self) else { return .inFlight }
        guard try row.get("hash", as: [UInt8].self) == key.hash else { return .keyReused }
        return .replayed(StoredAnswer(status: Int(status), body: try row.get("answer")))
    }
}
