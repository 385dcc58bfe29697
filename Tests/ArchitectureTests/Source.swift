import Foundation

/// One Swift file, and its text with comments and string literals told apart.
struct Source: Sendable {
    /// From the package's root.
    let path: String
    let text: String

    /// The text without comments and without what stands in string literals.
    let code: String

    /// What stands in string literals.
    let literals: String

    init(path: String, text: String) {
        self.path = path
        self.text = text
        var splitter = Splitter(text)
        splitter.run()
        code = String(decoding: splitter.code, as: UTF8.self)
        literals = String(decoding: splitter.literals, as: UTF8.self)
    }

    /// The modules it imports, however the import is spelled.
    var imports: Set<String> {
        Set(
            code.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard let keyword = words.firstIndex(of: "import") else { return nil }
                let before = words[..<keyword].allSatisfy {
                    $0.hasPrefix("@") || ["public", "package", "internal", "private"].contains($0)
                }
                let named = words[(keyword + 1)...].first { !["struct", "class", "enum", "protocol", "func", "var", "let"].contains($0) }
                return before ? named.map { String($0.prefix { $0 != "." }) } : nil
            })
    }
}

/// Tells code from comments and literals, byte by byte: a regular expression takes minutes in a debug build.
/// Good enough for our own formatted sources: what an interpolation holds counts as literal text.
private struct Splitter {
    private let bytes: [UInt8]
    private var index = 0
    var code: [UInt8] = []
    var literals: [UInt8] = []

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func run() {
        while index < bytes.count {
            if starts("//") {
                skip(until: "\n")
            } else if starts("/*") {
                skip(until: "*/")
            } else if let quote = ["#\"\"\"", "#\"", "\"\"\"", "\""].first(where: starts) {
                literal(quote)
            } else {
                code.append(bytes[index])
                index += 1
            }
        }
    }

    private mutating func literal(_ quote: String) {
        let isRaw = quote.hasPrefix("#")
        let end = String(quote.reversed())
        index += quote.utf8.count
        let start = index
        while index < bytes.count, !starts(end) { index += !isRaw && bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
        literals += bytes[start..<min(index, bytes.count)] + [UInt8(ascii: "\n")]
        index += end.utf8.count
        code += Array("\"\"".utf8)
    }

    private mutating func skip(until end: String) {
        while index < bytes.count, !starts(end) { index += 1 }
    }

    private func starts(_ text: String) -> Bool {
        let text = text.utf8
        return index + text.count <= bytes.count && zip(bytes[index...], text).allSatisfy { $0 == $1 }
    }
}

/// The package this test was built from.
struct Package: Sendable {
    /// Read once for all tests.
    static let read = Result { try Package() }
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    let manifest: Manifest
    private let sources: [String: [Source]]

    private init() throws {
        manifest = Manifest(try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8))
        sources = try Dictionary(uniqueKeysWithValues: manifest.targets.map { ($0.name, try Self.sources(in: $0.folder)) })
    }

    func sources(of target: String) -> [Source] { sources[target] ?? [] }

    var allSources: [Source] { manifest.targets.flatMap { sources(of: $0.name) } }

    /// - Parameter path: from the package's root.
    func text(of path: String) throws -> String { try String(contentsOf: Self.root.appending(path: path), encoding: .utf8) }

    private static func sources(in folder: String) throws -> [Source] {
        let files = FileManager.default.enumerator(atPath: root.appending(path: folder).path)?.compactMap { $0 as? String } ?? []
        return try files.filter { $0.hasSuffix(".swift") }.sorted().map { file in
            let path = "\(folder)/\(file)"
            return Source(path: path, text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
        }
    }
}
