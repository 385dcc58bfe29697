import Calendars
import Foundation
import JSONEnvelope
import PostgresClient
import SalesModel
import Tenancy

/// Whose working time a calendar says.
public enum CalendarScope: Sendable, Hashable {
    case tenant
    /// By external id.
    case team(String)
    case seller(String)

    var word: String {
        switch self {
        case .tenant: "tenant"
        case .team: "team"
        case .seller: "seller"
        }
    }

    var name: String {
        switch self {
        case .tenant: ""
        case .team(let name), .seller(let name): name
        }
    }
}

extension Records {
    /// Stores a calendar as it was written; clocks that run are looked at again by it. True when there was none.
    ///
    /// - Parameter body: a JSON object that `CalendarDocument` reads.
    public func putCalendar(
        _ scope: CalendarScope, body: [UInt8], of tenant: TenantID, by actor: String, reason: String? = nil, now: Date = Date()
    ) async throws -> Bool {
        let body = JSONBytes(body)
        return try await write(tenant, on: engine) { transaction in
            // Locked before anything else, as by all who change what decisions rest on.
            _ = try transaction.query(.bumpRouting(tenant))
            let rows = try transaction.pipeline([
                "SELECT body FROM calendar_layer WHERE tenant_id = \(tenant.rawValue) AND scope = \(scope.word) AND name = \(scope.name) FOR UPDATE",
                """
                INSERT INTO calendar_layer (tenant_id, scope, name, body) VALUES (\(tenant.rawValue), \(scope.word), \(scope.name), \(body))
                ON CONFLICT (tenant_id, scope, name) DO UPDATE SET body = excluded.body, updated_at = now()
                """,
            ])
            let before = try rows[0].first?.get("body", as: JSONBytes.self)
            _ = try transaction.pipeline(
                Self.calendarsChanged(of: tenant, scope, now: now) + [
                    .audit(tenant, by: actor, "calendar.put", scope.path, before: before, after: body, reason: reason)
                ])
            try transaction.keepShifts(of: scope.seller, tenant)
            return before == nil
        }
    }

    /// Takes a calendar away; false: there was none.
    public func deleteCalendar(
        _ scope: CalendarScope, of tenant: TenantID, by actor: String, reason: String? = nil, now: Date = Date()
    ) async throws -> Bool {
        try await write(tenant, on: engine) { transaction in
            _ = try transaction.query(.bumpRouting(tenant))
            let rows = try transaction.query(
                """
                DELETE FROM calendar_layer WHERE tenant_id = \(tenant.rawValue) AND scope = \(scope.word) AND name = \(scope.name) RETURNING body
                """)
            guard let row = rows.first else { return false }
            _ = try transaction.pipeline(
                Self.calendarsChanged(of: tenant, scope, now: now) + [
                    .audit(
                        tenant, by: actor, "calendar.delete", scope.path, before: try row.get("body", as: JSONBytes.self), reason: reason)
                ])
            try transaction.keepShifts(of: scope.seller, tenant)
            return true
        }
    }

    /// A calendar as it was written; nil: there is none.
    public func calendar(_ scope: CalendarScope, of tenant: TenantID) async throws -> [UInt8]? {
        try await read(
            tenant,
            "SELECT body FROM calendar_layer WHERE tenant_id = \(tenant.rawValue) AND scope = \(scope.word) AND name = \(scope.name)"
        ).first?.get("body", as: JSONBytes.self).bytes
    }

    /// Working hours of a seller, or of the tenant; nil: all time is working time.
    public func workingTime(of seller: String?, of tenant: TenantID, now: Date = Date()) async throws -> WorkingTime {
        let rows = try await app.pipeline([
            .tenants([tenant]), .calendarVersion(of: tenant), "SELECT time_zone FROM tenant WHERE id = \(tenant.rawValue)",
            "SELECT team FROM seller WHERE tenant_id = \(tenant.rawValue) AND external_id = \(seller)",
        ])
        let version = try CalendarVersion(rows[1])
        let layers = version.isEmpty ? nil : try await app.pipeline(CalendarShelf.statements(reading: tenant))
        let shelf = try CalendarShelf(version, zone: try rows[2].first?.get("time_zone") ?? "UTC", layers)
        return shelf.working(seller: seller, team: try rows[3].first?.get("team", as: String?.self), around: now)
    }

    private static func calendarsChanged(of tenant: TenantID, _ scope: CalendarScope, now: Date) -> [Statement] {
        [
            """
            INSERT INTO calendar_state AS s (tenant_id, version) VALUES (\(tenant.rawValue), 1)
            ON CONFLICT (tenant_id) DO UPDATE SET version = s.version + 1
            """, scope.rearming(of: tenant, at: now),
        ]
    }
}

extension CalendarScope {
    /// Nil: more than one.
    fileprivate var seller: String? {
        guard case .seller(let name) = self else { return nil }
        return name
    }

    fileprivate var path: String { name.isEmpty ? word : "\(word)/\(name)" }

    /// A seller's calendar concerns what that seller has, any other everybody's.
    fileprivate func rearming(of tenant: TenantID, at now: Date) -> Statement {
        guard case .seller(let name) = self else { return .rearmAllClocks(of: tenant, at: now) }
        return .rearmClocks(ofSeller: name, of: tenant, at: now)
    }
}

// MARK: - What states say

/// A year's notice as the platform tells of it.
public struct NationalNotice: Sendable, Hashable {
    public let country: String
    public let year: Int
    public let papers: [String]
    /// Days off, and days that are worked instead.
    public let off: [CivilDate]
    public let work: [CivilDate]
    /// When the platform told of it; nil: it came with the program.
    public let toldAt: Date?

    public init(country: String, year: Int, papers: [String], off: [CivilDate], work: [CivilDate], toldAt: Date? = nil) {
        self.country = country
        self.year = year
        self.papers = papers
        self.off = off
        self.work = work
        self.toldAt = toldAt
    }
}

extension Records {
    /// Stores a year's notice, in place of what was known of that year; clocks of tenants with a calendar are looked at again by it.
    public func putNotice(_ notice: NationalNotice, by actor: String, reason: String? = nil, now: Date = Date()) async throws {
        _ = try await engine.transaction { transaction in
            let found = try transaction.query(
                """
                SELECT off::text[] AS off, work::text[] AS work FROM national_year
                WHERE country = \(notice.country) AND year = \(Int32(notice.year)) FOR UPDATE
                """)
            let before = try found.first.map {
                JSONBytes.encoding(["off": try $0.get("off", as: [String].self), "work": try $0.get("work", as: [String].self)])
            }
            _ = try transaction.pipeline([
                .everyTenant,
                """
                INSERT INTO national_year (country, year, papers, off, work, told_at)
                VALUES (\(notice.country), \(Int32(notice.year)), \(notice.papers), \(notice.off.map(\.description))::text[]::date[],
                    \(notice.work.map(\.description))::text[]::date[], clock_timestamp())
                ON CONFLICT (country, year) DO UPDATE
                    SET papers = excluded.papers, off = excluded.off, work = excluded.work, told_at = excluded.told_at
                """,
                """
                INSERT INTO clock_rearm (tenant_id, asked_at) SELECT tenant_id, \(now) FROM calendar_state ORDER BY tenant_id
                ON CONFLICT (tenant_id) DO UPDATE SET asked_at = excluded.asked_at, after_type = '', after_id = 0
                """,
                .audit(
                    nil, by: actor, "national_calendar.put", "\(notice.country)/\(notice.year)", before: before,
                    after: .encoding(["off": notice.off.map(\.description), "work": notice.work.map(\.description)]), reason: reason),
            ])
        }
        // After the notice is there for all to see, so that whoever gets a first shift from here on reads it. What a crash leaves out is mended by
        // putting the notice once more.
        try await keepEverybodysShifts()
    }

    /// Notes the years this program came with. Where one is later than any program's before, clocks whose deadlines rest on days nobody knew are
    /// looked at again, and shifts are worked out anew. True when there was a later one.
    ///
    /// Asked when a process starts. One of the older program that still runs reads the older years: after the last of them has ended a clock
    /// it looked at in between is mended by the next start, or by putting the notice.
    @discardableResult
    public func noteProgramYears(of known: [String: NationalCalendar] = NationalCalendar.known, now: Date) async throws -> Bool {
        let last = known.compactMap { country, calendar in calendar.years.keys.max().map { (country, Int32($0)) } }.sorted { $0.0 < $1.0 }
        let rows = try await engine.transaction { transaction in
            try transaction.pipeline([
                .everyTenant,
                """
                WITH later AS (
                    INSERT INTO program_year AS p (country, year)
                    SELECT country, year FROM unnest(\(last.map(\.0)), \(last.map(\.1))) AS n(country, year)
                    ON CONFLICT (country) DO UPDATE SET year = excluded.year, noted_at = clock_timestamp() WHERE p.year < excluded.year
                    RETURNING country),
                asked AS (
                    INSERT INTO clock_rearm (tenant_id, asked_at)
                    SELECT DISTINCT tenant_id, \(now)::timestamptz FROM clock_subject
                    WHERE provisional AND next_at IS NOT NULL AND EXISTS (SELECT FROM later)
                    ON CONFLICT (tenant_id) DO UPDATE SET asked_at = excluded.asked_at, after_type = '', after_id = 0)
                SELECT country FROM later
                """,
            ])[1]
        }
        guard !rows.isEmpty else { return false }
        try await keepEverybodysShifts()
        return true
    }

    /// Each tenant by itself, so that none waits for another's.
    private func keepEverybodysShifts() async throws {
        let rows = try await engine.pipeline([
            .everyTenant, "SELECT DISTINCT tenant_id FROM seller WHERE shift IS NOT NULL ORDER BY tenant_id",
        ])[1]
        for tenant in try rows.map({ TenantID(try $0.get("tenant_id")) }) {
            _ = try await write(tenant, on: engine) { transaction in
                _ = try transaction.query(.bumpRouting(tenant))
                try transaction.keepShifts(tenant)
            }
        }
    }

    /// The notices known of a country, the newest first; nil: no such country.
    public func notices(of country: String) async throws -> [NationalNotice]? {
        guard let known = NationalCalendar.known[country] else { return nil }
        let told = try await app.query(NationalNotice.kept).map { try NationalNotice($0) }.filter { $0.country == country }
        let all = known.years.values.map { NationalNotice($0, of: country) } + told
        return Dictionary(all.map { ($0.year, $0) }, uniquingKeysWith: { $1 }).values.sorted { $0.year > $1.year }
    }
}
