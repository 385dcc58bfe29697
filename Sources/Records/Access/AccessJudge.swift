import Foundation
import Permissions
import PostgresClient
import Tenancy

/// What one person may do, as of one moment: the newest version of their tenant's permissions, and what the person is.
public struct AccessJudge: Sendable {
    public let book: PolicyBook
    /// 0: the tenant has said nothing.
    public let version: Int
    public let person: Person
    /// Whether anything speaks of them but what they ask with.
    public let isKnown: Bool

    /// Whether a data domain holds them to cities in anything.
    public var isHeldToCities: Bool { book.hasDomain(person) }

    public func verdict(on action: RecordAction, in place: PolicyBook.Place = .unasked) -> Verdict {
        book.verdict(on: action, by: person, in: place)
    }

    public func require(_ action: RecordAction, in place: PolicyBook.Place = .unasked) throws(AccessRefusal) {
        let verdict = verdict(on: action, in: place)
        guard verdict.isAllowed else { throw AccessRefusal(user: person.id, version: version, verdict: verdict) }
    }

    /// - Parameter fields: of the lead, a JSON object.
    public func require(_ action: RecordAction, ofLead fields: [UInt8]) throws(AccessRefusal) {
        try require(action, in: .of(fields, book.cityFields))
    }

    /// - Parameter fields: of the opportunity, a JSON object.
    public func require(_ action: RecordAction, ofOpportunity fields: [UInt8]) throws(AccessRefusal) {
        try require(action, in: .of(fields, OpportunityFacts.cityFields))
    }
}

/// A person may not do what they asked for.
public struct AccessRefusal: Error, Sendable, Hashable {
    public let user: String
    /// Of the permissions it was judged by.
    public let version: Int
    public let verdict: Verdict
}

extension OpportunityFacts {
    /// Where an opportunity names its city.
    static let cityFields = ["city"]
}

extension PolicyBook.Place {
    fileprivate static func of(_ fields: [UInt8], _ names: [String]) -> PolicyBook.Place {
        City(in: fields, named: names).map { .city($0) } ?? .unnamed
    }
}

/// Permissions that were kept and cannot be read: nobody is allowed anything by them.
struct UnreadablePolicies: Error {}

// MARK: - From the database

extension Records {
    public func accessJudge(of user: String, of tenant: TenantID) async throws -> AccessJudge {
        try AccessJudge(user, try await app.pipeline([.tenants([tenant])] + AccessJudge.statements(user, tenant)).dropFirst())
    }
}

extension Records {
    /// Whether somebody of this name sells or leads a team, and so may have a key of their own.
    public func isPerson(_ user: String, of tenant: TenantID) async throws -> Bool {
        let person = try await accessJudge(of: user, of: tenant).person
        return person.isSeller || person.isManager
    }
}

extension PostgresTransaction {
    /// What this person may do while this transaction lasts.
    func accessJudge(of user: String, of tenant: TenantID) throws -> AccessJudge {
        try AccessJudge(user, try pipeline(AccessJudge.statements(user, tenant))[...])
    }
}

extension AccessJudge {
    static func statements(_ user: String, _ tenant: TenantID) -> [Statement] {
        [
            "\(unescaped: AccessVersion.select) WHERE tenant_id = \(tenant.rawValue) ORDER BY version DESC LIMIT 1",
            "SELECT team FROM seller WHERE tenant_id = \(tenant.rawValue) AND external_id = \(user)",
            // The teams they sell for and lead, and those above; a circle of teams ends by itself.
            """
            WITH RECURSIVE line AS (
                SELECT t.external_id, t.manager, t.superior FROM team t
                WHERE t.tenant_id = \(tenant.rawValue) AND (t.manager = \(user)
                    OR t.external_id = (SELECT s.team FROM seller s WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(user)))
                UNION
                SELECT t.external_id, t.manager, t.superior FROM line l JOIN team t ON t.external_id = l.superior
                WHERE t.tenant_id = \(tenant.rawValue))
            SELECT external_id, manager, superior FROM line
            """,
        ]
    }

    init(_ user: String, _ rows: ArraySlice<Rows>) throws {
        let rows = Array(rows)
        let current = try rows[0].first.map(AccessVersion.init)
        book = current?.book ?? .empty
        version = current?.version ?? 0
        let organisation = Organisation(try rows[2].map(Organisation.Team.init))
        person = organisation.person(user, isSeller: !rows[1].isEmpty, team: try rows[1].first?.get("team", as: String?.self) ?? nil)
        isKnown = person.isSeller || person.isManager || book.roles.values.contains { $0.contains(user) }
    }
}

extension Organisation.Team {
    init(_ row: Row) throws {
        self.init(try row.get("external_id"), manager: try row.get("manager"), superior: try row.get("superior"))
    }
}
