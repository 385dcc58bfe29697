import Foundation
import JSONEnvelope
import PostgresClient
import ProcessHealth
import Rules
import SalesModel
import Tenancy

extension HealthReader {
    /// Stays in stages, and entries into those that a gate guards, with whether what it asks was there.
    ///
    /// A transition that a gate let through has its evidence. One that was told, as imported, is judged by the live gates on what was recorded
    /// up to then; a deal that began beyond a gate counts as one that passed it (STAGE-06).
    func addStages(
        _ moves: [HealthMove], _ places: [String: Int64], to facts: inout [Int64: ProcessFacts], at now: Date, of tenant: TenantID
    ) async throws {
        guard !moves.isEmpty else { return }
        for (subject, moves) in Dictionary(grouping: moves, by: \.subject) {
            let ordered = moves.sorted { $0.at < $1.at }
            for (place, move) in ordered.enumerated() {
                guard let seller = places[move.seller] else { continue }
                let next = place + 1 < ordered.count ? ordered[place + 1].at : nil
                facts[seller, default: ProcessFacts()].stays.append(
                    StayFact(customer: subject, stage: move.to, from: move.at, to: next, recordedAt: move.recordedAt))
            }
        }
        let gates = try await gates(of: tenant)
        let asked = gates == nil ? [] : Set(moves.filter { $0.evidence == nil && places[$0.seller] != nil }.map(\.subject)).sorted()
        let events = asked.isEmpty ? [:] : try await events(of: asked, at: now, of: tenant)
        for move in moves {
            guard let seller = places[move.seller] else { continue }
            let isShown: Bool?
            switch move.evidence {
            case .shown: isShown = true
            case .notAsked: isShown = nil
            case nil: isShown = gates?.evidence(from: move.from, to: move.to, events[move.subject] ?? [], at: move.at)
            }
            guard let isShown else { continue }
            facts[seller, default: ProcessFacts()].entries.append(
                EntryFact(
                    customer: move.subject, stage: move.to, at: move.at, evidenceAt: isShown ? move.at : nil, recordedAt: move.recordedAt))
        }
    }

    private func gates(of tenant: TenantID) async throws -> CompiledGates? {
        let rows = try await read(
            tenant,
            [
                "SELECT name, source FROM ruleset_version WHERE tenant_id = \(tenant.rawValue) AND kind = 'gate' AND state = 'live' ORDER BY name"
            ])[0]
        for row in rows {
            guard case .success(let set) = RuleSet.parse(kind: .gate, name: try row.get("name"), source: try row.get("source")),
                case .gate(let rules) = set.body, rules.subject == .opportunity
            else { continue }
            return CompiledGates(rules)
        }
        return nil
    }

    /// What happened to deals, in the words of the rules; only what those may count.
    private func events(of subjects: [String], at now: Date, of tenant: TenantID) async throws -> [String: [SubjectEvent]] {
        let names = subjects.compactMap { $0.hasPrefix("opportunity:") ? String($0.dropFirst("opportunity:".count)) : nil }
        let rows = try await read(
            tenant,
            [
                """
                SELECT subject, type, at, data FROM activity
                WHERE tenant_id = \(tenant.rawValue) AND subject_type = 'opportunity' AND subject = ANY(\(names)) AND type <> 'transition'
                    AND recorded_at <= \(now)
                """
            ])[0]
        return try rows.reduce(into: [:]) { events, row in
            let type: String = try row.get("type")
            guard let known = EventCatalogue.standard[type] else { return }
            let data: JSONBytes = try row.get("data")
            events["opportunity:" + (try row.get("subject", as: String.self)), default: []].append(
                SubjectEvent(type, at: try row.get("at"), known.values(of: data.bytes)))
        }
    }
}

extension CompiledGates {
    /// Whether everything was there that the gates into a stage ask of events; nil where no gate guards it, or where what they ask cannot
    /// be said, such as a field that was never mapped.
    fileprivate func evidence(from: String?, to: String, _ events: [SubjectEvent], at: Date) -> Bool? {
        let guarding = rules.gates.filter { $0.to.contains(to) && ($0.from.isEmpty || from.map($0.from.contains) ?? true) }
        guard let gate = guarding.first else { return nil }
        // One that began here is asked as if it had come from where the gate expects it.
        let from = from ?? gate.from.first
        let facts = SubjectFacts(.opportunity, id: "", values: [:], events: events)
        func judged(_ unmet: [UnmetRequirement]) -> Bool? {
            let lacking = unmet.filter { $0.requirement.otherwise != .warn }
            if lacking.contains(where: { $0.truth == .no }) { return false }
            return lacking.isEmpty ? true : nil
        }
        switch answer(from: from, to: to, facts, now: at) {
        case .open(let warnings): return judged(warnings)
        case .waiting(_, let unmet), .shut(let unmet): return judged(unmet)
        case .noSuchStage, .final: return nil
        }
    }
}
