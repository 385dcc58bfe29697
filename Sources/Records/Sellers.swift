import Foundation
import Jobs
import PostgresClient
import Tenancy

/// A seller as the tenant tells of them.
public struct SellerProfile: Sendable, Hashable {
    public var name: String
    public var team: String?
    /// Nil: unknown, and so not eligible.
    public var status: SellerStatus?
    public var regions: [String]
    public var industries: [String]
    /// Leads that may wait for a first touch; at more, new ones pause.
    public var capacity: Int
    public var weight: Int
    public var newcomer: Bool
    /// A JSON object: channel to address.
    public var channels: JSONBytes

    public init(
        name: String, team: String? = nil, status: SellerStatus? = nil, regions: [String] = [], industries: [String] = [],
        capacity: Int = 8,
        weight: Int = 1, newcomer: Bool = false, channels: [UInt8] = Array("{}".utf8)
    ) {
        self.name = name
        self.team = team
        self.status = status
        self.regions = regions
        self.industries = industries
        self.capacity = capacity
        self.weight = weight
        self.newcomer = newcomer
        self.channels = JSONBytes(channels)
    }
}

public enum SellerStatus: String, Sendable, CaseIterable {
    case active, inactive, leave
}

/// Whether somebody can be given leads.
public enum SellerState: String, Sendable, CaseIterable {
    /// At work, and not frozen.
    case active
    /// At work or not; no new lead for a time.
    case frozen
    case inactive, leave
}

/// Which sellers are listed; nil: whichever.
public struct SellerSearch: Sendable, Hashable {
    /// External ids.
    public var ids: [String]?
    /// A part of the external id or of the name, in small or capital letters.
    public var text: String?
    /// External id.
    public var team: String?
    public var state: SellerState?

    public init(ids: [String]? = nil, text: String? = nil, team: String? = nil, state: SellerState? = nil) {
        self.ids = ids
        self.text = text
        self.team = team
        self.state = state
    }
}

/// A seller as kept, with their load.
public struct SellerRecord: Sendable, Hashable {
    public let id: Int64
    public let externalID: String
    public let profile: SellerProfile
    /// Assigned leads without a first touch.
    public let pending: Int
    /// Leads ever assigned.
    public let assigned: Int
    public let lastAssignedAt: Date?
    public let updatedAt: Date
    /// Nil: not frozen.
    public let freeze: SellerFreeze?
    /// Whether leads are given within working hours only.
    public let hasShift: Bool
    /// What its team is called; nil: it has none, or one nobody told of.
    public let teamName: String?
}

extension Records {
    /// What the audit log keeps of a seller: not where to reach them.
    private static let sellerNote = """
        jsonb_build_object('name', name, 'team', team, 'status', status, 'regions', regions, 'industries', industries, 'capacity', capacity,
            'weight', weight, 'newcomer', newcomer) AS note
        """

    /// Stores a seller as told; true when they are new. Decisions under way are made again on the new facts. Whoever becomes inactive
    /// is no candidate from then on, and has their leads assigned to others (LOAD-07). A change is in the audit log.
    public func putSeller(_ externalID: String, _ profile: SellerProfile, of tenant: TenantID, by actor: String) async throws -> Bool {
        let leaving: [NewJob] = profile.status == .inactive ? [.rebalance(leftBy: externalID, of: tenant)] : []
        let ledger = ledger
        let (_, statements, enqueued) = try await ledger.enqueueing(leaving, at: Date())
        let (isNew, outbox) = try await write(tenant, on: engine) { transaction in
            // The routing version is locked before any seller's row, as settling does.
            let begun = try transaction.pipeline([
                .bumpRouting(tenant),
                "SELECT status, team, \(unescaped: Self.sellerNote) FROM seller WHERE tenant_id = \(tenant.rawValue) AND external_id = \(externalID) FOR UPDATE",
            ])
            let old = begun[1].first
            let oldStatus = try old?.get("status", as: String?.self)
            let hasMoved = try old.map { try $0.get("team", as: String?.self) != profile.team } ?? false
            let row = try transaction.query(
                """
                INSERT INTO seller (tenant_id, external_id, name, team, status, regions, industries, capacity, weight, newcomer, channels)
                VALUES (\(tenant.rawValue), \(externalID), \(profile.name), \(profile.team), \(profile.status?.rawValue), \(profile.regions),
                    \(profile.industries), \(Int32(profile.capacity)), \(Int32(profile.weight)), \(profile.newcomer), \(profile.channels))
                ON CONFLICT (tenant_id, external_id) DO UPDATE
                    SET name = excluded.name, team = excluded.team, status = excluded.status, regions = excluded.regions,
                        industries = excluded.industries, capacity = excluded.capacity, weight = excluded.weight, newcomer = excluded.newcomer,
                        channels = excluded.channels, updated_at = now()
                RETURNING id, \(unescaped: Self.sellerNote)
                """
            ).first!
            let id: Int64 = try row.get("id")
            try transaction.audit(
                tenant, by: actor, "seller.put", externalID, from: old?.get("note", as: JSONBytes.self), to: row.get("note"))
            var more: [Statement] = [
                "INSERT INTO seller_load (tenant_id, seller_id) VALUES (\(tenant.rawValue), \(id)) ON CONFLICT DO NOTHING"
            ]
            if old == nil || oldStatus != profile.status?.rawValue {
                more.append(
                    """
                    INSERT INTO seller_status_history (tenant_id, seller_id, from_at, status)
                    VALUES (\(tenant.rawValue), \(id), clock_timestamp(), \(profile.status?.rawValue))
                    """)
            }
            _ = try transaction.pipeline(more)
            // Another team may have other hours.
            if try !transaction.keepShifts(of: externalID, tenant) {
                _ = try transaction.query(.keepSellers([id], of: tenant))
            }
            // And another line above: whatever they have is looked at again by these.
            if hasMoved { _ = try transaction.query(.rearmClocks(ofSeller: externalID, of: tenant, at: Date())) }
            guard !leaving.isEmpty, old != nil, oldStatus != profile.status?.rawValue else { return (old == nil, Int64?.none) }
            return (false, try transaction.pipeline(statements).last!.first!.get("id", as: Int64.self))
        }
        if let outbox { ledger.announce(enqueued(outbox)) }
        return isNew
    }

    public func seller(_ externalID: String, of tenant: TenantID) async throws -> SellerRecord? {
        try await read(
            tenant, "\(unescaped: SellerRecord.select) WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(externalID)"
        ).first.map(SellerRecord.init)
    }

    /// Sellers in the order they were told of.
    public func sellers(
        _ search: SellerSearch = SellerSearch(), of tenant: TenantID, after cursor: Int64 = 0, limit: Int = 100, now: Date = Date()
    ) async throws -> Page<SellerRecord> {
        let status = search.state == .frozen ? nil : search.state?.rawValue
        let isFrozen: Bool? =
            switch search.state {
            case .frozen: true
            case .active: false
            case .inactive, .leave, nil: nil
            }
        let rows = try await read(
            tenant,
            """
            \(unescaped: SellerRecord.select) WHERE s.tenant_id = \(tenant.rawValue) AND s.id > \(cursor)
                AND (\(search.ids == nil) OR s.external_id = ANY(\(search.ids ?? [])))
                AND (\(search.text)::text IS NULL OR strpos(lower(s.external_id), lower(\(search.text))) > 0
                    OR strpos(lower(s.name), lower(\(search.text))) > 0)
                AND (\(search.team)::text IS NULL OR s.team = \(search.team)) AND (\(status)::text IS NULL OR s.status = \(status))
                AND (\(isFrozen)::boolean IS NULL
                    OR \(isFrozen) = (s.frozen_at IS NOT NULL AND (s.frozen_until IS NULL OR s.frozen_until > \(now))))
            ORDER BY s.id LIMIT \(limit + 1)
            """
        )
        let items = try rows.prefix(limit).map(SellerRecord.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }
}

extension Statement {
    /// Makes decisions that rest on the tenant's sellers and rules, as they were until now, be made again. Answers the new version:
    /// what changes is to be kept under it (`seller_change`, `rule_change`), or a replay will not know of it.
    static func bumpRouting(_ tenant: TenantID) -> Statement {
        """
        INSERT INTO routing_state AS r (tenant_id, version) VALUES (\(tenant.rawValue), 1)
        ON CONFLICT (tenant_id) DO UPDATE SET version = r.version + 1
        RETURNING version
        """
    }
}

extension SellerRecord {
    static let select = """
        SELECT s.id, s.external_id, s.name, s.team, s.status, s.regions, s.industries, s.capacity, s.weight, s.newcomer, s.channels, s.updated_at,
            s.frozen_at, s.frozen_until, s.frozen_reason, s.frozen_by, s.shift IS NOT NULL AS has_shift,
            (SELECT t.name FROM team t WHERE t.tenant_id = s.tenant_id AND t.external_id = s.team) AS team_name,
            COALESCE(l.pending, 0) AS pending, COALESCE(l.assigned, 0) AS assigned, l.last_assigned_at
        FROM seller s LEFT JOIN seller_load l ON l.tenant_id = s.tenant_id AND l.seller_id = s.id
        """

    init(_ row: Row) throws {
        id = try row.get("id")
        externalID = try row.get("external_id")
        profile = SellerProfile(
            name: try row.get("name"), team: try row.get("team"),
            status: try row.get("status", as: String?.self).flatMap(SellerStatus.init),
            regions: try row.get("regions"), industries: try row.get("industries"), capacity: Int(try row.get("capacity", as: Int32.self)),
            weight: Int(try row.get("weight", as: Int32.self)), newcomer: try row.get("newcomer"),
            channels: try row.get("channels", as: JSONBytes.self).bytes)
        pending = Int(try row.get("pending", as: Int32.self))
        assigned = Int(try row.get("assigned", as: Int64.self))
        lastAssignedAt = try row.get("last_assigned_at")
        updatedAt = try row.get("updated_at")
        freeze = try SellerFreeze(row)
        hasShift = try row.get("has_shift")
        teamName = try row.get("team_name")
    }
}
