import JSONEnvelope
import Mustache

/// What a template is given: texts, flags, lists and more of the same under names.
///
/// Values are written by whoever makes the view, in the visitor's language; a template only places and escapes them.
public indirect enum View: Sendable, Hashable {
    case text(String)
    case flag(Bool)
    case list([View])
    case object([String: View])
    /// Nothing, and whoever asks for it by name does not find a namesake further out.
    case nothing

    /// Nil is nothing.
    public static func text(_ text: String?) -> View {
        guard let text else { return .nothing }
        return View.text(text)
    }

    public subscript(name: String) -> View? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    /// This object with another's members; where both name one, the other's.
    public func merging(_ other: [String: View]) -> View {
        guard case .object(let members) = self else { return self }
        return .object(members.merging(other) { $1 })
    }
}

extension View: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral {
    public init(stringLiteral text: String) { self = .text(text) }
    public init(booleanLiteral flag: Bool) { self = .flag(flag) }
    public init(nilLiteral: ()) { self = .nothing }
}

extension View: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    public init(arrayLiteral items: View...) { self = .list(items) }
    public init(dictionaryLiteral members: (String, View)...) { self = .object(Dictionary(members) { $1 }) }
}

extension View {
    /// As JSON has it; numbers are texts.
    public init(_ node: JSONNode) {
        switch node.type {
        case .object: self = .object(Dictionary(node.members.map { ($0.key, View($0.value)) }) { $1 })
        case .array: self = .list(node.elements.map(View.init))
        case .string: self = .text(node.string)
        case .number: self = .text(String(decoding: node.bytes, as: UTF8.self))
        case .true: self = .flag(true)
        case .false: self = .flag(false)
        case .null: self = .nothing
        }
    }

    /// As the template engine knows values.
    var rendered: Any {
        switch self {
        case .text(let text): text.isEmpty ? Nothing() : text
        case .flag(let flag): flag
        case .list(let items): items.map(\.rendered)
        case .object(let members): members.mapValues(\.rendered)
        case .nothing: Nothing()
        }
    }

    /// Writes nothing, opens no section.
    private struct Nothing: MustacheCustomRenderable {
        let renderText = ""
        let isNull = true
    }
}
