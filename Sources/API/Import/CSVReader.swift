/// Reads CSV (RFC 4180) that comes in pieces, row by row, in bounded memory.
///
/// Fields may be quoted, and then hold commas, line ends and doubled quotes. Lines end with CRLF, LF or CR. A byte order
/// mark at the beginning is skipped, blank lines are too. A row that is too large is reported and skipped up to its end;
/// only what makes the rest of the file unreadable ends the reading.
struct CSVReader: Sendable {
    struct Limits: Sendable, Equatable {
        var columns = 200
        var field = 64 << 10
        var row = 256 << 10
    }

    struct Row: Sendable, Hashable {
        /// Of its first line, counted from 1.
        var line: Int
        /// Of its last: quoted fields hold line ends.
        var lastLine: Int
        var content: Content
    }

    enum Content: Sendable, Hashable {
        case fields([String])
        case fault(RowFault)
    }

    /// Why a row cannot be used.
    enum RowFault: Sendable, Hashable {
        case tooManyColumns
        case fieldTooLong
        case rowTooLong
        case notUTF8
        case hasNull
        case textAfterQuote
        case quoteInsideField
        case unclosedQuote
    }

    private enum State {
        case fieldStart
        case plain
        case quoted
        /// After a quote inside a quoted field: doubled, or the field's end.
        case quoteInQuoted
        /// The row is lost; its end is awaited.
        case skipping
        /// The same, inside quotes.
        case skippingQuoted
    }

    private let limits: Limits
    private var state = State.fieldStart
    private var field: [UInt8] = []
    private var fields: [String] = []
    private var rowBytes = 0
    private var line = 1
    private var rowLine = 1
    /// That of the row's last byte.
    private var lastLine = 1
    private var fault: RowFault?
    private var hasContent = false
    private var previousWasCR = false
    private var beginning: [UInt8]? = []

    init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Takes the next piece of the file; answers the rows that ended in it.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [Row] {
        var rows: [Row] = []
        for byte in bytes {
            if beginning != nil {
                holdBack(byte, &rows)
            } else {
                take(byte, &rows)
            }
        }
        return rows
    }

    /// The rows that the end of the file ends.
    mutating func finish() -> [Row] {
        var rows: [Row] = []
        for byte in beginning ?? [] { take(byte, &rows) }
        beginning = nil
        if state == .quoted || state == .skippingQuoted { fault = fault ?? .unclosedQuote }
        if hasContent || fault != nil { endRow(&rows) }
        return rows
    }

    /// Drops a byte order mark, which is three bytes and may be torn apart.
    private mutating func holdBack(_ byte: UInt8, _ rows: inout [Row]) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        beginning?.append(byte)
        guard let held = beginning else { return }
        if held == mark {
            beginning = nil
        } else if !mark.starts(with: held) {
            beginning = nil
            for byte in held { take(byte, &rows) }
        }
    }

    private mutating func take(_ byte: UInt8, _ rows: inout [Row]) {
        let isLineFeedOfCRLF = byte == 0x0A && previousWasCR
        previousWasCR = byte == 0x0D
        let byteLine = isLineFeedOfCRLF ? lastLine : line
        if byte == 0x0D || (byte == 0x0A && !isLineFeedOfCRLF) { line += 1 }
        switch state {
        case .quoted, .skippingQuoted: break
        default:
            if byte == 0x0D || byte == 0x0A {
                if !isLineFeedOfCRLF { endLine(&rows) } else { rowLine = line }
                return
            }
        }
        rowBytes += 1
        lastLine = byteLine
        hasContent = true
        if rowBytes > limits.row { lose(.rowTooLong) }
        step(byte)
    }

    private mutating func step(_ byte: UInt8) {
        switch (state, byte) {
        case (.fieldStart, UInt8(ascii: "\"")): state = .quoted
        case (.fieldStart, UInt8(ascii: ",")), (.plain, UInt8(ascii: ",")), (.quoteInQuoted, UInt8(ascii: ",")): endField()
        case (.plain, UInt8(ascii: "\"")): lose(.quoteInsideField)
        case (.fieldStart, _), (.plain, _):
            state = .plain
            append(byte)
        case (.quoted, UInt8(ascii: "\"")): state = .quoteInQuoted
        case (.quoted, _): append(byte)
        case (.quoteInQuoted, UInt8(ascii: "\"")):
            state = .quoted
            append(byte)
        case (.quoteInQuoted, _): lose(.textAfterQuote)
        case (.skippingQuoted, UInt8(ascii: "\"")): state = .skipping
        case (.skipping, UInt8(ascii: "\"")) where fault != .quoteInsideField && fault != .textAfterQuote: state = .skippingQuoted
        case (.skipping, _), (.skippingQuoted, _): break
        }
    }

    private mutating func append(_ byte: UInt8) {
        guard field.count < limits.field else { return lose(.fieldTooLong) }
        field.append(byte)
    }

    private mutating func lose(_ reason: RowFault) {
        fault = fault ?? reason
        field = []
        switch state {
        case .quoted, .skippingQuoted: state = .skippingQuoted
        case .fieldStart, .plain, .quoteInQuoted, .skipping: state = .skipping
        }
    }

    private mutating func endField() {
        state = .fieldStart
        guard fault == nil else { return }
        guard fields.count < limits.columns else { return lose(.tooManyColumns) }
        if field.contains(0) { return lose(.hasNull) }
        guard let text = String(validating: field, as: UTF8.self) else { return lose(.notUTF8) }
        fields.append(text)
        field.removeAll(keepingCapacity: true)
    }

    private mutating func endLine(_ rows: inout [Row]) {
        if hasContent { endRow(&rows) }
        rowLine = line
    }

    private mutating func endRow(_ rows: inout [Row]) {
        endField()
        rows.append(Row(line: rowLine, lastLine: lastLine, content: fault.map(Content.fault) ?? .fields(fields)))
        fields = []
        field.removeAll(keepingCapacity: true)
        rowBytes = 0
        fault = nil
        hasContent = false
        state = .fieldStart
    }
}

extension CSVReader.RowFault {
    func message(_ limits: CSVReader.Limits) -> String {
        switch self {
        case .tooManyColumns: "has more than \(limits.columns) columns"
        case .fieldTooLong: "has a field of more than \(limits.field) bytes"
        case .rowTooLong: "has more than \(limits.row) bytes; perhaps a quote was never closed"
        case .notUTF8: "is not UTF-8: a file in GBK, GB18030, UTF-16 or Latin-1 must be saved as UTF-8 first"
        case .hasNull: "holds a zero byte: this is no text, or it is UTF-16, which must be saved as UTF-8 first"
        case .textAfterQuote: "has text after a closing quote; a quote inside a quoted field is written twice"
        case .quoteInsideField: "has a quote inside a field that is not quoted"
        case .unclosedQuote: "opens a quote that is never closed"
        }
    }
}
