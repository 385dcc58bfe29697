import Foundation
import Ledger
import Permissions
import PostgresClient
import Tenancy

/// One version of a tenant's permissions, as kept.
public struct AccessVersion: Sendable, Hashable {
    public let version: Int
    public let book: PolicyBook
    /// The version this one brought back.
    public let restoredFrom: Int?
    public let actor: String
    public let reason: String
    public let createdAt: Date
}

/// A wish to change a tenant's permissions.
public struct AccessChange: Sendable {
    public enum Target: Sendable {
        case book(PolicyBook)
        /// An earlier version, as the next.
        case restoring(Int)
    }

    public var target: Target
    /// The version it was written from; nil: whichever counts.
    public var base: Int?
    /// The words the pre-flight asks for.
    public var confirmation: String?
    public var reason: String

    public init(_ target: Target, base: Int? = nil, confirmation: String? = nil, reason: String) {
        self.target = target
        self.base = base
        self.confirmation = confirmation
        self.reason = reason
    }
}

/// Why permissions are not changed.
public enum AccessChangeRefusal: Error, Sendable, Hashable {
    /// Another version counts by now than the one it was written from.
    case moved(current: Int)
    /// Somebody would lose what only typed words take away.
    case unconfirmed(PreFlight)
    case noSuchVersion
    /// That version counts already.
    case isCurrent
}

/// What a change would do, and what counts until then.
public struct AccessForecast: Sendable, Hashable {
    /// 0: the tenant has said nothing yet.
    public let base: Int
    public let preFlight: PreFlight
    /// Names policies speak of and nobody bears, each with its policy's id.
    public let unknown: [[String]]
}

extension Records {
    /// The version that counts; nil: the tenant has said nothing.
    public func accessPolicies(of tenant: TenantID) async throws -> AccessVersion? {
        try await read(
            tenant, "\(unescaped: AccessVersion.select) WHERE tenant_id = \(tenant.rawValue) ORDER BY version DESC LIMIT 1"
        ).first.map(AccessVersion.init)
    }

    public func accessVersion(_ version: Int, of tenant: TenantID) async throws -> AccessVersion? {
        guard let version = Int32(exactly: version) else { return nil }
        return try await read(
            tenant, "\(unescaped: AccessVersion.select) WHERE tenant_id = \(tenant.rawValue) AND version = \(version)"
        ).first.map(AccessVersion.init)
    }

    /// The newest first.
    public func accessVersions(of tenant: TenantID, before cursor: Int64 = .max, limit: Int) async throws -> Page<AccessVersion> {
        let rows = try await read(
            tenant,
            """
            \(unescaped: AccessVersion.select) WHERE tenant_id = \(tenant.rawValue) AND version < \(cursor)
            ORDER BY version DESC LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(AccessVersion.init)
        return Page(items: items, next: rows.count > limit ? items.last.map { Int64($0.version) } : nil)
    }

    /// What a change to this book would take from whom, as things stand now. Nothing is kept.
    public func preFlight(_ book: PolicyBook, of tenant: TenantID) async throws -> AccessForecast {
        try await write(tenant, on: engine) { transaction in
            let current = try transaction.currentAccess(of: tenant)
            let census = try AccessCensus(of: tenant, in: transaction)
            return AccessForecast(
                base: current?.version ?? 0, preFlight: PreFlight(from: current?.book ?? .empty, to: book, for: census.holders),
                unknown: book.unknownNames(teams: census.teams, people: census.people).map { [$0.policy, $0.name] })
        }
    }

    /// Makes a book, or an earlier version, the one that counts from the next request on, once per idempotency key. The pre-flight is made
    /// again in the same transaction, so that nobody confirms what was another moment's. What changes nothing is no version.
    /// - Throws: `AccessChangeRefusal`.
    public func changeAccess(
        _ change: AccessChange, of tenant: TenantID, by actor: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (_ version: AccessVersion, _ made: PreFlight, _ isNew: Bool) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                // One after another: the version's number is the next one. It holds up nobody who only refers to the tenant.
                _ = try transaction.query("SELECT FROM tenant WHERE id = \(tenant.rawValue) FOR NO KEY UPDATE")
                let current = try transaction.currentAccess(of: tenant)
                let (book, restored) = try transaction.wanted(change.target, current, of: tenant)
                if let base = change.base, base != current?.version ?? 0 {
                    throw AccessChangeRefusal.moved(current: current?.version ?? 0)
                }
                let old = current?.book ?? .empty
                if let current, current.book == book { return answer(current, PreFlight(from: old, to: book, for: []), false) }
                let preFlight = PreFlight(from: old, to: book, for: try AccessCensus(of: tenant, in: transaction).holders)
                guard preFlight.confirmation == nil || preFlight.confirmation == change.confirmation else {
                    throw AccessChangeRefusal.unconfirmed(preFlight)
                }
                let version = try transaction.keep(
                    book, after: current, restoring: restored, losses: preFlight.losses.count, of: tenant, by: actor, reason: change.reason)
                return answer(version, preFlight, true)
            }
        }
    }
}

extension PostgresTransaction {
    /// The version that counts; nil: the tenant has said nothing.
    func currentAccess(of tenant: TenantID) throws -> AccessVersion? {
        try query("\(unescaped: AccessVersion.select) WHERE tenant_id = \(tenant.rawValue) ORDER BY version DESC LIMIT 1").first
            .map(AccessVersion.init)
    }

    /// What shall count, and which version that was.
    fileprivate func wanted(
        _ target: AccessChange.Target, _ current: AccessVersion?, of tenant: TenantID
    ) throws -> (book: PolicyBook, restored: Int?) {
        switch target {
        case .book(let book): return (book, nil)
        case .restoring(let number):
            if number == current?.version { throw AccessChangeRefusal.isCurrent }
            let found = try Int32(exactly: number).flatMap { number in
                try query("\(unescaped: AccessVersion.select) WHERE tenant_id = \(tenant.rawValue) AND version = \(number)").first
            }
            guard let found else { throw AccessChangeRefusal.noSuchVersion }
            return (try AccessVersion(found).book, number)
        }
    }

    fileprivate func keep(
        _ book: PolicyBook, after current: AccessVersion?, restoring restored: Int?, losses: Int, of tenant: TenantID, by actor: String,
        reason: String
    ) throws -> AccessVersion {
        let next = Int32((current?.version ?? 0) + 1)
        let (json, before) = (book.json, current.map { AccessNote(version: $0.version, book: $0.book.json) })
        return try AccessVersion(
            pipeline([
                """
                INSERT INTO access_version (tenant_id, version, book, restored_from, actor, reason)
                VALUES (\(tenant.rawValue), \(next), \(JSONBytes(json)), \(restored.map { Int32($0) }), \(actor), \(reason))
                RETURNING \(unescaped: AccessVersion.columns)
                """,
                .audit(
                    tenant, by: actor, restored == nil ? "access.change" : "access.restore", "access@\(next)",
                    before: before.map { .encoding($0) },
                    after: .encoding(AccessNote(version: Int(next), book: json, restoredFrom: restored, losses: losses)), reason: reason),
            ])[0].first!)
    }
}

/// A version as the audit log keeps it: enough to see in its chain whether the book was touched since.
private struct AccessNote: Encodable {
    let version: Int
    let sha256: String
    let restoredFrom: Int?
    /// How many abilities were taken from people.
    let losses: Int?

    init(version: Int, book: [UInt8], restoredFrom: Int? = nil, losses: Int? = nil) {
        var digest = SHA256Digest()
        digest.update(book)
        self.version = version
        sha256 = digest.finish().hexadecimal
        self.restoredFrom = restoredFrom
        self.losses = losses
    }

    enum CodingKeys: String, CodingKey {
        case version, sha256, losses
        case restoredFrom = "restored_from"
    }
}

extension AccessVersion {
    static let columns = "version, book, restored_from, actor, reason, created_at"
    static let select = "SELECT \(columns) FROM access_version"

    init(_ row: Row) throws {
        guard let book = PolicyBook(stored: try row.get("book", as: JSONBytes.self).bytes) else { throw UnreadablePolicies() }
        self.book = book
        version = Int(try row.get("version", as: Int32.self))
        restoredFrom = try row.get("restored_from", as: Int32?.self).map(Int.init)
        actor = try row.get("actor")
        reason = try row.get("reason")
        createdAt = try row.get("created_at")
    }
}
