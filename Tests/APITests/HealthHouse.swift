import Foundation
import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import Records
import Tenancy
import Testing

/// A tenant whose sellers' process health is worked out; facts are told with times of their own.
extension SalesHouse {
    static let zone = TimeZone(identifier: "Asia/Shanghai")!

    /// Tells facts as if they had been recorded when they happened, or at another time.
    func tell(_ facts: [HealthFact], of tenant: TenantID) async throws {
        _ = try await engine.pipeline([
            .tenants([tenant]),
            """
            INSERT INTO activity (tenant_id, subject_type, subject, type, at, recorded_at, actor, data)
            SELECT \(tenant.rawValue), n.subject_type, n.subject, n.type, n.at, n.recorded_at, n.actor, n.data::jsonb
            FROM unnest(\(facts.map(\.subjectType)), \(facts.map(\.subject)), \(facts.map(\.type)), \(facts.map(\.at)),
                \(facts.map { $0.recordedAt ?? $0.at }), \(facts.map(\.actor)), \(facts.map(\.data)))
                AS n(subject_type, subject, type, at, recorded_at, actor, data)
            """,
        ])
    }

    /// Gives a seller a lead that came at a time.
    func give(_ lead: String, to seller: String, at: Date, of tenant: TenantID) async throws {
        _ = try await engine.pipeline([
            .tenants([tenant]),
            """
            WITH l AS (
                INSERT INTO lead (tenant_id, external_id, source, received_at, fields, state, owner_id, assignment_epoch, created_at)
                SELECT \(tenant.rawValue), \(lead), 'website', \(at), '{}', 'assigned', s.id, 1, \(at)
                FROM seller s WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(seller)
                RETURNING id, owner_id)
            INSERT INTO assignment (tenant_id, lead_id, epoch, seller_id, job_id, assigned_at)
            SELECT \(tenant.rawValue), id, 1, owner_id, 0, \(at) FROM l
            """,
        ])
    }

    /// Says whose a lead is: a customer of that number.
    func join(_ lead: String, to customer: Int64, of tenant: TenantID) async throws {
        _ = try await engine.pipeline([
            .tenants([tenant]),
            "INSERT INTO customer (tenant_id, id) VALUES (\(tenant.rawValue), \(customer)) ON CONFLICT DO NOTHING",
            "UPDATE lead SET customer_id = \(customer) WHERE tenant_id = \(tenant.rawValue) AND external_id = \(lead)",
        ])
    }

    /// Works out so many complete weeks and the running one, as of a moment.
    func score(_ weeks: Int, asOf: Date, of tenant: TenantID) async throws {
        _ = try await ledger.enqueue([.scoreHealth(of: tenant, weeks: weeks, asOf: asOf, isChained: false)])
        try await workThrough()
    }

    /// Runs a mode and answers what came of it.
    ///
    /// - Parameter sellers: only these, by external id; none: all of the tenant's.
    func run(_ mode: String, asOf: Date, sellers: [String] = [], of tenant: TenantID) async throws -> (outcome: String, result: String) {
        var job = NewJob.runHealth(mode, of: tenant, asOf: asOf, isChained: false)
        if !sellers.isEmpty {
            job.arguments = job.arguments.dropLast() + Array(#","seller_ids":\#(sellers)}"#.utf8)
        }
        let ids = try await ledger.enqueue([job])
        try await workThrough()
        let row = try #require(
            try await rows(
                """
                SELECT COALESCE(outcome, state || ': ' || error) AS outcome, COALESCE(result::text, '') AS result
                FROM job_history WHERE id = \(ids[0].rawValue)
                """
            ).first)
        return (try row.get("outcome"), try row.get("result"))
    }

    func weeks(_ week: Week, of tenant: TenantID) async throws -> [String: HealthWeekRecord] {
        let page = try await records.healthWeeks(of: tenant, in: week, limit: 500)
        return Dictionary(uniqueKeysWithValues: page.items.map { ($0.seller, $0) })
    }

    /// Keeps generated sellers' weeks as if they had been worked out when they ended; sellers are `g0`, `g1`, … .
    func keep(_ series: [SellerSeries], weeks: Range<Int>, of tenant: TenantID) async throws {
        var all: [(seller: String, week: Int32, reading: HealthReading, counts: String, at: Date)] = []
        for own in series {
            for place in weeks {
                all.append(
                    (
                        "g\(own.identity.seller)", Int32(own.week(place).number), own.readings[place],
                        own.published[place].numbers.map(String.init).joined(separator: ","), own.week(place).end(in: Self.zone)
                    ))
            }
        }
        _ = try await engine.pipeline([
            .tenants([tenant]),
            """
            INSERT INTO health_week (tenant_id, seller_id, week, version, as_of, complete, status, spi, below, counts, job_id)
            SELECT \(tenant.rawValue), s.id, n.week, 1, n.at, true, n.status, n.spi, n.below, string_to_array(n.counts, ',')::integer[], 0
            FROM unnest(\(all.map(\.seller)), \(all.map(\.week)), \(all.map(\.reading.status.rawValue)), \(all.map(\.reading.index)),
                \(all.map(\.reading.isBelow)), \(all.map(\.counts)), \(all.map(\.at))) AS n(seller, week, status, spi, below, counts, at)
                JOIN seller s ON s.tenant_id = \(tenant.rawValue) AND s.external_id = n.seller
            """,
        ])
    }
}

/// Something that happened, for tests.
struct HealthFact {
    var subjectType = "opportunity"
    var subject: String
    var type: String
    var at: Date
    var recordedAt: Date?
    var actor: String?
    var data = "{}"

    static func followUp(_ subject: String, _ seller: String, at: Date, recordedAt: Date? = nil) -> HealthFact {
        HealthFact(
            subject: subject, type: "follow_up", at: at, recordedAt: recordedAt, actor: seller, data: #"{"our_action":"sent the layout"}"#)
    }
}
