import Foundation
import Permissions
import PostgresClient
import Tenancy

extension AccessCensus {
    /// The same people, known to sell only where the tenant's own records or policies name a city: a region may be a province.
    func holders(inCitiesOf book: PolicyBook, of tenant: TenantID, in transaction: PostgresTransaction) throws -> [Holder] {
        let rows = try transaction.query(
            """
            SELECT DISTINCT city_of(l.fields, \(book.cityFields)) AS city FROM (
                SELECT fields FROM lead WHERE tenant_id = \(tenant.rawValue) ORDER BY id DESC LIMIT 5000) l
            """)
        let named = try rows.compactMap { try $0.get("city", as: String?.self).flatMap { City($0) } }
        let known = Set(named).union(book.policies.flatMap { $0.cities ?? [] }).union(dealCities)
        return holders.map { Holder($0.person, cities: $0.cities.filter(known.contains)) }
    }
}

/// Everybody a change of permissions may concern: active sellers, whoever leads a team, whoever bears a key of their own. A seller who is
/// not active is left out.
struct AccessCensus {
    let holders: [Holder]
    let teams: Set<String>
    /// Everybody who is known, active or not.
    let people: Set<String>
    /// Of open opportunities.
    let dealCities: Set<City>

    /// Owners and cities of open opportunities that are looked at; beyond that a seller's regions have to do.
    private static let most = 20_000

    private struct Seller {
        let team: String?
        let isActive: Bool
        let regions: [String]
    }

    /// In a transaction of `kiteline_engine`, which alone knows keys.
    init(of tenant: TenantID, in transaction: PostgresTransaction) throws {
        let rows = try transaction.pipeline([
            "SELECT external_id, team, status, regions FROM seller WHERE tenant_id = \(tenant.rawValue)",
            "SELECT external_id, manager, superior FROM team WHERE tenant_id = \(tenant.rawValue)",
            """
            SELECT DISTINCT person FROM api_key
            WHERE tenant_id = \(tenant.rawValue) AND revoked_at IS NULL AND person IS NOT NULL
            """,
            """
            SELECT DISTINCT owner, fields ->> 'city' AS city FROM opportunity
            WHERE tenant_id = \(tenant.rawValue) AND won IS NULL AND owner IS NOT NULL AND jsonb_typeof(fields -> 'city') = 'string'
            ORDER BY owner, city LIMIT \(Self.most)
            """,
        ])
        let sellers = try Dictionary(
            rows[0].map { row in
                (
                    try row.get("external_id", as: String.self),
                    Seller(
                        team: try row.get("team"), isActive: try row.get("status", as: String?.self) == SellerStatus.active.rawValue,
                        regions: try row.get("regions"))
                )
            }, uniquingKeysWith: { first, _ in first })
        let organisation = Organisation(try rows[1].map(Organisation.Team.init))
        let bearers = Set(try rows[2].map { try $0.get("person", as: String.self) })
        let cities = try rows[3].reduce(into: [String: [String]]()) { cities, row in
            cities[try row.get("owner"), default: []].append(try row.get("city"))
        }
        teams = Set(organisation.teams.keys)
        dealCities = Set(cities.values.joined().compactMap { City($0) })
        people = organisation.managers.union(bearers).union(sellers.keys)
        holders = people.sorted().compactMap { id in
            let seller = sellers[id]
            guard seller?.isActive != false else { return nil }
            let known = (seller?.regions ?? []) + (cities[id] ?? []).sorted()
            return Holder(
                organisation.person(id, isSeller: seller != nil, team: seller?.team), cities: known.compactMap { City($0) })
        }
    }
}
