import Foundation
import JobKinds
import Records
import Rollouts
import Rules
import SalesModel
import Testing

@testable import Console

@Suite struct WordsTests {
    private let english = Words.of(.english)
    private let chinese = Words.of(.chinese)
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Whose sources ask for words.
    private static let folders = ["Sources/Console", "Sources/ConsoleServer", "Sources/kiteline"]

    @Test func `both languages have the same words, with the same places for values`() {
        // Chinese says one as it says two.
        let many = english.all.filter { !isSingular($0.key) }
        #expect(Set(many.keys).symmetricDifference(chinese.all.keys).sorted() == [])
        for (name, text) in many {
            #expect(places(text) == places(chinese.all[name] ?? ""), "\(name)")
            #expect(!text.isEmpty && chinese.all[name]?.isEmpty == false, "\(name)")
        }
    }

    @Test func `of one thing English speaks in the singular, with the same values`() {
        let singular = english.all.filter { isSingular($0.key) }
        #expect(!singular.isEmpty)
        for (name, text) in singular {
            let several = english.all[String(name.dropLast(4))] ?? ""
            #expect(several.contains("{n}") && places(text).isSubset(of: places(several)), "\(name)")
        }
        #expect(english["dead_redrive_do", ["n": "1"]] == "Run 1 job again" && english["dead_redrive_do", ["n": "2"]] == "Run 2 jobs again")
        #expect(chinese["dead_redrive_do", ["n": "1"]] == chinese["dead_redrive_do", ["n": "2"]].replacing("2", with: "1"))
    }

    @Test func `a Chinese name in a Chinese sentence has no space beside it, a Latin one and an English sentence have`() {
        #expect(chinese["lead_why", ["owner": "欧阳娜娜（三组）"]] == "为什么是欧阳娜娜（三组）")
        #expect(chinese["lead_why", ["owner": "Chen Wei"]] == "为什么是 Chen Wei")
        #expect(english["permissions_all_but", ["cities": "北京"]] == "everywhere but 北京")
    }

    @Test func `no Chinese text has a space between two Chinese characters or signs`() throws {
        let (square, sign) = (#"[\u{2E80}-\u{9FFF}\u{FF01}-\u{FF60}“”]"#, #"[\u{FF01}-\u{FF60}]"#)
        let space = try Regex("\(square) \(square)|\(sign) | \(sign)")

        #expect(chinese.all.filter { $0.value.contains(space) }.keys.sorted() == [])
    }

    @Test func `what is decided for a lead has one name on the Chinese pages of rollouts and their rounds`() {
        let decisions = english.all.filter { name, text in
            ["rollout", "round", "says_"].contains(where: name.hasPrefix) && !isSingular(name) && text.contains(/\bdecisions?\b/)
        }

        #expect(decisions.count > 10)
        #expect(decisions.keys.filter { !chinese[$0].contains("分配") }.sorted() == [])
        #expect(chinese.all.filter { $0.value.contains("决策") }.keys.sorted() == ["score_decision_chain"])
        #expect(chinese.all.filter { $0.value.contains(/重新(决定|派发)/) }.keys.sorted() == [])
    }

    @Test func `what Chinese names stands between “ and ”, wherever the words come from`() throws {
        let folder = Self.root.appending(path: "Sources")
        let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        // A pack's messages are its tenants' own; what is measured sends such ones.
        let sources = files.filter { $0.hasSuffix(".swift") && !$0.hasPrefix("Benchmarks/") }
        let others = try sources.filter { try String(contentsOf: folder.appending(path: $0), encoding: .utf8).contains(/[「」『』]/) }

        #expect(sources.count > 100 && others == [])
        #expect(chinese.all.filter { $0.value.contains(/[「」『』]/) }.keys.sorted() == [])
    }

    private func isSingular(_ name: String) -> Bool { name.hasSuffix("_one") && !name.hasPrefix("says_") }

    private func places(_ text: String) -> Set<String> { Set(text.matches(of: /\{([a-z]+)\}/).map { String($0.1) }) }

    @Test func `templates use only words there are`() {
        let used = Templates.all.sources.flatMap { name, source in
            source.matches(of: /\{\{[#^&]?\s*t\.([A-Za-z0-9_]+)\s*\}\}/).map { "\($0.1)" }.map { (name, $0) }
        }
        let missing = used.filter { english.all[$0.1] == nil }.map { "\($0.0): \($0.1)" }

        #expect(used.count > 100)
        #expect(Set(missing).sorted() == [])
    }

    @Test func `templates include only templates there are`() {
        for (name, source) in Templates.all.sources {
            for match in source.matches(of: /\{\{>\s*([a-z-]+)\s*\}\}/) {
                #expect(Templates.all.sources[String(match.1)] != nil, "\(name) includes \(match.1)")
            }
        }
    }

    /// The program's texts ask for words by name; one that is misspelt would show as `[name]`.
    @Test func `the sources ask only for words there are`() throws {
        let root = Self.root
        let sources = Self.folders.flatMap { folder in
            let files = FileManager.default.enumerator(atPath: root.appending(path: folder).path)?.compactMap { $0 as? String } ?? []
            return files.filter { $0.hasSuffix(".swift") }.map { root.appending(path: "\(folder)/\($0)") }
        }
        var asked: Set<String> = []
        for source in sources {
            let text = try String(contentsOf: source, encoding: .utf8)
            for match in text.matches(of: /words\[\s*"([a-z_0-9]+)"/) { asked.insert(String(match.1)) }
        }

        #expect(asked.count > 80)
        #expect(asked.filter { english.all[$0] == nil }.sorted() == [])
    }

    /// The other way round. Words of a family, whose last part is a code, are asked for by their first part.
    @Test func `every word is asked for by a template or a source`() throws {
        let templates = Set(
            Templates.all.sources.values.flatMap { $0.matches(of: /t\.([A-Za-z0-9_]+)/).map { String($0.1) } })
        var (literal, families, endings): (Set<String>, Set<String>, Set<String>) = ([], [], [])
        for folder in Self.folders {
            let files = FileManager.default.enumerator(atPath: Self.root.appending(path: folder).path)?.compactMap { $0 as? String } ?? []
            for file in files where file.hasSuffix(".swift") {
                let text = try String(contentsOf: Self.root.appending(path: "\(folder)/\(file)"), encoding: .utf8)
                for match in text.matches(of: /"([a-z0-9_]+)"/) { literal.insert(String(match.1)) }
                // `"class_\(kind)_advice"`, `"\(name)_consequence"` and `known("class", …)`
                for match in text.matches(of: /"([a-z0-9_]+_)\\\(/) { families.insert(String(match.1)) }
                for match in text.matches(of: /"\\\([a-z]+\)_([a-z_]+)"/) { endings.insert("_\(match.1)") }
                for match in text.matches(of: /known\(\s*"([a-z0-9_]+)"/) { families.insert("\(match.1)_") }
                for match in text.matches(of: /done: "([a-z_]+)"|\? "([a-z_]+)" : "([a-z_]+)"/) {
                    for done in [match.1, match.2, match.3].compactMap(\.self) { literal.insert("done_\(done)") }
                }
            }
        }
        families.remove("done_")
        families.insert("says_")  // found by what they say
        endings.insert("_one")  // where there is one of them
        let unused = english.all.keys.filter { name in
            !templates.contains(name) && !literal.contains(name) && !families.contains(where: name.hasPrefix)
                && !endings.contains { name.hasSuffix($0) && literal.contains(String(name.dropLast($0.count))) }
        }

        #expect(families.count > 20)
        #expect(unused.sorted() == [])
    }

    @Test func `every kind of job has a name in words`() throws {
        let folder = Self.root.appending(path: "Sources/JobKinds")
        var kinds: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where file.pathExtension == "swift" {
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: /JobKind\(\s*"([a-z_]+)"/) {
                kinds.insert(String(match.1))
            }
        }

        #expect(kinds.count > 8)
        #expect(kinds.filter { english.all["kind_\($0)"] == nil }.sorted() == [])
    }

    @Test func `every code the pages show has words`() throws {
        let api = try String(contentsOf: Self.root.appending(path: "Sources/API/openapi.yaml"), encoding: .utf8)
        // `code: { …, description: "failure_rate, schema_drift, … or index_full" }`
        let alerts = try #require(api.firstMatch(of: /example: failure_rate, description: "([a-z_, ]+)"/)).1
            .replacing(" or ", with: ", ").split(separator: ", ")
        var codes = alerts.map { "alert_\($0)" }
        codes += ExclusionCode.allCases.flatMap { code in ["", "_why", "_lifted"].map { "exclusion_\(code.rawValue)\($0)" } }
        codes += AssignmentOutcome.allCases.map { "outcome_\($0.rawValue)" }
        codes += SubjectType.allCases.map { "subject_\($0.rawValue)" }
        codes += Channel.allCases.map { "channel_\($0.rawValue)" }
        // Whoever owns or leads has a name.
        codes += Recipient.allCases.filter { ![.owner, .manager].contains($0) }.map { "office_\($0.rawValue)" }
        codes += RolloutKind.startable.map { "rule_kind_\($0)" }
        let guards = [
            RunningRollout.technical, RunningRollout.success, RunningRollout.firstTouch, RunningRollout.falseWarnings,
            RolloutJudge.sampleRatioName,
        ]
        codes += guards.flatMap { ["guard_\($0)", "guard_\($0)_meaning"] }

        #expect(alerts.count > 14)
        #expect(codes.filter { english.all[$0] == nil }.sorted() == [])
    }

    /// What the API refuses a page's wish with. Codes of bodies and sources that no page sends stay as the API says them.
    @Test func `the API's refusals have words`() throws {
        let elsewhere: Set = [
            "already_decided", "bad_request", "closed", "customer_buried", "customer_exists", "customer_not_parted", "customer_same",
            "evidence_missing", "headers_too_large", "https_required", "no_secret_key", "not_the_manager", "requirements_unmet",
            "seller_not_frozen", "stage_by_transition", "stage_final", "stage_unchanged", "too_many_connectors", "too_many_schedules",
            "too_slow", "unreadable_file", "version_changed", "version_current", "won_by_evidence",
        ]
        let folder = Self.root.appending(path: "Sources/API")
        var codes: Set<String> = []
        for file in FileManager.default.enumerator(atPath: folder.path)?.compactMap({ $0 as? String }) ?? [] where file.hasSuffix(".swift")
        {
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            for match in text.matches(of: /(?:Problem|self\.init)\(\s*[45]\d\d,\s*"([a-z_]+)"/) { codes.insert(String(match.1)) }
        }

        #expect(codes.count > 50)
        #expect(codes.subtracting(elsewhere).filter { english.all["problem_\($0)"] == nil }.sorted() == [])
        #expect(elsewhere.subtracting(codes) == [])
    }

    @Test func `what comes of every kind of job is said in words`() throws {
        var outcomes: Set<String> = []
        let folder = Self.root.appending(path: "Sources/JobKinds")
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where file.pathExtension == "swift" {
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            where line.firstMatch(of: /completed\(|ended\("|silent\(run|fired > 0 ?|"superseded"/) != nil {
                for match in line.matches(of: /"([a-z_]+)"/) { outcomes.insert(String(match.1)) }
            }
        }

        #expect(outcomes.isSuperset(of: ["sent", "throttled", "escalated", "insufficient_data", "superseded", "predicted", "passes"]))
        #expect(outcomes.filter { english.all["outcome_\($0)"] == nil }.sorted() == [])
    }

    @Test func `values stand in their places, and what is no place stays`() {
        #expect(english["time_ago", ["span": "3 min"]] == "3 min ago")
        #expect(chinese["time_ago", ["span": "3 分钟"]] == "3 分钟前")
        #expect(english["time_ago", [:]] == "{span} ago")
        #expect(english["time_ago", ["span": "{span}"]] == "{span} ago")
        #expect(english.known("state", "no_such_state") == "no_such_state")
        #expect(english["no_such_word"] == "[no_such_word]")
    }
}
