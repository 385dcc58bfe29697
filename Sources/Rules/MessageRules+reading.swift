import SalesModel

extension MessageRules {
    static func read(_ reader: RuleReader, _ scope: SubjectScope) -> MessageRules? {
        guard let object = reader.object(keys: ["messages"]) else { return nil }
        guard let items = object.required("messages", "a list of { id: …, subject: …, texts: […] }.")?.items(limit: 200) else { return nil }
        if items.isEmpty { object["messages"]?.fault(.empty, "Name at least one message.") }
        let messages = items.map { Message.read($0, scope) }
        items.refuseRepeated(messages.map { $0?.id })
        return messages.contains { $0 == nil } ? nil : MessageRules(messages: messages.compactMap { $0 })
    }
}

extension Message {
    fileprivate static func read(_ reader: RuleReader, _ scope: SubjectScope) -> Message? {
        guard let object = reader.object(keys: ["id", "subject", "texts"]) else { return nil }
        let id = object.required("id", "a short name; clocks name it.")?.identifier()
        let subject = object.required("subject", "what it speaks of: \(SubjectType.names).")?.choice(SubjectType.self)
        let items = object.required("texts", "a list of { channel: sms, language: zh, body: … }.")?.items(limit: 20)
        guard let subject, let items else { return nil }
        let fields = FieldCatalogue.occasion.names.compactMap { FieldCatalogue.occasion[$0] }
        // A field of the subject that is called like one of the occasion's is not reachable; none is.
        let catalogue = FieldCatalogue(fields).adding(scope.catalogue(subject).all)
        let texts = items.map { MessageText.read($0, catalogue) }
        if items.isEmpty { object["texts"]?.fault(.empty, "Write at least one text.") }
        items.refuseRepeated(texts.map { $0.map { "\($0.channel?.rawValue ?? "every channel") in \($0.language.rawValue)" } })
        guard let id, !texts.isEmpty, !texts.contains(where: { $0 == nil }) else { return nil }
        let known = texts.compactMap { $0 }
        for language in Language.allCases where !known.contains(where: { $0.language == language }) {
            object["texts"]?.fault(
                .missing,
                "There is no text in \(language.rawValue); a recipient reads \(Language.allCases.map(\.rawValue).joined(separator: " or "))."
            )
        }
        return Message(id: id, subject: subject, texts: known)
    }
}

extension FieldCatalogue {
    var all: [Field] { names.compactMap { self[$0] } }
}

extension MessageText {
    fileprivate static func read(_ reader: RuleReader, _ catalogue: FieldCatalogue) -> MessageText? {
        guard let object = reader.object(keys: ["channel", "language", "title", "body"]) else { return nil }
        let channel = object["channel"].map { $0.choice(Channel.self) }
        let language = object.required("language", "en or zh.")?.choice(Language.self)
        let title = object["title"].map { MessageTemplate.read($0, catalogue, limit: 100) }
        if case .some(.sms) = channel { object["title"]?.fault(.conflict, "An SMS has no title; put it into the body.") }
        let body = object.required("body", "what is said, with {field} where a value comes.").flatMap {
            MessageTemplate.read($0, catalogue, limit: channel == .some(.sms) ? 300 : 2_000)
        }
        guard let language, let body, channel != .some(nil), title != .some(nil) else { return nil }
        return MessageText(channel: channel ?? nil, language: language, title: title ?? nil, body: body)
    }
}

extension MessageTemplate {
    fileprivate static func read(_ reader: RuleReader, _ catalogue: FieldCatalogue, limit: Int) -> MessageTemplate? {
        guard let text = reader.text(limit: limit) else { return nil }
        var pieces: [Piece] = []
        var plain = ""
        var rest = Substring(text)
        var isSound = true
        while let character = rest.first {
            if rest.hasPrefix("{{") || rest.hasPrefix("}}") {
                plain.append(character)
                rest = rest.dropFirst(2)
            } else if character == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    reader.fault(.placeholder, "A “{” is not closed: \(rest.prefix(20))…; write “{{” for a brace.")
                    return nil
                }
                let placeholder = placeholder(rest[rest.index(after: rest.startIndex)..<end], reader, catalogue)
                if !plain.isEmpty { pieces.append(.text(plain)) }
                plain = ""
                if let placeholder { pieces.append(.value(placeholder)) } else { isSound = false }
                rest = rest[rest.index(after: end)...]
            } else if character == "}" {
                reader.fault(.placeholder, "A “}” closes nothing; write “}}” for a brace.")
                return nil
            } else {
                plain.append(character)
                rest = rest.dropFirst()
            }
        }
        if !plain.isEmpty { pieces.append(.text(plain)) }
        return isSound ? MessageTemplate(pieces: pieces) : nil
    }

    /// `name`, `name:format`, `name|otherwise`, `name:format|otherwise`
    private static func placeholder(_ text: Substring, _ reader: RuleReader, _ catalogue: FieldCatalogue) -> Placeholder? {
        let halves = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
        let name = parts[0]
        guard let field = catalogue[name] else {
            let guess = RuleReader.closest(to: name, among: catalogue.names).map { "did you mean “{\($0)}”?" }
            reader.fault(
                .unknownField, "“{\(name.prefix(64))}” is no field; \(guess ?? "possible: \(catalogue.names.joined(separator: ", ")).")")
            return nil
        }
        var format = MessageFormat.usual(for: field.type)
        if parts.count == 2 {
            guard let named = MessageFormat(rawValue: parts[1]) else {
                reader.fault(.unknownValue, "“\(parts[1].prefix(64))” is no way to write a value; possible: \(MessageFormat.names).")
                return nil
            }
            guard named.types.contains(field.type) else {
                let fitting = MessageFormat.allCases.filter { $0.types.contains(field.type) }.map(\.rawValue)
                reader.fault(
                    .wrongType,
                    "“\(name)” is a \(field.type.rawValue), which is not written as \(named.rawValue); possible: \(fitting.joined(separator: ", "))."
                )
                return nil
            }
            format = named
        }
        var otherwise: String?
        if halves.count == 2 {
            otherwise = String(halves[1])
            if halves[1].allSatisfy(\.isWhitespace) {
                reader.fault(.empty, "After “|” in “{\(text.prefix(64))}” stands what is said when there is no value; it may not be empty.")
                return nil
            }
        }
        return Placeholder(name: name, format: format, otherwise: otherwise)
    }
}
