import ProcessHealth
import Rollouts
import Rules
import SalesModel
import Testing

@testable import Console

/// What the service says in English, on Chinese pages.
@Suite struct SentenceTests {
    private let chinese = Words.of(.chinese)

    private func said(_ text: String) -> String { Sentences.said(text, chinese) }

    @Test(
        arguments: [
            ("3 of 500 leads; lower bound −1.2 points, needs −0.5", "已评判 3 / 500 条线索；最坏可能相差 −1.2 个百分点，须不低于 −0.5"),
            ("technical: 3 of 3 canary leads failed, held against 0.62 %", "技术失败：灰度组 3 条线索中 3 条失败，允许的失败率为 0.62%"),
            (
                "0 of 17 canary leads good, 61 of 64 stable leads; worse beyond chance; of 2 nothing is known, which counts as not good",
                "灰度组 17 条线索中 0 条达标，稳定组 64 条中 61 条达标；差距已不能用偶然解释；其中 2 条情况未知，按未达标计"
            ),
            ("It belongs to Li: A. With \"override\": true and an operator's key it is given to another.", "它属于 Li: A。"),
            ("It needs a key of the role operator.", "需要的密钥：操作员。"), ("the customers complained", "the customers complained"),
            ("must be from 1 to 1000", "必须在 1 到 1000 之间"), ("is required", "必须填写"), ("is required twice", "is required twice"),
            ("", ""), ("must be from  to ", "must be from  to "),
            (
                "it is urgent (before the evidence: 3 of 500 leads; lower bound −1.2 points, needs −0.5)",
                "it is urgent（证据充分之前：已评判 3 / 500 条线索；最坏可能相差 −1.2 个百分点，须不低于 −0.5）"
            ),
            ("a hedge is missing; it rains; go home", "a hedge is missing; it rains; go home"),
            ("“hwen” is not known here; did you mean “when”?", "无法识别“hwen”；您是指“when”吗？"),
            ("“x” is not known here; possible here: id, when, to.", "无法识别“x”；此处可用：id, when, to。"),
            ("“to” is named twice; once is enough.", "“to”重复出现，保留一个即可。"),
            (
                "A condition is one of: all: […], any: […], not: {…}, count: {…}, or field: NAME with a comparison (equals, in).",
                "条件须为以下之一：all: […], any: […], not: {…}, count: {…}，或“field: 字段名”加一个比较（equals, in）。"
            ),
            ("must be after from", "必须晚于开始时间"),
            ("is required: one or more of lead.query, lead.assign", "必须填写，可取一个或多个：lead.query, lead.assign"),
            ("Version 4 counts now. Read it, write the change into it, and name it as \"base\".", "当前生效的是版本 4。请在该版本上修改后重新保存。"),
            ("22 % of 23 assignments failed, most of them held_mapping_error", "23 次派单中 22% 失败，主要原因：暂挂：有字段无法映射"),
            ("no handler for the kind assign_lead in this worker", "此工作进程不会处理“分配线索”任务"),
            ("there is no lead 9", "没有线索 9"), ("there is no lead; it was deleted", "there is no lead; it was deleted"),
            ("4 of the last 6 calls failed", "最近 6 次调用中 4 次失败"), ("we saw: 3 of 50 warnings", "we saw: 3 of 50 warnings"),
        ])
    func `a sentence keeps its values, and what is no sentence of ours stays`(text: String, chinese: String) {
        #expect(said(text) == chinese)
        // In English only a guard is called as the pages call it.
        #expect(Sentences.said(text, .of(.english)) == text.replacing("technical: ", with: "Failures: "))
    }

    @Test func `what the checks of rules find is said in Chinese`() throws {
        func parse(_ kind: RuleKind, _ source: String, among maps: [RuleSet] = []) throws -> RuleSet {
            try RuleSet.parse(kind: kind, name: "default", source: source, catalogue: .of(maps)).get()
        }
        let map = try parse(
            .map,
            """
            sources: [web]
            fields:
              city: { type: text, from: c, values: { 北京: beijing } }
              industry: { from: i, values: { E: energy }, unlisted: hold }
            """)
        let other = try RuleSet.parse(
            kind: .map, name: "fair",
            source: "{ sources: [fair], fields: { industry: { from: i, values: { E: energy }, unlisted: hold } } }"
        )
        .get()
        let route = try parse(
            .route,
            """
            rules:
              - { id: a, when: { field: city, equals: 北京 }, to: { seller: gone } }
              - { id: b, when: { all: [{ field: industry, equals: steel }, { field: industry, empty: true }] }, to: { seller: left } }
              - { id: c, when: { field: city, equals: 上海 }, to: { team: ghosts } }
              - { id: d, when: { field: score, gte: 1 }, to: { team: empty } }
              - { id: e, to: newcomers }
            """, among: [map, other])
        let facts = RuleCheckFacts(
            live: [map, other], sellers: [.init("left", team: "empty", isActive: false), .init("anna", capacity: 1)], teams: ["empty"],
            pendingPeak: 100, nullRates: ["city": .init(observed: 0.4, highest: 0.2)])

        let findings =
            RuleCheck.findings(of: route, given: facts)
            + RuleCheck.findings(
                of: try parse(.map, "{ sources: [web], fields: { city: { type: text, from: c } } }"),
                given: RuleCheckFacts(live: [route, map]))

        #expect(Set(findings.map(\.code)).count == 9, "\(Set(findings.map(\.code)))")
        for finding in findings where finding.severity == .warning {
            #expect(said(finding.message) != finding.message, "\(finding.message)")
        }
        #expect(findings.contains { said($0.message) == "“city”不会是“北京”：映射会将其转为“beijing”。请与映射给出的值比较。" })
    }

    @Test func `that amounts come in another currency than they are compared in is said in Chinese`() throws {
        func parse(_ kind: RuleKind, _ source: String) throws -> RuleSet {
            try RuleSet.parse(kind: kind, name: "default", source: source).get()
        }
        let map = try parse(.map, "{ sources: [web], fields: { budget: { from: b, currency: USD } } }")
        let route = try parse(
            .route, "rules: [{ id: a, when: { field: budget, gte: CNY 5 }, to: marketing }, { id: b, to: { pool: p } }]")

        func found(_ ruleSet: RuleSet, _ facts: RuleCheckFacts) -> [String] {
            RuleCheck.findings(of: ruleSet, given: facts).map { said($0.message) }
        }
        #expect(found(route, RuleCheckFacts(live: [map])) == ["“budget”按 CNY 金额比较，而来自“web”的以 USD 提供：这些线索会被暂挂。请统一币种。"])
        #expect(found(map, RuleCheckFacts(live: [route])) == ["生效的分配规则“default”按 CNY 金额比较“budget”，而此映射以 USD 提供：这些线索会被暂挂。请统一币种。"])
        #expect(found(map, RuleCheckFacts(candidates: [route])) == ["候选的分配规则“default”按 CNY 金额比较“budget”，而此映射以 USD 提供：这些线索会被暂挂。请统一币种。"])
    }

    @Test(arguments: [
        "rules: [", "rules: {a: 1", "a: b: c", "a:\n\t- b", "a: 'x", #"a: "\q""#, "a: *b", "a: 1\n---\nb: 2", "a: 1\n- b", "a: &",
        "- a\nb: c", "a: |x\n  b", "a\nb: 1\nc", #"a: "\xzz""#, "a: !x!y z", "{a: b}}", "a: [b", "foo: bar\nbaz", "a: \u{7}",
    ])
    func `why a text is no YAML is said in Chinese`(source: String) throws {
        guard case .failure(let faults) = RuleSet.parse(kind: .route, name: "default", source: source) else {
            Issue.record("it is YAML")
            return
        }
        let message = try #require(faults.faults.first?.message)

        #expect(said(message).replacing("YAML", with: "").firstMatch(of: /[A-Za-z]{2}/) == nil, "\(message)")
    }

    @Test(
        arguments: [
            ("scheduled", "It is due at 2026-03-18T06:34:05Z.", "计划于 2026-03-18 14:34:05 运行。"),
            ("retry", "Attempt 2 failed; the next is due at 2026-03-18T06:34:05Z.", "第 2 次尝试失败，下一次定于 2026-03-18 14:34:05。"),
            (
                "in_line", "7 jobs of its line go before it. It waits for its tenant's turn at a free worker.",
                "队列中前面还有 7 个任务；等待本租户轮到空闲的工作进程。"
            ),
            (
                "breaker_open", "erp does not work: 4 of the last 6 calls failed. It is tried again at 2026-03-18T06:34:05Z.",
                "erp 不可用：最近 6 次调用中 4 次失败。将于 2026-03-18 14:34:05 再次试探。"
            ),
            ("kind_paused", "Jobs of kind probe are paused. It goes on when they are resumed.", "此类任务已暂停；恢复后继续。"),
            ("no_such_code", "It rests.", "It rests."),
        ])
    func `why a job waits is said in Chinese with its times`(code: String, why: String, chinese: String) throws {
        let job = try node(#"{"why_waiting":"\#(why)","waiting_code":"\#(code)"}"#)

        #expect(JobWords.waiting(job, frame(.chinese).1) == chinese)
    }

    @Test func `whatever guards find is said in Chinese`() {
        let stages = { (canary: Counts, stable: Counts) in [StageCounts(stable: stable, canary: canary)] }
        let (good, bad) = (Counts(good: 300, bad: 2), Counts(good: 0, bad: 40))
        let exposures = [RolloutEvidence.Exposures(percent: .init(5)!, stable: 950, canary: 50)]
        let plans = [
            RolloutPlan.standard(before: Counts(good: 990, bad: 10)),
            RolloutPlan(
                guards: [Guard("false_warnings", .limit(rate: 0.6, margin: 0.05))], words: .init(unit: "warnings", members: "teams")),
            RolloutPlan(guards: []),
        ]
        var said: [String] = []
        for plan in plans {
            for seen in [good, bad, Counts(), Counts(good: 1, bad: 1, missing: 3)] {
                let guards = Dictionary(plan.guards.map { ($0.name, stages(seen, good)) }) { first, _ in first }
                let verdict = RolloutJudge(plan).verdict(of: RolloutEvidence(exposures: exposures, guards: guards))
                said += [verdict.words] + verdict.readings.map(\.words)
            }
        }
        said += RolloutJudge(.standard(before: Counts(good: 200, bad: 800))).warnings

        #expect(said.count > 20)
        for sentence in Set(said) { #expect(self.said(sentence).firstMatch(of: /[a-z]{3}/) == nil, "\(sentence)") }
    }

    @Test func `whatever speaks against a candidate, or keeps a model silent, is said in Chinese`() {
        let findings = [
            "Of 2 decisions something they rested on was not kept.", "No decision was made in this time.",
            "3 of 10 decisions did not come out as they were made: the replay is not to be relied on.",
            "2 decisions would have given a lead to sellers who are not active.",
            "1 decisions would have given a lead to sellers over their capacity.",
            "4 of 10 decisions would have left a lead without an owner, against 0 of 10.",
            "3 of 10 decisions would have held a lead for a field that is missing or not comparable, against 0 of 10.",
        ]
        let reasons =
            ReleaseGate().tooLittle(weeks: 3, onsets: 4)
            + [
                "F1 on onsets is +0.051 from the best simple rule's, and its 95 % interval begins at -0.010",
                "F1 on onsets is -0.300 from the best simple rule's, and it has no interval", "too few weeks to judge the probabilities",
                "the probabilities are off by 0.081, more than 0.05", "it never warned: no threshold kept 40 % of its warnings true",
                "31 % of its warnings came true, fewer than 40 %", "no model has been trained yet", "model 3 passed its gate and is draft",
            ]

        for sentence in findings + reasons { #expect(said(sentence).firstMatch(of: /[a-z]{3}/) == nil, "\(sentence)") }
    }

    /// Each line of each pack's rules left out, doubled, misnamed, or with another value.
    @Test func `whatever is wrong with a rule set's text is said in Chinese`() {
        var silent: [String: String] = [:]
        for pack in RulePack.all {
            for (kind, source) in pack.ordered {
                for text in Self.spoiled(source) {
                    guard case .failure(let faults) = RuleSet.parse(kind: kind, name: "default", source: text) else { continue }
                    for fault in faults.faults where said(fault.message) == fault.message {
                        silent[Self.shape(fault.message)] = fault.message
                    }
                }
            }
        }
        #expect(silent.values.sorted() == [])
    }

    /// A message without what is quoted and counted in it.
    private static func shape(_ message: String) -> String {
        message.replacing(/“[^”]*”|[0-9.]+/, with: "…")
    }

    private static func spoiled(_ source: String) -> [String] {
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // One of each for a line, another for the next: all of all take minutes.
        return lines.indices.map { place in
            let line = lines[place]
            var others = [nil, line + "\n" + line, line.replacing(":", with: "x:", maxReplacements: 1)]
            if let colon = line.lastIndex(of: ":") {
                for value in ["", "-1", "[]", "{}", "1.5", "xyz", "99999999999w", "[{}]", "\"\"", "true", "*a", "[a, a]", "2025-13-01"] {
                    others.append(line[...colon] + " " + value)
                }
            }
            let other = others[place * 7 % others.count]
            return (lines[..<place] + (other.map { [$0] } ?? []) + lines[(place + 1)...]).joined(separator: "\n")
        }
    }
}
