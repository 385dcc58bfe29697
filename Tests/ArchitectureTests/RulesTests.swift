import Testing

/// The rules themselves, on packages that break them: a rule that finds nothing anywhere proves nothing.
@Suite struct HouseRulesTests {
    private let manifest = Manifest(
        """
        //   API
        //   Worker  Ledger    what runs and what stays
        //   Jobs  Tenancy     pure
        let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
            targets: [
                domain("Jobs", ["Tenancy", "Ledger"]),
                domain("Tenancy"),
                shell("Ledger", ["Jobs", logging]),
                shell(
                    "Worker",
                    ["Ledger", .product(name: "Tracing", package: "tracing")]),
                .target(name: "API", dependencies: ["Worker"], path: "Web"),
            ]
        """)

    @Test func `a manifest is read`() {
        #expect(manifest.targets.map(\.name) == ["Jobs", "Tenancy", "Ledger", "Worker", "API"])
        #expect(manifest.target("Ledger")?.dependencies == ["Jobs", "Logging"])
        #expect(manifest.target("Worker")?.dependencies == ["Ledger", "Tracing"])
        #expect(manifest.target("API")?.folder == "Web")
        #expect(manifest.layers == [["API"], ["Worker", "Ledger"], ["Jobs", "Tenancy"]])
    }

    @Test func `an arrow up or sideways is found, between pure modules it is not`() {
        #expect(
            Rules.upwardArrows(manifest) == [
                "Jobs depends on Ledger, which is not below it", "Worker depends on Ledger, which is not below it",
            ])
    }

    @Test(arguments: ["import Ledger", "@testable import Ledger", "import struct Ledger.Claim", "@preconcurrency import Ledger"])
    func `an undeclared import is found in any spelling`(line: String) throws {
        let source = Source(path: "A.swift", text: "import Foundation\n\(line)\n// import Comment\n")
        let target = try #require(manifest.target("Tenancy"))
        #expect(Rules.undeclaredImports(target, [source]) == ["A.swift imports Ledger, which Tenancy does not declare"])
    }

    @Test(arguments: ["let now = Date()", "Int.random(in: 0..<3)", "try await Task.sleep(for: .zero)", "import Glibc", "let id = UUID()"])
    func `an impure line is found`(line: String) throws {
        let target = try #require(manifest.target("Tenancy"))
        #expect(Rules.impurities(target, manifest, [Source(path: "A.swift", text: line)]).count == 1)
    }

    @Test(arguments: ["/// As `Date()` would say.", #"let text = "Date()""#, "Int.random(in: 0..<3, using: &generator)"])
    func `a harmless line is not`(line: String) throws {
        let target = try #require(manifest.target("Tenancy"))
        #expect(Rules.impurities(target, manifest, [Source(path: "A.swift", text: line)]) == [])
    }

    @Test func `a pure module that depends on a shell is found`() throws {
        let target = try #require(manifest.target("Jobs"))
        #expect(Rules.impurities(target, manifest, []) == ["Jobs is pure, yet depends on Ledger"])
    }

    @Test(arguments: [#""SELECT 1""#, "\"\"\"\n    SELECT\n        \\(column) SELECT 1\n    \"\"\"", ##"#"SELECT "1""#"##])
    func `words are found in every kind of literal`(literal: String) {
        #expect(Rules.literals(["SELECT "], [Source(path: "A.swift", text: "let sql = \(literal) // SELECT \n")]).count == 1)
        #expect(Rules.literals(["SELECT "], [Source(path: "A.swift", text: "// SELECT 1\nlet SELECT = 1\n")]) == [])
    }

    @Test(arguments: [
        (#"logger.info("took \(n) jobs")"#, 1), (#"logger.warning(text)"#, 1), (#"logger?.error("gone", metadata: ["phone": "\(x)"])"#, 1),
        (#"logger.log(level: .info, "gone", metadata: ["jobs": "\(f(x))"])"#, 0), (#"logger.info("gone", metadata: ["jobs": "1"])"#, 0),
        (#"logger.warning(\n    "gone",\n    metadata: ["jobs": "1", "mail": "2"])"#, 1),
    ])
    func `a log line that is not constant, or carries what nobody knows, is found`(line: String, count: Int) {
        let text = line.replacing(#"\n"#, with: "\n")
        #expect(Rules.unsteadyLogLines([Source(path: "A.swift", text: text)], keys: ["jobs"]).count == count)
    }

    @Test func `an unproven promise is found`() {
        let bare = "final class Box: @unchecked Sendable {}\n"
        #expect(Rules.unprovenPromises([Source(path: "A.swift", text: bare)]).count == 1)
        #expect(Rules.unprovenPromises([Source(path: "A.swift", text: "// Immutable once made.\n" + bare)]) == [])
    }
}
