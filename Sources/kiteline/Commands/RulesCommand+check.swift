import ArgumentParser
import AsyncHTTPClient
import Foundation
import Rules

extension RulesCommand {
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a rule set and keep nothing.",
            discussion: """
                Here, by its text alone, with the fields of --map; or with --tenant or a tenant's key against what the tenant has: its maps, its \
                messages, its sellers. Exit status 1 when it would be refused.
                """)

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "The file: YAML or JSON.")
        var file: String

        @Option(help: ArgumentHelp("What it answers: \(RuleKind.names).", valueName: "kind"))
        var kind: RuleKind

        @Option(help: "The rule set's name.")
        var name = "default"

        @Option(help: ArgumentHelp("A map whose own fields it may read; may be repeated.", valueName: "file"))
        var map: [String] = []

        @Flag(help: "Print JSON.")
        var json = false

        private struct Answer: Codable {
            struct Finding: Codable {
                let path: String
                let code: String
                let severity: String
                let message: String
            }
            var hash: String?
            let findings: [Finding]
        }

        func validate() throws {
            if isRemote, !map.isEmpty { throw ValidationError("--map is for a check without a tenant; the tenant has its own") }
        }

        private var isRemote: Bool { remote.tenant != nil || remote.key != nil }

        func run() async throws {
            let source = try RulesCommand.source(of: file)
            let answer = try await isRemote ? ask(source) : check(source)
            if json {
                print(try JSON.text(answer))
            } else {
                for finding in answer.findings {
                    print("\(finding.severity): \(finding.path.isEmpty ? file : finding.path): \(finding.message)")
                }
            }
            guard !answer.findings.contains(where: { $0.severity == "error" }) else { throw ExitCode(ExitStatus.failed) }
            if !json { print("\(file) is a \(kind.rawValue) rule set, \(answer.hash?.prefix(12) ?? "")") }
        }

        private func ask(_ source: String) async throws -> Answer {
            let data = try await remote.remote().request(
                .post, "/v1/rulesets/\(kind.rawValue)/\(name)/versions", query: ["dry_run": "true"], body: .bytes(Array(source.utf8)),
                type: "application/yaml")
            return try JSON.read(Answer.self, from: data)
        }

        private func check(_ source: String) throws -> Answer {
            let maps = try map.map { path in
                switch RuleSet.parse(kind: .map, name: path, source: try RulesCommand.source(of: path)) {
                case .success(let ruleSet): return ruleSet
                case .failure(let faults): throw Failure("\(path) is no map: \(faults.faults.first?.message ?? "")")
                }
            }
            switch RuleSet.parse(kind: kind, name: name, source: source, catalogue: .of(maps)) {
            case .failure(let faults):
                return Answer(
                    findings: faults.faults.map { fault in
                        Answer.Finding(
                            path: fault.path, code: fault.code.rawValue, severity: "error",
                            message: fault.line.map { "\(fault.message) (line \($0))" } ?? fault.message)
                    })
            case .success(let ruleSet):
                return Answer(
                    hash: ruleSet.hash,
                    findings: RuleCheck.findings(of: ruleSet, given: RuleCheckFacts(live: maps)).map {
                        Answer.Finding(path: $0.path, code: $0.code.rawValue, severity: $0.severity.rawValue, message: $0.message)
                    })
            }
        }
    }
}
