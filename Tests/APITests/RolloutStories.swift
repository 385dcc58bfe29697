import Foundation
import Records
import Rollouts
import Rules
import SalesModel
import Sampling
import Tenancy
import Testing

/// Rule changes let out to some customers first, from end to end: real servers, real workers.
@Suite struct RolloutStories {
    let map = "{ sources: ['*'], fields: { n: { from: n, type: number, optional: true } } }"
    let good = "rules: [{ id: all, to: everyone, by: round_robin }]"
    let bad = """
        rules:
          - { id: gone, when: { field: n, lt: 92 }, to: { team: dissolved } }
          - { id: all, to: everyone, by: round_robin }
        """

    /// With what tells who a lead is.
    let mapping = """
        sources: ['*']
        fields:
          n: { from: n, type: number, optional: true }
          company: { from: company, optional: true }
          contact: { from: contact, optional: true }
          phone: { from: phone, optional: true }
        """

    func clock(_ minutes: Int) -> String {
        """
        clocks:
          - id: first_touch
            label: { en: first touch, zh: 首触 }
            subject: lead
            starts: { on: created }
            stops: { on: touch }
            levels: [{ id: reminder, after: \(minutes)m, to: [owner] }]
        """
    }

    func message(_ greeting: String) -> String {
        """
        messages:
          - id: new_lead
            subject: lead
            texts:
              - { language: en, body: "\(greeting), {owner.name}" }
              - { language: zh, body: "您好，{owner.name}" }
        """
    }

    /// Leads of so many buyers, each with a firm and a phone of their own; they come again under another `again`.
    func buyers(
        _ numbers: some Sequence<Int>, _ house: SalesHouse, _ tenant: TenantID, again: Int = 0, _ n: (Int) -> Int
    ) async throws {
        let firms = ["明远", "华泰", "北辰", "金桥", "锦绣", "长庚", "海纳", "蓝天", "鼎新", "瑞丰"]
        let batch = numbers.map { number in
            let third = number < 100 ? "" : firms[number / 100 % 10]
            let company = "\(firms[number % 10])\(firms[number / 10 % 10])\(third)机械有限公司"
            // Far from all others': one slip would be a likeness.
            let phone = "138\(10_000_000 + 34_567_891 * (number + 1) % 90_000_000)"
            let fields = #"{"n":\#(n(number)),"company":"\#(company)","contact":"张伟","phone":"\#(phone)"}"#
            return house.lead("\(number)/\(again)", fields)
        }
        try await house.leads(batch, of: tenant)
    }

    func house(_ body: (SalesHouse, TenantID) async throws -> Void) async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["ann", "bob", "cyd"] { try await house.seller(name, of: tenant) { $0.capacity = 10_000 } }
            try await house.rule(.map, map, of: tenant)
            try await house.rule(.route, good, of: tenant)
            try await house.workThrough()
            try await body(house, tenant)
        }
    }

    func leads(_ numbers: Range<Int>, _ house: SalesHouse, _ tenant: TenantID) async throws {
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 50) {
            let batch = (start..<min(start + 50, numbers.upperBound)).map { house.lead("\($0)", #"{"n":\#($0 * 37 % 100)}"#) }
            try await house.leads(batch, of: tenant)
        }
    }

    /// FC-06.
    @Test func `a change that fails 92 of 100 leads is taken back by itself and its leads are made whole`() async throws {
        try await house { house, tenant in
            try await leads(0..<1_000, house, tenant)
            try await house.workThrough(workers: 2)
            let version = try await house.draft(.route, bad, of: tenant)
            let rollout = try await house.roll(.route, to: version, percent: 5, of: tenant)

            try await house.working(workers: 2) {
                try await leads(1_000..<1_600, house, tenant)
                try await soon { try await house.count("job_live") == 0 }
            }

            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == .aborted)
            #expect(record.before == RunningRollout.Tally(n: 1_000, failures: 0))
            #expect(record.stages[0].stable.failures == 0)
            #expect((2...4).contains(record.stages[0].canary.n), "\(record.stages[0].canary)")
            #expect(record.endReason?.hasPrefix("technical:") == true)
            // Whoever it failed has an owner now.
            #expect(try await house.count("lead WHERE state <> 'assigned'") == 0)
            #expect(try await house.records.alerts(of: tenant, open: true).items.contains { $0.code == "rollout_aborted" })
            #expect(try await house.records.notifications(of: tenant, to: "role:operator").items.map(\.code) == ["rollout_aborted"])
            #expect(try await abortsByGuards(house) == 1)
            // Tried again, it does not find its own failures in what it is held against.
            let again = try await house.rollout(try await house.roll(.route, to: version, percent: 5, of: tenant), of: tenant)
            #expect(again.before.failures == 0 && again.before.n >= 990, "\(again.before)")
            // Nor does the fuse open for them, however little it takes.
            var alarm = FailureAlarm()
            (alarm.share, alarm.jobs) = (0.000_1, 1)
            #expect(try await house.records.watchAssignments(alarm, now: Date()) == [])
            let kept = try #require(try await house.records.tenant(Slug("acme")!))
            #expect(try await house.records.verifyAudit(of: kept).faults.isEmpty)
            try await house.expectSound()
        }
    }

    @Test(arguments: [false, true])
    func `a change is held against leads, each as the rules decided it last, however often that was`(isMended: Bool) async throws {
        try await house { house, tenant in
            let few = bad.replacing("92", with: "3")
            try await house.rule(.route, few, of: tenant)
            try await house.leads((0..<10).map { house.lead("\($0)", #"{"n":\#($0)}"#) }, of: tenant)
            try await house.workThrough()
            for number in 1...3 {
                try await house.rule(.route, isMended && number == 3 ? good : few.replacing("gone", with: "gone-\(number)"), of: tenant)
                try await house.workThrough()
            }
            #expect(try await house.count("decision_log") == 19)

            let version = try await house.draft(.route, bad, of: tenant)
            let rollout = try await house.rollout(try await house.roll(.route, to: version, percent: 5, of: tenant), of: tenant)

            #expect(rollout.before == RunningRollout.Tally(n: 10, failures: isMended ? 0 : 3))
        }
    }

    @Test func `what a person gave by hand, and what a candidate decided, says nothing of the rules a change is held against`() async throws
    {
        try await house { house, tenant in
            try await house.rule(.route, bad.replacing("92", with: "3"), of: tenant)
            let ids = try await house.leads((0..<10).map { house.lead("\($0)", #"{"n":\#($0)}"#) }, of: tenant)
            try await house.workThrough()
            try await house.give(ids[0], to: "ann", of: tenant, isOverride: true)
            let alike = try await house.draft(.route, bad.replacing("92", with: "2"), of: tenant)
            let first = try await house.roll(.route, to: alike, percent: 100, of: tenant)
            _ = try await house.leads([house.lead("10", #"{"n":99}"#)], of: tenant)
            try await house.workThrough()
            try await house.turn(first, .abort, of: tenant)
            try await house.workThrough()
            try #require(try await house.count("decision_log WHERE body->>'arm' = 'canary'") == 1)

            let rollout = try await house.rollout(try await house.roll(.route, to: alike, percent: 5, of: tenant), of: tenant)

            #expect(rollout.before == RunningRollout.Tally(n: 10, failures: 3))
        }
    }

    @Test func `owners who leave the canary's leads untouched end it, and only the untouched leads move`() async throws {
        try await house { house, tenant in
            // Nobody's turn by the live version, which would otherwise give some of the leads to the same seller: those stay.
            try await house.seller("lazy", of: tenant) { ($0.capacity, $0.weight, $0.team) = (10_000, 0, "slow") }
            let version = try await house.draft(.route, "rules: [{ id: slow, to: { team: slow } }]", of: tenant)
            let rollout = try await house.roll(.route, to: version, percent: 50, terms: RolloutTerms(firstTouchMinutes: 4), of: tenant)
            try await leads(0..<120, house, tenant)
            try await house.workThrough()
            let canary = try await externalIDs("c.arm = 'canary'", house)
            try #require(canary.count > 30)
            // Everybody of the stable arm is called in time, and one of the canary's.
            try await touch(try await externalIDs("c.arm = 'stable'", house) + [canary[0]], house, tenant)

            while try await house.records.judgeRollouts(now: Date().addingTimeInterval(600)) {}

            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == .aborted)
            #expect(record.endReason?.hasPrefix("first_touch:") == true)
            #expect(try await abortsByGuards(house) == 1)
            #expect(record.stages[0].canaryTouches.failures == canary.count - 1)
            #expect(record.stages[0].stableTouches.failures == 0)
            try await house.workThrough()
            // Of the canary's leads only the touched one is where it was.
            #expect(
                try await house.count("assignment a JOIN rollout_case c USING (lead_id, epoch) WHERE c.arm = 'canary' AND a.active") == 1)
            #expect(try await house.count("lead WHERE state <> 'assigned'") == 0)
            let told = try await house.records.notifications(of: tenant, to: "lazy").items
            #expect(told.count == canary.count - 1)
            #expect(told.allSatisfy { $0.code == "lead_taken_back" })
            try await house.expectSound()
        }
    }

    /// B2: a candidate that the tenant's fields no longer let anybody read stopped all of its leads.
    @Test(arguments: [(50.0, RuleKind.route), (0.01, .route), (0, .route), (50, .map)])
    func `a candidate that can no longer be read harms nobody, and is taken back`(percent: Double, kind: RuleKind) async throws {
        try await house { house, tenant in
            let graded =
                "{ sources: ['*'], fields: { n: { from: n, type: number, optional: true }, grade: { from: g, type: text, optional: true } } }"
            let bare = try await house.draft(.map, map.replacing("from: n", with: "from: m"), of: tenant)
            try await house.rule(.map, graded, of: tenant)
            let reading = "rules: [{ id: a, when: { field: grade, equals: a }, to: { team: dissolved } }, { id: all, to: everyone }]"
            let rollout: Int64
            if kind == .route {
                rollout = try await house.roll(.route, to: try await house.draft(.route, reading, of: tenant), percent: percent, of: tenant)
                try await house.makeLive(.map, bare, of: tenant)
            } else {
                rollout = try await house.roll(.map, to: bare, percent: percent, of: tenant)
                try await house.rule(.route, reading, of: tenant)
            }
            try await house.workThrough()

            try await leads(0..<10, house, tenant)
            try await house.workThrough()

            #expect(try await house.outcomes() == ["assigned": 10])
            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == .aborted)
            let word =
                kind == .route
                ? "unreadable: the rules route/main@2 cannot be read" : "unreadable: with it the rules route/main@2 cannot be read"
            #expect(record.endReason?.hasPrefix(word) == true, "\(record.endReason ?? "")")
            // The map that lost the field lost another, too.
            let alerts = try await house.records.alerts(of: tenant, open: true).items.filter { $0.code != "schema_drift" }
            #expect(alerts.map(\.code) == ["rollout_aborted"] && alerts.map(\.count) == [1])
            #expect(try await house.count("rollout_case") == 0)
            #expect(try await abortsByGuards(house) == 1)
            try await house.expectSound()
        }
    }

    @Test func `a change that is taken back moves only the leads that it put elsewhere, and those that followed them`() async throws {
        try await house { house, tenant in
            try await house.rule(.map, mapping, of: tenant)
            let some = """
                rules:
                  - { id: some, when: { field: n, lt: 50 }, to: { seller: dan } }
                  - { id: all, to: everyone, by: round_robin }
                """
            try await house.seller("dan", of: tenant) { ($0.capacity, $0.weight) = (10_000, 0) }
            let rollout = try await house.roll(.route, to: try await house.draft(.route, some, of: tenant), percent: 100, of: tenant)
            try await buyers(0..<20, house, tenant) { $0 * 5 }
            try await house.workThrough()
            // They come again, with what would go to everyone: to who has them.
            try await buyers(0..<20, house, tenant, again: 1) { _ in 99 }
            try await house.workThrough()
            #expect(try await house.count("lead l JOIN seller s ON s.id = l.owner_id WHERE s.external_id = 'dan'") == 20)

            try await house.turn(rollout, .abort, of: tenant)
            try await house.workThrough()

            #expect(try await house.count("lead WHERE assignment_epoch = 1") == 20)
            #expect(try await house.count("lead l JOIN seller s ON s.id = l.owner_id WHERE s.external_id = 'dan'") == 0)
            let told = try await house.records.notifications(of: tenant).items.filter { $0.code == "lead_taken_back" }
            #expect(told.count == 20 && told.allSatisfy { $0.recipient == "dan" })
            let (_, _, differences, takenBack) = try #require(try await house.records.rollout(rollout, of: tenant))
            #expect(takenBack.map { [$0.elsewhere, $0.again, $0.touched, $0.waiting] } == [10, 10, 0, 0])
            #expect(differences.allSatisfy { $0.arm == .canary && $0.decided == "assigned dan" && $0.now.hasPrefix("assigned ") })
            #expect(differences.count == 10 && !differences.contains { $0.now == "assigned dan" }, "where each is now")
            try await house.expectSound()
        }
    }

    @Test func `words and clocks that are taken back take no lead from anybody`() async throws {
        try await house { house, tenant in
            try await house.rule(.clock, clock(4), of: tenant)
            try await house.rule(.message, message("Hello"), of: tenant)
            try await house.workThrough()
            let changes = [
                try await house.roll(.clock, to: try await house.draft(.clock, clock(8), of: tenant), percent: 100, of: tenant),
                try await house.roll(
                    .message, to: try await house.draft(.message, message("Good day"), of: tenant), percent: 100, of: tenant),
            ]
            try await leads(0..<9, house, tenant)
            try await house.workThrough()

            for rollout in changes { try await house.turn(rollout, .abort, of: tenant) }
            try await house.workThrough()

            #expect(try await house.count("rollout_case WHERE arm = 'canary'") == 18)
            #expect(try await house.count("lead WHERE assignment_epoch = 0 AND state = 'assigned'") == 9)
            #expect(try await house.count("notification WHERE code = 'lead_taken_back'") == 0)
            try await house.expectSound()
        }
    }

    @Test func `touches that fall due are judged once, and what nobody touched is never good`() async throws {
        try await house { house, tenant in
            let version = try await house.draft(.route, "rules: [{ id: other, to: everyone, by: fewest_pending }]", of: tenant)
            let rollout = try await house.roll(.route, to: version, percent: 50, of: tenant)
            try await leads(0..<20, house, tenant)
            try await house.workThrough()

            _ = try await house.records.judgeRollouts(now: Date())
            #expect(try await house.rollout(rollout, of: tenant).stages[0].stableTouches.n == 0)
            for _ in 0..<3 { _ = try await house.records.judgeRollouts(now: Date().addingTimeInterval(300)) }

            let stage = try await house.rollout(rollout, of: tenant).stages[0]
            #expect(stage.stableTouches.n + stage.canaryTouches.n == 20)
            #expect(stage.stableTouches.failures + stage.canaryTouches.failures == 20)
        }
    }

    @Test func `a shadow writes nothing but what it would have done`() async throws {
        try await house { house, tenant in
            let version = try await house.draft(.route, "rules: [{ id: pool, to: { pool: nurture } }]", of: tenant)
            let rollout = try await house.roll(.route, to: version, percent: 0, of: tenant)

            try await leads(0..<30, house, tenant)
            try await house.workThrough()

            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == .shadow)
            #expect(record.shadow.leads == 30)
            #expect(record.shadow.different == 30)
            #expect(record.shadow.failures == 0)
            #expect(try await house.outcomes() == ["assigned": 30])
            #expect(try await house.count("exposure") == 0)
            #expect(try await house.count("rollout_difference WHERE otherwise = 'pooled nurture'") == 30)
            #expect(try await house.count("job_history WHERE arm = 'canary'") == 0)
            try await house.expectSound()
        }
    }

    @Test func `score and map rules are rolled out by the same hands as routes`() async throws {
        try await house { house, tenant in
            func card(_ points: Int) -> String {
                let rest = ["budget_clarity", "decision_chain", "urgency", "interaction"].map { "\($0): { cases: [] }" }
                return "dimensions: { industry_match: { cases: [], otherwise: \(points) }, \(rest.joined(separator: ", ")) }"
            }
            try await house.rule(.score, card(5), of: tenant)
            try await house.workThrough()
            let score = try await house.roll(.score, to: try await house.draft(.score, card(20), of: tenant), percent: 50, of: tenant)
            // Under the other map every lead's number is unknown, which its optional field allows.
            let other = "{ sources: ['*'], fields: { n: { from: m, type: number, optional: true } } }"
            let mapping = try await house.roll(.map, to: try await house.draft(.map, other, of: tenant), percent: 50, of: tenant)

            try await leads(0..<60, house, tenant)
            try await house.workThrough()

            for id in [score, mapping] {
                let stage = try await house.rollout(id, of: tenant).stages[0]
                #expect(stage.stable.n + stage.canary.n == 60)
                #expect(stage.canary.n > 10 && stage.stable.n > 10)
            }
            let wrong = """
                exposure e JOIN rollout_case c ON c.rollout_id = e.rollout_id AND e.customer = 'c' || c.lead_id JOIN lead l ON l.id = c.lead_id
                WHERE e.rollout_id = \(score) AND l.score <> CASE e.arm WHEN 'canary' THEN 20 ELSE 5 END
                """
            #expect(try await house.count(wrong) == 0)
            try await house.turn(score, .promote, of: tenant)
            try await leads(60..<80, house, tenant)
            try await house.workThrough()
            #expect(try await house.count("lead WHERE score = 20 AND external_id::integer >= 60") == 20)
            #expect(try await house.records.notifications(of: tenant, to: "role:seller").items.map(\.code) == ["rules_changed"])
        }
    }

    @Test func `clock and message rules are rolled out by the same hands, and say what an owner owes and is told`() async throws {
        try await house { house, tenant in
            try await house.rule(.clock, clock(4), of: tenant)
            try await house.rule(.message, message("Hello"), of: tenant)
            try await house.workThrough()
            let clocks = try await house.roll(.clock, to: try await house.draft(.clock, clock(8), of: tenant), percent: 50, of: tenant)
            let words = try await house.roll(
                .message, to: try await house.draft(.message, message("Good day"), of: tenant), percent: 50, of: tenant)

            try await leads(0..<40, house, tenant)
            try await house.workThrough()

            func arms(_ rollout: Int64, _ arm: String) -> String {
                "rollout_case c JOIN lead l ON l.id = c.lead_id JOIN decision_log d ON d.lead_id = l.id WHERE c.rollout_id = \(rollout) AND c.arm = '\(arm)'"
            }
            let due = "(d.body->'clocks'->0->>'due_at')::timestamptz - l.received_at"
            let (stable, canary) = (try await house.count(arms(clocks, "stable")), try await house.count(arms(clocks, "canary")))
            #expect(stable + canary == 40 && stable > 5 && canary > 5)
            #expect(
                try await house.count(
                    arms(clocks, "stable") + " AND \(due) BETWEEN interval '3:59' MINUTE TO SECOND AND interval '4:01' MINUTE TO SECOND")
                    == stable)
            #expect(
                try await house.count(
                    arms(clocks, "canary") + " AND \(due) BETWEEN interval '7:59' MINUTE TO SECOND AND interval '8:01' MINUTE TO SECOND")
                    == canary)
            let told = "notification n WHERE n.code = 'new_lead' AND n.subject IN (SELECT l.id::text FROM \(arms(words, "canary")))"
            #expect(try await house.count(told) == house.count(arms(words, "canary")))
            #expect(
                try await house.count(told + " AND n.text_en = 'Good day, ' || n.recipient AND n.text_zh = '您好，' || n.recipient")
                    == house.count(told))
            #expect(try await house.count("notification WHERE code = 'new_lead'") == 40)
        }
    }

    @Test func `a shadow and a replay of clocks and words say what they would have changed`() async throws {
        try await house { house, tenant in
            try await house.rule(.clock, clock(4), of: tenant)
            try await house.rule(.message, message("Hello"), of: tenant)
            try await house.workThrough()
            let clocks = try await house.draft(.clock, clock(8), of: tenant)
            let words = try await house.draft(.message, message("Good day"), of: tenant)
            let shadows = [
                try await house.roll(.clock, to: clocks, percent: 0, of: tenant),
                try await house.roll(.message, to: words, percent: 0, of: tenant),
            ]
            try await leads(0..<10, house, tenant)
            try await house.workThrough()

            for rollout in shadows { #expect(try await house.rollout(rollout, of: tenant).shadow.different == 10) }
            func differences(_ rollout: Int64, _ own: String, _ other: String) async throws -> Int {
                try await house.count(
                    "rollout_difference WHERE rollout_id = \(rollout) AND decided LIKE 'assigned%\(own)%' AND otherwise LIKE 'assigned%\(other)%'"
                )
            }
            #expect(try await differences(shadows[0], "first_touch.reminder due in", "first_touch.reminder due in") == 10)
            #expect(try await differences(shadows[1], "told “Hello, ", "told “Good day, ") == 10)

            for (kind, version) in [(RuleKind.clock, clocks), (.message, words)] {
                let id = try await house.round(version, kind: kind, of: tenant)
                try await house.workThrough()
                let round = try #require(try await house.records.round(id, of: tenant))
                #expect(round.state == .passed && round.differing == 10)
                let result = String(decoding: round.result?.bytes ?? [], as: UTF8.self)
                #expect(result.replacing(" ", with: "").contains(#""followed_otherwise":10"#))
                let found = try await house.records.differences(of: round, of: tenant, limit: 20).items
                #expect(
                    found.count == 10
                        && found.allSatisfy { $0.live.seller == $0.candidate.seller && $0.live.follows != $0.candidate.follows })
            }
        }
    }

    /// As the audit log has them.
    func abortsByGuards(_ house: SalesHouse) async throws -> Int {
        try await house.count(
            """
            audit_log a JOIN rollout r ON r.tenant_id = a.tenant_id AND a.subject = r.kind || '/' || r.name || '@' || r.version
            WHERE a.action = 'rollout.abort' AND a.actor = 'guards' AND a.reason = r.end_reason AND a.after->>'state' = 'aborted'
            """)
    }

    func externalIDs(_ condition: String, _ house: SalesHouse) async throws -> [String] {
        try await house.rows("SELECT l.external_id FROM rollout_case c JOIN lead l ON l.id = c.lead_id WHERE \(condition) ORDER BY l.id")
            .map {
                try $0.get("external_id")
            }
    }

    func touch(_ leads: [String], _ house: SalesHouse, _ tenant: TenantID) async throws {
        let touches = leads.map { NewActivity(subjectType: .lead, subject: $0, type: NewActivity.touch, at: Date()) }
        _ = try await house.records.record(touches, of: tenant, key: nil) { _ in StoredAnswer(status: 201, body: []) }
    }
}
