import Foundation
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// Something that happened to a subject. Kept as told, for good.
public struct NewActivity: Sendable, Hashable {
    public enum SubjectType: String, Sendable, CaseIterable {
        case lead, opportunity, customer, seller
    }

    public var subjectType: SubjectType
    /// The subject's external id.
    public var subject: String
    /// Which source's, where two sources use the same id for different leads; nil: every one of that id.
    public var source: String?
    public var type: String
    /// A moment ahead of our clock counts as now: what is told has happened.
    public var at: Date
    public var actor: String?
    /// A JSON object.
    public var data: JSONBytes
    /// A JSON array.
    public var evidence: JSONBytes

    public init(
        subjectType: SubjectType, subject: String, source: String? = nil, type: String, at: Date, actor: String? = nil,
        data: [UInt8] = Array("{}".utf8), evidence: [UInt8] = Array("[]".utf8)
    ) {
        self.subjectType = subjectType
        self.subject = subject
        self.source = source
        self.type = type
        self.at = at
        self.actor = actor
        self.data = JSONBytes(data)
        self.evidence = JSONBytes(evidence)
    }

    /// The type that means a lead's owner has been in touch, and nothing else.
    public static let touch = "touch"

    /// Whether it says of a lead that its owner has been in touch.
    var isContact: Bool { Contact.isMade(by: type, EventCatalogue.standard[type]?.values(of: data.bytes) ?? [:]) }
}

/// Activities that speak of subjects nobody told us of: their places in the list.
public struct UnknownSubjects: Error, Sendable, Hashable {
    public let places: [Int]
}

extension Records {
    /// Records activities, all or none, once per idempotency key.
    ///
    /// The first contact (`Contact`) with a lead ends its waiting, whatever it says of when that was: the lead is marked, and its owner has one
    /// lead less pending; whoever is given a lead that nobody has yet owes no other. Later ones are recorded like any activity.
    /// - Parameter user: the person who tells of them, if they may; nil: nobody in particular.
    /// - Throws: `UnknownSubjects` when a lead, opportunity or seller is not known; `AccessRefusal`.
    public func record(
        _ activities: [NewActivity], of tenant: TenantID, by user: String? = nil, key: IdempotencyKey?,
        answer: @Sendable @escaping (_ ids: [Int64]) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant) { transaction in
            try transaction.once(key) { answer(try transaction.record(activities, of: tenant, by: user)) }
        }
    }
}

extension PostgresTransaction {
    /// The same in a transaction; the ids of the activities, in order.
    func record(_ activities: [NewActivity], of tenant: TenantID, by user: String?) throws -> [Int64] {
        let recording = ActivityRecording(activities, of: tenant, in: self)
        let known = try recording.knownSubjects()
        if let user {
            try admitActivities(
                ofLeads: known.leads.values.flatMap { $0 }, opportunities: known.opportunities.values.flatMap { $0 },
                customers: activities.contains { $0.subjectType == .customer }, by: user, of: tenant)
        }
        let ids = try recording.insert()
        try recording.touch(known.leads)
        try recording.armClocks(known)
        return ids
    }
}

/// One transaction's activities.
private struct ActivityRecording {
    private let activities: [NewActivity]
    private let tenant: Int64
    private let transaction: PostgresTransaction

    init(_ activities: [NewActivity], of tenant: TenantID, in transaction: PostgresTransaction) {
        let now = Date()
        self.activities = activities.map { told in
            var activity = told
            activity.at = min(told.at, now)
            return activity
        }
        self.tenant = tenant.rawValue
        self.transaction = transaction
    }

    /// What activities speak of, by their places.
    struct Known {
        var leads: [Int: [Int64]]
        var opportunities: [Int: [Int64]]
    }

    /// The subjects each activity speaks of; refuses what nobody told us of.
    func knownSubjects() throws -> Known {
        let leads = try places(of: .lead) { places in
            """
            SELECT n.place, l.id
            FROM unnest(\(places), \(subjects(places)), \(places.map { activities[$0].source })) AS n(place, external_id, source)
                JOIN lead l ON l.tenant_id = \(tenant) AND l.external_id = n.external_id AND (n.source IS NULL OR l.source = n.source)
            """
        }
        let opportunities = try places(of: .opportunity) { places in
            """
            SELECT n.place, o.id FROM unnest(\(places), \(subjects(places))) AS n(place, external_id)
                JOIN opportunity o ON o.tenant_id = \(tenant) AND o.external_id = n.external_id
            """
        }
        let sellers = try places(of: .seller) { places in
            """
            SELECT n.place, s.id FROM unnest(\(places), \(subjects(places))) AS n(place, external_id)
                JOIN seller s ON s.tenant_id = \(tenant) AND s.external_id = n.external_id
            """
        }
        let customers = try places(of: .customer) { places in
            """
            SELECT n.place, c.id FROM unnest(\(places), \(subjects(places)), \(places.map { CustomerName(activities[$0].subject).number })) AS n(place, external_id, number)
                JOIN customer c ON c.tenant_id = \(tenant) AND (c.external_id = n.external_id OR c.id = n.number)
            """
        }
        let unknown = activities.indices.filter { place in
            switch activities[place].subjectType {
            case .lead: leads[place] == nil
            case .opportunity: opportunities[place] == nil
            case .seller: sellers[place] == nil
            case .customer: customers[place] == nil
            }
        }
        guard unknown.isEmpty else { throw UnknownSubjects(places: unknown) }
        return Known(leads: leads, opportunities: opportunities)
    }

    private func places(of type: NewActivity.SubjectType, _ query: ([Int]) -> Statement) throws -> [Int: [Int64]] {
        let places = activities.indices.filter { activities[$0].subjectType == type }
        guard !places.isEmpty else { return [:] }
        return try transaction.query(query(places)).reduce(into: [:]) { found, row in
            found[try row.get("place"), default: []].append(try row.get("id"))
        }
    }

    private func subjects(_ places: [Int]) -> [String] { places.map { activities[$0].subject } }

    func insert() throws -> [Int64] {
        // What is told of opportunities is numbered, so that a forecast knows how much of it it has seen.
        let since = activities.lazy.filter { $0.subjectType == .opportunity }.map(\.at).min()
        let seq: Int64? = try since.flatMap { try transaction.query(.moveOpportunities(of: TenantID(tenant), since: $0)).first!.get("seq") }
        return try transaction.query(
            """
            INSERT INTO activity (tenant_id, subject_type, subject, source, type, at, actor, data, evidence, seq)
            SELECT \(tenant), n.subject_type, n.subject, n.source, n.type, n.at, n.actor, n.data, n.evidence,
                CASE WHEN n.subject_type = 'opportunity' THEN \(seq)::bigint END
            FROM unnest(\(activities.map(\.subjectType.rawValue)), \(activities.map(\.subject)), \(activities.map(\.source)), \(activities.map(\.type)),
                \(activities.map(\.at)), \(activities.map(\.actor)), \(activities.map(\.data)), \(activities.map(\.evidence)))
                WITH ORDINALITY AS n(subject_type, subject, source, type, at, actor, data, evidence, place)
            ORDER BY n.place
            RETURNING id
            """
        ).map { try $0.get("id") }
    }

    /// Has the clocks of the subjects looked at again: what has happened may begin them, or make them good.
    func armClocks(_ known: Known) throws {
        let (leads, opportunities) = (Set(known.leads.values.joined()), Set(known.opportunities.values.joined()))
        let customers = activities.filter { $0.subjectType == .customer }.map(\.subject)
        let (tenantID, now) = (TenantID(tenant), Date())
        var statements: [Statement] = []
        if !customers.isEmpty || !leads.isEmpty {
            statements.append(.armCustomerClocks(named: customers, ofLeads: leads, of: tenantID, at: now))
        }
        if !leads.isEmpty { statements.append(.armClocks(of: .lead, leads, of: tenantID, at: now)) }
        if !opportunities.isEmpty { statements.append(.armClocks(of: .opportunity, opportunities, of: tenantID, at: now)) }
        if !statements.isEmpty { _ = try transaction.pipeline(statements) }
    }

    /// Marks first touches. The counter is moved before loads are locked, loads before leads, both in the order of their ids, as
    /// settling does: whoever reads loads with the counter knows exactly which touches are in them.
    func touch(_ leads: [Int: [Int64]]) throws {
        var first: [Int64: Date] = [:]
        for (place, ids) in leads where activities[place].isContact {
            for id in ids { first[id] = min(first[id] ?? .distantFuture, activities[place].at) }
        }
        guard !first.isEmpty else { return }
        let ids = first.keys.sorted()
        _ = try transaction.pipeline([
            .moveLoads(of: TenantID(tenant)),
            """
            SELECT FROM seller_load s
            WHERE s.tenant_id = \(tenant) AND s.seller_id IN (
                SELECT a.seller_id FROM assignment a WHERE a.tenant_id = \(tenant) AND a.lead_id = ANY(\(ids)) AND a.active AND a.touched_at IS NULL)
            ORDER BY s.seller_id
            FOR UPDATE
            """,
            """
            SELECT FROM lead l WHERE l.tenant_id = \(tenant) AND l.id = ANY(\(ids)) ORDER BY l.id FOR UPDATE
            """,
            """
            UPDATE lead l SET touched_at = n.at, first_touched_at = COALESCE(l.first_touched_at, n.at), updated_at = now()
            FROM unnest(\(ids), \(ids.map { first[$0]! })) AS n(id, at)
            WHERE l.tenant_id = \(tenant) AND l.id = n.id AND l.touched_at IS NULL
            """,
            .endWaiting(of: ids, TenantID(tenant)),
        ])
    }
}
