import ArgumentParser
import AsyncHTTPClient
import Foundation
import Rules

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Rule sets: checked here or against a tenant's data, published, shown and compared.",
        subcommands: [Check.self, Publish.self, Back.self, Show.self, Diff.self, RulesReplayCommand.self])

    /// The file of a rule set.
    static func source(of path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else { throw SetUpError.unreadable(path) }
        guard let text = String(validating: data, as: UTF8.self) else { throw Failure("\(path) is not UTF-8") }
        return text
    }

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Save a file as the next version of a rule set, and make it live at once or leave it to a rollout.",
            discussion:
                "A file that says the same as the newest version, or as the live one, is that version. With --reason it is live at once; with --draft it waits for a rollout."
        )

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "The file: YAML or JSON.")
        var file: String

        @Option(help: ArgumentHelp("What it answers: \(RuleKind.names).", valueName: "kind"))
        var kind: RuleKind

        @Option(help: "The rule set's name.")
        var name = "default"

        @Option(help: "Why; kept in the audit log. Needed to make it live.")
        var reason: String?

        @Flag(help: "Only save it, to be rolled out: see kiteline rollout start.")
        var draft = false

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            if reason == nil, !draft { throw ValidationError("give a --reason, or --draft to leave it to a rollout") }
        }

        private struct Saved: Decodable {
            let version: Int
            let state: String
            let warnings: [String]
        }

        func run() async throws {
            let source = try RulesCommand.source(of: file)
            let remote = try remote.remote()
            let path = "/v1/rulesets/\(kind.rawValue)/\(name)/versions"
            if draft { try await requireEarlier(remote) }
            let before = json ? nil : try? await remote.ruleSet(kind, name)?.liveVersion
            var data = try await remote.request(
                .post, path, query: ["reason": reason], body: .bytes(Array(source.utf8)), type: "application/yaml")
            let saved = try JSON.read(Saved.self, from: data)
            if saved.state != "live", !draft, let reason {
                do { data = try await RulesCommand.publish(saved.version, at: path, reason, remote) } catch {
                    complain("It was saved as version \(saved.version), a draft; what was live still is.")
                    throw error
                }
            }
            if json { return printLine(data) }
            let live = try JSON.read(Saved.self, from: data)
            // Who asked for a draft knows that it is one.
            for warning in live.warnings where !draft || !warning.hasPrefix("This version is a draft") { print("warning: \(warning)") }
            let already = live.version == before ? " already: it says the same" : ""
            print("\(kind.rawValue)/\(name) version \(live.version) is \(live.state)\(already)")
            if draft, live.state == "draft" { print("next: \(try await next(after: live.version, remote))") }
            if draft, live.state == "retired" {
                complain("It says the same as version \(live.version), which was live or a candidate before, so nothing new was saved.")
                print("to try it again: \(try await next(after: live.version, remote))")
            }
        }

        /// What a draft waits for: rounds in the sandbox where the tenant asks for more, else a rollout.
        private func next(after version: Int, _ remote: Remote) async throws -> String {
            let whose = remote.tenantOption
            if let set = try await remote.ruleSet(kind, name), set.roundsPassed < set.roundsRequired {
                return "kiteline rules replay --kind \(kind.rawValue) --name \(name) --version \(version)\(whose)"
                    + " (it has passed \(set.roundsPassed) of the \(set.roundsRequired) rounds this tenant asks for before a rollout)"
            }
            return "kiteline rollout start --kind \(kind.rawValue) --name \(name) --version \(version) --percent 0\(whose)"
        }

        /// A draft is something to be rolled out beside what is live.
        private func requireEarlier(_ remote: Remote) async throws {
            guard try await remote.ruleSet(kind, name) == nil else { return }
            throw Failure(
                "there is no \(kind.rawValue)/\(name) yet, and the first version of a name is live at once: to publish it, give a --reason and no --draft"
            )
        }
    }

    /// Makes a saved version live.
    private static func publish(_ version: Int, at path: String, _ reason: String, _ remote: Remote) async throws -> Data {
        let body = try JSONSerialization.data(withJSONObject: ["reason": reason])
        return try await remote.request(.post, "\(path)/\(version)/publish", body: .bytes(Array(body)))
    }

    struct Back: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an earlier version live again, at once.",
            discussion: """
                What was live before needs no rounds and no rollout; a draft was never live, so there is no way back to it. A rollout that runs is \
                taken back by kiteline rollout abort.
                """)

        @OptionGroup var remote: RemoteOptions

        @Option(help: "The rule set's name.")
        var name = "default"

        @Option(help: ArgumentHelp("What it answers: \(RuleKind.names).", valueName: "kind"))
        var kind: RuleKind

        @Option(help: "The version, as kiteline rules show --kind lists it; may be left out where only one other was live, an older one.")
        var version: Int?

        @Option(help: "Why; kept in the audit log.")
        var reason: String

        @Flag(help: "Print JSON.")
        var json = false

        struct Saved: Decodable {
            let version: Int
            let state: String
        }

        private struct Page: Decodable {
            let items: [Saved]
            let nextCursor: String?
        }

        func run() async throws {
            let path = "/v1/rulesets/\(kind.rawValue)/\(name)/versions"
            let remote = try remote.remote()
            let before = if let version { try await asked(version, at: path, remote) } else { try await earlier(remote) }
            // Published again it would be told to sellers, and what is held decided anew, for nothing.
            let isLive = before.state == "live"
            let data =
                try await isLive
                ? remote.request(.get, "\(path)/\(before.version)") : RulesCommand.publish(before.version, at: path, reason, remote)
            if json { return printLine(data) }
            let live = try JSON.read(Saved.self, from: data)
            print("\(kind.rawValue)/\(name) version \(live.version) is \(live.state)\(isLive ? " already" : "")")
        }

        /// A version that was live stays one that was, so what is looked at here holds when it is published.
        private func asked(_ version: Int, at path: String, _ remote: Remote) async throws -> Saved {
            let saved: Saved
            do {
                saved = try JSON.read(Saved.self, from: try await remote.request(.get, "\(path)/\(version)"))
            } catch let refusal as Refusal where refusal.code == "not_found" {
                // A rule set or a tenant there is not has no versions either, and is refused again here.
                throw Self.missing(
                    version, among: try await versions(remote), of: "\(kind.rawValue)/\(name)",
                    listing: "kiteline rules show --kind \(kind.rawValue) --name \(name)\(remote.tenantOption)")
            }
            guard saved.state != "draft" else {
                throw Failure(
                    "\(kind.rawValue)/\(name) version \(version) was never live: it is a draft, which kiteline rollout start lets out")
            }
            return saved
        }

        /// - Parameters:
        ///   - versions: the newest first.
        ///   - listing: the command that shows them.
        static func missing(_ version: Int, among versions: [Saved], of ruleSet: String, listing: String) -> Failure {
            let live = versions.filter { ["live", "retired"].contains($0.state) }
            let told = live.isEmpty ? "None was live yet" : "Live now or before: \(numbers(live))"
            return Failure("there is no version \(version) of \(ruleSet). \(told); \(listing) lists them all")
        }

        private func earlier(_ remote: Remote) async throws -> Saved {
            try Self.earlier(among: try await versions(remote), of: "\(kind.rawValue)/\(name)", whose: remote.tenantOption)
        }

        private func versions(_ remote: Remote) async throws -> [Saved] {
            var versions: [Saved] = []
            var cursor: String?
            repeat {
                let page = try JSON.read(Page.self, from: try await remote.request(of: kind, name, query: ["cursor": cursor]))
                versions += page.items
                cursor = page.nextCursor
            } while cursor != nil
            return versions
        }

        /// The only other one that was live, where it is older. Which of several was so last is not told by their numbers: the highest may
        /// be the one that was taken back. So a newer one is that, and asked a second time the way back would end where it began.
        ///
        /// - Parameters:
        ///   - versions: the newest first.
        ///   - whose: the option that names the tenant, where the command was given one.
        static func earlier(among versions: [Saved], of ruleSet: String, whose: String) throws -> Saved {
            let earlier = versions.filter { $0.state == "retired" }
            guard let only = earlier.first else { throw Failure("no earlier version of \(ruleSet) was live") }
            guard earlier.count == 1 else {
                throw Failure(
                    "several versions of \(ruleSet) were live: \(numbers(earlier)). Name one with --version; kiteline audit list\(whose) says which was live when, with --action ruleset.publish and with --action rollout.promote"
                )
            }
            if let live = versions.first(where: { $0.state == "live" }), live.version < only.version {
                throw Failure(
                    "version \(live.version) of \(ruleSet) is live and no older one was; version \(only.version) was live before it: name it with --version \(only.version) to make it live again"
                )
            }
            return only
        }

        /// The first few of them.
        private static func numbers(_ versions: [Saved]) -> String {
            versions.prefix(5).map { String($0.version) }.joined(separator: ", ") + (versions.count > 5 ? " and older ones" : "")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A tenant's rule sets; with --kind the versions of one, and with --version the text of one.", aliases: ["list"])

        @OptionGroup var remote: RemoteOptions

        @Option(help: "The rule set's name.")
        var name = "default"

        @Option(help: ArgumentHelp("What it answers: \(RuleKind.names).", valueName: "kind"))
        var kind: RuleKind?

        @Option(help: "Print this version's text.")
        var version: Int?

        @Flag(help: "Print JSON.")
        var json = false

        private struct Page: Decodable {
            struct Item: Decodable {
                let version: Int
                let state: String
                let hash: String
                let actor: String
                let createdAt: String
            }
            let items: [Item]
        }

        private struct Version: Decodable {
            let source: String
        }

        private struct Sets: Decodable {
            struct Item: Decodable {
                let kind, name, newestState, savedAt: String
                let liveVersion: Int?
                let newestVersion: Int
            }
            let items: [Item]
        }

        func validate() throws {
            if version != nil, kind == nil { throw ValidationError("a version of what? --kind: \(RuleKind.names)") }
        }

        func run() async throws {
            guard let kind else { return try await showSets() }
            let remote = try remote.remote()
            if let version {
                let data = try await remote.request(of: kind, name, "/\(version)")
                if json { return printLine(data) }
                return print(try JSON.read(Version.self, from: data).source)
            }
            let data = try await remote.request(of: kind, name)
            if json { return printLine(data) }
            print(
                Table(
                    ["version", "state", "hash", "by", "saved"],
                    try JSON.read(Page.self, from: data).items.map { item in
                        ["\(item.version)", item.state, String(item.hash.prefix(12)), item.actor, item.createdAt]
                    }))
        }

        private func showSets() async throws {
            let data = try await remote.remote().request(.get, "/v1/rulesets")
            if json { return printLine(data) }
            print(
                Table(
                    ["kind", "name", "live", "newest", "is", "saved"],
                    try JSON.read(Sets.self, from: data).items.map {
                        [$0.kind, $0.name, $0.liveVersion.map(String.init) ?? "", "\($0.newestVersion)", $0.newestState, $0.savedAt]
                    }))
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How two versions differ, in words.",
            discussion: "Of two files, or of two versions of a tenant's rule set: --from (without it, the one before) and --to.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: ArgumentHelp("Two files, the older first.", valueName: "file"))
        var files: [String] = []

        @Option(help: ArgumentHelp("What it answers: \(RuleKind.names).", valueName: "kind"))
        var kind: RuleKind

        @Option(help: "The rule set's name.")
        var name = "default"

        @Option(help: ArgumentHelp("The older version.", valueName: "version"))
        var from: Int?

        @Option(help: ArgumentHelp("The newer version.", valueName: "version"))
        var to: Int?

        @Option(help: "The language: en or zh.")
        var language = "en"

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard ["en", "zh"].contains(language) else { throw ValidationError("--language is en or zh") }
            guard files.count == 2 || (files.isEmpty && to != nil) else {
                throw ValidationError("give two files, or the version of a rule set with --to")
            }
            guard files.isEmpty || !files.allSatisfy({ Int($0) != nil }) else {
                throw ValidationError("of two versions: --from \(files[0]) --to \(files[1])")
            }
        }

        private struct Answer: Codable {
            struct Change: Codable {
                let path: String
                let en: String
                let zh: String
            }
            let changes: [Change]
        }

        func run() async throws {
            let answer: Answer
            if files.count == 2 {
                let sources = try files.map(RulesCommand.source)
                switch RuleChange.between(kind, sources[0], sources[1]) {
                case .failure(let fault): throw Failure("this is no rule set: \(fault.message)")
                case .success(let changes):
                    answer = Answer(
                        changes: changes.map {
                            Answer.Change(path: $0.path, en: $0.text(in: .english), zh: $0.text(in: .chinese))
                        })
                }
                if json { return print(try JSON.text(answer)) }
            } else {
                let data = try await remote.remote().request(of: kind, name, "/\(to ?? 1)/diff", query: ["from": from.map(String.init)])
                if json { return printLine(data) }
                answer = try JSON.read(Answer.self, from: data)
            }
            if answer.changes.isEmpty { print(language == "zh" ? "内容没有差别" : "they say the same") }
            for change in answer.changes { print(language == "zh" ? change.zh : change.en) }
        }
    }
}

extension RuleKind: ExpressibleByArgument {
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
