import COpenSSL
import Foundation
import Yams

/// A rule set's text as a tree: YAML or JSON, before anything in it means something.
///
/// Scalars keep their text, because what `NO` or `012` is depends on the field it is compared with, not on YAML.
struct RuleNode {
    enum Content {
        case scalar(String, isQuoted: Bool)
        case list([RuleNode])
        case object([(key: String, value: RuleNode)])
    }

    let content: Content
    /// Counted from 1.
    let line: Int?
    /// Whether the text is JSON, whose scalars say themselves of what type they are.
    let isJSON: Bool

    var isNull: Bool {
        guard case .scalar(let text, isQuoted: false) = content else { return false }
        return ["", "~", "null"].contains(text)
    }
}

// MARK: - Reading, within bounds

extension RuleNode {
    /// What a rule set may cost before anyone looks at what it says.
    enum Bounds {
        static let bytes = 262_144
        static let depth = 32
        /// Counted with aliases expanded.
        static let nodes = 20_000
        /// Sixteen aliases expand a text at most 3^(16/3) ≈ 350 times, which the node count then cuts off.
        static let aliases = 16
        static let flowDepth = 64
        static let indentation = 256
    }

    static func parse(_ source: String) -> Result<RuleNode, RuleFault> {
        if let fault = oversize(source) { return .failure(fault) }
        do {
            // The basic resolver leaves every scalar as text.
            guard let root = try Parser(yaml: source, resolver: .basic, encoding: .utf8).singleRoot() else {
                return .failure(RuleFault(path: "", code: .empty, message: "The rule set is empty. Write at least its main section."))
            }
            var budget = Bounds.nodes
            let isJSON = (try? JSONSerialization.jsonObject(with: Data(source.utf8))) != nil
            return .success(try RuleNode(root, isJSON, depth: 0, budget: &budget))
        } catch let fault as RuleFault {
            return .failure(fault)
        } catch let error as YamlError {
            return .failure(fault(from: error))
        } catch {
            return .failure(RuleFault(path: "", code: .syntax, message: "This is not YAML."))
        }
    }

    /// The database keeps no U+0000; a rule that holds one would fail at every lead instead of once, here.
    private static func refuseNull(_ text: String, _ line: Int?) throws(RuleFault) {
        guard text.utf8.contains(0) else { return }
        throw RuleFault(path: "", code: .syntax, message: "It holds the character U+0000, which cannot be stored; remove it.", line: line)
    }

    private init(_ node: Node, _ isJSON: Bool, depth: Int, budget: inout Int) throws(RuleFault) {
        budget -= 1
        guard budget >= 0 else { throw Self.tooLarge("It has more than \(Bounds.nodes) values, aliases expanded.", node) }
        guard depth < Bounds.depth else { throw Self.tooLarge("It is nested more than \(Bounds.depth) levels deep.", node) }
        line = node.mark?.line
        self.isJSON = isJSON
        switch node {
        case .scalar(let scalar):
            try Self.refuseNull(scalar.string, node.mark?.line)
            let isPlain = scalar.style == .plain || scalar.style == .any
            content = .scalar(scalar.string, isQuoted: !isPlain)
        case .sequence(let sequence):
            var items: [RuleNode] = []
            for item in sequence { items.append(try RuleNode(item, isJSON, depth: depth + 1, budget: &budget)) }
            content = .list(items)
        case .mapping(let mapping):
            var members: [(key: String, value: RuleNode)] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw RuleFault(
                        path: "", code: .syntax, message: "A key must be plain text, not a list or an object.", line: key.mark?.line)
                }
                try Self.refuseNull(name.string, key.mark?.line)
                members.append((name.string, try RuleNode(value, isJSON, depth: depth + 1, budget: &budget)))
            }
            content = .object(members)
        case .alias:
            throw RuleFault(path: "", code: .syntax, message: "An alias names nothing.", line: node.mark?.line)
        }
    }

    /// Looks at the bare text, before the parser recurses into it or multiplies it.
    private static func oversize(_ source: String) -> RuleFault? {
        guard source.utf8.count <= Bounds.bytes else {
            return RuleFault(
                path: "", code: .tooLarge, message: "A rule set may have \(Bounds.bytes) bytes; this one has \(source.utf8.count).")
        }
        var (line, flowDepth, aliases, indentation) = (1, 0, 0, 0)
        var isIndenting = true
        var previous = UInt8(ascii: "\n")
        for byte in source.utf8 {
            switch byte {
            case UInt8(ascii: "\n"):
                (line, indentation, isIndenting) = (line + 1, 0, true)
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                (flowDepth, isIndenting) = (flowDepth + 1, false)
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                (flowDepth, isIndenting) = (max(0, flowDepth - 1), false)
            case UInt8(ascii: "*") where !isQuoteOrWord(previous):
                (aliases, isIndenting) = (aliases + 1, false)
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
                if isIndenting { indentation += 1 }
            default:
                isIndenting = false
            }
            previous = byte
            if flowDepth > Bounds.flowDepth || indentation > Bounds.indentation {
                return RuleFault(path: "", code: .tooLarge, message: "It is nested more than \(Bounds.depth) levels deep.", line: line)
            }
            if aliases > Bounds.aliases {
                return RuleFault(path: "", code: .tooLarge, message: "It uses more than \(Bounds.aliases) aliases (*name).", line: line)
            }
        }
        return nil
    }

    private static func isQuoteOrWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    private static func tooLarge(_ message: String, _ node: Node) -> RuleFault {
        RuleFault(path: "", code: .tooLarge, message: message, line: node.mark?.line)
    }

    private static func fault(from error: YamlError) -> RuleFault {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            RuleFault(path: "", code: .syntax, message: "This is not YAML: \(problem) in column \(mark.column).", line: mark.line)
        case .duplicatedKeysInMapping(let keys, let context):
            RuleFault(
                path: "", code: .duplicate, message: "The key \(keys.joined(separator: ", ")) is given more than once; keep one.",
                line: context.mark.line)
        case .reader(_, _, let value, let yaml): fault(reading: value, in: yaml)
        default: RuleFault(path: "", code: .syntax, message: "This is not YAML.")
        }
    }

    /// A Swift text is always UTF-8, so what cannot be read of it is a character that YAML has no place for.
    private static func fault(reading value: Int32, in yaml: String) -> RuleFault {
        let character = String(format: "U+%04X", value)
        let before = yaml.unicodeScalars.prefix(while: { $0.value != UInt32(bitPattern: value) })
        return RuleFault(
            path: "", code: .syntax, message: "It holds the character \(character), which YAML does not allow; remove it.",
            line: 1 + before.count(where: { $0 == "\n" }))
    }
}

extension RuleFault: Error {}

// MARK: - Content hash

extension RuleNode {
    /// SHA-256 in hex over a canonical form: two texts that differ only in layout, comments, key order or quoting hash alike.
    func hash(salt: String) -> String {
        let canonical = Array(salt.utf8) + [0] + self.canonical
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256(canonical, canonical.count, &digest)
        let hex = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [hex[Int($0 >> 4)], hex[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The content alone.
    var canonical: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    /// Lengths before contents, so that no two trees are written alike.
    private func write(to bytes: inout [UInt8]) {
        switch content {
        case .scalar(let text, let isQuoted):
            // Only where the quotes change what the text can mean do they count.
            bytes.append(UInt8(ascii: isQuoted && Self.couldBeOtherThanText(text) ? "q" : "s"))
            Self.write(text, to: &bytes)
        case .list(let items):
            bytes += Array("l\(items.count):".utf8)
            for item in items { item.write(to: &bytes) }
        case .object(let members):
            bytes += Array("o\(members.count):".utf8)
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                Self.write(key, to: &bytes)
                value.write(to: &bytes)
            }
        }
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes += Array("\(text.utf8.count):".utf8)
        bytes += Array(text.utf8)
    }

    private static func couldBeOtherThanText(_ text: String) -> Bool {
        ["", "~", "null", "true", "false"].contains(text) || Double(text) != nil
    }
}
