import API
import Console
import Foundation

/// What the columns of a known system's export mean: under which names the packs' maps know them.
struct Preset: Decodable, Sendable {
    let about: String
    /// Names a column may have there, the likeliest first; compared without regard to case.
    let externalID: [String]
    let receivedAt: [String]
    /// Of a person's name in two parts.
    let givenName: [String]
    let familyName: [String]
    let columns: [String: [String]]

    private enum CodingKeys: String, CodingKey {
        case about, columns
        case externalID = "external_id"
        case receivedAt = "received_at"
        case givenName = "given_name"
        case familyName = "family_name"
    }

    static let all: [String: Preset] = {
        do { return try JSONDecoder().decode([String: Preset].self, from: Data(PackageResources.presets_json)) } catch {
            preconditionFailure("presets.json cannot be read: \(error)")
        }
    }()

    static var names: String { all.keys.sorted().joined(separator: ", ") }
}

/// A file whose columns a preset has given our names.
struct RenamedColumns: Sendable {
    /// Of every column, in the file's order.
    var names: [String]
    var externalID: String
    var receivedAt: String?
    /// The columns whose two parts are joined to a person's name, where none has it whole.
    var personName: NameColumns?
    /// Theirs and ours, of those that changed.
    var renamed: [(from: String, to: String)]

    /// - Parameter named: the column for the leads' ids, where it is not the preset's.
    /// - Throws: when the file has no column for the leads' ids.
    init(_ header: [String], _ preset: Preset, externalID named: String? = nil) throws {
        func column(of candidates: [String]) -> String? {
            candidates.lazy.compactMap { wanted in header.first { $0.caseInsensitiveCompare(wanted) == .orderedSame } }.first
        }
        let told = "It has \(header.prefix(20).joined(separator: ", "))"
        if let named, column(of: [named]) == nil { throw SetUpError("the file has no column \(named). \(told)") }
        guard let externalID = column(of: named.map { [$0] } ?? preset.externalID) else {
            throw SetUpError(
                "the file has none of the columns \(preset.externalID.joined(separator: ", ")) with each lead's id; name it with "
                    + "--external-id. \(told)")
        }
        let whole = header.contains(NameColumns.field) ? NameColumns.field : column(of: preset.columns[NameColumns.field] ?? [])
        let (given, family) = (column(of: preset.givenName), column(of: preset.familyName))
        if whole == nil, let given, let family { personName = NameColumns(given: given, family: family) }
        var meanings = preset.columns
        // Half a name is better than none.
        if personName == nil { meanings[NameColumns.field, default: []] += preset.familyName + preset.givenName }

        var names = header
        var renamed: [(from: String, to: String)] = []
        for (ours, candidates) in meanings.sorted(by: { $0.key < $1.key }) {
            // A column that has our name already is meant to keep it.
            guard !header.contains(ours), let theirs = column(of: candidates), theirs != externalID,
                let place = names.firstIndex(of: theirs)
            else { continue }
            names[place] = ours
            renamed.append((theirs, ours))
        }
        self.names = names
        self.externalID = externalID
        receivedAt = column(of: preset.receivedAt).flatMap { names.contains($0) ? $0 : nil }
        self.renamed = renamed
    }

    /// What is made of the file's columns, a line each.
    func said(_ words: Words) -> [String] {
        let joined = personName.map {
            words["cli_columns_joined", ["given": $0.given, "family": $0.family, "field": NameColumns.field]]
        }
        return renamed.map { words["cli_column", ["from": $0.from, "to": $0.to]] } + [joined].compactMap(\.self)
    }
}

/// The first row of a CSV file.
struct CSVHeader: Sendable, Hashable {
    var names: [String]
    /// How far it goes, its end of line and a byte order mark included.
    var length: Int

    /// Nil when the row does not end within `bytes`, or its quotes do not.
    init?(_ bytes: [UInt8]) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        var index = bytes.starts(with: mark) ? mark.count : 0
        var field: [UInt8] = []
        var fields: [[UInt8]] = []
        var isQuoted = false
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && index < bytes.count && bytes[index] == byte:
                field.append(byte)
                index += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted:
                fields.append(field)
                field = []
            case 0x0A where !isQuoted, 0x0D where !isQuoted:
                if byte == 0x0D, index < bytes.count, bytes[index] == 0x0A { index += 1 }
                names = (fields + [field]).map { String(decoding: $0, as: UTF8.self) }
                length = index
                return
            default: field.append(byte)
            }
        }
        return nil
    }
}
