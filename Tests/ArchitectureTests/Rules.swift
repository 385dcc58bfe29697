/// The rules of the house. Each returns what breaks it, in words that say where.
enum Rules {
    /// Part of the system or the toolchain; what they must not be used for is another rule's matter.
    static let system: Set<String> = ["Foundation", "FoundationEssentials", "Glibc", "Dispatch", "Synchronization", "Testing"]

    static func undeclaredImports(_ target: Manifest.Target, _ sources: [Source]) -> [String] {
        findings(sources) {
            $0.imports.subtracting(target.dependencies).subtracting(system).sorted().map {
                "imports \($0), which \(target.name) does not declare"
            }
        }
    }

    /// A module stands in the drawing once, and above everything it depends on. Pure modules share a line; they may know each other.
    static func upwardArrows(_ manifest: Manifest) -> [String] {
        let drawn = manifest.targets.filter { ![.systemLibrary].contains($0.kind) && $0.folder != "Tests/TestSupport" }
        let lines = Dictionary(
            uniqueKeysWithValues: drawn.map { target in
                (target.name, manifest.layers.indices.filter { manifest.layers[$0].contains(target.name) })
            })
        let misdrawn = lines.filter { $0.value.count != 1 }.map { "\($0.key) is drawn \($0.value.count) times" }
        let upward = drawn.flatMap { target in
            target.dependencies.compactMap { dependency -> String? in
                guard let from = lines[target.name]?.first, let to = lines[dependency]?.first else { return nil }
                let isPure = manifest.target(dependency)?.kind == .domain && target.kind == .domain
                return to > from || (to == from && isPure) ? nil : "\(target.name) depends on \(dependency), which is not below it"
            }
        }
        return (misdrawn + upward).sorted()
    }

    /// What a pure module would need the world for.
    static let impure = [
        "Date()", "Date.now", "Date(timeIntervalSinceNow", "ContinuousClock", "SuspendingClock", "Task.sleep",
        "SystemRandomNumberGenerator",
        "UUID()", ".shuffled()", ".randomElement()", "FileManager", "FileHandle", "ProcessInfo", "URLSession", "getenv", "fopen(", "print(",
    ]

    static func impurities(_ target: Manifest.Target, _ manifest: Manifest, _ sources: [Source]) -> [String] {
        let shells = target.dependencies.filter { [.shell, .target, .executableTarget].contains(manifest.target($0)?.kind) }
        let calls = findings(sources) { source in
            let unseeded = source.code.matches(of: /\.random\([^()]*\)/).filter { !$0.0.contains("using:") }.map { String($0.0) }
            let system = source.imports.intersection(["Glibc", "Dispatch"]).map { "import \($0)" }
            return (impure.filter(source.code.contains) + unseeded + system).map { "uses \($0); a pure module is told" }
        }
        return shells.sorted().map { "\(target.name) is pure, yet depends on \($0)" } + calls
    }

    static func literals(_ words: [String], _ sources: [Source]) -> [String] {
        findings(sources) { source in words.filter(source.literals.contains).map { "says \"\($0)\"" } }
    }

    /// The values of an enum of names, in a file that holds nothing else of the kind.
    static func cases(of source: Source) -> Set<String> {
        Set(
            source.text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { $0.hasPrefix("case ") }.flatMap { line in
                line.dropFirst(5).split(separator: ",").map { part in
                    let named = part.firstMatch(of: /= "([^"]+)"/).map { String($0.1) }
                    return named ?? part.trimmingPrefix { $0 == " " }.prefix { $0 != " " }.description
                }
            })
    }

    /// Calls of a logger whose message holds a value, or that name a value in a way nobody knows.
    static func unsteadyLogLines(_ sources: [Source], keys: Set<String>) -> [String] {
        let levels = "trace|debug|info|notice|warning|error|critical"
        // The patterns are constants: one that does not compile is a mistake made here, and stops the tests.
        let call = try! Regex("(?i)logger\\??\\.(\(levels)|log)\\(")
        let message = try! Regex("(?s)^(?:level: [^\"]*?, )?\\s*\"((?:[^\"\\\\]|\\\\.)*)\"")
        let key = try! Regex("[\\[,]\\s*\"([a-zA-Z_]+)\": ")
        return findings(sources) { source in
            source.text.matches(of: call).flatMap { match -> [String] in
                let rest = balanced(source.text[match.range.upperBound...])
                guard let said = rest.firstMatch(of: message) else { return ["logs a message that is no literal: \(rest.prefix(60))"] }
                let text = said.output[1].substring ?? ""
                let names = rest.matches(of: key).compactMap { $0.output[1].substring.map(String.init) }
                return (text.contains("\\(") ? ["logs a message that is not constant: \(text)"] : [])
                    + Set(names).subtracting(keys).sorted().map { "logs a value as \"\($0)\", which LogKey does not know" }
            }
        }
    }

    /// Up to the parenthesis that closes the one before `text`.
    private static func balanced(_ text: Substring) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }

    /// A promise the compiler does not check is proved beside it.
    static func unprovenPromises(_ sources: [Source]) -> [String] {
        findings(sources) { source in
            let lines = source.text.split(separator: "\n", omittingEmptySubsequences: false)
            return lines.indices.filter { line in
                let isPromise =
                    ["@unchecked Sendable", "nonisolated(unsafe)"].contains { lines[line].contains($0) } && !isComment(lines[line])
                return isPromise && !lines[max(0, line - 4)...min(lines.count - 1, line + 3)].contains(where: isComment)
            }.map { "line \($0 + 1) promises more than the compiler checks and gives no reason" }
        }
    }

    private static func isComment(_ line: Substring) -> Bool { line.drop { $0 == " " }.hasPrefix("//") }

    private static func findings(_ sources: [Source], _ look: (Source) -> [String]) -> [String] {
        sources.flatMap { source in look(source).map { "\(source.path) \($0)" } }
    }
}
