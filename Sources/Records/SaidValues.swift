import Foundation
import Identity
import JSONEnvelope
import PostgresClient
import SalesModel

/// What was said of a customer, as it is kept: `[{"f": field, "v": value, "s": source, "at": time, "l": lead}]`.
struct SaidValues: Sendable, Hashable {
    var values: [SourcedValue]

    init(_ values: [SourcedValue]) { self.values = values }

    init(_ json: JSONBytes) throws {
        values = try JSONEnvelope(json.bytes, levels: 3, limits: .stored).root.elements.map { node in
            SourcedValue(
                field: node["f"]?.string ?? "", value: node["v"]?.string ?? "", source: node["s"]?.string ?? "",
                at: node["at"]?.string.flatMap(RFC3339.date) ?? .distantPast, lead: node["l"]?.double.map { Int64($0) })
        }
    }

    /// What one lead, or a person, says at once.
    init(_ said: [String: [String]], source: String, at: Date, lead: LeadID?) {
        values = said.sorted { $0.key < $1.key }.flatMap { field, texts in
            texts.map { SourcedValue(field: field, value: $0, source: source, at: at, lead: lead?.rawValue) }
        }
    }

    /// The newest last, as matching takes them.
    var byField: [String: [String]] {
        values.reduce(into: [:]) { if !($0[$1.field]?.contains($1.value) ?? false) { $0[$1.field, default: []].append($1.value) } }
    }

    var json: JSONBytes {
        JSONBytes(
            JSONWriter.array(capacity: 96 * values.count) { list in
                for value in values {
                    list.object { item in
                        item.member("f", value.field)
                        item.member("v", value.value)
                        item.member("s", value.source)
                        item.member("at", value.at)
                        if let lead = value.lead { item.member("l", lead) }
                    }
                }
            })
    }
}
