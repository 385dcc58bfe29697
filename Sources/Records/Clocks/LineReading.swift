import Clocks
import PostgresClient
import Rules
import Tenancy

/// Who is above whom, and who holds which office.
struct LineReading {
    private struct Team {
        let manager: String?
        let superior: String?
    }

    /// A manager who is a seller as well: only an active one can be given leads.
    private struct Person {
        let id: Int64
        let isActive: Bool
        /// One who is frozen hears of everything, and is given no lead.
        let isFrozen: Bool
    }

    /// Superior teams looked at; a circle ends here.
    private static let height = 10

    private var teams: [String: Team] = [:]
    private var people: [String: Person] = [:]
    private var offices: [Recipient: [String]] = [:]
    private(set) var names: [String: String] = [:]

    static func statements(of tenant: TenantID) -> [Statement] {
        [
            """
            SELECT t.external_id, t.manager, t.superior, s.id, s.name, s.status,
                s.frozen_at IS NOT NULL AND (s.frozen_until IS NULL OR s.frozen_until > now()) AS frozen
            FROM team t LEFT JOIN seller s ON s.tenant_id = t.tenant_id AND s.external_id = t.manager
            WHERE t.tenant_id = \(tenant.rawValue)
            """,
            "SELECT office, people FROM office_holder WHERE tenant_id = \(tenant.rawValue)",
        ]
    }

    init(_ teamRows: Rows, _ officeRows: Rows) throws {
        for row in teamRows {
            let manager = try row.get("manager", as: String?.self)
            teams[try row.get("external_id")] = Team(manager: manager, superior: try row.get("superior"))
            guard let manager, let id = try row.get("id", as: Int64?.self) else { continue }
            people[manager] = Person(
                id: id, isActive: try row.get("status", as: String?.self) == SellerStatus.active.rawValue,
                isFrozen: try row.get("frozen", as: Bool?.self) ?? false)
            names[manager] = try row.get("name")
        }
        for row in officeRows {
            guard let office = Recipient(rawValue: try row.get("office")) else { continue }
            offices[office] = try row.get("people")
        }
    }

    /// The line above a subject's owner. A manager who is told of as a seller and is not active there is missing.
    func line(of subject: SubjectReading) -> (line: ReportingLine, holding: LeadHolding?) {
        var managers: [String] = []
        var team = subject.team.flatMap { teams[$0] }
        for _ in 0..<Self.height {
            guard let current = team else { break }
            if let manager = current.manager, people[manager]?.isActive ?? true, !managers.contains(manager) { managers.append(manager) }
            team = current.superior.flatMap { teams[$0] }
        }
        let line = ReportingLine(owner: subject.isOwnerActive ? subject.owner : nil, managers: managers, offices: offices)
        let manager = line.managers.lazy.compactMap { name in
            people[name].flatMap { $0.isFrozen ? nil : LeadHolding.Manager(id: $0.id, externalID: name) }
        }.first
        let holding = subject.holding.map {
            LeadHolding(epoch: $0.epoch, owner: $0.owner, isTouched: $0.isTouched, isMisread: $0.isMisread, manager: manager)
        }
        return (line, holding)
    }
}
