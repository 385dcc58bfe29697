import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import kiteline

@Suite struct RulesCommandTests {
    private func write(_ text: String, _ name: String, _ scratch: String) throws -> String {
        let path = "\(scratch)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test func `a file is checked by its text alone, and what is wrong with it ends with 1`() async throws {
        try await withScratch { scratch in
            let good = try write("rules: [{ id: a, to: { pool: p } }]", "good.yaml", scratch)
            let wrong = try write("rules: [{ id: a, when: { field: bugdet, present: true }, to: everyone }]", "wrong.yaml", scratch)
            let own = try write(
                "rules: [{ id: a, when: { field: beds, gte: 5 }, to: marketing }, { id: b, to: { pool: p } }]", "own.yaml", scratch)
            let map = try write("{ sources: [web], fields: { beds: { from: b, type: number } } }", "map.yaml", scratch)

            let taken = try await ProgramRun.run(["rules", "check", good, "--kind", "route"], in: scratch)
            let refused = try await ProgramRun.run(["rules", "check", wrong, "--kind", "route"], in: scratch)
            let machine = try await ProgramRun.run(["rules", "check", wrong, "--kind", "route", "--json"], in: scratch)
            let mapped = try await ProgramRun.run(["rules", "check", own, "--kind", "route", "--map", map], in: scratch)

            #expect([taken, refused, machine, mapped].map(\.status) == [0, 1, 1, 0])
            #expect(refused.output.contains("error: rules[0].when.field: There is no field “bugdet”; did you mean “budget”?"))
            #expect(machine.output.contains(#""code":"unknown_field""#))
        }
    }

    @Test func `two files are told apart in words`() async throws {
        try await withScratch { scratch in
            let old = try write("{ method: card, card: { highlight: 75 } }", "old.yaml", scratch)
            let new = try write(#"{"card": {"highlight": 80}, "method": "card"}"#, "new.json", scratch)

            let english = try await ProgramRun.run(["rules", "diff", old, new, "--kind", "match"], in: scratch)
            let chinese = try await ProgramRun.run(["rules", "diff", old, new, "--kind", "match", "--language", "zh"], in: scratch)
            let same = try await ProgramRun.run(["rules", "diff", old, old, "--kind", "match"], in: scratch)

            #expect(english.output == "card, highlighted above: 75 → 80\n")
            #expect(chinese.output == "比对卡，高亮阈值：75 → 80\n")
            #expect(same.output == "they say the same\n")
        }
    }

    @Test(arguments: [
        (["3 draft", "2 live", "1 draft"], "no earlier version of route/default was live"), ([], "no earlier version"),
        (["4 live", "3 retired", "2 retired", "1 draft"], "several versions of route/default were live: 3, 2. Name one with --version"),
    ])
    func `where no version was live before, or several were, none is chosen`(versions: [String], why: String) {
        let failure = #expect(throws: Failure.self) {
            try RulesCommand.Back.earlier(among: saved(versions), of: "route/default", whose: "")
        }
        #expect(failure?.description.contains(why) == true, "\(String(describing: failure))")
    }

    @Test func `where several versions were live, the tenant's log of publications and of promotions says when`() {
        let failure = #expect(throws: Failure.self) {
            try RulesCommand.Back.earlier(
                among: saved(["3 live", "2 retired", "1 retired"]), of: "route/default", whose: " --tenant acme")
        }

        #expect(
            failure?.description.hasSuffix(
                "kiteline audit list --tenant acme says which was live when, with --action ruleset.publish and with --action rollout.promote"
            )
                == true, "\(String(describing: failure))")
    }

    @Test func `the way back leads to nothing newer unless it is named`() {
        let failure = #expect(throws: Failure.self) {
            try RulesCommand.Back.earlier(among: saved(["3 draft", "2 retired", "1 live"]), of: "route/default", whose: "")
        }

        #expect(
            failure?.description.contains("version 1 of route/default is live and no older one was; version 2 was live before it: name it")
                == true)
    }

    @Test(arguments: [["4 draft", "3 live", "2 draft", "1 retired"], ["2 live", "1 retired"], ["2 draft", "1 retired"]])
    func `the way back passes over what was never live`(versions: [String]) throws {
        #expect(try RulesCommand.Back.earlier(among: saved(versions), of: "route/default", whose: "").state == "retired")
    }

    @Test(arguments: [
        (["3 draft", "2 live", "1 retired"], "no version 7 of route/default. Live now or before: 2, 1; rules show lists them all"),
        (["6 live", "5 retired", "4 retired", "3 retired", "2 retired", "1 retired"], "before: 6, 5, 4, 3, 2 and older ones; rules show"),
    ])
    func `a way back to a version there is not names those that were live`(versions: [String], why: String) {
        let failure = RulesCommand.Back.missing(7, among: saved(versions), of: "route/default", listing: "rules show")
        #expect(failure.description.contains(why), "\(failure)")
    }

    private func saved(_ versions: [String]) -> [RulesCommand.Back.Saved] {
        versions.map { RulesCommand.Back.Saved(version: Int($0.prefix(1)) ?? 0, state: String($0.dropFirst(2))) }
    }

    @Test func `every command that is about a rule set is told its name alike`() throws {
        let named = ["--kind", "map", "--name", "crm"]

        #expect(try RulesCommand.Check.parse(["crm.yaml"] + named).name == "crm")
        #expect(try RulesCommand.Publish.parse(["crm.yaml", "--draft"] + named).name == "crm")
        #expect(try RulesCommand.Back.parse(named + ["--version", "1", "--reason", "x"]).name == "crm")
        #expect(try RulesCommand.Show.parse(named).name == "crm")
        #expect(try RulesCommand.Diff.parse(named + ["--to", "2"]).name == "crm")
        #expect(try RulesReplayCommand.parse(named + ["--version", "2"]).name == "crm")
        #expect(try RolloutCommand.Start.parse(named + ["--version", "2"]).effectiveName == "crm")
        #expect(try RolloutCommand.Start.parse(["--kind", "map", "--version", "2"]).effectiveName == "default")
        #expect(try RolloutCommand.Start.parse(["--kind", "warning_model", "--version", "2"]).effectiveName == "spi")
    }
}
