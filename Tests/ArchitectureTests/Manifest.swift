import Foundation

/// What Package.swift declares: the targets of the product, what each depends on, and the drawing of the layers at its top.
struct Manifest: Sendable {
    struct Target: Sendable, Hashable {
        enum Kind: String { case domain, shell, systemLibrary, target, executableTarget }
        let kind: Kind
        let name: String
        let dependencies: Set<String>
        /// Where its sources are, from the package's root.
        let folder: String
    }

    let targets: [Target]

    /// The names of each line of the drawing, the top line first.
    let layers: [Set<String>]

    init(_ text: String) {
        let products = Self.products(text)
        let body = text.range(of: "targets: [\n").map { text[$0.upperBound...] } ?? ""
        targets = Self.calls(in: body).compactMap { Self.target($0, products) }
        let names = Set(targets.map(\.name))
        layers = text.split(separator: "\n").filter { $0.hasPrefix("//   ") }.map { line in
            Set(line.split(whereSeparator: { $0 == " " }).map(String.init)).intersection(names)
        }
    }

    func target(_ name: String) -> Target? { targets.first { $0.name == name } }

    /// `let logging: … = .product(name: "Logging", …)` gives logging → Logging.
    private static func products(_ text: String) -> [String: String] {
        let pattern = /let (\w+): Target\.Dependency = \.product\(name: "(\w+)"/
        return Dictionary(text.matches(of: pattern).map { (String($0.1), String($0.2)) }) { first, _ in first }
    }

    /// The target declarations: a kind and the text between its parentheses.
    private static func calls(in body: Substring) -> [(Target.Kind, Substring)] {
        body.matches(of: /(?m)^ +\.?(domain|shell|systemLibrary|target|executableTarget)\(/).compactMap { match in
            Target.Kind(rawValue: String(match.1)).map { ($0, balanced(body[match.range.upperBound...], "(", ")")) }
        }
    }

    private static func target(_ call: (kind: Target.Kind, text: Substring), _ products: [String: String]) -> Target? {
        guard let name = call.text.firstMatch(of: /"(\w+)"/)?.1 else { return nil }
        let list =
            call.kind == .systemLibrary ? "" : call.text.firstIndex(of: "[").map { balanced(call.text[$0...].dropFirst(), "[", "]") } ?? ""
        let quoted = list.replacing(/\.product\(name: ("\w+"), package: "[^"]+"\)/) { $0.1 }.matches(of: /"(\w+)"/).map { String($0.1) }
        let named = list.replacing(/"[^"]*"/, with: "").matches(of: /\w+/).compactMap { products[String($0.0)] }
        let folder = call.text.firstMatch(of: /path: "([^"]+)"/).map { String($0.1) } ?? "Sources/\(name)"
        return Target(kind: call.kind, name: String(name), dependencies: Set(quoted + named), folder: folder)
    }

    /// Up to the bracket that closes the one before `text`.
    private static func balanced(_ text: Substring, _ open: Character, _ close: Character) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == open { depth += 1 }
            if text[index] == close { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }
}
