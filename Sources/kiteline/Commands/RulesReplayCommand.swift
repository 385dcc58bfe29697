import ArgumentParser
import AsyncHTTPClient
import Foundation
import Rules

/// `kiteline rules replay`: a round of the sandbox, begun and waited for.
struct RulesReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Make recorded decisions again under a version of a rule set, without effect, and show what would differ.",
        discussion: """
            Decisions are counted: a lead that was decided twice in that time counts twice. Exits 1 when the round is not passed. All \
            differences: GET /v1/rounds/ID/differences.
            """)

    @OptionGroup var remote: RemoteOptions

    @Option(help: ArgumentHelp("What it answers: \(RuleKind.names).", valueName: "kind"))
    var kind: RuleKind

    @Option(help: "The rule set's name.")
    var name = "default"

    @Option(help: "The version to try.")
    var version: Int

    @Option(
        help: ArgumentHelp("Replay decisions from this time on, such as 2026-01-31T08:00:00Z (default: 90 days ago).", valueName: "time"))
    var from: String?

    @Option(help: ArgumentHelp("Replay decisions before this time (default: now).", valueName: "time"))
    var to: String?

    @Option(help: "Seconds within which a first touch is in time (default: 240).")
    var touchWithin: Int?

    @Flag(help: "Do not wait for the round's end.")
    var noWait = false

    @Flag(help: "Print JSON.")
    var json = false

    private struct Begun: Decodable {
        let roundId: String
        let jobId: String
    }

    private struct Round: Decodable {
        let state: String
        let result: Result?
    }

    private struct Result: Decodable {
        struct Finding: Decodable {
            let code: String
            let message: String
        }
        struct World: Decodable {
            let decided: Int
            let outcomes: [String: Int]?
            let unmatchedShare: Double?
            let unknownPathShare: Double?
            let toInactive: Int
            let topThreeShare: Double?
            let gini: Double?
            let peakPending: Int
            let peakCapacity: Int
            let firstTouchMissed: Int?
        }
        struct Difference: Decodable {
            struct Side: Decodable {
                let outcome: String
                let sellerOrPool: String?
            }
            let leadId: String
            let live: Side
            let candidate: Side
        }
        let error: String?
        let findings: [Finding]?
        let replayed: Int?
        let leads: Int?
        let reproduced: Int?
        let differing: Int?
        let live: World?
        let candidate: World?
        let firstDifferences: [Difference]?
        let note: String?
    }

    private struct Rounds: Decodable {
        let passed, required: Int
    }

    func run() async throws {
        let api = try remote.remote()
        let body = try JSONSerialization.data(withJSONObject: request(), options: [.sortedKeys])
        let begun = try await api.request(.post, of: kind, name, "/\(version)/replay", body: .bytes(Array(body)))
        if noWait { return printLine(begun) }
        let id = try JSON.read(Begun.self, from: begun).roundId
        while true {
            let data = try await api.request(.get, "/v1/rounds/\(id)")
            let round = try JSON.read(Round.self, from: data)
            guard round.state != "running" else {
                try await Task.sleep(for: .milliseconds(300))
                continue
            }
            if json { printLine(data) } else if let result = round.result { show(result, id, "\(round.state)\(try await count(api))") }
            guard round.state == "passed" else {
                if !json, let findings = round.result?.findings, findings.contains(where: { $0.code == "more_unknown" }) {
                    print(
                        "The draft reads a field that no map gives, or these leads came before the map that does: then --from leaves them out."
                    )
                }
                throw ExitCode.failure
            }
            return
        }
    }

    /// How many rounds of those the tenant asks for this version has passed.
    private func count(_ api: Remote) async throws -> String {
        let data = try await api.request(.get, "/v1/rulesets/\(kind.rawValue)/\(name)/versions/\(version)/rounds", query: ["limit": "1"])
        let rounds = try JSON.read(Rounds.self, from: data)
        guard rounds.required > 0 else { return "" }
        let more = rounds.passed < rounds.required ? "; the next says more over another span: --from, --to" : ""
        return " (version \(version) has passed \(rounds.passed) of the \(rounds.required) rounds this tenant asks for\(more))"
    }

    private func request() -> [String: Any] {
        let now = Date()
        var body: [String: Any] = [
            "from": from ?? now.addingTimeInterval(-90 * 86_400).ISO8601Format(), "to": to ?? now.ISO8601Format(),
        ]
        body["touch_within_s"] = touchWithin
        return body
    }

    private func show(_ result: Result, _ id: String, _ state: String) {
        print("round \(id): \(state)")
        if let error = result.error { print("  \(error)") }
        for finding in result.findings ?? [] { print("  \(finding.message) (\(finding.code))") }
        guard let live = result.live, let candidate = result.candidate else { return }
        let replayed = result.replayed ?? 0
        let about = result.leads.flatMap { $0 < replayed ? " about \($0 == 1 ? "one lead" : "\($0) leads")" : nil } ?? ""
        print(
            "\(replayed) decisions\(about) replayed, \(result.reproduced ?? 0) as they were made, \(result.differing ?? 0) would differ"
        )
        func percent(_ share: Double?) -> String { share.map { String(format: "%.1f %%", $0 * 100) } ?? "" }
        func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "" }
        func ended(_ world: Result.World, _ codes: [String]) -> String {
            "\(codes.reduce(0) { $0 + (world.outcomes?[$1] ?? 0) })"
        }
        let rows: [(String, (Result.World) -> String)] = [
            ("decisions", { "\($0.decided)" }), ("assigned", { ended($0, ["assigned", "assigned_existing_owner"]) }),
            ("in a pool", { ended($0, ["pooled"]) }), ("with marketing", { ended($0, ["to_marketing"]) }),
            ("held", { ended($0, ["held_mapping_error", "held_missing_data"]) }),
            ("left to a person", { ended($0, ["manual_queue_fallback", "manual_queue_fuse"]) }),
            ("without an owner", { percent($0.unmatchedShare) }),
            ("held for a field that is missing or cannot be mapped", { percent($0.unknownPathShare) }),
            ("to inactive sellers", { "\($0.toInactive)" }),
            ("share of the first three", { percent($0.topThreeShare) }), ("unevenness (Gini)", { number($0.gini) }),
            ("peak of waiting leads", { "\($0.peakPending) of \($0.peakCapacity)" }),
            ("first touches missed", { $0.firstTouchMissed.map { "\($0)" } ?? "not known" }),
        ]
        print(Table(["", "live", "version \(version)"], rows.map { [$0.0, $0.1(live), $0.1(candidate)] }))
        if let first = result.firstDifferences, !first.isEmpty {
            print(
                Table(
                    ["lead", "live", "version \(version)"],
                    first.map { [$0.leadId, $0.live.sellerOrPool ?? $0.live.outcome, $0.candidate.sellerOrPool ?? $0.candidate.outcome] }))
            let more = (result.differing ?? 0) - first.count
            if more > 0 { print("… and \(more) more: GET /v1/rounds/\(id)/differences") }
        }
        if let note = result.note { print(note) }
    }
}
