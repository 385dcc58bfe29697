import Foundation
import Identity
import JSONEnvelope
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// A subject's facts and whose it is, before it is known who is above.
struct SubjectReading {
    let key: ClockKey
    let facts: SubjectFacts
    /// The seller's external id.
    let owner: String?
    let team: String?
    let isOwnerActive: Bool
    let holding: LeadHolding?
}

extension ClockReader {
    /// Activities read of one subject, the newest ones: beyond that the oldest are not counted.
    private static let activitiesOfOne = 1_000

    /// The facts of subjects of one type. Those that are no more are left out.
    /// - Parameter rules: by which a subject's fields are read.
    func subjects(
        _ type: SubjectType, _ ids: [Int64], of tenant: TenantID, rules: (Int64) -> TenantRules
    ) async throws -> [SubjectReading] {
        switch type {
        case .lead: try await leads(ids, of: tenant, rules: rules)
        case .opportunity: try await opportunities(ids, of: tenant)
        case .customer: try await customers(ids, of: tenant)
        case .incident: try await incidents(ids, of: tenant)
        case .seller: []
        }
    }

    // MARK: Leads

    private func leads(_ ids: [Int64], of tenant: TenantID, rules: (Int64) -> TenantRules) async throws -> [SubjectReading] {
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT l.id, l.external_id, l.source, l.received_at, l.created_at, l.updated_at, l.fields, l.state, l.pool, l.owner_id, l.touched_at, l.assignment_epoch,
                s.external_id AS owner, s.name AS owner_name, s.team, s.status
            FROM lead l LEFT JOIN seller s ON s.tenant_id = l.tenant_id AND s.id = l.owner_id
            WHERE l.tenant_id = \(tenant.rawValue) AND l.id = ANY(\(ids))
            """,
            """
            SELECT a.lead_id, a.assigned_at, a.touched_at, s.external_id AS seller, s.team
            FROM assignment a JOIN seller s ON s.tenant_id = a.tenant_id AND s.id = a.seller_id
            WHERE a.tenant_id = \(tenant.rawValue) AND a.lead_id = ANY(\(ids))
            """,
            """
            -- What marketing completed is decided on once more, and comes to a seller like a new lead.
            SELECT d.lead_id, d.decided_at, (
                SELECT min(n.decided_at) FROM decision_log n
                WHERE n.tenant_id = d.tenant_id AND n.lead_id = d.lead_id AND n.decided_at > d.decided_at AND n.outcome <> d.outcome) AS completed_at
            FROM decision_log d
            WHERE d.tenant_id = \(tenant.rawValue) AND d.lead_id = ANY(\(ids)) AND d.outcome = \(AssignmentOutcome.toMarketing.rawValue)
            """,
            Self.activities(
                of: .lead,
                "SELECT l.id, l.external_id AS subject, l.source FROM ids i JOIN lead l ON l.tenant_id = i.tenant AND l.id = i.id",
                ids, tenant),
        ])
        var events: [Int64: [SubjectEvent]] = try Self.events(rows[4])
        for row in rows[2] {
            let data = ["seller": FieldValue.text(try row.get("seller")), "team": try row.get("team", as: String?.self).value]
            let assignedAt: Date = try row.get("assigned_at")
            // An owner whose lead was touched before it came to them owes no touch, to their load as to the clock.
            let since = min(assignedAt, try row.get("touched_at", as: Date?.self) ?? assignedAt)
            events[try row.get("lead_id"), default: []].append(SubjectEvent("assigned", at: assignedAt, data, since: since))
        }
        for row in rows[3] {
            events[try row.get("lead_id"), default: []].append(
                SubjectEvent("transferred", at: try row.get("decided_at"), ["to": .text("marketing")]))
            if let completedAt = try row.get("completed_at", as: Date?.self) {
                events[try row.get("lead_id"), default: []].append(SubjectEvent("completed", at: completedAt))
            }
        }
        return try rows[1].map { row in
            let id: Int64 = try row.get("id")
            let lead = Lead(
                id: LeadID(id), source: try row.get("source"), receivedAt: try row.get("received_at"),
                fields: try OutsideValue.fields(row.get("fields", as: JSONBytes.self).bytes))
            let (owner, team): (String?, String?) = (try row.get("owner"), try row.get("team"))
            let touchedAt: Date? = try row.get("touched_at")
            let rules = rules(id)
            var values = rules.values(of: lead)
            let isMisread = rules.areLeadsScored && values["score"] == .unmapped
            let state: String = try row.get("state")
            values["state"] = .text(state)
            values["owner"] = owner.value
            values["owner.name"] = try row.get("owner_name", as: String?.self).value
            values["team"] = team.value
            values["pool"] = try row.get("pool", as: String?.self).value
            values["touched_at"] = touchedAt.map(FieldValue.date) ?? .empty
            // What is told of a lead has to do with it, though its source says that it came later (SLA-12).
            let created = SubjectEvent("created", at: lead.receivedAt, ["source": .text(lead.source)], since: .distantPast)
            var history = events[id] ?? []
            // Completed, and not decided on again yet: nobody is late with it meanwhile.
            let sentAt = history.filter { $0.type == "transferred" }.map(\.at).max()
            if let sentAt, state == LeadState.awaitingAssignment.rawValue,
                !history.contains(where: { $0.type == "completed" && $0.at > sentAt })
            {
                history.append(SubjectEvent("completed", at: try row.get("updated_at")))
            }
            values["assigned_at"] = history.last { $0.type == "assigned" }.map { .date($0.at) } ?? .empty
            return SubjectReading(
                key: ClockKey(.lead, id),
                facts: SubjectFacts(
                    .lead, id: String(id), values: values, events: [created] + history, knownSince: try row.get("created_at")),
                owner: owner, team: team, isOwnerActive: try row.get("status", as: String?.self) == SellerStatus.active.rawValue,
                holding: LeadHolding(
                    epoch: Int(try row.get("assignment_epoch", as: Int32.self)), owner: try row.get("owner_id"),
                    isTouched: touchedAt != nil, isMisread: isMisread || state == LeadState.held.rawValue, manager: nil))
        }
    }

    // MARK: Customers

    /// A customer's activities are those told of it by its own id or number, and those of its leads.
    private func customers(_ ids: [Int64], of tenant: TenantID) async throws -> [SubjectReading] {
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT c.id, c.external_id, c.created_at, c.updated_at, s.external_id AS owner, s.name AS owner_name, s.team, s.status,
                -- What was said last of the name: sources may differ.
                (SELECT e.value->>'v' FROM jsonb_array_elements(c.said) WITH ORDINALITY AS e(value, place)
                    WHERE e.value->>'f' = 'company' ORDER BY e.place DESC LIMIT 1) AS name,
                (SELECT min(a.assigned_at) FROM lead l JOIN assignment a ON a.tenant_id = l.tenant_id AND a.lead_id = l.id
                    WHERE l.tenant_id = c.tenant_id AND l.customer_id = c.id) AS assigned_at
            FROM customer c LEFT JOIN seller s ON s.tenant_id = c.tenant_id AND s.id = c.owner_id
            WHERE c.tenant_id = \(tenant.rawValue) AND c.id = ANY(\(ids)) AND c.merged_into IS NULL
            """,
            Self.activities(
                of: .customer,
                """
                SELECT c.id, n.subject, NULL::text AS source
                FROM ids i JOIN customer c ON c.tenant_id = i.tenant AND c.id = i.id
                    CROSS JOIN LATERAL (VALUES (c.external_id), ('c' || c.id)) AS n(subject)
                WHERE n.subject IS NOT NULL
                """, ids, tenant),
            Self.activities(
                of: .lead,
                """
                SELECT l.customer_id AS id, l.external_id AS subject, l.source
                FROM ids i JOIN lead l ON l.tenant_id = i.tenant AND l.customer_id = i.id
                """, ids, tenant),
        ])
        let events = try Self.events(rows[2]).merging(Self.events(rows[3])) { $0 + $1 }
        return try rows[1].map { row in
            let id: Int64 = try row.get("id")
            let (owner, team): (String?, String?) = (try row.get("owner"), try row.get("team"))
            // A customer that came with a lead counts from its first assignment (I-29).
            let createdAt: Date = try row.get("assigned_at", as: Date?.self) ?? row.get("created_at")
            let name = try row.get("name", as: String?.self) ?? row.get("external_id", as: String?.self) ?? CustomerID(id).name
            let values: [String: FieldValue] = [
                "name": .text(name), "owner": owner.value, "team": team.value, "created_at": .date(createdAt),
                "owner.name": try row.get("owner_name", as: String?.self).value, "updated_at": .date(try row.get("updated_at")),
            ]
            return SubjectReading(
                key: ClockKey(.customer, id),
                facts: SubjectFacts(
                    .customer, id: CustomerID(id).name, values: values,
                    events: [SubjectEvent("created", at: createdAt)] + (events[id] ?? []), knownSince: try row.get("created_at")),
                owner: owner, team: team, isOwnerActive: try row.get("status", as: String?.self) == SellerStatus.active.rawValue,
                holding: nil)
        }
    }

    // MARK: Opportunities

    private func opportunities(_ ids: [Int64], of tenant: TenantID) async throws -> [SubjectReading] {
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT o.id, o.external_id, o.owner, o.industry, o.stage, o.won, o.amount_minor, o.currency, o.closed_at, o.updated_at, o.fields,
                s.name AS owner_name, s.team, s.status,
                (SELECT f.recorded_at FROM opportunity_fact f WHERE f.tenant_id = o.tenant_id AND f.opportunity_id = o.id
                    ORDER BY f.seq LIMIT 1) AS known_since
            FROM opportunity o LEFT JOIN seller s ON s.tenant_id = o.tenant_id AND s.external_id = o.owner
            WHERE o.tenant_id = \(tenant.rawValue) AND o.id = ANY(\(ids))
            """,
            Self.activities(
                of: .opportunity,
                """
                SELECT o.id, o.external_id AS subject, NULL::text AS source
                FROM ids i JOIN opportunity o ON o.tenant_id = i.tenant AND o.id = i.id
                """, ids, tenant),
        ])
        let events = try Self.events(rows[2])
        return try rows[1].map { row in
            let id: Int64 = try row.get("id")
            let (owner, team): (String?, String?) = (try row.get("owner"), try row.get("team"))
            var values = try Self.told(row.get("fields", as: JSONBytes.self).bytes)
            let known: [String: FieldValue] = [
                "owner": owner.value, "team": team.value, "stage": .text(try row.get("stage")),
                "owner.name": try row.get("owner_name", as: String?.self).value,
                "industry": try row.get("industry", as: String?.self).value,
                "won": try row.get("won", as: Bool?.self).map(FieldValue.boolean) ?? .empty,
                "closed_at": try row.get("closed_at", as: Date?.self).map(FieldValue.date) ?? .empty,
                "updated_at": .date(try row.get("updated_at")),
            ]
            values.merge(known) { $1 }
            if let amount = try row.get("amount_minor", as: Int64?.self), let currency = try row.get("currency", as: String?.self) {
                values["amount"] = .money(Money(amountMinor: amount, currency: currency))
            }
            let name: String = try row.get("external_id")
            return SubjectReading(
                key: ClockKey(.opportunity, id),
                facts: SubjectFacts(
                    .opportunity, id: name, values: values, events: events[id] ?? [], knownSince: try row.get("known_since")),
                owner: owner, team: team, isOwnerActive: try row.get("status", as: String?.self) == SellerStatus.active.rawValue,
                holding: nil)
        }
    }

    /// What was told of an opportunity besides. What was not told is known to be empty.
    private static func told(_ json: [UInt8]) -> [String: FieldValue] {
        let catalogue = FieldCatalogue.of(.opportunity, lead: .standard)
        let root = try? JSONEnvelope(json, levels: 3, limits: .stored).root
        return catalogue.names.reduce(into: [:]) { values, name in
            guard let field = catalogue[name] else { return }
            values[name] = root?[name].map { field.value(of: $0) } ?? .empty
        }
    }

    // MARK: Incidents

    /// An incident is nobody's, and over when the last lead that waited has been decided anew. Its alarm may have been seen before the fuse
    /// was opened: what became due in between is late, and not history.
    private func incidents(_ ids: [Int64], of tenant: TenantID) async throws -> [SubjectReading] {
        let rows = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT id, detected_at, fuse_opened_at, drained_at FROM incident
            WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(ids))
            """,
        ])
        return try rows[1].map { row in
            let id: Int64 = try row.get("id")
            let detectedAt: Date = try row.get("detected_at")
            let drainedAt: Date? = try row.get("drained_at")
            let events = [
                SubjectEvent("incident_detected", at: detectedAt), SubjectEvent("fuse_opened", at: try row.get("fuse_opened_at")),
            ]
            return SubjectReading(
                key: ClockKey(.incident, id),
                facts: SubjectFacts(
                    .incident, id: String(id),
                    values: [
                        "severity": .empty, "module": .text(AssignmentFuse.subject), "detected_at": .date(detectedAt),
                        "resolved_at": drainedAt.map(FieldValue.date) ?? .empty,
                    ],
                    events: events + (drainedAt.map { [SubjectEvent("incident_resolved", at: $0)] } ?? []), knownSince: detectedAt),
                owner: nil, team: nil, isOwnerActive: false, holding: nil)
        }
    }

    // MARK: Activities

    /// - Parameter subjects: SQL that makes of `ids` (tenant, id) the `id`, and the `subject` and `source` its activities are told under: the
    ///   external id, and whose it is, where sources may use the same for different subjects.
    private static func activities(of type: SubjectType, _ subjects: String, _ ids: [Int64], _ tenant: TenantID) -> Statement {
        """
        WITH ids AS (SELECT \(tenant.rawValue)::bigint AS tenant, id FROM unnest(\(ids)) AS n(id)), wanted AS (\(unescaped: subjects))
        -- What was told of every lead of an id happened to their customer once.
        SELECT DISTINCT ON (w.id, a.at, a.id) w.id, a.type, a.at, a.actor, a.data
        FROM wanted w CROSS JOIN LATERAL (
            SELECT a.id, a.type, a.at, a.actor, a.data FROM activity a
            WHERE a.tenant_id = \(tenant.rawValue) AND a.subject_type = \(type.rawValue) AND a.subject = w.subject
                AND (a.source IS NULL OR w.source IS NULL OR a.source = w.source)
            ORDER BY a.at DESC, a.id DESC LIMIT \(activitiesOfOne)) a
        ORDER BY w.id, a.at, a.id
        """
    }

    private static func events(_ rows: Rows) throws -> [Int64: [SubjectEvent]] {
        try rows.reduce(into: [:]) { events, row in
            let type: String = try row.get("type")
            let data = try row.get("data", as: JSONBytes.self).bytes
            var values = EventCatalogue.standard[type]?.values(of: data) ?? [:]
            if let actor = try row.get("actor", as: String?.self) { values["actor"] = .text(actor) }
            events[try row.get("id"), default: []].append(SubjectEvent(type, at: try row.get("at"), values))
        }
    }
}

extension String? {
    fileprivate var value: FieldValue { map(FieldValue.text) ?? .empty }
}
