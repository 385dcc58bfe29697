import Foundation
import PostgresClient
import Tenancy

/// What leads are looked for by; what is nil doesn't matter.
public struct LeadSearch: Sendable, Hashable {
    public var state: LeadState?
    public var source: String?
    /// What its source calls it.
    public var externalID: String?
    /// The external id of the seller who has it.
    public var owner: String?
    /// Part of its external id or of one of its fields' values, in small or capital letters.
    public var text: String?
    /// Whether somebody has touched it.
    public var touch: Touch?
    /// Those of these cities only; nil: wherever they are.
    public var within: LeadCities?

    public init() {}

    /// How it stands with a lead's first touch.
    public enum Touch: String, Sendable, CaseIterable {
        /// Nobody has touched it, and its clock `ResponseBoard.firstTouch` ran out here: it stands on the overdue board.
        case late
        /// Nobody has touched it, late or not.
        case untouched
        case touched
    }

    /// What people put between the digits of a telephone number.
    fileprivate static let separators = " +-()"

    /// The digits of a text that may be a telephone number, which its source may write with other signs between; nil: it is none.
    fileprivate var number: String? {
        guard let text, text.allSatisfy({ $0.isASCII && ($0.isNumber || Self.separators.contains($0)) }) else { return nil }
        let digits = text.filter(\.isNumber)
        return digits.count >= 7 ? digits : nil
    }
}

extension Records {
    /// Text stands in no index, so this many leads are looked through for it at once: half of what took 0.2 s where
    /// each is of 300 bytes.
    public static let leadsLookedThrough: Int64 = 50_000

    /// Leads, the newest first.
    ///
    /// - Parameter lookedThrough: so many, at most, are looked through for text. Where more are left, a page has a next one, though it may
    ///   have found nothing.
    public func leads(
        _ search: LeadSearch, of tenant: TenantID, before cursor: Int64 = .max, limit: Int, lookedThrough: Int64 = leadsLookedThrough
    ) async throws -> Page<LeadRecord> {
        let last = search.text == nil ? nil : try await edge(lookedThrough, before: cursor, of: tenant)
        let rows = try await read(tenant, LeadRecord.list(search, of: tenant, before: cursor, downTo: last ?? 0, limit: limit + 1))
        let items = try rows.prefix(limit).map(LeadRecord.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : last)
    }

    /// These leads, by our numbers, the newest first.
    public func leads(_ ids: [Int64], within cities: LeadCities?, of tenant: TenantID, limit: Int) async throws -> [LeadRecord] {
        try await read(
            tenant,
            """
            \(unescaped: LeadRecord.select)
            WHERE l.tenant_id = \(tenant.rawValue) AND l.id = ANY(\(ids))
                AND (\(cities?.keys)::text[] IS NULL OR city_of(l.fields, \(cities?.fields)::text[]) = ANY(\(cities?.keys)))
            ORDER BY l.id DESC LIMIT \(limit)
            """
        ).map(LeadRecord.init)
    }

    /// The number of the lead that is so many before the cursor; nil: there are no more than that.
    private func edge(_ place: Int64, before cursor: Int64, of tenant: TenantID) async throws -> Int64? {
        let rows = try await read(
            tenant,
            """
            SELECT id FROM lead WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor) ORDER BY id DESC OFFSET \(place - 1) LIMIT 2
            """)
        return rows.count == 2 ? try rows[0].get("id") : nil
    }
}

extension LeadRecord {
    /// Those of a tenant, the newest first.
    static func list(
        _ search: LeadSearch, of tenant: TenantID, before cursor: Int64 = .max, downTo last: Int64 = 0, limit: Int
    ) -> Statement {
        // Whom a seller has is found by the assignments, which have an index. Who is late is no array, for in a plan made for any search it would
        // be gone through for each lead. All fields are searched as one text first, in which a value
        // stands as JSON has it; that alone would find the fields' names too.
        """
        \(unescaped: select)
        WHERE l.tenant_id = \(tenant.rawValue) AND l.id < \(cursor) AND l.id >= \(last)
            AND (\(search.state?.rawValue)::text IS NULL OR l.state = \(search.state?.rawValue))
            AND (\(search.source)::text IS NULL OR l.source = \(search.source))
            AND (\(search.externalID)::text IS NULL OR l.external_id = \(search.externalID))
            AND (\(search.owner)::text IS NULL OR l.id = ANY(ARRAY(
                SELECT a.lead_id FROM assignment a JOIN seller o ON o.tenant_id = a.tenant_id AND o.id = a.seller_id
                WHERE a.tenant_id = \(tenant.rawValue) AND o.external_id = \(search.owner) AND a.active AND a.lead_id < \(cursor))))
            AND (\(search.touch?.rawValue)::text IS NULL OR (l.touched_at IS NOT NULL) = (\(search.touch?.rawValue) = 'touched'))
            AND (\(search.touch?.rawValue) IS DISTINCT FROM 'late' OR l.id IN (
                SELECT e.subject_id FROM escalation e
                WHERE e.tenant_id = \(tenant.rawValue) AND e.subject_type = 'lead' AND e.clock = \(ResponseBoard.firstTouch)
                    AND e.met_at IS NULL AND e.withdrawn_at IS NULL AND NOT e.history AND e.subject_id < \(cursor)))
            AND (\(search.within?.keys)::text[] IS NULL OR city_of(l.fields, \(search.within?.fields)::text[]) = ANY(\(search.within?.keys)))
            AND (\(search.text)::text IS NULL OR strpos(lower(l.external_id), lower(\(search.text))) > 0
                OR \(search.number)::text IS NOT NULL
                    AND strpos(translate(l.fields::text, '\(unescaped: LeadSearch.separators)', ''), \(search.number)) > 0
                OR CASE
                    WHEN strpos(lower(l.fields::text), (
                        SELECT substr(n.json, 2, length(n.json) - 2) FROM (SELECT to_jsonb(lower(\(search.text)::text))::text AS json) n)) > 0
                    THEN EXISTS (
                        SELECT FROM jsonb_path_query(l.fields, 'strict $.**') f(value)
                        WHERE jsonb_typeof(f.value) IN ('string', 'number') AND strpos(lower(f.value #>> '{}'), lower(\(search.text))) > 0)
                    ELSE false
                END)
        ORDER BY l.id DESC
        LIMIT \(limit)
        """
    }
}
