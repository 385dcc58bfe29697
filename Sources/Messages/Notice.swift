/// What is said to the outside, once: one message, or several together on a card.
public struct Notice: Sendable, Hashable {
    /// The same for every try of the same request, so that the other side can tell a repetition.
    public var id: String
    public var title: String
    /// One for each message. Plain text: what looks like mark-up in it is none.
    public var lines: [String]
    /// Whom it calls by `@` or is addressed to: the vendor's own ids, phone numbers or addresses.
    public var recipients: [String]
    public var isUrgent: Bool

    public init(id: String, title: String, lines: [String], recipients: [String] = [], isUrgent: Bool = false) {
        self.id = id
        self.title = title
        self.lines = lines
        self.recipients = recipients
        self.isUrgent = isUrgent
    }

    var isCard: Bool { lines.count > 1 }
}

extension Notice {
    /// Bytes a line takes on a card of any vendor: escaped, with its bullet and its line feed.
    public static func bytes(of line: String) -> Int { Markup.markdown(line).utf8.count + 4 }
}

/// Text that stays text where the other side reads mark-up.
enum Markup {
    /// The work apps' Markdown knows entities for `<`, `>` and `&`, and a backslash before its marks. `@` would call somebody.
    static func markdown(_ text: String) -> String {
        var markdown = ""
        for character in line(text) {
            switch character {
            case "&": markdown += "&amp;"
            case "<": markdown += "&lt;"
            case ">": markdown += "&gt;"
            case "@": markdown += "＠"
            case "\\", "`", "*", "_", "[", "]", "#", "~", "|": markdown += "\\\(character)"
            default: markdown.append(character)
            }
        }
        return markdown
    }

    /// Feishu's plain texts know tags: `<at user_id="all">` would call everybody.
    static func tagless(_ text: String) -> String {
        line(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    /// One line: no control characters.
    static func line(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: line.append(" ")
            default: line.append(scalar)
            }
        }
        return String(line)
    }

    /// At most so many bytes, cut between characters, with an ellipsis where something is cut.
    static func cut(_ text: String, bytes limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var (cut, count) = ("", 3)
        for character in text {
            count += character.utf8.count
            if count > limit { break }
            cut.append(character)
        }
        return cut + "…"
    }

    /// A bullet for each line, as far as they fit.
    static func list(_ lines: [String], bytes limit: Int) -> String {
        cut(lines.map { "- " + markdown($0) }.joined(separator: "\n"), bytes: limit)
    }
}
