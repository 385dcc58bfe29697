import Foundation

enum JSON {
    /// One line, keys in order and in snake_case.
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func read<T: Decodable>(_ type: T.Type = T.self, from data: Data) throws -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: data)
    }
}

extension String {
    /// A time without the fraction of its second, which helps nobody who reads; anything else as it is.
    var withWholeSeconds: String {
        wholeMatch(of: /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z/).map { "\($0.1)Z" } ?? self
    }
}

/// Rows in columns, for people.
struct Table: CustomStringConvertible {
    private let rows: [[String]]

    init(_ header: [String], _ rows: [[String]]) { self.rows = [header] + rows.map { $0.map(\.withWholeSeconds) } }

    var description: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].width }.max() ?? 0 }
        return rows.map { row in
            let line = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.width) }.joined(
                separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}

extension String {
    /// How many letters wide it stands on a terminal: a Chinese character, or a sign of Chinese, is as wide as two.
    fileprivate var width: Int { reduce(0) { $0 + ($1.isWide ? 2 : 1) } }
}

extension Character {
    fileprivate var isWide: Bool {
        unicodeScalars.first.map { (0x2E80...0x9FFF).contains($0.value) || (0xFF01...0xFF60).contains($0.value) } ?? false
    }
}
