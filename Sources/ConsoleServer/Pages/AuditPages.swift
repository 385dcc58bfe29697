import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let auditPages = [Page(.get, "audit", answer: showAudit)]
}

@Sendable private func showAudit(_ visit: Visit) async throws -> Response {
    var query = AuditView.Query()
    query.action = visit.guest.parameter("action") ?? ""
    query.subject = visit.guest.parameter("subject") ?? ""
    query.actor = visit.guest.parameter("actor") ?? ""
    query.since = visit.guest.parameter("since") ?? ""
    query.until = visit.guest.parameter("until") ?? ""
    query.cursor = visit.guest.parameter("cursor")
    let parameters = query.parameters(visit.instant)
    let (entries, refused) = try await visit.search("/v1/audit\(parameters)\(parameters.isEmpty ? "?" : "&")limit=50")
    let refusal = refused ?? query.unknownAction(entries)
    let names = visit.tenant == nil ? AuditView.Names() : try await visit.auditNames(entries)
    let keys = AuditView.Spoken(in: entries).keys
    return try await visit.page("audit", area: "audit", telling: [entries], keys: keys, refusal: refusal) { [query] in
        AuditView.page($0, $1, page: entries, query: query, names: names, refusal: refusal)
    }
}

extension Visit {
    /// What people call those that a page of the log speaks of.
    fileprivate func auditNames(_ page: JSONNode) async throws -> AuditView.Names {
        let spoken = AuditView.Spoken(in: page)
        let escalations = try await escalations(spoken.escalations)
        let explained = Set(spoken.escalations.map { String($0) })
        let late = (escalations?["items"]?.elements ?? []).filter {
            $0["subject_type"]?.string == "lead" && explained.contains($0["id"]?.string ?? "")
        }
        async let leads = leads(spoken.leads + late.compactMap { $0["subject_id"]?.string })
        let sellers = try await names(try await firstSellers(), of: spoken.sellers, in: page)
        return AuditView.Names(sellers: sellers, leads: try await leads, escalations: escalations)
    }

    /// The newest of these and those before it, in which the others are as far as a page goes; nil: there are none.
    private func escalations(_ ids: [Int64]) async throws -> JSONNode? {
        guard let newest = ids.max() else { return nil }
        return try await read("/v1/escalations?limit=500&cursor=\(newest + 1)")
    }
}
