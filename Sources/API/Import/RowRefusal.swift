import JSONEnvelope
import SalesModel

/// Why a row of an import is not taken in.
enum RowRefusal: Sendable, Equatable {
    case unreadable(CSVReader.RowFault, CSVReader.Limits)
    case columns(Int, of: Int)
    /// It has more bytes than this.
    case longLine(Int)
    case notJSON(JSONFault)
    case notObject(JSONType)
    case idOfOtherType
    case timeOfOtherType
    case noID
    case longID
    case noTime(TimeFault)
    case unlikelyTime(ToldMoment.Fault)

    /// By which programs know it, whatever words it is told in.
    enum Code: String, Sendable, CaseIterable {
        case badEncoding = "bad_encoding"
        case badQuotes = "bad_quotes"
        case tooLarge = "too_large"
        case columnCount = "column_count"
        case badJSON = "bad_json"
        case wrongType = "wrong_type"
        case missing
        case tooLong = "too_long"
        case badTime = "bad_time"
        case noSuchDay = "no_such_day"
        case timeAhead = "time_ahead"
        case timeTooEarly = "time_too_early"
    }

    var code: Code {
        switch self {
        case .unreadable(let fault, _): fault.code
        case .columns: .columnCount
        case .longLine: .tooLarge
        case .notJSON(let fault): fault.reason == .badUTF8 ? .badEncoding : fault.isBound ? .tooLarge : .badJSON
        case .notObject, .idOfOtherType, .timeOfOtherType: .wrongType
        case .noID: .missing
        case .longID: .tooLong
        case .noTime(.noSuchDay): .noSuchDay
        case .noTime(.other): .badTime
        case .unlikelyTime(.ahead): .timeAhead
        case .unlikelyTime(.tooEarly): .timeTooEarly
        }
    }

    func text(in language: Language) -> String {
        switch language {
        case .english: english
        case .chinese: chinese
        }
    }

    private var english: String {
        switch self {
        case .unreadable(let fault, let limits): fault.message(limits)
        case .columns(let count, let all): "has \(count) fields; the file has \(all) columns"
        case .longLine(let limit): "has more than \(limit) bytes"
        case .notJSON(let fault): "is not JSON: \(fault.description)"
        case .notObject(let type): "is \(type.name), not an object"
        case .idOfOtherType: "must be a string or a number"
        case .timeOfOtherType: "must be a time as a string"
        case .noID: "is empty"
        case .longID: "has more than 200 characters"
        case .noTime(let fault): fault.text(in: .english)
        case .unlikelyTime(let fault): fault.message
        }
    }

    private var chinese: String {
        switch self {
        case .unreadable(let fault, let limits): fault.chinese(limits)
        case .columns(let count, let all): "有 \(count) 个字段，而文件有 \(all) 列"
        case .longLine(let limit): "超过 \(limit) 字节"
        case .notJSON(let fault):
            switch code {
            case .badEncoding: "不是 UTF-8 编码"
            case .tooLarge: "JSON 超出限制（第 \(fault.offset) 字节之后）"
            default: "不是有效的 JSON（第 \(fault.offset) 字节之后）"
            }
        case .notObject: "不是 JSON 对象"
        case .idOfOtherType: "须为文本或数字"
        case .timeOfOtherType: "须为文本形式的时间"
        case .noID: "为空"
        case .longID: "超过 200 个字符"
        case .noTime(let fault): fault.text(in: .chinese)
        case .unlikelyTime(.ahead): "晚于当前时间：只接收已经发生的事"
        case .unlikelyTime(.tooEarly): "早于 1970 年"
        }
    }
}

extension CSVReader.RowFault {
    fileprivate var code: RowRefusal.Code {
        switch self {
        case .tooManyColumns, .fieldTooLong, .rowTooLong: .tooLarge
        case .notUTF8, .hasNull: .badEncoding
        case .textAfterQuote, .quoteInsideField, .unclosedQuote: .badQuotes
        }
    }

    fileprivate func chinese(_ limits: CSVReader.Limits) -> String {
        switch self {
        case .tooManyColumns: "超过 \(limits.columns) 列"
        case .fieldTooLong: "有字段超过 \(limits.field) 字节"
        case .rowTooLong: "超过 \(limits.row) 字节，可能有引号未闭合"
        case .notUTF8: "不是 UTF-8 编码：GBK、GB18030、UTF-16 或 Latin-1 的文件请先另存为 UTF-8"
        case .hasNull: "含有零字节：不是文本，或为 UTF-16 编码，请先另存为 UTF-8"
        case .textAfterQuote: "右引号之后还有内容；字段内的引号须写两遍"
        case .quoteInsideField: "未加引号的字段中出现引号"
        case .unclosedQuote: "引号未闭合"
        }
    }
}
