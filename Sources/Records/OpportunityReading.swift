import Foundation
import JSONEnvelope
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// What gates see of an opportunity, and what can stand as evidence.
struct OpportunityReading {
    let facts: SubjectFacts
    /// Activities told of it, with their numbers and types; in the order of their time.
    let activities: [(id: Int64, type: String, at: Date)]
    /// The last telling: where a field is what a gate asks for, it is the evidence.
    let lastTelling: Int64?

    /// Activities read of one opportunity, the newest ones: beyond that the oldest are not counted.
    private static let most = 1_000

    init(_ id: Int64, of tenant: TenantID, in transaction: PostgresTransaction) throws {
        let rows = try transaction.pipeline([
            """
            SELECT o.external_id, o.owner, o.industry, o.stage, o.won, o.amount_minor, o.currency, o.closed_at, o.opened_at, o.updated_at, o.fields,
                (SELECT s.team FROM seller s WHERE s.tenant_id = o.tenant_id AND s.external_id = o.owner) AS team,
                (SELECT max(f.seq) FROM opportunity_fact f WHERE f.tenant_id = o.tenant_id AND f.opportunity_id = o.id) AS seq
            FROM opportunity o
            WHERE o.tenant_id = \(tenant.rawValue) AND o.id = \(id)
            """,
            """
            SELECT * FROM (
                SELECT a.id, a.type, a.at, a.actor, a.data
                FROM opportunity o JOIN activity a ON a.tenant_id = o.tenant_id AND a.subject_type = 'opportunity' AND a.subject = o.external_id
                WHERE o.tenant_id = \(tenant.rawValue) AND o.id = \(id)
                ORDER BY a.at DESC, a.id DESC LIMIT \(Self.most)) newest
            ORDER BY at, id
            """,
        ])
        let row = rows[0].first!
        facts = SubjectFacts(
            .opportunity, id: try row.get("external_id"), values: try Self.values(row), events: try rows[1].map(Self.event))
        activities = try rows[1].map { (try $0.get("id"), try $0.get("type"), try $0.get("at")) }
        lastTelling = try row.get("seq")
    }

    /// Every field of the catalogue: an opportunity is told whole, so what is not told is known to be empty.
    private static func values(_ row: Row) throws -> [String: FieldValue] {
        let catalogue = FieldCatalogue.of(.opportunity, lead: .standard)
        var values = Dictionary(uniqueKeysWithValues: catalogue.names.map { ($0, FieldValue.empty) })
        let fields = try row.get("fields", as: JSONBytes.self)
        for (name, value) in try JSONEnvelope(fields.bytes, levels: 4).root.members {
            if let field = catalogue[name] { values[name] = field.value(of: value) }
        }
        func text(_ name: String) throws { values[name] = try row.get(name, as: String?.self).map(FieldValue.text) ?? .empty }
        for name in ["owner", "team", "industry", "stage"] { try text(name) }
        values["won"] = try row.get("won", as: Bool?.self).map(FieldValue.boolean) ?? .empty
        values["closed_at"] = try row.get("closed_at", as: Date?.self).map(FieldValue.date) ?? .empty
        values["created_at"] = .date(try row.get("opened_at"))
        values["updated_at"] = .date(try row.get("updated_at"))
        if let amount = try row.get("amount_minor", as: Int64?.self), let currency = try row.get("currency", as: String?.self) {
            values["amount"] = .money(Money(amountMinor: amount, currency: currency))
        }
        return values
    }

    private static func event(_ row: Row) throws -> SubjectEvent {
        let type: String = try row.get("type")
        var data = EventCatalogue.standard[type]?.values(of: try row.get("data", as: JSONBytes.self).bytes) ?? [:]
        if let actor = try row.get("actor", as: String?.self) { data["actor"] = .text(actor) }
        return SubjectEvent(type, at: try row.get("at"), data)
    }
}

extension OpportunityFacts {
    /// The catalogue's fields that may stand under `fields`: all but those that are told by a name of their own or follow from others.
    public static let otherFields: [Field] = {
        let own: Set = ["stage", "owner", "team", "industry", "amount", "won", "created_at", "updated_at", "closed_at"]
        let catalogue = FieldCatalogue.of(.opportunity, lead: .standard)
        return catalogue.names.filter { !own.contains($0) }.compactMap { catalogue[$0] }
    }()

    /// Whether JSON says something of this field that fits it.
    public static func fits(_ node: JSONNode, _ field: Field) -> Bool { field.value(of: node) != .unmapped }
}
