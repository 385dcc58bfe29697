import Console
import JSONEnvelope

/// Leads as a table to be taken elsewhere, under the API's own names.
struct LeadExport {
    /// Fields of the leads that have a column of their own.
    var fields: [String] = []

    private static let members = [
        "id", "source", "external_id", "name", "state", "held_reason", "owner", "pool", "score", "received_at", "touched_at",
    ]

    /// Asks for page after page until there is none, and writes each.
    ///
    /// - Parameter page: what `GET /v1/leads` answers at a cursor.
    /// - Returns: the fields that none of the leads came with, so that their columns are empty.
    func write(to put: (String) -> Void, page: (_ cursor: String?) async throws -> JSONNode) async throws -> [String] {
        // Without the mark spreadsheets read Chinese as another encoding.
        put("\u{FEFF}" + (Self.members + fields).map(\.withoutFormula).csv)
        // Where there is no lead, no field is missed.
        var empty: [String]?
        var cursor: String?
        repeat {
            let answer = try await page(cursor)
            for lead in answer["items"]?.elements ?? [] {
                put(row(lead).csv)
                empty = (empty ?? fields).filter { lead["fields"]?[$0] == nil }
            }
            cursor = answer["next_cursor"]?.string
        } while cursor != nil
        return empty ?? []
    }

    private func row(_ lead: JSONNode) -> [String] {
        let values = Self.members.map { lead[$0] } + fields.map { lead["fields"]?[$0] }
        return values.map { value in
            guard let value, value.type != .null else { return "" }
            return (value.string ?? String(decoding: value.bytes, as: UTF8.self)).withoutFormula
        }
    }
}
