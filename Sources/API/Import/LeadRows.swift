import Foundation
import JSONEnvelope
import Records
import SalesModel
import Tenancy

/// A row of an import that is not taken in.
struct ImportFault: Sendable, Equatable {
    var line: Int
    var field: String?
    var reason: RowRefusal
    /// Where a quote that was not closed took the lines below with it, the last of them.
    var lastLine: Int?

    /// It speaks of the file's encoding rather than of one row.
    var isAboutEncoding: Bool { reason.code == .badEncoding }
    var message: String { text(in: .english) }

    func text(in language: Language) -> String { reason.text(in: language) + openQuote(in: language) }

    private func openQuote(in language: Language) -> String {
        guard let lastLine else { return "" }
        return switch language {
        case .english: "; lines \(line) to \(lastLine) were read as one row, since a quote was open"
        case .chinese: "；因引号未闭合，第 \(line) 至 \(lastLine) 行被读作一行"
        }
    }
}

/// What a row of an import came to.
enum ImportedRow: Sendable {
    case lead(line: Int, NewLead)
    case fault(ImportFault)
}

/// The file as a whole cannot be read.
struct UnreadableFile: Error, Sendable, Hashable {
    var line: Int
    var field: String?
    var message: String
}

/// Which columns of an import mean what.
struct LeadColumns: Sendable {
    var source: String
    var externalID: String
    /// Nil: leads were received now.
    var receivedAt: String?
    /// Nil: a person's name is in one column, or in none.
    var personName: NameColumns?
    /// How times are written.
    var times: TimeReader
    var now: Date
}

/// Turns the bytes of a file into leads, piece by piece.
protocol LeadReading: Sendable {
    /// - Throws: `UnreadableFile` when there is no use in reading on.
    mutating func read(_ bytes: [UInt8]) throws(UnreadableFile) -> [ImportedRow]
    mutating func finish() throws(UnreadableFile) -> [ImportedRow]
}

/// Leads in CSV: the first row names the columns, every column that has no special meaning is a field of the lead.
struct CSVLeads: LeadReading {
    private let columns: LeadColumns
    private let limits: CSVReader.Limits
    private var reader: CSVReader
    private var header: Header?

    private struct Header {
        var names: [String]
        var externalID: Int
        var receivedAt: Int?
        /// Where the parts of a person's name are.
        var nameParts: [String: Int]
        /// The columns that are fields of the lead as they are.
        var fields: [Int] = []
    }

    init(_ columns: LeadColumns, _ limits: Limits) {
        self.columns = columns
        self.limits = CSVReader.Limits(columns: limits.importColumns, field: limits.importField, row: limits.importRow)
        reader = CSVReader(self.limits)
    }

    mutating func read(_ bytes: [UInt8]) throws(UnreadableFile) -> [ImportedRow] { try rows(reader.read(bytes)) }

    mutating func finish() throws(UnreadableFile) -> [ImportedRow] {
        let last = try rows(reader.finish())
        guard header != nil else { throw UnreadableFile(line: 1, message: "the file is empty: its first row must name the columns") }
        return last
    }

    private mutating func rows(_ rows: [CSVReader.Row]) throws(UnreadableFile) -> [ImportedRow] {
        var imported: [ImportedRow] = []
        for row in rows {
            if let header {
                // Spreadsheets write the lines below their last as commas alone.
                if case .fields(let values) = row.content, values.allSatisfy(\.isEmpty) { continue }
                imported.append(namingLines(of: row, lead(row, header)))
            } else {
                header = try readHeader(row)
            }
        }
        return imported
    }

    private func readHeader(_ row: CSVReader.Row) throws(UnreadableFile) -> Header {
        func unreadable(_ field: String?, _ message: String) -> UnreadableFile {
            UnreadableFile(line: row.line, field: field, message: message)
        }
        switch row.content {
        case .fault(let fault): throw unreadable(nil, "the row that names the columns " + fault.message(limits))
        case .fields(let told):
            // What nobody sees is no part of a name; maps are written without it.
            let names = told.map { $0.trimmingCharacters(in: .whitespaces) }
            if names.contains("") { throw unreadable(nil, "a column has no name") }
            if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
                throw unreadable(twice, "two columns have this name")
            }
            func place(of column: String) -> Int? { names.firstIndex(of: column.trimmingCharacters(in: .whitespaces)) }
            func knownPlace(of column: String, toldAs parameter: String) throws(UnreadableFile) -> Int {
                if let found = place(of: column) { return found }
                throw unreadable(parameter, "there is no column \(column); there are \(names.prefix(20).joined(separator: ", "))")
            }
            guard let externalID = place(of: columns.externalID) else {
                throw unreadable(
                    "external_id",
                    "there is no column \(columns.externalID); there are \(names.prefix(20).joined(separator: ", "))\(separatorHint(names))"
                )
            }
            var header = Header(names: names, externalID: externalID, nameParts: [:])
            if let column = columns.receivedAt { header.receivedAt = try knownPlace(of: column, toldAs: "received_at") }
            if let parts = columns.personName, !names.contains(NameColumns.field) {
                header.nameParts[parts.given] = try knownPlace(of: parts.given, toldAs: "given_name")
                header.nameParts[parts.family] = try knownPlace(of: parts.family, toldAs: "family_name")
            }
            let told = [externalID, header.receivedAt].compactMap(\.self) + header.nameParts.values
            header.fields = names.indices.filter { !told.contains($0) }
            return header
        }
    }

    /// Programs of some countries write semicolons where others write commas.
    private func separatorHint(_ names: [String]) -> String {
        guard names.count == 1, let name = names.first, name.contains(where: { ";\t|".contains($0) }) else { return "" }
        return ". Columns must be separated by commas"
    }

    private func lead(_ row: CSVReader.Row, _ header: Header) -> ImportedRow {
        switch row.content {
        case .fault(let fault):
            return .fault(ImportFault(line: row.line, reason: .unreadable(fault, limits)))
        case .fields(let values):
            guard values.count == header.names.count else {
                return .fault(ImportFault(line: row.line, reason: .columns(values.count, of: header.names.count)))
            }
            let fields = JSONWriter.object(capacity: 256) { object in
                for index in header.fields { object.member(header.names[index], values[index]) }
                if let name = columns.personName?.whole(by: { header.nameParts[$0].map { values[$0] } }) {
                    object.member(NameColumns.field, name)
                }
            }
            return columns.lead(
                line: row.line, externalID: values[header.externalID], receivedAt: header.receivedAt.map { values[$0] }, fields: fields)
        }
    }

    /// Where a quote that was not closed took the lines below with it, the fault names all of them.
    private func namingLines(of row: CSVReader.Row, _ imported: ImportedRow) -> ImportedRow {
        guard case .fault(var fault) = imported, row.lastLine != row.line else { return imported }
        fault.lastLine = row.lastLine
        return .fault(fault)
    }
}

/// Leads in NDJSON: one object a line, every member that has no special meaning is a field of the lead.
struct NDJSONLeads: LeadReading {
    private let columns: LeadColumns
    private let limits: Limits
    private var reader: LineReader

    init(_ columns: LeadColumns, _ limits: Limits) {
        self.columns = columns
        self.limits = limits
        reader = LineReader(limit: limits.importRow)
    }

    mutating func read(_ bytes: [UInt8]) -> [ImportedRow] { reader.read(bytes).map(row) }
    mutating func finish() -> [ImportedRow] { reader.finish().map(row) }

    private func row(_ line: LineReader.Line) -> ImportedRow {
        guard let bytes = line.bytes else {
            return .fault(ImportFault(line: line.number, reason: .longLine(limits.importRow)))
        }
        do {
            let bounds = JSONLimits(bytes: limits.importRow, depth: limits.depth, members: limits.importColumns)
            return lead(try JSONEnvelope(bytes, levels: 1, limits: bounds).root, line.number)
        } catch {
            return .fault(ImportFault(line: line.number, reason: .notJSON(error)))
        }
    }

    private func lead(_ object: JSONNode, _ line: Int) -> ImportedRow {
        guard object.type == .object else { return .fault(ImportFault(line: line, reason: .notObject(object.type))) }
        guard let id = object[columns.externalID], let externalID = text(id) else {
            return .fault(ImportFault(line: line, field: columns.externalID, reason: .idOfOtherType))
        }
        var receivedAt: String?
        if let name = columns.receivedAt {
            guard let text = object[name].flatMap(text) else {
                return .fault(ImportFault(line: line, field: name, reason: .timeOfOtherType))
            }
            receivedAt = text
        }
        let name = object[NameColumns.field] == nil ? columns.personName?.whole { object[$0].flatMap(text) } : nil
        // What is no text stays what it was.
        let parts =
            name == nil
            ? [] : [columns.personName?.given, columns.personName?.family].filter { $0.flatMap { object[$0].flatMap(text) } != nil }
        let told = [columns.externalID, columns.receivedAt] + parts
        let fields = JSONWriter.object(capacity: object.bytes.count) { fields in
            for (name, value) in object.members where !told.contains(name) { fields.member(name, json: value.bytes) }
            if let name { fields.member(NameColumns.field, name) }
        }
        return columns.lead(line: line, externalID: externalID, receivedAt: receivedAt, fields: fields)
    }

    private func text(_ node: JSONNode) -> String? {
        node.string ?? (node.type == .number ? String(decoding: node.bytes, as: UTF8.self) : nil)
    }
}

extension LeadColumns {
    fileprivate func lead(line: Int, externalID: String, receivedAt text: String?, fields: [UInt8]) -> ImportedRow {
        let id = externalID.trimmingCharacters(in: .whitespaces)
        guard !id.isEmpty else { return .fault(ImportFault(line: line, field: self.externalID, reason: .noID)) }
        guard id.unicodeScalars.count <= 200 else {
            return .fault(ImportFault(line: line, field: self.externalID, reason: .longID))
        }
        let moment = text?.trimmingCharacters(in: .whitespaces) ?? ""
        guard !moment.isEmpty else {
            return .lead(line: line, NewLead(source: source, externalID: id, receivedAt: now, isDated: false, fields: fields))
        }
        guard let receivedAt = times.date(moment) else {
            return .fault(ImportFault(line: line, field: self.receivedAt, reason: .noTime(times.fault(in: moment))))
        }
        // By the clock, not by when the file began: it may be long in coming, and leads come meanwhile.
        let now = Date()
        if let fault = ToldMoment.fault(in: receivedAt, now: now) {
            return .fault(ImportFault(line: line, field: self.receivedAt, reason: .unlikelyTime(fault)))
        }
        return .lead(line: line, NewLead(source: source, externalID: id, receivedAt: min(receivedAt, now), fields: fields))
    }
}
