import JSONEnvelope

/// JSON as people read it: a member a line. Values below the levels that were split stand as they came.
enum Indented {
    static func text(_ node: JSONNode, _ depth: Int = 0) -> String {
        let inner = String(repeating: "  ", count: depth + 1)
        let outer = String(repeating: "  ", count: depth)
        switch node.type {
        case .object where node.count > 0 && !node.members.isEmpty:
            let lines = node.members.map { "\(inner)\(quoted($0.key)): \(text($0.value, depth + 1))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        case .array where node.count > 0 && !node.elements.isEmpty:
            let items = node.elements
            let isPlain = items.allSatisfy { ![.object, .array].contains($0.type) }
            let texts = items.map { text($0, depth + 1) }
            return isPlain
                ? "[" + texts.joined(separator: ", ") + "]" : "[\n" + texts.map { inner + $0 }.joined(separator: ",\n") + "\n\(outer)]"
        // Chinese stands as it is, whatever escapes it came with.
        case .string: return quoted(node.string ?? "")
        default: return String(decoding: node.bytes, as: UTF8.self)
        }
    }

    private static func quoted(_ text: String) -> String {
        let body = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\t": "\\t"
            default: scalar.value < 0x20 ? "\\u00\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16))" : String(scalar)
            }
        }
        return "\"\(body.joined())\""
    }
}
