import Testing

/// Holds the sources to the shape that Package.swift declares and draws.
@Suite struct ArchitectureTests {
    private let package: Package
    private var manifest: Manifest { package.manifest }

    init() throws { package = try Package.read.get() }

    @Test func `a module imports only what it declares`() {
        for target in manifest.targets {
            #expect(Rules.undeclaredImports(target, package.sources(of: target.name)) == [])
        }
    }

    @Test func `arrows point down only`() {
        #expect(Rules.upwardArrows(manifest) == [])
    }

    @Test func `pure modules do no input or output and never ask for the time or for chance`() {
        for target in manifest.targets where target.kind == .domain {
            #expect(Rules.impurities(target, manifest, package.sources(of: target.name)) == [])
        }
    }

    @Test(arguments: ["Worker", "Maintenance"])
    func `whoever runs jobs knows no database`(name: String) throws {
        let target = try #require(manifest.target(name))
        #expect(target.dependencies.isDisjoint(with: ["PostgresClient", "RedisClient", "CLibPQ", "CHiredis"]))
    }

    @Test func `only the clients know the drivers`() {
        let drivers = ["CLibPQ": "PostgresClient", "CHiredis": "RedisClient", "CLinear": "ProcessHealth"]
        for (driver, client) in drivers {
            #expect(manifest.targets.filter { $0.dependencies.contains(driver) }.map(\.name) == [client])
        }
    }

    @Test(arguments: ["API", "Console", "ConsoleServer", "Worker", "Maintenance", "JobKinds", "DispatchIndex"])
    func `modules that are not the database's write no SQL`(name: String) throws {
        let target = try #require(manifest.target(name))
        #expect(Rules.literals(["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "], package.sources(of: target.name)) == [])
    }

    @Test func `only the schema creates tables`() {
        // A bench keeps its recordings on servers of its own, which end with it.
        let others = package.allSources.filter { !$0.path.hasPrefix("Schema/") && $0.path != "Sources/Benchmarks/Recording.swift" }
        #expect(Rules.literals(["CREATE TABLE ", "ALTER TABLE ", "DROP TABLE "], others) == [])
    }

    @Test func `one file spells the keys of Redis`() {
        #expect(package.allSources.filter { $0.literals.contains("{q:") }.map(\.path) == ["Sources/DispatchIndex/Keys.swift"])
    }

    @Test func `log messages are constant, and their values stand under known names`() throws {
        let keys = try #require(package.sources(of: "Telemetry").first { $0.path.hasSuffix("LogKey.swift") })
        let known = Rules.cases(of: keys)
        #expect(known.isSuperset(of: ["tenant", "job", "kind", "attempt", "trace_id"]))
        for target in manifest.targets where target.folder.hasPrefix("Sources") || target.folder == "Schema" {
            #expect(Rules.unsteadyLogLines(package.sources(of: target.name), keys: known) == [])
        }
    }

    @Test func `every mechanism that is listed to be switched off stands where the list says`() throws {
        let rows = try package.text(of: "Tests/mutations.tsv").split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(rows.count > 100)
        for row in rows {
            let columns = row.split(separator: "\t", omittingEmptySubsequences: false)
            try #require(columns.count == 5, "\(row)")
            let mechanism = columns[2].replacing(#"\n"#, with: "\n")
            #expect(try package.text(of: String(columns[1])).contains(mechanism), "\(row)")
        }
    }

    @Test func `what the compiler cannot check is explained beside it`() {
        #expect(Rules.unprovenPromises(package.allSources) == [])
    }
}
