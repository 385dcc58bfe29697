import ArgumentParser
import AsyncHTTPClient
import Foundation

extension RolloutCommand {
    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Roll a version out to a share of the customers; at 0 % it only runs in the shadow, without effect.")

        @OptionGroup var remote: RemoteOptions

        @Option(help: "The kind of rule set, such as route; or warning_model.")
        var kind: String

        @Option(help: "The rule set's name (default: default; of warning_model: spi, its only one).")
        var name: String?

        @Option(help: "The version to be rolled out.")
        var version: Int

        @Option(help: "The share of the customers, in percent: 0 to 100, at most two decimals.")
        var percent = 5.0

        @Option(help: "Why; kept in the audit log.")
        var reason: String?

        @Option(help: "Minutes within which a first touch is in time (default: 4); 0: first touches are not judged.")
        var firstTouchMinutes: Double?

        @Option(
            help: "Percentage points by which the share of first touches in time may be lower than under the live version (default: 5).")
        var firstTouchMargin: Double?

        @Option(
            help:
                "Percentage points by which the success of assignment may be worse than under the live version (default: 0.5; of a model: 5)."
        )
        var successMargin: Double?

        @Option(help: "Canary leads needed before the evidence may promote it (default: 500).")
        var leastLeads: Int?

        @Option(
            help:
                "Of match: percent of leads about which a person may be asked where the live version asks nobody (default: 10); 0: not judged."
        )
        var asked: Double?

        @Option(
            help:
                "Of match: percent of leads that may join a customer the live version does not take them for (default: 20); 0: not judged.")
        var joined: Double?

        @Option(help: "Of warning_model: percent of warnings that may be false (default: 60).")
        var falseWarnings: Double?

        @Option(help: "Of warning_model: warnings whose 14 days are over, needed before the evidence may promote it (default: 50).")
        var leastWarnings: Int?

        @Flag(help: "Promote it to all customers by itself when every guard finds it good enough.")
        var automatic = false

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            try Self.check(percent: percent)
            for (name, value) in [
                ("first-touch-minutes", firstTouchMinutes), ("first-touch-margin", firstTouchMargin), ("success-margin", successMargin),
                ("false-warnings", falseWarnings),
            ] where value?.isFinite == false { throw ValidationError("--\(name) is a number.") }
        }

        static func check(percent: Double) throws {
            guard (0...100).contains(percent) else { throw ValidationError("A percentage is from 0 to 100.") }
        }

        var effectiveName: String { name ?? (kind == "warning_model" ? "spi" : "default") }

        func run() async throws {
            var guards: [String: Any] = [:]
            if let firstTouchMinutes { guards["first_touch_minutes"] = firstTouchMinutes == 0 ? NSNull() : firstTouchMinutes }
            guards["first_touch_margin"] = firstTouchMargin
            guards["success_margin"] = successMargin
            guards["least_leads"] = leastLeads
            if let asked { guards["asked"] = asked == 0 ? NSNull() : asked }
            if let joined { guards["joined"] = joined == 0 ? NSNull() : joined }
            guards["false_warnings"] = falseWarnings
            guards["least_warnings"] = leastWarnings
            if automatic { guards["promotion"] = "automatic" }
            var body: [String: Any] = ["kind": kind, "name": effectiveName, "version": version, "percent": percent, "guards": guards]
            body["reason"] = reason
            try await RolloutView.show(try remote.remote(), .post, "/v1/rollouts", body, json: json, whole: false)
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change the share of the customers; 0 takes the change back. Customers a version has served stay with it.")

        @OptionGroup var turning: RolloutOptions

        @Argument(help: "The new share of the customers, in percent: 0 to 100, at most two decimals.")
        var percent: Double

        func validate() throws { try Start.check(percent: percent) }

        func run() async throws { try await turning.turn(.patch, "", ["percent": percent]) }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make the version live for all customers.")

        @OptionGroup var turning: RolloutOptions

        func run() async throws { try await turning.turn(.post, "/promote", [:]) }
    }

    struct Abort: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the change back at once; leads it decided and nobody has touched are assigned again.")

        @OptionGroup var turning: RolloutOptions

        func run() async throws { try await turning.turn(.post, "/abort", [:]) }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A rollout's arms, guards and history; without an id, all rollouts.", aliases: ["list"])

        @OptionGroup var remote: RemoteOptions

        @Argument(help: "The rollout's id.")
        var id: String?

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let remote = try remote.remote()
            guard let id else {
                let data = try await remote.request(.get, "/v1/rollouts")
                if json { return printLine(data) }
                let page = try JSON.read(RolloutView.Page.self, from: data)
                let live = try await RolloutView.live(remote)
                print(Table(["id", "rules", "state", "percent", "what it says"], page.items.map { $0.cells(among: live) }))
                if page.items.isEmpty { complain("There are none.") }
                return
            }
            guard id.allSatisfy(\.isWholeNumber) else { throw ValidationError("\"\(id)\" is no rollout's id") }
            try await RolloutView.show(remote, .get, "/v1/rollouts/\(id)", nil, json: json)
        }
    }
}

/// What turning a rollout takes.
struct RolloutOptions: ParsableArguments {
    @OptionGroup var remote: RemoteOptions

    @Argument(help: "The rollout's id.")
    var id: String

    @Option(help: "Why; kept in the audit log.")
    var reason: String

    @Flag(help: "Print JSON.")
    var json = false

    func turn(_ method: Remote.Method, _ path: String, _ body: [String: Any]) async throws {
        guard id.allSatisfy(\.isWholeNumber) else { throw ValidationError("\"\(id)\" is no rollout's id") }
        let body = body.merging(["reason": reason]) { $1 }
        try await RolloutView.show(try remote.remote(), method, "/v1/rollouts/\(id)\(path)", body, json: json, whole: false)
    }
}

/// A rollout as the API tells of it.
struct RolloutView: Decodable {
    struct Page: Decodable { let items: [RolloutView] }
    /// The names of rules, as far as a rollout needs them.
    struct Names: Decodable {
        struct Item: Decodable {
            let kind, name: String
            let liveVersion: Int?
        }
        let items: [Item]
    }
    struct Arm: Decodable {
        /// Nil: nothing was live.
        let version: Int?
        let n, failures: Int
    }
    struct Arms: Decodable { let stable, canary: Arm }
    struct Reading: Decodable {
        let name, decision, words: String
        let eValue, threshold: Double
    }
    struct Event: Decodable {
        let at, actor, action: String
        let reason: String?
        let percent: Double

        /// What was done, with the share it was done to.
        private var did: String { ["canary", "percent", "start"].contains(action) ? "\(action) \(RolloutView.share(percent))" : action }

        var line: String { "\(at.withWholeSeconds)  \(actor)  \(did)\(reason.map { ": \($0)" } ?? "")" }
    }

    /// What the version would have decided of leads that the live one decided.
    struct Shadow: Decodable { let leads, different, failures: Int }
    struct Difference: Decodable {
        let leadId, decided, otherwise, now: String
        /// Whose version decided it.
        let arm: String?

        var line: String {
            let other = arm.map { $0 == "canary" ? "stable" : "canary" } ?? "the other"
            return "\n  lead \(leadId): \(arm ?? "decided") \(decided); \(other) \(otherwise); now \(now)"
        }
    }
    /// What became of the leads that a change put elsewhere before it was taken back.
    struct TakenBack: Decodable {
        let elsewhere, again, touched: Int

        var line: String {
            "\n\nleads put elsewhere by the canary: \(elsewhere); decided again since: \(again); touched, and left where they are: \(touched)"
        }
    }

    let id, kind, name, state: String
    let version: Int
    let percent: Double
    let words: String?
    let warnings: [String]?
    let arms: Arms
    let guards: [Reading]
    let shadow: Shadow
    let history: [Event]?
    let differences: [Difference]?
    let takenBack: TakenBack?

    /// - Parameter live: the versions that are live by now, by kind and name.
    func cells(among live: [String: Int]) -> [String] {
        let now = live["\(kind)/\(name)"].flatMap { state == "live" && $0 != version ? "; version \($0) is live by now" : nil } ?? ""
        return [id, "\(kind)/\(name)@\(version)", end + now, isRunning ? Self.share(percent) : "", words ?? ""]
    }

    /// Nothing for a person's key, which may see rollouts and no rules.
    static func live(_ remote: Remote) async throws -> [String: Int] {
        guard let data = try? await remote.request(.get, "/v1/rulesets") else { return [:] }
        let names = try JSON.read(Names.self, from: data)
        return names.items.reduce(into: [:]) { $0["\($1.kind)/\($1.name)"] = $1.liveVersion }
    }

    /// Its state; another version may be live since it was promoted.
    private var end: String { state == "live" ? "promoted" : state }

    static func show(
        _ remote: Remote, _ method: Remote.Method, _ path: String, _ body: [String: Any]?, json: Bool, whole: Bool = true
    ) async throws {
        let bytes = try body.map { try JSONSerialization.data(withJSONObject: $0, options: [.sortedKeys]) }
        let data = try await remote.request(method, path, body: bytes.map { .bytes(Array($0)) })
        if json { return printLine(data) }
        let rollout = try JSON.read(RolloutView.self, from: data)
        print(whole ? rollout.text : "\(rollout.head). kiteline rollout show \(rollout.id)\(remote.tenantOption) has the evidence.")
        for warning in rollout.warnings ?? [] { print("warning: \(warning)") }
        guard rollout.isRunning, rollout.kind != "warning_model", try await FuseCommand.isOpen(remote) else { return }
        print("The assignment fuse is open: nothing is decided.")
    }

    private var isRunning: Bool { ["shadow", "canary"].contains(state) }

    /// `5 %`, `0.25 %`
    fileprivate static func share(_ percent: Double) -> String { String(format: "%g %%", percent) }

    /// Evidence can be anything from 1e-9 to 1e12: never in powers where a number of it will do.
    private static func number(_ value: Double) -> String { String(format: abs(value) >= 1_000 ? "%.0f" : "%.3g", value) }

    private var head: String {
        let share = isRunning ? " at \(Self.share(percent))" : ""
        let was = state == "live" ? "was" : "is"
        return "rollout \(id): \(kind)/\(name) version \(version) \(was) \(end)\(share)" + (words.map { ", \($0)" } ?? "")
    }

    private var text: String {
        let arms = Table(
            ["arm", "version", kind == "warning_model" ? "warnings" : "leads", "failures"],
            [("stable", arms.stable), ("canary", arms.canary)].map {
                ["\($0)", $1.version.map(String.init) ?? "-", "\($1.n)", "\($1.failures)"]
            })
        let guards = Table(
            ["guard", "evidence of harm", "aborts at", "decision", "what it says"],
            guards.map { [$0.name, Self.number($0.eValue), Self.number($0.threshold), $0.decision, $0.words] })
        let shadow =
            shadow.leads == 0
            ? ""
            : "\n\nin the shadow: \(shadow.leads) leads decided beside, \(shadow.different) otherwise, \(shadow.failures) held or failed under it\n"
                + "(nobody is given anything there, so turns and loads do not move on: whom it names says nothing of how it will share)"
        let lines = (differences ?? []).prefix(20).map(\.line).joined()
        let differences =
            lines.isEmpty ? "" : "\n\ndecided otherwise by the two versions, in the shadow and since; first whose decision counted:" + lines
        let history = (history ?? []).map(\.line).joined(separator: "\n")
        return "\(head)\n\n\(arms)\(takenBack?.line ?? "")\(shadow)\(differences)\n\n\(guards)" + (history.isEmpty ? "" : "\n\n\(history)")
    }
}
