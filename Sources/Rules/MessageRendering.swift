import Foundation
import SalesModel

/// A message ready to be sent.
public struct RenderedMessage: Sendable, Hashable {
    public let title: String?
    public let body: String
}

/// Why a message cannot be written.
public enum MessageFault: Error, Sendable, Hashable {
    /// It has no text for the channel in the language, nor one for every channel.
    case noText(message: String, Channel, Language)
    /// Values its text needs, and that are not there. It is not sent with holes in it.
    case missing(message: String, [String])

    public var sentence: String {
        switch self {
        case .noText(let message, let channel, let language):
            "The message “\(message)” has no text for \(channel.rawValue) in \(language.rawValue)."
        case .missing(let message, let names):
            "The message “\(message)” needs \(names.map { "“\($0)”" }.joined(separator: ", ")), which is not known; give the value, or write {\(names[0])|…} with what to say instead."
        }
    }
}

extension Message {
    /// Writes the message. Pure, and safe to be shown: what a value holds is text on the channel and nothing else.
    ///
    /// - Parameters:
    ///   - values: The subject's and the occasion's.
    ///   - timeZone: The recipient's.
    public func rendered(
        on channel: Channel, in language: Language, _ values: [String: FieldValue], timeZone: TimeZone
    ) -> Result<RenderedMessage, MessageFault> {
        guard let text = text(on: channel, in: language) else { return .failure(.noText(message: id, channel, language)) }
        let writer = MessageWriter(channel: channel, language: language, values: values, timeZone: timeZone)
        let names = (text.title?.pieces ?? []) + text.body.pieces
        let missing = names.compactMap { piece -> String? in
            guard case .value(let placeholder) = piece, placeholder.otherwise == nil, writer.value(placeholder) == nil else { return nil }
            return placeholder.name
        }
        guard missing.isEmpty else {
            var seen: Set<String> = []
            return .failure(.missing(message: id, missing.filter { seen.insert($0).inserted }))
        }
        return .success(RenderedMessage(title: text.title.map(writer.text), body: writer.text(text.body)))
    }
}

private struct MessageWriter {
    let channel: Channel
    let language: Language
    let values: [String: FieldValue]
    let timeZone: TimeZone

    func text(_ template: MessageTemplate) -> String {
        template.pieces.map { piece in
            switch piece {
            case .text(let text): channel == .mail ? Self.html(text) : text
            case .value(let placeholder): escaped(value(placeholder) ?? placeholder.otherwise ?? "")
            }
        }.joined()
    }

    /// The value in words; nil when there is none, or none that can be written so.
    func value(_ placeholder: MessageTemplate.Placeholder) -> String? {
        switch (placeholder.format, values[placeholder.name] ?? .unmapped) {
        case (_, .unmapped), (_, .empty): nil
        case (.plain, .text(let text)): Self.isBlank(text) ? nil : text
        case (.plain, .list(let items)): items.isEmpty ? nil : items.joined(separator: language == .chinese ? "、" : ", ")
        case (.plain, .boolean(let flag)): language == .chinese ? (flag ? "是" : "否") : (flag ? "yes" : "no")
        case (.plain, .number(let number)): FieldValue.number(number).description
        case (.date, .date(let date)): stamp(date).day
        case (.time, .date(let date)): "\(stamp(date).day) \(stamp(date).minute)"
        case (.duration, .number(let seconds)) where seconds.isFinite && abs(seconds) < 1e12:
            TimeText.words(Int(seconds), chinese: language == .chinese)
        case (.percent, .number(let number)) where number.isFinite: "\(FieldValue.number((number * 1_000).rounded() / 10).description) %"
        case (.money, .money(let money)): money.description
        default: nil
        }
    }

    private func stamp(_ date: Date) -> (day: String, minute: String) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute], from: date)
        func two(_ number: Int?) -> String { number.map { $0 < 10 ? "0\($0)" : "\($0)" } ?? "" }
        return ("\(parts.year ?? 0)-\(two(parts.month))-\(two(parts.day))", "\(two(parts.hour)):\(two(parts.minute))")
    }

    private static func isBlank(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }

    /// A value cannot break a line, turn the reading direction, call somebody by `@`, become mark-up or a link of its own.
    private func escaped(_ text: String) -> String {
        let line = Self.line(text)
        return switch channel {
        case .mail: Self.html(line)
        case .workApp: Self.markdown(line)
        case .sms, .inApp: line
        }
    }

    private static func line(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: line.append(" ")
            // Direction marks and other invisible characters; the joiner holds emoji together.
            case .format where scalar != "\u{200D}": continue
            default: line.append(scalar)
            }
        }
        return String(line)
    }

    private static func html(_ text: String) -> String {
        text.reduce(into: "") { html, character in
            switch character {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            default: html.append(character)
            }
        }
    }

    /// The work apps' Markdown knows entities for `<`, `>` and `&`, and a backslash before its marks.
    private static func markdown(_ text: String) -> String {
        text.reduce(into: "") { markdown, character in
            switch character {
            case "&": markdown += "&amp;"
            case "<": markdown += "&lt;"
            case ">": markdown += "&gt;"
            case "@": markdown += "＠"
            case "\\", "`", "*", "_", "[", "]", "(", ")", "#", "!", "~", "|": markdown += "\\\(character)"
            default: markdown.append(character)
            }
        }
    }
}
