import Foundation
import PostgresClient
import ProcessHealth
import SalesModel
import Tenancy

extension HealthReader {
    /// How much earlier than the first week something may have happened that still decides a case in it.
    static let lookback: TimeInterval = 30 * 86_400
    /// A lead that nobody touched for longer does not count as waiting any more.
    static let waitingFor: TimeInterval = 60 * 86_400

    /// What these sellers did from a moment on, as recorded by another; by seller.
    ///
    /// A lead is the first owner's (I-35). What the customer said goes to who was last in touch before. Leads, opportunities and records of
    /// one customer are called by the customer's number, so that a rhythm is the customer's (SPI-03). Gated entries are judged by the
    /// tenant's live gates; where it has none there are none.
    public func facts(of sellers: [HealthSeller], from start: Date, at now: Date, of tenant: TenantID) async throws -> [Int64: ProcessFacts]
    {
        let ids = sellers.map(\.id)
        let names = sellers.map(\.externalID)
        let rows = try await read(
            tenant,
            [
                Self.leads(of: ids, from: start - Self.waitingFor, at: now, tenant),
                Self.deeds(of: names, from: start - Self.lookback, at: now, tenant),
                Self.replies(to: names, from: start - Self.lookback, at: now, tenant),
                Self.moves(of: names, from: start - Self.lookback, at: now, tenant),
                Self.absences(of: ids, at: now, tenant),
            ])
        var facts = try Self.leadFacts(rows[0])
        let deeds = try rows[1].map(Deed.init)
        let places = Dictionary(zip(names, ids), uniquingKeysWith: { first, _ in first })
        var bySubject: [String: [(at: Date, seller: Int64)]] = [:]
        for deed in deeds {
            guard let seller = places[deed.actor] else { continue }
            if let kind = deed.kind {
                facts[seller, default: ProcessFacts()].contacts.append(
                    ContactFact(kind, customer: deed.subject, at: deed.at, recordedAt: deed.recordedAt))
            }
            bySubject[deed.subject, default: []].append((deed.at, seller))
        }
        for row in rows[2] {
            let (subject, at): (String, Date) = (try row.get("subject"), try row.get("at"))
            guard let owner = Self.owner(of: bySubject[subject], at: at) else { continue }
            facts[owner, default: ProcessFacts()].contacts.append(
                ContactFact(.reply, customer: subject, at: at, recordedAt: try row.get("recorded_at")))
        }
        for row in rows[4] {
            facts[try row.get("seller_id"), default: ProcessFacts()].absences.append(
                AbsenceFact(at: try row.get("at"), until: try row.get("until")))
        }
        let moves = try deeds.compactMap(HealthMove.init) + rows[3].map(HealthMove.init)
        try await addStages(moves, places, to: &facts, at: now, of: tenant)
        let customers = try await customers(of: Set(facts.values.flatMap(\.customers)).union(bySubject.keys), at: now, of: tenant)
        Self.end(bySubject, customers, names: Dictionary(zip(ids, names), uniquingKeysWith: { first, _ in first }), in: &facts)
        return facts.mapValues { $0.renamed(customers.key) }
    }

    /// Where a seller's relation to a customer ended no interval runs on.
    private static func end(
        _ bySubject: [String: [(at: Date, seller: Int64)]], _ customers: HealthCustomers, names: [Int64: String],
        in facts: inout [Int64: ProcessFacts]
    ) {
        var subjects: [Int64: [String: Set<String>]] = [:]
        for (subject, deeds) in bySubject {
            for seller in Set(deeds.map(\.seller)) {
                subjects[seller, default: [:]][customers.key(of: subject), default: []].insert(subject)
            }
        }
        for (seller, byCustomer) in subjects {
            for (customer, subjects) in byCustomer {
                for end in customers.ends(of: customer, for: names[seller] ?? "", subjects) {
                    facts[seller, default: ProcessFacts()].contacts.append(
                        ContactFact(.ended, customer: customer, at: end.at, recordedAt: end.recordedAt))
                }
            }
        }
    }

    /// Who was last in touch before, or first after.
    private static func owner(of deeds: [(at: Date, seller: Int64)]?, at: Date) -> Int64? {
        guard let deeds else { return nil }
        return (deeds.filter { $0.at <= at }.max { $0.at < $1.at } ?? deeds.min { $0.at < $1.at })?.seller
    }

    private static func leads(of sellers: [Int64], from: Date, at now: Date, _ tenant: TenantID) -> Statement {
        """
        SELECT a.seller_id, l.external_id, l.received_at, l.created_at, a.assigned_at, t.touch_at, t.touch_known, t.visit_at, t.visit_known
        FROM assignment a
            JOIN lead l ON l.tenant_id = a.tenant_id AND l.id = a.lead_id
            LEFT JOIN LATERAL (
                SELECT min(c.at) FILTER (WHERE c.type <> 'visit') AS touch_at,
                    (array_agg(c.recorded_at ORDER BY c.at) FILTER (WHERE c.type <> 'visit'))[1] AS touch_known,
                    min(c.at) FILTER (WHERE c.type = 'visit') AS visit_at,
                    (array_agg(c.recorded_at ORDER BY c.at) FILTER (WHERE c.type = 'visit'))[1] AS visit_known
                FROM activity c
                WHERE c.tenant_id = a.tenant_id AND c.subject_type = 'lead' AND c.subject = l.external_id AND c.recorded_at <= \(now)
                    AND (c.type = 'touch' OR (c.type = 'visit' AND c.data->>'valid' IS DISTINCT FROM 'false'))) t ON true
        WHERE a.tenant_id = \(tenant.rawValue) AND a.seller_id = ANY(\(sellers)) AND a.assigned_at >= \(from) AND a.assigned_at <= \(now)
            AND NOT EXISTS (SELECT FROM assignment e WHERE e.tenant_id = a.tenant_id AND e.lead_id = a.lead_id AND e.epoch < a.epoch)
        """
    }

    private static func leadFacts(_ rows: Rows) throws -> [Int64: ProcessFacts] {
        try rows.reduce(into: [:]) { facts, row in
            let touch: Date? = try row.get("touch_at")
            facts[try row.get("seller_id"), default: ProcessFacts()].leads.append(
                LeadFact(
                    customer: "lead:" + (try row.get("external_id", as: String.self)), capturedAt: try row.get("received_at"),
                    assignedAt: try row.get("assigned_at"), touchedAt: touch, visitedAt: try row.get("visit_at"),
                    recordedAt: try row.get("created_at"), touchRecordedAt: try row.get("touch_known"),
                    visitRecordedAt: try row.get("visit_known")))
        }
    }

    /// What sellers did; the number says what it was, and a follow-up's words whether it says anything.
    private static func deeds(of sellers: [String], from: Date, at now: Date, _ tenant: TenantID) -> Statement {
        """
        SELECT actor, subject_type || ':' || subject AS subject, at, recorded_at, type, data->>'from' AS from_stage, data->>'to' AS to_stage,
            data->>'direction' IS NOT DISTINCT FROM 'inbound' AS inbound,
            type = 'quotation' OR (type = 'upload' AND data->>'document' IN ('proposal', 'solution', 'quotation')) AS revision,
            CASE WHEN type = 'follow_up' THEN concat_ws(chr(31), data->>'pain', data->>'our_action', data->>'problem_solved',
                data->>'customer_next_step', data->>'obstacle', data->>'note') END AS words
        FROM activity
        WHERE tenant_id = \(tenant.rawValue) AND actor = ANY(\(sellers)) AND at >= \(from) AND at <= \(now) AND recorded_at <= \(now)
            AND type IN ('touch', 'follow_up', 'visit', 'interview', 'demo', 'callback', 'action', 'quotation', 'upload', 'transition')
            -- Changes of stage that were told or decided are read where they are kept.
            AND (type <> 'transition' OR seq IS NULL)
        """
    }

    private static func replies(to sellers: [String], from: Date, at now: Date, _ tenant: TenantID) -> Statement {
        """
        SELECT r.subject_type || ':' || r.subject AS subject, r.at, r.recorded_at
        FROM (SELECT DISTINCT subject_type, subject FROM activity
              WHERE tenant_id = \(tenant.rawValue) AND actor = ANY(\(sellers)) AND at >= \(from) AND at <= \(now)) d
            JOIN activity r ON r.tenant_id = \(tenant.rawValue) AND r.subject_type = d.subject_type AND r.subject = d.subject
        WHERE r.type = 'reply' AND r.at >= \(from) AND r.at <= \(now) AND r.recorded_at <= \(now)
        """
    }

    /// When sellers went on leave or were frozen, and until when, as far as was known; until that moment itself: they are back.
    private static func absences(of sellers: [Int64], at now: Date, _ tenant: TenantID) -> Statement {
        """
        SELECT seller_id, at, CASE WHEN status = 'leave' OR (frozen_at IS NOT NULL AND frozen_until IS NULL) THEN NULL
            ELSE COALESCE(frozen_until, at) END AS until
        FROM seller_change
        WHERE tenant_id = \(tenant.rawValue) AND seller_id = ANY(\(sellers)) AND at <= \(now)
        ORDER BY version
        """
    }
}

extension HealthReader {
    /// Changes of stage of opportunities that were these sellers' at some time, each with whose it was at that moment: what another did
    /// next ends a stay.
    private static func moves(of sellers: [String], from: Date, at now: Date, _ tenant: TenantID) -> Statement {
        """
        SELECT COALESCE(w.owner, '') AS owner, 'opportunity:' || o.external_id AS subject, t.from_stage, t.to_stage, t.asked, t.at, t.recorded_at, t.is_gated,
            t.rule_version IS NOT NULL AS is_decided
        FROM (SELECT DISTINCT opportunity_id FROM opportunity_fact WHERE tenant_id = \(tenant.rawValue) AND owner = ANY(\(sellers))) mine
            JOIN stage_transition t ON t.tenant_id = \(tenant.rawValue) AND t.opportunity_id = mine.opportunity_id
            JOIN opportunity o ON o.tenant_id = \(tenant.rawValue) AND o.id = mine.opportunity_id
            CROSS JOIN LATERAL (
                SELECT f.owner FROM opportunity_fact f
                WHERE f.tenant_id = \(tenant.rawValue) AND f.opportunity_id = t.opportunity_id AND f.recorded_at <= \(now)
                -- As told last of that moment; of a move before the first telling, as told first.
                ORDER BY f.at <= t.at DESC, CASE WHEN f.at <= t.at THEN f.at END DESC NULLS LAST, CASE WHEN f.at <= t.at THEN -f.seq ELSE f.seq END
                LIMIT 1) w
        WHERE t.at >= \(from) AND t.at <= \(now) AND t.recorded_at <= \(now)
        ORDER BY t.at, t.id
        """
    }
}

/// A deal's change of stage.
struct HealthMove {
    let seller: String
    let subject: String
    /// Nil: it began there.
    let from: String?
    let to: String
    let at: Date
    let recordedAt: Date
    /// What is known of the evidence; nil: it has to be judged by what was recorded, or there is no telling.
    let evidence: Evidence?

    enum Evidence: Hashable {
        /// A gate let it through, by what its rules asked that day.
        case shown
        /// No gate stood in its way, or it only went to wait before one.
        case notAsked
    }

    init?(_ deed: Deed) {
        guard let to = deed.to else { return nil }
        (seller, subject, from, self.to) = (deed.actor, deed.subject, deed.from, to)
        (at, recordedAt, evidence) = (deed.at, deed.recordedAt, nil)
    }

    init(_ row: Row) throws {
        seller = try row.get("owner")
        subject = try row.get("subject")
        from = try row.get("from_stage")
        to = try row.get("to_stage")
        at = try row.get("at")
        recordedAt = try row.get("recorded_at")
        let isWaiting: Bool = try row.get("asked", as: String.self) != to
        if try row.get("is_gated", as: Bool.self) {
            evidence = isWaiting ? .notAsked : .shown
        } else {
            evidence = try row.get("is_decided", as: Bool.self) ? .notAsked : nil
        }
    }
}

/// Something a seller did.
struct Deed {
    let actor: String
    /// With its type before it, since two kinds of subjects may have the same id.
    let subject: String
    let at: Date
    let recordedAt: Date
    /// Nil: no contact, such as a change of stage.
    let kind: ContactFact.Kind?
    let from: String?
    let to: String?

    init(_ row: Row) throws {
        actor = try row.get("actor")
        subject = try row.get("subject")
        at = try row.get("at")
        recordedAt = try row.get("recorded_at")
        let type: String = try row.get("type")
        let isTransition = type == "transition"
        from = isTransition ? try row.get("from_stage") : nil
        to = isTransition ? try row.get("to_stage") : nil
        if try row.get("revision") {
            kind = .revision
        } else if isTransition || type == "upload" {
            kind = nil
        } else if try row.get("inbound") {
            kind = .reply
        } else if let words: String = try row.get("words") {
            let says = words.split(separator: "\u{1F}").contains { !Placeholder.isPlaceholder(String($0)) }
            kind = says ? .followUp : .emptyFollowUp
        } else {
            kind = .followUp
        }
    }
}
