import Foundation
import JSONEnvelope
import Records
import Rules
import SalesModel
import Tenancy

extension API {
    static let previewEndpoints = [Endpoint(.post, "/v1/leads:preview", module: .imports, takesQuery: true, answer: previewLeads)]
    /// Rows a preview shows.
    static let mostPreviewed = 50
}

/// `POST /v1/leads:preview`: the first rows of a file as the live rules would map, score and route them; nothing is stored.
@Sendable private func previewLeads(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["text/csv", "application/x-ndjson", "application/ndjson", "application/jsonl"])
    let isCSV = call.request.headers[.contentType]?.lowercased().hasPrefix("text/csv") ?? true
    let (columns, most, language) = try call.query { query in
        (
            LeadColumns(&query, call), query.integer("limit", in: 1...API.mostPreviewed) ?? 10,
            query.choice("language", of: Language.self) ?? .english
        )
    }
    let body = try await call.body(atMost: call.limits.body)
    var reader: any LeadReading = isCSV ? CSVLeads(columns, call.limits) : NDJSONLeads(columns, call.limits)
    let rows: [ImportedRow]
    do throws(UnreadableFile) {
        let read = try reader.read(body)
        rows = Array((read + (try reader.finish())).prefix(most))
    } catch {
        throw Problem(error)
    }
    let leads = rows.compactMap { row in if case .lead(_, let lead) = row { lead } else { nil } }
    let preview = try await call.records.preview(leads, from: columns.source, of: call.tenant)
    return Answer(200, preview.json(rows, in: language))
}

extension LeadPreview {
    fileprivate func json(_ rows: [ImportedRow], in language: Language) -> [UInt8] {
        var judged = judgements[...]
        var known = KnownIDs()
        return JSONWriter.object(capacity: 4_096) { object in
            object.member("rules", references.map(\.description))
            object.array("rows") { list in
                for row in rows {
                    list.object { item in
                        switch row {
                        case .fault(let fault):
                            item.member("line", fault.line)
                            item.member("verdict", "rejected")
                            item.member("code", fault.reason.code.rawValue)
                            item.member("reasons", [fault.sentence(in: language)])
                        case .lead(let line, let lead):
                            guard let judgement = judged.popFirst() else { return }
                            item.member("line", line)
                            item.member("external_id", lead.externalID)
                            write(judgement, known.note(lead.externalID, in: line), to: &item, language)
                        }
                    }
                }
            }
        }
    }

    private func write(_ judgement: Judgement, _ repeated: RepeatedID?, to item: inout JSONWriter, _ language: Language) {
        switch judgement.verdict {
        case .held(let outcome): item.member("verdict", outcome.rawValue)
        case .unrouted: item.member("verdict", "unrouted")
        case .placed(let placement):
            item.member("verdict", "routed")
            item.member("rule", placement.name)
            item.member("goes_to", placement.placement.target.kind)
            if case .pool(let pool) = placement.placement.target { item.member("pool", pool) }
        }
        item.member("score", judgement.score?.total)
        item.member("band", judgement.band?.rawValue)
        item.object("fields") { fields in for (name, value) in self.fields(of: judgement) { fields.member(name, value.description) } }
        item.member("defaulted", judgement.mapped.defaulted.map(\.field))
        item.member("unmapped", judgement.mapped.unmapped)
        item.member("reasons", judgement.reasons.map { $0.text(in: language) } + [repeated?.text(in: language)].compactMap(\.self))
    }
}

extension ImportFault {
    /// With the column it is about.
    fileprivate func sentence(in language: Language) -> String {
        (field.map { $0 + (language == .chinese ? "：" : ": ") } ?? "") + text(in: language)
    }
}

extension Target {
    /// Who competes for it is not asked: whether there is a seller who can take it is known once it is assigned.
    fileprivate var kind: String {
        switch self {
        case .pool: "pool"
        case .marketing: "marketing"
        case .everyone, .newcomers, .sellers, .teams, .sellerInField: "seller"
        }
    }
}
