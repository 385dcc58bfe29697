import ArgumentParser
import AsyncHTTPClient
import Foundation

struct ConnectorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connector",
        abstract: "Where a tenant's messages are sent: robots, apps, gateways, mail and webhooks, over the API.",
        subcommands: [Add.self, List.self, Check.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Connect an outside system, or change the settings of one.",
            discussion: """
                Secrets are read from a file or from standard input, never from the command line, where others can see them: a JSON object, or \
                lines of name=value. Left out, the secrets it has stay. What each kind needs:

                  dingtalk_robot  access_token, secret        wecom_robot  key
                  dingtalk_todo   app_key, app_secret         wecom_app    corp_id, corp_secret (and --set agent_id=…)
                  feishu_bot      hook_id, secret             feishu_app   app_id, app_secret
                  sms_http        authorization               smtp         user, password (and --set host=… from=… security=tls)
                  webhook         secret (made where none is given)

                printf 'access_token=…\\nsecret=SEC…\\n' | kiteline connector add sales-group dingtalk_robot --secrets - --reason "the sales group"
                """)

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "Its name, such as sales-group.") var name: String

        @Argument(help: "Its kind, such as dingtalk_robot.") var kind: String

        @Option(help: ArgumentHelp("A file with its secrets; - is standard input.", valueName: "file")) var secrets: String?

        @Option(
            name: .customLong("set"), parsing: .upToNextOption,
            help: ArgumentHelp("Settings, such as url=https://… or to=13800138000,13900139000.", valueName: "name=value"))
        var settings: [String] = []

        @Option(help: "Its place in the order of failover, the smallest first.") var place = 100

        @Flag(help: "Keep it, but send nothing through it.") var disabled = false

        @Option(help: "Why; kept in the audit log.") var reason: String

        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            var body: [String: Any] = ["kind": kind, "place": place, "enabled": !disabled, "reason": reason]
            if !settings.isEmpty { body["settings"] = try ConnectorWords.settings(settings) }
            if let secrets {
                let data =
                    secrets == "-" ? FileHandle.standardInput.readDataToEndOfFile() : try ConnectorWords.contents(of: secrets)
                body["secrets"] = try ConnectorWords.secrets(data)
            }
            let bytes = try JSONSerialization.data(withJSONObject: body, options: [.sortedKeys])
            let remote = try remote.remote()
            let data = try await remote.request(.put, "/v1/connectors/\(name)", body: .bytes(Array(bytes)))
            if json { return printLine(data) }
            let made = try JSON.read(ConnectorView.self, from: data)
            print("\(made.name) (\(made.kind)) is \(made.said).")
            if let secret = made.secret { print("Its secret, shown this once: \(secret)") }
            print("kiteline connector check \(made.name)\(remote.tenantOption) says whether it would work.")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is connected, and what is closed and why.")

        @OptionGroup var remote: RemoteOptions

        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let remote = try remote.remote()
            let data = try await remote.request(.get, "/v1/connectors")
            if json { return printLine(data) }
            let page = try JSON.read(ConnectorView.Page.self, from: data)
            guard !page.items.isEmpty else { return print("Nothing is connected: kiteline connector add --help") }
            print(Table(["name", "kind", "place", "state", "why"], page.items.map(\.cells)))
            print("\nIn use is what messages are given to; whether it would take them: kiteline connector check NAME\(remote.tenantOption)")
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what is wrong with a connector, without sending anything. Exits 1 when something is.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "Its name.") var name: String

        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let data = try await remote.remote().request(.post, "/v1/connectors/\(name)/check")
            let checked = try JSON.read(ConnectorCheckView.self, from: data)
            if json { printLine(data) } else { print(checked.text) }
            if checked.ok == false { throw ExitCode(ExitStatus.failed) }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Disconnect it; its secrets are gone with it.")

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "Its name.") var name: String

        @Option(help: "Why; kept in the audit log.") var reason: String

        func run() async throws {
            let body = try JSONSerialization.data(withJSONObject: ["reason": reason])
            _ = try await remote.remote().request(.delete, "/v1/connectors/\(name)", body: .bytes(Array(body)))
            print("\(name) is gone.")
        }
    }
}

/// What people write of connectors on a command line and in files.
enum ConnectorWords {
    private static let lists: Set<String> = ["to", "events"]
    private static let numbers: Set<String> = ["port", "per_minute", "agent_id"]

    /// `name=value`, as the API takes them.
    static func settings(_ words: [String]) throws -> [String: Any] {
        try words.reduce(into: [:]) { settings, word in
            guard let (name, value) = pair(word) else { throw ValidationError("\"\(word)\" is no name=value") }
            if lists.contains(name) {
                settings[name] = value.split(separator: ",").map(String.init)
            } else if numbers.contains(name) {
                guard let number = Int(value) else { throw ValidationError("\(name) must be a number, not \"\(value)\"") }
                settings[name] = number
            } else {
                settings[name] = value
            }
        }
    }

    /// A JSON object of texts, or lines of `name=value`. What it says is never quoted in an error.
    static func secrets(_ data: Data) throws -> [String: String] {
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw ValidationError("there are no secrets in what was given") }
        if text.hasPrefix("{") {
            guard let object = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)) else {
                throw ValidationError("the secrets are no JSON object of texts")
            }
            return object
        }
        return try text.split(whereSeparator: \.isNewline).enumerated().reduce(into: [:]) { secrets, line in
            guard let (name, value) = pair(String(line.element)) else {
                throw ValidationError("line \(line.offset + 1) of the secrets is no name=value")
            }
            secrets[name] = value
        }
    }

    static func contents(of file: String) throws -> Data {
        guard let data = FileManager.default.contents(atPath: file) else { throw SetUpError.unreadable(file) }
        return data
    }

    private static func pair(_ word: String) -> (String, String)? {
        guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return nil }
        return (String(word[..<equals]).trimmingCharacters(in: .whitespaces), String(word[word.index(after: equals)...]))
    }
}

/// A connector as the API tells of it.
private struct ConnectorView: Decodable {
    struct Page: Decodable { let items: [ConnectorView] }

    let name, kind, state: String
    let place: Int
    let closedReason: String?
    let closedUntil: String?
    let secret: String?

    /// Of a connector the API's `open` means that it sends; of a fuse or a breaker, in this same program, that nothing goes through.
    var said: String { state == "open" ? "in use" : state }

    var cells: [String] {
        [name, kind, "\(place)", said, [closedReason, closedUntil.map { "until \($0)" }].compactMap(\.self).joined(separator: ", ")]
    }
}

private struct ConnectorCheckView: Decodable {
    struct Finding: Decodable {
        let what, words: String
        let ok: Bool?
    }

    let connector: ConnectorView
    let ok: Bool?
    let findings: [Finding]

    var text: String {
        let marks = findings.map { "\($0.ok.map { $0 ? "good" : "bad " } ?? "?   ")  \($0.words)" }
        let state = connector.closedReason.map { "It is \(connector.said): \($0)." } ?? "It is \(connector.said)."
        return ([state] + marks).joined(separator: "\n")
    }
}
