import API
import Console
import Foundation
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let deadLetterPages = [
        Page(.get, "dead-letters") { visit in
            var query = DeadLettersView.Query()
            query.kind = visit.guest.parameter("kind") ?? ""
            query.errorClass = visit.guest.parameter("error_class") ?? ""
            query.since = visit.guest.parameter("since") ?? ""
            query.cursor = visit.guest.parameter("cursor")
            query.isPreview = visit.guest.parameter("preview") == "true"
            return try await showDeadLetters(visit, query)
        },
        Page(.post, "dead-letters/redrive", answer: redrive),
    ]
}

private func showDeadLetters(_ visit: Visit, _ query: DeadLettersView.Query, refusal: Refusal? = nil) async throws -> Response {
    let since = visit.instant(query.since)
    let parameters = [
        ("kind", query.kind), ("error_class", query.errorClass), ("since", since ?? ""), ("cursor", query.cursor ?? ""), ("limit", "50"),
    ].filter { !$0.1.isEmpty }.map { "\($0.0)=\(encoded($0.1))" }.joined(separator: "&")
    async let letters = visit.search("/v1/dlq?\(parameters)")
    async let groups = visit.read("/v1/dlq:groups")
    async let redrives = visit.read("/v1/redrives")
    let (list, fault) = try await letters
    var facts = DeadLettersView.Facts(letters: list, fault: fault, groups: try await groups, redrives: try await redrives, plan: nil)
    facts.fault = fault ?? facts.unknownKind(query, among: visit.guest.site.kinds)
    if query.isPreview, facts.fault == nil {
        let question = wish(query.kind, query.errorClass, since) { $0.member("dry_run", true) }
        let reply = await visit.act(.post, "/v1/dlq:redrive", question, isForm: false)
        if let problem = reply.problem { throw problem }
        facts.plan = try JSONEnvelope(reply.body, levels: 6, limits: .stored).root
    }
    return try await visit.page("dead-letters", area: "dead-letters", refusal: refusal ?? facts.fault) { [facts] in
        DeadLettersView.page($0, $1, facts, kinds: visit.guest.site.kinds, query: query, once: visit.fresh(), refusal: refusal)
    }
}

@Sendable private func redrive(_ visit: Visit) async throws -> Response {
    let form = visit.form
    var query = DeadLettersView.Query()
    (query.kind, query.errorClass, query.since, query.isPreview) = (form["kind"], form["error_class"], form["since"], true)
    let body = wish(form["kind"], form["error_class"], visit.instant(form["since"])) { object in
        if form.words("per_second") != nil { object.typed("per_second", form["per_second"]) }
        if let reason = form.words("reason") { object.member("reason", reason) }
    }
    let reply = await visit.act(.post, "/v1/dlq:redrive", body)
    return try await visit.finish(reply, form: "redrive", done: "redriven", to: Layout.path("dead-letters")) { [query] in
        try await showDeadLetters(visit, query, refusal: $0)
    }
}

private func wish(_ kind: String, _ errorClass: String, _ since: String?, _ more: (inout JSONWriter) -> Void) -> [UInt8] {
    JSONWriter.object { object in
        if !kind.isEmpty { object.member("kind", kind) }
        if !errorClass.isEmpty { object.member("error_class", errorClass) }
        if let since { object.member("since", since) }
        more(&object)
    }
}

extension Visit {
    /// A time as a browser's field has it, `2026-03-18T14:30`, in the tenant's zone; nil when nothing was given. What is no such time goes on
    /// as it is, so that the API says so.
    func instant(_ local: String) -> String? {
        guard !local.isEmpty else { return nil }
        // A day begins at midnight.
        let moment = local.contains("T") ? local : "\(local)T00:00"
        let parts = moment.split(whereSeparator: { "-T:".contains($0) }).map { Int($0) }
        guard parts.count == 5 || parts.count == 6, !parts.contains(nil) else { return local }
        let numbers = parts.compactMap(\.self)
        guard (1...9_999).contains(numbers[0]), (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), (0...23).contains(numbers[3]),
            (0...59).contains(numbers[4]), numbers.dropFirst(5).allSatisfy({ (0...59).contains($0) })
        else { return local }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = tenant.flatMap { TimeZone(identifier: $0.settings.timeZone) } ?? .gmt
        let components = DateComponents(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
            second: numbers.count == 6 ? numbers[5] : 0)
        guard let date = calendar.date(from: components), calendar.component(.day, from: date) == numbers[2] else { return local }
        return RFC3339.text(date)
    }
}
