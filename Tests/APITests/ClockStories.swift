import Calendars
import Foundation
import JobKinds
import Jobs
import Ledger
import Records
import SalesModel
import Tenancy
import Testing

@Suite struct ClockStories {
    private static let everyone = "rules: [{ id: everyone, to: everyone, by: round_robin }]"

    private static func clocks(_ levels: String, more: String = "") -> String {
        """
        clocks:
          - id: first
            subject: lead
            starts: { on: created }
            stops: { on: [touch, visit] }
            levels: [\(levels)]
        \(more)
        """
    }

    private static let ladder = clocks(
        """
        { id: a, after: 4m, to: owner, channels: [work_app, sms] }, { id: b, after: 8m, to: manager, do: transfer_to_manager },
        { id: c, after: 24h, to: customer_service, do: sync_customer_service }
        """)

    /// anna's team is north, whose manager is wang, a seller who takes no leads by himself.
    private func tenant(_ house: SalesHouse, clocks: String = ladder) async throws -> TenantID {
        let tenant = try await house.tenant()
        try await house.seller("anna", of: tenant) { $0.team = "north" }
        try await house.seller("wang", of: tenant) { $0.weight = 0 }
        _ = try await house.records.putTeam("north", TeamProfile(name: "North", manager: "wang"), of: tenant, by: "test")
        try await house.rule(.route, Self.everyone, of: tenant)
        try await house.rule(.clock, clocks, of: tenant)
        return tenant
    }

    private func lead(_ name: String, minutesOld minutes: Double) -> NewLead {
        NewLead(source: "website", externalID: name, receivedAt: Date().addingTimeInterval(-minutes * 60), fields: Array("{}".utf8))
    }

    private func touch(_ lead: String, at: Date = Date()) -> NewActivity {
        NewActivity(subjectType: .lead, subject: lead, type: "touch", at: at)
    }

    private func record(_ activity: NewActivity, _ house: SalesHouse, of tenant: TenantID) async throws {
        _ = try await house.records.record([activity], of: tenant, key: nil) { _ in StoredAnswer(status: 201, body: []) }
    }

    private func told(_ house: SalesHouse, of tenant: TenantID) async throws -> [String] {
        try await house.records.notifications(of: tenant).items.filter { $0.code.contains(".") }.map { "\($0.code) \($0.recipient)" }
            .reversed()
    }

    /// As if this service had been down since leads came, and not as if they were imported now.
    private func knownSinceTheyCame(_ house: SalesHouse) async throws {
        _ = try await house.rows("UPDATE lead SET created_at = received_at")
    }

    /// Has the leads that wait decided on, and nobody look at their clocks.
    private func assign(_ house: SalesHouse) async throws {
        let attempts = try await house.begin()
        _ = try await house.ledger.settle(try await house.decide(attempts))
        try await house.acknowledge(attempts)
    }

    /// Until every timer's next look is well ahead.
    private func settled(_ house: SalesHouse) async throws {
        try await soon {
            // Jobs first: what ends in between leaves its subject behind.
            let running = try await house.count("job_live WHERE run_at < now() + interval '30 seconds'")
            let asked = try await house.count("clock_rearm")
            let waiting = try await house.count("clock_subject WHERE next_at < now() + interval '30 seconds'")
            return running + asked + waiting == 0
        }
    }

    @Test func `four minutes without a touch and its owner hears of it, once`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            let id = try await house.leads([lead("1", minutesOld: 5)], of: tenant)[0]

            try await house.working { try await settled(house) }

            #expect(try await told(house, of: tenant) == ["first.a anna"])
            let escalations = try await house.records.escalations(of: tenant).items
            #expect(escalations.map(\.level) == ["a"])
            #expect(escalations.map(\.told) == [.told])
            #expect(escalations[0].lateBy >= 60 && escalations[0].lateBy < 120)
            #expect(escalations[0].recipients == ["anna"])
            #expect(try await house.records.lead(id, of: tenant)?.owner == "anna")
            let next = try await house.rows("SELECT extract(epoch FROM next_at - now())::float8 AS wait FROM clock_subject")
            let wait = try #require(next.first).get("wait", as: Double.self)
            #expect(wait > 60 && wait < 180)
            try await house.expectSound()
        }
    }

    @Test func `eight minutes without a touch and the manager has it`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            let id = try await house.leads([lead("1", minutesOld: 9)], of: tenant)[0]

            try await house.working { try await settled(house) }

            #expect(try await told(house, of: tenant) == ["first.b wang"])
            #expect(try await house.records.escalations(of: tenant).items.map(\.level).sorted() == ["a", "b"])
            let moved = try #require(try await house.records.lead(id, of: tenant))
            #expect(moved.owner == "wang")
            #expect(moved.epoch == 1)
            #expect(moved.reasons(in: .english) == ["Nobody touched it in time (first, late by 1 min): it goes to the manager."])
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 0)
            #expect(try await house.records.seller("wang", of: tenant)?.pending == 1)
            let line = try await house.records.responseBoard("first", of: tenant).lines.map { [$0.owner, "\($0.late) \($0.lateBefore)"] }
            #expect(line == [["wang", "1 1"]], "it was late before it came to the manager")
            let listed = try #require(try await house.records.leads(LeadSearch(), of: tenant, limit: 1).items.first?.clocks)
            #expect(String(decoding: listed.bytes, as: UTF8.self).contains("late_by"), "though the newest decision set no clock")
            try await house.expectSound()
            // The past with it in is whole: nobody has to decide it again.
            try await house.leads([lead("2", minutesOld: 0)], of: tenant)
            try await assign(house)
            let replayed = try await house.replay(tenant)
            #expect(replayed.summary.reproduced == 2)
            #expect(replayed.verdict.isPassed, "\(replayed.verdict.findings)")
        }
    }

    @Test func `a manager who is frozen hears of it and is given nothing`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            let wish = FreezeWish(seller: "wang", isFrozen: true, by: nil, reason: "away", needsManager: false)
            _ = try await house.records.setFreeze(wish, of: tenant, by: "key:1", key: nil) { _ in StoredAnswer(status: 200, body: []) }
            let id = try await house.leads([lead("1", minutesOld: 9)], of: tenant)[0]

            try await house.working { try await settled(house) }

            #expect(try await told(house, of: tenant) == ["first.b wang"])
            #expect(try await house.records.lead(id, of: tenant)?.owner == "anna")
            #expect(try await house.records.seller("wang", of: tenant)?.pending == 0)
            try await house.expectSound()
        }
    }

    @Test func `a transfer that moves nobody is none, to the board as to the escalation`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            // Nobody is above bert.
            try await house.seller("bert", of: tenant)
            try await house.rule(
                .route,
                "rules: [{ id: hers, when: { field: source, equals: hers }, to: { sellers: [anna] } }, { id: his, to: { sellers: [bert] } }]",
                of: tenant)
            var his = lead("2", minutesOld: 9)
            his.source = "his"
            var hers = lead("1", minutesOld: 9)
            hers.source = "hers"
            let ids = try await house.leads([hers, his], of: tenant)

            try await house.working { try await settled(house) }

            #expect(try await house.records.lead(ids[0], of: tenant)?.owner == "wang")
            #expect(try await house.records.lead(ids[1], of: tenant)?.owner == "bert")
            let transfers = try await house.records.escalations(of: tenant).items.filter { $0.level == "b" }
            #expect(Dictionary(uniqueKeysWithValues: transfers.map { ($0.subject.id, $0.acted) }) == [ids[0]: true, ids[1]: false])
            let board = try await house.records.responseBoard("first", of: tenant)
            #expect(board.reasons.map(\.reason) == ["transferred"] && board.reasons.map(\.count) == [1])
            #expect(board.unspecified == 1)
            try await house.expectSound()
        }
    }

    @Test func `a lead that is late stands in the month it came, whenever its clock began`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house, clocks: Self.clocks("{ id: a, after: 4m, to: owner }"))
            try await house.leads([lead("1", minutesOld: 60 * 24 * 45)], of: tenant)
            try await knownSinceTheyCame(house)
            try await house.working { try await settled(house) }
            // What marketing completed later began its clock then.
            try await house.asOwner("UPDATE escalation SET started_at = now()")
            func map(_ daysAgo: Double) async throws -> ResponseHeatMap {
                let month = Date().addingTimeInterval(-daysAgo * 86_400).ISO8601Format(.iso8601.year().month())
                return try await house.records.responseHeatMap("first", month: month, zone: "UTC", of: tenant)
            }

            let (came, began) = try await (map(45), map(0))

            #expect(came.cells.map(\.late) == [1] && came.unspecified == 1)
            #expect(began.cells.isEmpty && began.unspecified == 0)
        }
    }

    @Test func `a month of the heat-map is the tenant's own, from its first midnight to the next`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let moments = ["2026-02-28 15:59:59Z", "2026-02-28 16:00Z", "2026-03-31 15:59:59Z", "2026-03-31 16:00Z"]
            try await house.leads(moments.indices.map { house.lead("\($0)") }, of: tenant)
            for (id, moment) in moments.enumerated() {
                try await house.asOwner("UPDATE lead SET received_at = '\(moment)' WHERE external_id = '\(id)'")
            }

            let map = try await house.records.responseHeatMap("first", month: "2026-03", zone: "Asia/Shanghai", of: tenant)

            // A Sunday's first quarter, and a Tuesday's last.
            #expect(map.cells.map { [$0.weekday, $0.minute, $0.leads] } == [[2, 1_425, 1], [7, 0, 1]])
        }
    }

    @Test func `clocks whose rules cannot be read any more wait, are alarmed, and go on when they can`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(.route, Self.everyone, of: tenant)
            try await house.rule(.map, "{ sources: ['*'], fields: { note: { from: n, type: text, optional: true } } }", of: tenant)
            try await house.rule(.map, "{ sources: ['*'], fields: { grade: { from: g, type: text, optional: true } } }", of: tenant)
            try await house.rule(
                .clock, Self.clocks("{ id: a, after: 4m, to: owner }", more: "    when: { field: grade, empty: true }"), of: tenant)
            try await house.leads([lead("1", minutesOld: 3)], of: tenant)
            try await house.workThrough()

            try await house.makeLive(.map, 1, of: tenant)
            try await house.working {
                try await soon { try await house.count("alert WHERE code = 'rules_unreadable' AND subject = 'clock/main@1'") == 1 }
                try await settled(house)
            }
            #expect(try await house.count("escalation") == 0)
            #expect(try await house.count("clock_subject WHERE next_at > now()") == 1)

            try await house.makeLive(.map, 2, of: tenant)
            _ = try await house.rows("UPDATE lead SET received_at = received_at - interval '2 minutes'")
            try await house.working { try await settled(house) }

            #expect(try await told(house, of: tenant) == ["first.a anna"])
            #expect(try await house.records.alerts(of: tenant, open: true).items.isEmpty)
        }
    }

    // MARK: Changes that are rolled out

    private static let words =
        "messages: [{ id: late, subject: lead, texts: [{ language: en, body: \"WORD, {recipient}\" }, { language: zh, body: \"WORD\" }] }]"

    private func ladder(_ minutes: Int) -> String { Self.clocks("{ id: a, after: \(minutes)m, to: owner, message: late }") }

    /// A tenant whose leads are late after so many minutes, by its live rules.
    private func tenant(_ house: SalesHouse, lateAfter minutes: Int) async throws -> TenantID {
        let tenant = try await house.tenant()
        try await house.seller("anna", of: tenant) { $0.capacity = 1_000 }
        try await house.rule(.route, Self.everyone, of: tenant)
        try await house.rule(.message, Self.words.replacing("WORD", with: "Hurry"), of: tenant)
        try await house.rule(.clock, ladder(minutes), of: tenant)
        try await house.workThrough()
        return tenant
    }

    private func fired(_ rollout: Int64, _ arm: String, _ house: SalesHouse) async throws -> Int {
        try await house.count(
            "escalation e JOIN rollout_case c ON c.lead_id = e.subject_id WHERE c.rollout_id = \(rollout) AND c.arm = '\(arm)' AND e.told = 'told'"
        )
    }

    @Test(arguments: [(4, 8), (8, 4)])
    func `a lead is late by the clocks of its customer's arm, and by the live ones once the change is taken back`(
        live: Int, candidate: Int
    ) async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house, lateAfter: live)
            let rollout = try await house.roll(
                .clock, to: try await house.draft(.clock, ladder(candidate), of: tenant), percent: 50, of: tenant)
            try await house.leads((0..<30).map { lead("\($0)", minutesOld: 5) }, of: tenant)
            try await house.working { try await settled(house) }

            let counts = try await (
                stable: house.count("rollout_case WHERE arm = 'stable'"), canary: house.count("rollout_case WHERE arm = 'canary'")
            )
            #expect(counts.stable + counts.canary == 30 && counts.stable > 5 && counts.canary > 5)
            #expect(try await fired(rollout, "stable", house) == (live == 4 ? counts.stable : 0))
            #expect(try await fired(rollout, "canary", house) == (candidate == 4 ? counts.canary : 0))

            try await house.turn(rollout, .abort, of: tenant)
            try await house.working { try await settled(house) }

            #expect(try await fired(rollout, "stable", house) == (live == 4 ? counts.stable : 0))
            #expect(try await fired(rollout, "canary", house) == counts.canary, "by the live clocks, or it was told before")
            #expect(try await house.count("clock_subject WHERE clocks @> '[{\"clock\": \"first\"}]'") == 30)
            #expect(try await house.count("notification WHERE code = 'lead_taken_back'") == 0)
            try await house.expectSound()
        }
    }

    @Test func `a clock change that goes to everybody has everybody's clocks looked at by it`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house, lateAfter: 8)
            let rollout = try await house.roll(.clock, to: try await house.draft(.clock, ladder(4), of: tenant), percent: 0.01, of: tenant)
            try await house.leads((0..<10).map { lead("\($0)", minutesOld: 5) }, of: tenant)
            try await house.working { try await settled(house) }
            #expect(try await house.count("escalation") == (try await house.count("rollout_case WHERE arm = 'canary'")))

            try await house.turn(rollout, .promote, of: tenant)
            try await house.working { try await settled(house) }

            #expect(try await house.count("escalation WHERE told = 'told'") == 10)
        }
    }

    @Test func `what is told of a missed level is said in the words of the lead's arm`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house, lateAfter: 4)
            let version = try await house.draft(.message, Self.words.replacing("WORD", with: "Please call"), of: tenant)
            let rollout = try await house.roll(.message, to: version, percent: 50, of: tenant)
            try await house.leads((0..<30).map { lead("\($0)", minutesOld: 5) }, of: tenant)
            try await house.working { try await settled(house) }

            func said(_ arm: String, _ words: String) async throws -> Int {
                try await house.count(
                    """
                    notification n JOIN rollout_case c ON n.subject = 'lead/' || c.lead_id
                    WHERE n.code = 'first.a' AND c.arm = '\(arm)' AND n.text_en = '\(words), anna'
                    """)
            }
            #expect(try await said("stable", "Hurry") == house.count("rollout_case WHERE arm = 'stable'"))
            #expect(try await said("canary", "Please call") == house.count("rollout_case WHERE arm = 'canary'"))
            #expect(try await house.count("rollout_case WHERE arm = 'canary'") > 5)

            try await house.turn(rollout, .abort, of: tenant)
            try await house.leads((30..<40).map { lead("\($0)", minutesOld: 5) }, of: tenant)
            try await house.working { try await settled(house) }
            #expect(
                try await house.count("notification WHERE code = 'first.a' AND text_en = 'Hurry, anna'")
                    == (try await said("stable", "Hurry")) + 10)
        }
    }

    @Test func `nothing is told by a clock or in words that were taken back while somebody looked`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house, lateAfter: 8)
            let changes = [
                try await house.roll(.clock, to: try await house.draft(.clock, ladder(4), of: tenant), percent: 100, of: tenant),
                try await house.roll(
                    .message, to: try await house.draft(.message, Self.words.replacing("WORD", with: "x"), of: tenant), percent: 100,
                    of: tenant),
            ]
            try await house.leads([lead("1", minutesOld: 5)], of: tenant)
            try await assign(house)
            while try await house.records.promoteClocks(now: Date()) {}
            let attempts = try await house.begin(of: "escalate_overdue")
            for (place, rollout) in changes.enumerated() {
                // What was stale is decided again under the same attempt.
                let settlements = try await house.decide(attempts, of: "escalate_overdue")
                #expect(settlements.count == 1 && settlements.flatMap(\.outcome.effects).count == 1)

                try await house.turn(rollout, .abort, of: tenant)
                #expect(try await house.ledger.settle(settlements).stale == attempts.map(\.id), "\(place)")
            }

            #expect(try await house.count("escalation") == 0)
        }
    }

    @Test func `who touches in time hears nothing`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            try await house.leads([lead("1", minutesOld: 3.9)], of: tenant)

            try await house.working {
                try await soon { try await house.count("assignment") == 1 }
                try await record(touch("1"), house, of: tenant)
                try await soon { try await house.count("clock_subject WHERE next_at IS NULL") == 1 }
            }

            #expect(try await told(house, of: tenant) == [])
            #expect(try await house.count("escalation") == 0)
            #expect(try await house.count("clock_subject WHERE clocks @> '[{\"clock\": \"first\", \"state\": \"met\"}]'") == 1)
        }
    }

    @Test func `after an outage each lead is told of once, by its highest level`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            try await house.leads((0..<8).map { lead("\($0)", minutesOld: 60 * 30) }, of: tenant)
            try await knownSinceTheyCame(house)

            try await house.working(workers: 2) { try await settled(house) }
            // Everything is looked at once more.
            _ = try await house.rows("UPDATE clock_subject SET next_at = now(), job_id = NULL, fence = fence + 1")
            try await house.working { try await soon { try await house.count("clock_subject WHERE next_at IS NULL") == 8 } }

            #expect(try await house.count("escalation") == 24)
            #expect(try await told(house, of: tenant) == Array(repeating: "first.c role:tenant_admin", count: 8))
            #expect(try await house.count("escalation WHERE told = 'told' AND level = 'c'") == 8)
            #expect(try await house.count("lead l JOIN seller s ON s.id = l.owner_id WHERE s.external_id = 'wang'") == 8)
            try await house.expectSound()
        }
    }

    @Test func `leads of a year ago that are imported flood nobody and stay with whom the rules gave them to`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            try await house.seller("anna", of: tenant) { profile in
                profile.team = "north"
                profile.capacity = 100
            }
            try await house.leads((0..<20).map { lead("\($0)", minutesOld: 60 * 24 * 365) } + [lead("new", minutesOld: 5)], of: tenant)

            try await house.working(workers: 2) { try await settled(house) }

            #expect(try await told(house, of: tenant) == ["first.a anna"])
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 21)
            #expect(try await house.records.seller("wang", of: tenant)?.pending == 0)
            #expect(try await house.count("escalation WHERE history AND NOT acted AND told = 'untold'") == 60)
            let board = try await house.records.responseBoard("first", of: tenant)
            #expect(board.lines.map(\.late) == [1])
            #expect(board.history == 20)
            #expect(try await house.count("clock_subject WHERE clocks @? '$[*].levels[*] ? (@.history == true)'") == 20)
            let month = Date().addingTimeInterval(-365 * 86_400).ISO8601Format(.iso8601.year().month())
            let map = try await house.records.responseHeatMap("first", month: month, zone: "UTC", of: tenant)
            #expect(map.cells.isEmpty && map.history == 20)
            #expect(try await house.records.sellerLoad("anna", of: tenant)?.overdue == 1)
            try await house.expectSound()
        }
    }

    @Test(arguments: [5.0, 9]) func `a touch that comes between the look and its end wins`(minutes: Double) async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            try await house.leads([lead("1", minutesOld: minutes)], of: tenant)
            try await assign(house)
            // The rules that went live have everything looked at again first.
            while try await house.records.promoteClocks(now: Date()) {}
            let attempts = try await house.begin(of: "escalate_overdue")
            let settlements = try await house.decide(attempts, of: "escalate_overdue")
            #expect(settlements.flatMap(\.outcome.effects).count == 1)

            try await record(touch("1"), house, of: tenant)
            let settled = try await house.ledger.settle(settlements)

            #expect(settled.stale == attempts.map(\.id))
            #expect(try await house.count("escalation") == 0)
            #expect(try await house.count("assignment") == 1)
        }
    }

    @Test func `touches and escalations at the same instant never both have a lead`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(
                house, clocks: Self.clocks("{ id: b, after: 3s, to: manager, do: transfer_to_manager }"))
            let count = 60
            try await house.seller("anna", of: tenant) { profile in
                profile.team = "north"
                profile.capacity = 1_000
            }
            let start = Date()
            try await house.leads(
                (0..<count).map { NewLead(source: "website", externalID: "\($0)", receivedAt: start, fields: Array("{}".utf8)) }, of: tenant
            )

            try await house.working(workers: 2) {
                try await soon { try await house.count("assignment") == count }
                try await withThrowingTaskGroup { group in
                    for number in 0..<count {
                        // Spread over the tenth of a second around the tick, by the lead's number.
                        let at = start.addingTimeInterval(2.95 + 0.1 * Double(number) / Double(count))
                        group.addTask {
                            try await Task.sleep(until: .now + .seconds(at.timeIntervalSinceNow))
                            try await record(touch("\(number)"), house, of: tenant)
                        }
                    }
                    try await group.waitForAll()
                }
                try await settled(house)
            }

            // A touch marks the assignment that is active: one that was touched is never taken away.
            #expect(try await house.count("assignment WHERE NOT active AND touched_at IS NOT NULL") == 0)
            let transfers = try await house.count("assignment WHERE epoch = 1")
            #expect(try await house.count("escalation WHERE acted") == transfers)
            #expect(try await told(house, of: tenant).count == transfers)
            #expect(try await house.count("assignment WHERE active AND touched_at IS NOT NULL") == count)
            try await house.expectSound()
        }
    }

    @Test func `a lead nobody touches goes to whom the rules name next`() async throws {
        try await SalesHouse.with { house in
            let recycling = Self.clocks(
                "{ id: c, after: 24h, to: owner }",
                more: """
                      - { id: untouched, subject: lead, starts: { on: assigned, which: latest }, stops: { on: touch },
                          levels: [{ id: recycle, after: 1s, to: manager, do: recycle }] }
                    """)
            let tenant = try await tenant(house, clocks: recycling)
            try await house.seller("bert", of: tenant)
            try await house.leads([lead("1", minutesOld: 0)], of: tenant)

            try await house.working {
                try await soon { try await house.count("assignment") >= 2 }
                // A touch while it is on its way to the next is nobody's: the one after that counts.
                try await soon {
                    if try await house.count("lead WHERE state = 'assigned' AND touched_at IS NULL") == 1 {
                        try await record(touch("1"), house, of: tenant)
                    }
                    return try await house.count("clock_subject WHERE next_at IS NULL") == 1
                }
            }

            #expect(try await house.count("escalation WHERE clock = 'untouched' AND acted") == house.count("assignment WHERE NOT active"))
            #expect(try await house.count("job_history h JOIN job j USING (id) WHERE j.args->>'trigger' = 'recycled'") >= 1)
            try await house.expectSound()
        }
    }

    @Test func `a clock that reads what nobody mapped is alarmed, and the others go on`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(
                house,
                clocks: Self.clocks(
                    "{ id: a, after: 4m, to: owner }",
                    more: """
                          - { id: source, subject: lead, starts: { on: created }, budget: { by: source_channel, classes: { live_stream: 2h }, otherwise: none },
                              levels: [{ at: 100%, to: manager, do: record_breach }] }
                        """))
            try await house.leads([lead("1", minutesOld: 5)], of: tenant)

            try await house.working { try await settled(house) }

            #expect(try await told(house, of: tenant) == ["first.a anna"])
            let alerts = try await house.records.alerts(of: tenant, open: true).items.filter { $0.code == "clock_unreadable" }
            #expect(alerts.map(\.subject) == ["source/source_channel"])
        }
    }

    @Test func `a lead that was held and then given as it was alarms nobody that a clock lacks its grade`() async throws {
        try await SalesHouse.with { house in
            let clock = """
                  - { id: grade, subject: lead, starts: { on: created }, budget: { by: intent, classes: { high: 2h }, otherwise: none },
                      levels: [{ at: 100%, to: manager, do: record_breach }] }
                """
            let tenant = try await tenant(house, clocks: Self.clocks("{ id: a, after: 4m, to: owner }", more: clock))
            let parts = ["industry_match", "budget_clarity", "decision_chain", "urgency", "interaction"]
            let card = parts.map { "\($0): { cases: [], otherwise: 20 }" }.joined(separator: ", ")
            try await house.rule(.score, "dimensions: { \(card) }", of: tenant)
            try await house.rule(.map, "{ sources: ['*'], fields: { n: { from: n, type: number } } }", of: tenant)
            let ids = try await house.leads([house.lead("1", #"{"n":"x"}"#)], of: tenant)
            try await house.workThrough()
            #expect(try await house.count("lead WHERE state = 'held'") == 1)

            try await house.give(ids[0], to: "anna", of: tenant, isOverride: true)
            try await house.working { try await soon { try await house.count("clock_subject WHERE clocks IS NOT NULL") == 1 } }

            #expect(try await house.records.alerts(of: tenant, open: true).items.filter { $0.code == "clock_unreadable" } == [])
        }
    }

    @Test func `of a lead that is held nobody hears besides that a clock lacks its field`() async throws {
        try await SalesHouse.with { house in
            let clock = """
                  - { id: source, subject: lead, starts: { on: created }, budget: { by: source_channel, classes: { live_stream: 2h }, otherwise: none },
                      levels: [{ at: 100%, to: manager, do: record_breach }] }
                """
            let tenant = try await tenant(house, clocks: Self.clocks("{ id: a, after: 4m, to: owner }", more: clock))
            try await house.leads([lead("1", minutesOld: 5)], of: tenant)
            try await assign(house)
            _ = try await house.rows("UPDATE lead SET state = 'held', held_reason = 'held_mapping_error' RETURNING id")

            try await house.working { try await settled(house) }

            #expect(try await house.count("escalation") > 0, "its clocks were looked at")
            #expect(try await house.records.alerts(of: tenant, open: true).items.filter { $0.code == "clock_unreadable" } == [])
        }
    }

    @Test func `better news of a lead moves its deadline from its creation on`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(
                house,
                clocks: """
                    clocks:
                      - { id: source, subject: lead, starts: { on: created }, stops: { on: touch },
                          budget: { by: source_channel, classes: { live_stream: 2h }, otherwise: 24h }, levels: [{ id: breach, at: 100%, to: manager, do: record_breach }] }
                    """)
            try await house.rule(.map, "sources: [\"*\"]\nfields: { source_channel: { from: channel } }", of: tenant)
            func told(_ channel: String) -> NewLead {
                var lead = lead("1", minutesOld: 180)
                lead.receivedAt = start
                lead.fields = .init(Array(#"{"channel":"\#(channel)"}"#.utf8))
                return lead
            }
            let start = Date().addingTimeInterval(-180 * 60)
            try await house.leads([told("website")], of: tenant)
            try await knownSinceTheyCame(house)
            try await house.working { try await settled(house) }
            #expect(try await house.count("escalation") == 0)

            try await house.leads([told("live_stream")], of: tenant)
            try await house.working { try await soon { try await house.count("escalation") == 1 } }

            let escalation = try #require(try await house.records.escalations(of: tenant).items.first)
            #expect(abs(escalation.dueAt.timeIntervalSince(start) - 7_200) < 0.01)
            #expect(escalation.recipients == ["wang"])
        }
    }

    @Test func `a customer without three full follow-ups is shown to the manager with what is missing`() async throws {
        try await SalesHouse.with { house in
            let golden = """
                clocks:
                  - id: golden
                    subject: customer
                    starts: { on: created }
                    stops: { when: { count: { type: follow_up, from: start, within: 15s, where: { all: [
                      { field: pain, filled: true }, { field: our_action, filled: true }] } }, gte: 3 } }
                    levels: [{ id: card, after: 15s, to: manager, message: card }]
                """
            let tenant = try await tenant(house, clocks: golden)
            try await house.rule(
                .message,
                """
                messages:
                  - id: card
                    subject: customer
                    texts:
                      - { language: en, body: "{count|0} full, missing {missing|nothing}. Last: {summary|none}." }
                      - { language: zh, body: "有效 {count|0} 条，缺 {missing|无}。最近：{summary|无}。" }
                """, of: tenant)
            try await house.leads([lead("bad", minutesOld: 0), lead("good", minutesOld: 0)], of: tenant)

            func follow(_ lead: String, _ pain: String) -> NewActivity {
                NewActivity(
                    subjectType: .lead, subject: lead, type: "follow_up", at: Date(),
                    data: Array(#"{"pain":"\#(pain)","our_action":"寄样品"}"#.utf8))
            }
            try await house.working {
                try await soon { try await house.count("assignment") == 2 }
                for pain in ["交期", "价格", "能耗"] { try await record(follow("good", pain), house, of: tenant) }
                for pain in ["交期", "价格", "已联系"] { try await record(follow("bad", pain), house, of: tenant) }
                try await soon { try await house.count("clock_subject WHERE subject_type = 'customer' AND next_at IS NULL") == 2 }
            }

            let cards = try await house.records.notifications(of: tenant, to: "wang").items
            #expect(cards.map(\.code) == ["golden.card"])
            #expect(cards.first?.english.hasPrefix("2 full, missing customer's pain. Last: ") == true)
            #expect(cards.first?.chinese.contains("缺 客户当前痛点") == true)
            #expect(try await house.count("escalation") == 1)
        }
    }

    @Test func `a clock that goes by working time follows the calendar when it changes`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(
                house,
                clocks:
                    "clocks: [{ id: first, subject: lead, calendar: working, starts: { on: created }, stops: { on: touch }, levels: [{ id: a, after: 4m, to: owner }] }]"
            )
            try await house.leads([lead("1", minutesOld: 0)], of: tenant)
            func due() async throws -> Double {
                let row = try await house.rows(
                    "SELECT extract(epoch FROM next_at - (SELECT received_at FROM lead))::float8 AS s FROM clock_subject"
                ).first
                return try row?.get("s", as: Double?.self) ?? 0
            }
            try await house.working { try await settled(house) }
            #expect(abs(try await due() - 240) < 0.01)

            // Nobody works for three days.
            let day = Date().ISO8601Format(.iso8601.year().month().day())
            let later = Date().addingTimeInterval(3 * 86_400).ISO8601Format(.iso8601.year().month().day())
            let whole = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map { #""\#($0)":["00:00-24:00"]"# }.joined(separator: ",")
            let calendar = #"{"time_zone":"UTC","week":{\#(whole)},"days":[{"from":"\#(day)","to":"\#(later)"}]}"#
            _ = try await house.records.putCalendar(.tenant, body: Array(calendar.utf8), of: tenant, by: "test")
            try await house.working { try await settled(house) }

            #expect(try await due() > 2 * 86_400)
            #expect(try await house.count("escalation") == 0)
            #expect(try await house.count("clock_subject WHERE NOT provisional") == 1)
        }
    }

    @Test func `clocks that are all looked at again are so by few jobs, and what happens meanwhile counts`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            try await house.seller("anna", of: tenant) { ($0.team, $0.capacity) = ("north", 1_000) }
            try await house.leads((0..<150).map { lead("\($0)", minutesOld: 0) }, of: tenant)
            while try await house.count("lead WHERE state = 'awaiting_assignment'") > 0 { try await assign(house) }
            _ = try await house.rows("UPDATE clock_subject SET looked_at = NULL, clocks = '[]'")
            let whole = #"{"week":{\#(Self.allDay)}}"#
            _ = try await house.records.putCalendar(.tenant, body: Array(whole.utf8), of: tenant, by: "test")
            while try await house.records.promoteClocks(now: Date()) {}

            let attempts = try await house.begin(of: "escalate_overdue")
            let settlements = try await house.decide(attempts, of: "escalate_overdue")
            try await record(touch("3"), house, of: tenant)
            let settled = try await house.ledger.settle(settlements)
            let again = try await house.ledger.settle(
                try await house.decide(attempts.filter { settled.stale.contains($0.id) }, of: "escalate_overdue"))
            try await house.acknowledge(attempts)

            #expect(attempts.count == 2 && settled.stale.count == 1 && again.stale.isEmpty)
            #expect(try await house.count("clock_subject WHERE looked_at IS NOT NULL AND job_id IS NULL AND next_at > now()") == 149)
            try await house.working { try await self.settled(house) }
            #expect(try await house.count("clock_subject WHERE clocks @> '[{\"clock\": \"first\", \"state\": \"met\"}]'") == 1)
            #expect(try await house.count("clock_subject WHERE clocks @> '[{\"clock\": \"first\", \"state\": \"running\"}]'") == 149)
            #expect(try await house.count("escalation") == 0)
        }
    }

    private static let working = """
        clocks:
          - { id: first, subject: lead, calendar: working, starts: { on: created }, stops: { on: touch }, levels: [{ id: a, after: 30m, to: owner }] }
          - { id: support, subject: opportunity, calendar: working, starts: { on: support_request, which: latest },
              levels: [{ id: cto, after: 2h, to: cto }] }
          - { id: tag, subject: customer, calendar: working, starts: { on: tag_set, which: latest }, levels: [{ id: owner, after: 2h, to: owner }] }
        """

    private static let allDay = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map { #""\#($0)":["00:00-24:00"]"# }.joined(
        separator: ",")

    private func day(_ days: Double) -> String {
        Date().addingTimeInterval(days * 86_400).ISO8601Format(.iso8601.year().month().day())
    }

    @Test func `a seller's leave, its end, and another team's hours move the deadlines of all that the seller has`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house, clocks: Self.working)
            try await house.leads([lead("1", minutesOld: 0)], of: tenant)
            _ = try await house.records.putOpportunity("o1", OpportunityFacts(owner: "anna", stage: "quoted"), of: tenant)
            _ = try await house.records.putCustomer(
                "c1", CustomerFactsTold(said: ["company": ["Acme"]], owner: "anna"), of: tenant, by: "test")
            /// The subjects whose next deadline is further away than so many hours.
            func far(_ hours: Int) async throws -> [String] {
                try await house.rows(
                    "SELECT subject_type FROM clock_subject WHERE next_at > now() + interval '\(hours) hours' ORDER BY 1"
                ).map { try $0.get(0, as: String.self) }
            }
            try await house.working { try await soon { try await house.count("assignment") == 1 } }
            for (type, name, event) in [(NewActivity.SubjectType.opportunity, "o1", "support_request"), (.customer, "c1", "tag_set")] {
                try await record(NewActivity(subjectType: type, subject: name, type: event, at: Date()), house, of: tenant)
            }
            let all = ["customer", "lead", "opportunity"]
            let week = #"{"week":{\#(Self.allDay)}}"#
            _ = try await house.records.putCalendar(.tenant, body: Array(week.utf8), of: tenant, by: "test")
            func look() async throws { try await house.working { try await settled(house) } }
            try await look()
            #expect(try await far(3) == [])
            let armed = try await far(0)
            #expect(Set(armed) == Set(all))

            let leave = #"{"days":[{"from":"\#(day(-1))","to":"\#(day(5))"}]}"#
            _ = try await house.records.putCalendar(.seller("anna"), body: Array(leave.utf8), of: tenant, by: "test")
            try await look()
            let away = try await far(72)
            #expect(away == armed)
            _ = try await house.records.deleteCalendar(.seller("anna"), of: tenant, by: "test")
            try await look()
            #expect(try await far(3) == [])
            // Another team, which is off for days.
            _ = try await house.records.putCalendar(.team("south"), body: Array(leave.utf8), of: tenant, by: "test")
            try await look()
            #expect(try await far(3) == [], "it is not hers")
            try await house.seller("anna", of: tenant) { $0.team = "south" }
            try await look()
            #expect(try await far(72) == armed)
        }
    }

    @Test func `the notice of a new year moves deadlines that were armed before it, and so does a program that brings it`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(
                house,
                clocks: """
                    clocks:
                      - { id: signing, subject: opportunity, calendar: working, starts: { at: planned_signing_at }, levels: [{ id: a, after: 4h, to: owner }] }
                    """)
            let hours = ["mon", "tue", "wed", "thu", "fri"].map { #""\#($0)":["09:00-18:00"]"# }.joined(separator: ",")
            let calendar = #"{"time_zone":"Asia/Shanghai","national":"CN","week":{\#(hours)}}"#
            _ = try await house.records.putCalendar(.tenant, body: Array(calendar.utf8), of: tenant, by: "test")
            // New Year's Eve before the first year that nobody knows, from 17:00 on: an hour is left of that day, if it is worked at all.
            let newest = try #require(NationalCalendar.china.years.keys.max())
            let year = max(newest, try #require(Int(Date().ISO8601Format(.iso8601.year())))) + 1
            let newYear = try #require(CivilDate(year: year, month: 1, day: 1))
            let eve = newYear + -1
            let signing = "\(eve)T17:00:00+08:00"
            _ = try await house.records.putOpportunity(
                "o1", OpportunityFacts(owner: "anna", stage: "quoted", fields: Array(#"{"planned_signing_at":"\#(signing)"}"#.utf8)),
                of: tenant)
            func look() async throws -> String {
                try await house.working { try await settled(house) }
                let row = try await house.rows(
                    """
                    SELECT to_char(next_at AT TIME ZONE 'Asia/Shanghai', 'MM-DD HH24:MI') || CASE WHEN provisional THEN ' provisional' ELSE '' END AS at
                    FROM clock_subject
                    """
                ).first
                return try #require(row).get("at")
            }
            func put(off: [Int], work: [Int]) async throws {
                func dates(_ days: [Int]) -> [CivilDate] { days.map { newYear + ($0 - 1) } }
                try await house.records.putNotice(
                    NationalNotice(country: "CN", year: year, papers: [], off: dates(off), work: dates(work)), by: "test")
            }

            let before = try await look()
            #expect(before.hasSuffix(" provisional"))
            // New Year's Eve and the days to the 4th are off; the 5th is worked, whatever day of the week it is.
            try await put(off: [0, 1, 2, 3, 4], work: [5])
            #expect(try await look() == "01-05 13:00")
            // They thought better of it.
            try await put(off: [0, 1], work: [2])
            #expect(try await look() == "01-02 13:00")

            // A program with a later year has clocks looked at that rest on what nobody knew; one without leaves all as it is.
            try await house.asOwner("DELETE FROM national_year")
            _ = try await house.rows("UPDATE clock_subject SET provisional = true")
            let program = ["CN": NationalCalendar.china.with(NationalCalendar.Year(year, days: [:]))]
            #expect(try await house.records.noteProgramYears(now: Date()))
            while try await house.records.promoteClocks(now: Date()) {}
            _ = try await look()
            _ = try await house.rows("UPDATE clock_subject SET next_at = now() + interval '90 days', provisional = true, job_id = NULL")
            #expect(try await house.records.noteProgramYears(now: Date()) == false)
            #expect(try await house.count("clock_rearm") == 0)
            #expect(try await house.records.noteProgramYears(of: program, now: Date()))
            #expect(try await house.count("clock_rearm") == 1)
            _ = try await house.rows("DELETE FROM clock_rearm")
            _ = try await house.rows("UPDATE clock_subject SET provisional = false")
            #expect(try await house.records.noteProgramYears(of: ["CN": program["CN"]!.with(.init(year + 1, days: [:]))], now: Date()))
            #expect(try await house.count("clock_rearm") == 0, "nothing rested on it")
        }
    }

    @Test func `an opportunity that stays in its stage is shown to the manager, once for each stay`() async throws {
        try await SalesHouse.with { house in
            let dwell = """
                clocks:
                  - id: dwell
                    subject: opportunity
                    starts: { on: [created, transition, follow_up], which: latest }
                    when: { field: won, empty: true }
                    levels: [{ id: superior, after: 1s, to: manager, do: dashboard }]
                """
            let tenant = try await tenant(house, clocks: dwell)
            func tell(_ stage: String) async throws {
                let facts = OpportunityFacts(owner: "anna", stage: stage)
                _ = try await house.records.putOpportunity("o1", facts, of: tenant)
            }

            try await house.working {
                for (count, stage) in ["requirement_confirmation", "quoted"].enumerated() {
                    try await tell(stage)
                    try await soon { try await house.count("escalation") == count + 1 }
                }
                try await soon { try await house.count("clock_subject WHERE next_at IS NULL") == 1 }
            }

            #expect(try await told(house, of: tenant) == ["dwell.superior wang", "dwell.superior wang"])
            #expect(try await house.count("escalation WHERE action = 'dashboard' AND owner = 'anna'") == 2)
            // The first stay is over.
            #expect(try await house.count("escalation WHERE met_at IS NULL") == 1)
        }
    }

    @Test func `a date that is told later begins its clock, and a loss ends it`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(
                house,
                clocks: """
                    clocks:
                      - { id: precheck, subject: opportunity, starts: { at: planned_signing_at, before: 72h }, when: { field: won, empty: true },
                          levels: [{ id: opened, after: 0h, to: owner }, { id: signing, after: 72h, to: manager }] }
                      - { id: revenue, subject: opportunity, starts: { at: revenue_node_at, before: 7d }, when: { not: { field: won, equals: false } },
                          levels: [{ id: todo, after: 0h, to: owner }, { id: due, after: 7d, to: manager }] }
                    """)
            func tell(_ fields: String = "{}", owner: String = "anna", won: Bool? = nil) async throws {
                let facts = OpportunityFacts(
                    owner: owner, stage: "quoted", won: won, closedAt: won.map { _ in Date() }, fields: Array(fields.utf8))
                _ = try await house.records.putOpportunity("o1", facts, of: tenant)
            }
            // Of one moment: a date that moves by a second is another date.
            let now = Date()
            func day(_ days: Double) -> String { now.addingTimeInterval(days * 86_400).ISO8601Format() }

            try await house.working {
                try await tell()
                try await soon { try await house.count("clock_subject WHERE next_at IS NULL") == 1 }
                try await tell(#"{"planned_signing_at":"\#(day(2))","revenue_node_at":"\#(day(3))"}"#)
                try await soon { try await house.count("escalation") == 2 }
                #expect(try await told(house, of: tenant).sorted() == ["precheck.opened anna", "revenue.todo anna"])
                #expect(try await house.count("clock_subject WHERE next_at > now()") == 1)
                // Put off, its next deadline moves along.
                try await tell(#"{"planned_signing_at":"\#(day(20))","revenue_node_at":"\#(day(3))"}"#)
                try await soon {
                    try await house.count("clock_subject WHERE next_at > now() + interval '2 days' AND next_at < now() + interval '4 days'")
                        == 1
                }
                try await tell(#"{"planned_signing_at":"\#(day(20))","revenue_node_at":"\#(day(3))"}"#, won: false)
                try await soon { try await house.count("clock_subject WHERE next_at IS NULL") == 1 }
            }

            #expect(try await house.count("escalation WHERE met_at IS NULL AND withdrawn_at IS NULL") == 0)
            #expect(try await told(house, of: tenant).count == 2)
        }
    }

    @Test func `a timer whose job is gone gets another`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            try await house.leads([lead("1", minutesOld: 0)], of: tenant)
            try await assign(house)
            _ = try await house.rows("UPDATE clock_subject SET job_id = 1, next_at = now() - interval '1 hour'")

            try await house.records.reconcileClocks(now: Date())

            #expect(try await house.count("clock_subject WHERE job_id IS NULL") == 1)
        }
    }

    @Test func `a job that looks at all that is due reports what it found`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await tenant(house)
            try await house.leads((0..<5).map { lead("\($0)", minutesOld: 5) }, of: tenant)
            try await assign(house)
            let arguments = Array(#"{"as_of":"\#(Date().ISO8601Format())","limit":2}"#.utf8)
            let sweep = try await house.ledger.enqueue([NewJob(tenant: tenant, kind: "escalate_overdue", arguments: arguments)])[0]

            let settlements = try await house.decide(try await house.begin(of: "escalate_overdue"), of: "escalate_overdue")
            _ = try await house.ledger.settle(settlements)

            #expect(settlements.map(\.attempt.id) == [sweep])
            #expect(settlements[0].outcome.end == .completed("escalated"))
            let result = String(decoding: try #require(settlements[0].outcome.result), as: UTF8.self)
            #expect(result.hasPrefix(#"{"scanned":2,"met":0,"void":0,"fired_count":2,"fired":[{"subject_type":"lead","#))
            #expect(try await told(house, of: tenant) == ["first.a anna", "first.a anna"])
            // It goes on by itself, beside the subjects' own timers, and nobody is told twice.
            try await house.working { try await settled(house) }
            #expect(try await house.count("escalation") == 5)
            #expect(try await told(house, of: tenant).count == 5)
        }
    }
}
