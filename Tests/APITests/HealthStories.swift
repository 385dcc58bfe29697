import Foundation
import Jobs
import Ledger
import PostgresClient
import ProcessHealth
import Records
import Rules
import Tenancy
import Testing

@Suite struct HealthStories {
    /// The Monday of a week that is over.
    private let week = Week(containing: Date(), in: SalesHouse.zone) - 10
    private var monday: Date { week.start(in: SalesHouse.zone) }

    private func day(_ days: Double) -> Date { monday + days * 86_400 }

    @Test func `facts become the index that counting by hand gives`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.seller("idle", of: tenant)
            // Ten leads whose fourteen days end this week, six of them visited in time, one too late; a visit that was none does not count.
            for number in 0..<10 { try await house.give("l\(number)", to: "anna", at: day(-13), of: tenant) }
            var facts = (0..<7).map { number in
                HealthFact(subjectType: "lead", subject: "l\(number)", type: "visit", at: day(number < 6 ? -5 : 1.5), actor: "anna")
            }
            facts.append(
                HealthFact(subjectType: "lead", subject: "l8", type: "visit", at: day(-5), actor: "anna", data: #"{"valid":false}"#))
            // Four deals: intervals of a day, one of five days with a record between that says nothing.
            for deal in 0..<4 { facts += (0..<5).map { .followUp("d\(deal)", "anna", at: day(Double($0))) } }
            facts.append(.followUp("e", "anna", at: day(1)))
            facts.append(HealthFact(subject: "e", type: "follow_up", at: day(2), actor: "anna", data: #"{"our_action":"已联系"}"#))
            facts.append(.followUp("e", "anna", at: day(6)))
            try await house.tell(facts, of: tenant)

            try await house.score(1, asOf: day(7), of: tenant)

            let weeks = try await house.weeks(week, of: tenant)
            let anna = try #require(weeks["anna"])
            #expect(anna.isComplete)
            #expect(anna.reading.dimensions[0].tally == Tally(cases: 10, hits: 6))
            // 16 of a day each are in time. Missed are e's, and the late visit's, after which nobody was in touch for three days. Each
            // deal's last follow-up, on Friday, is missed on Monday, not now.
            #expect(anna.reading.dimensions[1].tally == Tally(cases: 18, hits: 16))
            #expect(anna.reading.dimensions[2].passes == nil)
            #expect(abs(anna.reading.index! - 100 * (0.6 / 0.65 + 1) / 2) < 1e-9)
            #expect(anna.reading.isBelow == true)
            #expect(weeks["idle"]?.reading.status == .noData)
            let (tally, lasting) = try await house.records.healthAttainment(of: tenant, in: week)
            #expect(tally == Tally(cases: 1, hits: 0) && lasting == 0)
        }
    }

    /// SPI-03. Its records of the lead and of the deal are one customer's.
    @Test func `a lead that became a deal is one customer: who never lets 72 hours pass has missed nothing`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "scout", "closer"] { try await house.seller(name, of: tenant) }
            func deal(_ name: String, of lead: String?, owner: String, at: Date, closed: Date? = nil) async throws {
                let fields = lead.map { #"{"lead":"\#($0)"}"# } ?? "{}"
                _ = try await house.records.putOpportunity(
                    name,
                    OpportunityFacts(
                        owner: owner, stage: closed == nil ? "quoted" : "lost", won: closed == nil ? nil : false, closedAt: closed,
                        openedAt: at, fields: Array(fields.utf8)),
                    of: tenant)
            }
            for number in 0..<6 {
                try await house.give("l\(number)", to: "anna", at: day(-7), of: tenant)
                try await house.join("l\(number)", to: Int64(9_000 + number), of: tenant)
                try await deal("d\(number)", of: "l\(number)", owner: "anna", at: day(-5.5))
                let contacts = [("lead", "touch", -7.0), ("lead", "visit", -6)].map { subject, type, at in
                    HealthFact(subjectType: subject, subject: "l\(number)", type: type, at: day(at) + 60, actor: "anna")
                }
                try await house.tell(contacts, of: tenant)
                // Every 36 hours from Tuesday on, until the end of the next week.
                try await house.tell((0..<8).map { .followUp("d\(number)", "anna", at: day(-4.5 + 1.5 * Double($0))) }, of: tenant)
            }
            // The scout's lead became the closer's deal: from then on the rhythm is not the scout's.
            try await house.give("given", to: "scout", at: day(-1), of: tenant)
            try await deal("taken", of: "given", owner: "closer", at: day(1))
            // Closed without a deal.
            try await house.give("dead", to: "scout", at: day(-1), of: tenant)
            for lead in ["given", "dead"] {
                try await house.tell(
                    [HealthFact(subjectType: "lead", subject: lead, type: "touch", at: day(0.5), actor: "scout")], of: tenant)
            }
            try await house.tell(
                [HealthFact(subjectType: "lead", subject: "dead", type: "closed", at: day(1), actor: "scout")], of: tenant)

            try await house.score(12, asOf: Date(), of: tenant)

            let before = try await house.weeks(week - 1, of: tenant)
            let weeks = try await house.weeks(week, of: tenant)
            #expect(before["anna"]?.reading.dimensions[1].tally == Tally(cases: 24, hits: 24))
            #expect(weeks["anna"]?.reading.dimensions[1].tally == Tally(cases: 30, hits: 30))
            #expect(weeks["scout"]?.reading.dimensions[1].tally.cases == 0)
        }
    }

    @Test func `two deals of one customer are one rhythm, which ends with the last of them, when that was heard of`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.give("lead", to: "anna", at: day(0), of: tenant)
            try await house.join("lead", to: 9_000, of: tenant)
            for (deal, closed) in [("one", day(2)), ("two", day(5))] {
                _ = try await house.records.putOpportunity(
                    deal,
                    OpportunityFacts(
                        owner: "anna", stage: "lost", won: false, closedAt: closed, openedAt: day(0),
                        fields: Array(#"{"lead":"lead"}"#.utf8)),
                    of: tenant)
            }
            try await house.tell([.followUp("one", "anna", at: day(0)), .followUp("two", "anna", at: day(2.9))], of: tenant)
            let anna = try #require(try await HealthReader(postgres: house.app).sellers(of: tenant, limit: 10).first)

            let told = try #require(
                try await HealthReader(postgres: house.app).facts(of: [anna], from: day(-7), at: Date(), of: tenant)[anna.id])

            #expect(Set(told.contacts.map(\.customer)) == ["customer:c9000"])
            #expect(told.contacts.filter { $0.kind == .ended }.map(\.at) == [day(5)], "the first deal was lost while there was a second")
            // Told today, so that nobody knew of it when the week ended.
            #expect(told.contacts.filter { $0.kind == .ended }.allSatisfy { $0.recordedAt > Date() - 3_600 })
            #expect(told.leads.map(\.customer) == ["customer:c9000"])
        }
    }

    @Test func `absence ahead is what was known of leave and freezes when the week ended`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for (name, status) in [("away", SellerStatus.leave), ("there", .active)] {
                try await house.seller(name, of: tenant) { $0.status = status }
            }
            let sellers = try await HealthReader(postgres: house.app).sellers(of: tenant, limit: 10)

            let facts = try await HealthReader(postgres: house.app).facts(of: sellers, from: day(-7), at: Date(), of: tenant)

            func said(_ name: String) -> [AbsenceFact] {
                facts[sellers.first { $0.externalID == name }!.id]?.absences ?? []
            }
            #expect(said("away").count == 1 && said("away").allSatisfy { $0.until == nil })
            #expect(said("there").count == 1 && said("there").allSatisfy { $0.until == $0.at })
        }
    }

    @Test func `a stage that was entered without what its gate asks is a missed key action`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(
                .gate,
                """
                subject: opportunity
                stages: [new, quoted, won]
                gates:
                  - { id: sheet, to: quoted, requires: [{ id: sheet, when: { count: { type: upload, where: { field: document, equals: sheet } }, gte: 1 } }] }
                """, of: tenant)
            var facts: [HealthFact] = []
            for number in 0..<6 {
                facts.append(
                    HealthFact(subject: "d\(number)", type: "transition", at: day(3), actor: "anna", data: #"{"from":"new","to":"quoted"}"#)
                )
                // The first four before, the fifth an hour after, the sixth never.
                guard number < 5 else { continue }
                facts.append(
                    HealthFact(
                        subject: "d\(number)", type: "upload", at: day(3) + (number < 4 ? -60 : 3_600), actor: "anna",
                        data: #"{"document":"sheet"}"#))
            }
            facts.append(HealthFact(subject: "d0", type: "transition", at: day(4), actor: "anna", data: #"{"from":"quoted","to":"won"}"#))
            try await house.tell(facts, of: tenant)

            try await house.score(1, asOf: day(7), of: tenant)

            let anna = try #require(try await house.weeks(week, of: tenant)["anna"])
            #expect(anna.reading.dimensions[2].tally == Tally(cases: 6, hits: 4))
            #expect(anna.reading.isBelow == true)
        }
    }

    @Test func `key actions are read from changes of stage: through a gate, told past it, and by whoever had the deal then`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert"] { try await house.seller(name, of: tenant) }
            try await house.rule(
                .gate,
                """
                subject: opportunity
                stages: [new, quoted, won]
                gates:
                  - { id: sheet, from: new, to: quoted, requires: [{ id: sheet, when: { count: { type: upload, where: { field: document, equals: sheet } }, gte: 1 } }] }
                """, of: tenant)
            func open(_ name: String, _ stage: String, owner: String, at: Date) async throws {
                _ = try await house.records.putOpportunity(
                    name, OpportunityFacts(owner: owner, stage: stage, openedAt: at, at: at), of: tenant)
            }
            // Through the gate, with the sheet; the API's key moved it, the deal is anna's.
            try await open("through", "new", owner: "anna", at: day(1))
            try await house.tell(
                [HealthFact(subject: "through", type: "upload", at: day(2), actor: "anna", data: #"{"document":"sheet"}"#)], of: tenant)
            _ = try await house.records.move(
                "through", TransitionWish(to: "quoted", at: day(3)), of: tenant, by: "key:7", key: nil
            ) { _, _ in StoredAnswer(status: 200, body: []) }
            // Imported beyond the gate: once without the sheet, once with it.
            try await open("past", "quoted", owner: "anna", at: day(4))
            try await house.tell(
                [HealthFact(subject: "shown", type: "upload", at: day(3.5), actor: "anna", data: #"{"document":"sheet"}"#)], of: tenant)
            try await open("shown", "quoted", owner: "anna", at: day(4))
            // Hers when it moved, another's since.
            try await house.tell(
                [HealthFact(subject: "given", type: "upload", at: day(2), actor: "bert", data: #"{"document":"sheet"}"#)], of: tenant)
            try await open("given", "new", owner: "bert", at: day(1))
            _ = try await house.records.move(
                "given", TransitionWish(to: "quoted", at: day(3)), of: tenant, by: "key:7", key: nil
            ) { _, _ in StoredAnswer(status: 200, body: []) }
            try await open("given", "quoted", owner: "anna", at: day(6))

            try await house.score(12, asOf: Date(), of: tenant)

            let weeks = try await house.weeks(week, of: tenant)
            #expect(weeks["anna"]?.reading.dimensions[2].tally == Tally(cases: 3, hits: 2))
            #expect(weeks["bert"]?.reading.dimensions[2].tally == Tally(cases: 1, hits: 1))
        }
    }

    @Test func `a deal that was handed on and then moved has left its stage, also for who is diagnosed alone`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert"] { try await house.seller(name, of: tenant) }
            func open(_ stage: String, owner: String, at: Date) async throws {
                _ = try await house.records.putOpportunity(
                    "deal", OpportunityFacts(owner: owner, stage: stage, openedAt: day(1), at: at), of: tenant)
            }
            try await open("quoted", owner: "anna", at: day(1))
            try await open("quoted", owner: "bert", at: day(3))
            try await open("signed", owner: "bert", at: day(4))
            let anna = try #require(
                try await HealthReader(postgres: house.app).sellers(of: tenant, limit: 10).first { $0.externalID == "anna" })

            let facts = try await HealthReader(postgres: house.app).facts(of: [anna], from: day(0), at: Date(), of: tenant)

            #expect(facts[anna.id]?.stays.map(\.stage) == ["quoted"])
            #expect(facts[anna.id]?.stays.first?.to == day(4))
        }
    }

    @Test func `with working days a weekend between two follow-ups does not count, without them it does`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert"] { try await house.seller(name, of: tenant) }
            // From Friday noon to Wednesday an hour before noon: five days, not quite 72 hours of working days.
            let pair = ["anna", "bert"].flatMap { seller in
                [4.5, 9.46].map { HealthFact.followUp("deal of \(seller)", seller, at: day($0)) }
            }
            try await house.tell(pair, of: tenant)
            func rhythm() async throws -> [String: Tally?] {
                try await house.score(2, asOf: day(12), of: tenant)
                return try await house.weeks(week + 1, of: tenant).mapValues { $0.reading.dimensions[1].tally }
            }

            let before = try await rhythm()
            let office =
                #"{"time_zone":"Asia/Shanghai","week":{"mon":["09:00-18:00"],"tue":["09:00-18:00"],"wed":["09:00-18:00"],"thu":["09:00-18:00"],"fri":["09:00-18:00"]}}"#
            _ = try await house.records.putCalendar(.tenant, body: Array(office.utf8), of: tenant, by: "test")
            // Bert works at weekends.
            _ = try await house.records.putCalendar(
                .seller("bert"),
                body: Array(
                    #"{"week":{"mon":["09:00-18:00"],"tue":["09:00-18:00"],"wed":["09:00-18:00"],"thu":["09:00-18:00"],"fri":["09:00-18:00"],"sat":["09:00-12:00"],"sun":["09:00-12:00"]}}"#
                        .utf8),
                of: tenant, by: "test")
            let after = try await rhythm()

            #expect(before["anna"] == Tally(cases: 1, hits: 0) && before["bert"] == Tally(cases: 1, hits: 0), "missed on Monday at noon")
            #expect(after["anna"] == Tally(cases: 1, hits: 1))
            #expect(after["bert"] == Tally(cases: 1, hits: 0))
        }
    }

    @Test func `a late fact adds a version, and what was published stays`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.tell((0..<7).map { .followUp("d", "anna", at: day(Double($0))) }, of: tenant)
            try await house.score(1, asOf: day(7), of: tenant)
            try await house.score(1, asOf: day(7.1), of: tenant)
            #expect(try await house.count("health_week WHERE week = \(week.number)") == 1)

            try await house.tell([.followUp("d", "anna", at: day(3.5), recordedAt: day(8))], of: tenant)
            try await house.score(2, asOf: day(8), of: tenant)

            let versions = try await house.records.healthVersions(of: tenant, seller: "anna", week: week)
            #expect(versions.map(\.version) == [2, 1])
            #expect(versions.map(\.reading.dimensions[1].tally.cases) == [7, 6])
            #expect(try await house.weeks(week, of: tenant)["anna"]?.version == 2)
        }
    }

    @Test func `half a year worked out at once keeps what could be known when each week ended`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.tell(
                (0..<7).map { .followUp("d", "anna", at: day(Double($0)), recordedAt: $0 == 3 ? day(9) : nil) }, of: tenant)

            try await house.score(4, asOf: day(15), of: tenant)

            let versions = try await house.records.healthVersions(of: tenant, seller: "anna", week: week)
            #expect(versions.map(\.reading.dimensions[1].tally.cases) == [6, 5])
            let series = try await HealthReader(postgres: house.app).series(through: week, weeks: 3, of: tenant)
            #expect(series[0].published.last?.rhythm.cases == 5)
            #expect(series[0].readings.last?.dimensions[1].tally.cases == 6)
        }
    }

    @Test func `two weeks below the base line bring one report to the manager, however often it is looked`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant) { $0.team = "east" }
            _ = try await house.engine.pipeline([
                .tenants([tenant]),
                "INSERT INTO team (tenant_id, external_id, name, manager) VALUES (\(tenant.rawValue), 'east', 'East', 'boss')",
            ])
            // Ten customers, each heard of every four days: too late every time, in three weeks.
            var facts: [HealthFact] = []
            for number in 0..<10 { facts += (0..<5).map { .followUp("d\(number)", "anna", at: day(Double($0 * 4) + Double(number) / 10)) } }
            try await house.tell(facts, of: tenant)

            try await house.score(1, asOf: day(7), of: tenant)
            #expect(try await house.count("health_diagnosis") == 0)
            try await house.score(1, asOf: day(14), of: tenant)
            try await house.score(1, asOf: day(14.1), of: tenant)
            try await house.score(1, asOf: day(21), of: tenant)

            let reports = try await house.records.healthDiagnoses(of: tenant, limit: 10).items
            #expect(reports.map(\.since) == [week])
            let body = String(decoding: try #require(reports.first).body.bytes, as: UTF8.self)
            #expect(body.matches(of: /"kind": "late_follow_up"/).count == 3)
            let told = try await house.records.notifications(of: tenant).items
            #expect(told.map(\.recipient) == ["boss"])
            #expect(told.map(\.code) == ["health_diagnosis"])
            #expect(try await house.weeks(week + 1, of: tenant)["anna"]?.streak.weeks == 2)
            #expect(try await house.weeks(week + 2, of: tenant)["anna"]?.streak.weeks == 3)
        }
    }

    @Test func `pages of sellers are worked out one after another, and each once`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for number in 0..<7 {
                try await house.seller("s\(number)", of: tenant)
                try await house.tell((0..<7).map { .followUp("d\(number)", "s\(number)", at: day(Double($0))) }, of: tenant)
            }

            try await house.score(1, asOf: day(7), of: tenant)

            #expect(try await house.weeks(week, of: tenant).values.count { $0.reading.index == 100 } == 7)
            // Three, three and one.
            #expect(try await house.count("job_history WHERE kind = 'run_spi_model'") == 3)
        }
    }

    @Test func `with less than half a year nobody is warned, and it says so`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let before = try await house.run("predict", asOf: day(0), of: tenant)
            let series = try await house.generated(of: tenant) { $0.teamsEach = 1 }
            try await house.keep(series, weeks: 0..<20, of: tenant)

            let asOf = series[0].week(20).start(in: SalesHouse.zone) + 3_600
            let trained = try await house.run("train", asOf: asOf, of: tenant)
            let predicted = try await house.run("predict", asOf: asOf, of: tenant)

            #expect(before.outcome == "insufficient_data")
            #expect(trained.outcome == "insufficient_data")
            #expect(predicted.outcome == "insufficient_data")
            #expect(predicted.result.contains("20 weeks of history, 26 are needed"))
            #expect(try await house.count("health_prediction") == 0)
            #expect(try await house.count("notification") == 0)
        }
    }

    @Test func `where nothing tells of falls before they come, the model is silent and says why`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let series = try await house.generated(of: tenant) { $0.signal = 0 }
            try await house.keep(series, weeks: 0..<40, of: tenant)

            let asOf = series[0].week(40).start(in: SalesHouse.zone) + 3_600
            let trained = try await house.run("train", asOf: asOf, of: tenant)
            let predicted = try await house.run("predict", asOf: asOf, of: tenant)

            #expect(trained.outcome == "silent")
            #expect(trained.result.contains("best simple rule"))
            #expect(predicted.outcome == "silent")
            #expect(try await house.count("notification") == 0)
            #expect(try await house.count("health_prediction WHERE warned OR model_version IS NOT NULL OR probability IS NOT NULL") == 0)
            #expect(try await house.count("health_prediction WHERE body->>'label' = 'rule_baseline'") > 100)
            #expect(try await house.records.healthQuality(of: tenant).live == nil)
        }
    }

    @Test func `whose customers grow silent are warned of in time, three a manager at most, and what came is recorded`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            let series = try await house.generated(of: tenant)
            try await house.keep(series, weeks: 0..<40, of: tenant)
            let asOf = series[0].week(40).start(in: SalesHouse.zone) + 3_600

            let trained = try await house.run("train", asOf: asOf, of: tenant)
            let rollout = try await house.rollModel(1, percent: 0, of: tenant)
            try await house.turn(rollout, .promote, of: tenant)
            let predicted = try await house.run("predict", asOf: asOf, of: tenant)
            let again = try await house.run("predict", asOf: asOf + 60, of: tenant)

            #expect(trained.outcome == "passed")
            #expect(predicted.outcome == "predicted")
            #expect(again.outcome == "predicted")
            let warned = try await house.records.healthPredictions(of: tenant, warned: true, limit: 500).items
            #expect((3...18).contains(warned.count))
            #expect(warned.allSatisfy { $0.modelVersion == 1 && $0.outcome == "pending" && $0.probability! > 0.3 })
            let body = String(decoding: try #require(warned.first).body.bytes, as: UTF8.self)
            #expect(body.contains("contributions") && body.contains("ride_along"))
            let told = try await house.records.notifications(of: tenant, limit: 500).items.filter { $0.code == "health_warning" }
            #expect(told.count == warned.count)
            #expect(told.allSatisfy { $0.english.contains("within 14 days") })
            #expect(
                try await house.count(
                    "(SELECT s.team FROM health_prediction p JOIN seller s ON s.id = p.seller_id WHERE p.warned GROUP BY 1 HAVING count(*) > 3) t"
                ) == 0)

            // Nobody knows after a week unless the fall has come; after two everybody does.
            try await house.keep(series, weeks: 40..<42, of: tenant)
            try await house.score(1, asOf: series[0].week(42).start(in: SalesHouse.zone) + 3_600, of: tenant)
            #expect(try await house.count("health_prediction WHERE outcome = 'pending'") == 0)
            let quality = try await house.records.healthQuality(of: tenant)
            #expect(quality.confusion.warnings == warned.count)
            let fell = series.filter { $0.publishedReadings[39].isBelow == false && $0.falls(after: 39) == true }
            #expect(quality.confusion.falls == fell.count)
        }
    }

    @Test func `a chained run trains and predicts once there is half a year, and no more often than it is due`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            // Complete weeks up to the one that is over now, so that the real clock finds them.
            let series = try await house.generated(of: tenant) { $0.first = Week(containing: Date(), in: SalesHouse.zone) - 40 }
            try await house.keep(series, weeks: 0..<40, of: tenant)

            _ = try await house.records.enqueueHealthRuns()
            try await house.workThrough()
            _ = try await house.records.enqueueHealthRuns()
            try await house.workThrough()

            #expect(try await house.count("health_model") == 1)
            #expect(try await house.count("job_history WHERE kind = 'run_spi_model' AND outcome IN ('passed', 'silent')") >= 1)
            #expect(try await house.count("health_prediction") > 100)
            // Nobody rolled the model out, so nobody was warned.
            #expect(try await house.count("job_history WHERE outcome = 'predicted'") == 0)
            #expect(try await house.count("notification WHERE code = 'health_warning'") == 0)
        }
    }

    @Test func `the first run goes back half a year, later ones three weeks`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.tell((0..<7).map { .followUp("d", "anna", at: day(Double($0))) }, of: tenant)

            _ = try await house.records.enqueueHealthRuns()
            try await house.workThrough()
            #expect(try await house.weeks(week, of: tenant)["anna"]?.reading.index == 100)
            try await house.tell([.followUp("d", "anna", at: day(3.5), recordedAt: Date())], of: tenant)
            _ = try await house.records.enqueueHealthRuns()
            try await house.workThrough()
            #expect(try await house.weeks(week, of: tenant)["anna"]?.version == 1)
            _ = try await house.records.enqueueHealthRuns(isWhole: true)
            try await house.workThrough()

            #expect(try await house.weeks(week, of: tenant)["anna"]?.version == 2)
            // There are 27 weeks: half a year, and the running one.
            #expect(try await house.count("(SELECT DISTINCT week FROM health_week) w") >= 27)
        }
    }

    @Test func `sellers are listed worst first over all pages, with the weeks before`() async throws {
        try await TestAPI.with { api in
            for (name, now, before) in [("anna", 100.0, 60.0), ("bob", 80, 100), ("cleo", 50, 70), ("dan", 100, 100)] {
                _ = try await api.records.putSeller(name, SellerProfile(name: name, status: .active), of: api.acme.id, by: "test")
                for (spi, week) in [(now, week), (before, week - 1)] {
                    _ = try await api.engine.pipeline([
                        .tenants([api.acme.id]),
                        """
                        INSERT INTO health_week (tenant_id, seller_id, week, version, as_of, complete, status, spi, below, counts, streak, job_id)
                        SELECT tenant_id, id, \(Int32(week.number)), 1, now(), true, 'ok', \(spi), \(spi < 100), '{10,6,25,20,4,4,0,0,0,0,0,0,0,0,0,10}', 2, 0
                        FROM seller WHERE external_id = \(name)
                        """,
                    ])
                }
            }
            let path = "/v1/spi?week=\(week)&order=worst&weeks=3&limit=3"

            let first = try await api.send("GET", path).json
            let second = try await api.send("GET", "\(path)&cursor=\(first["next_cursor"].string ?? "")").json
            let plain = try await api.send("GET", "/v1/spi?week=\(week)").json
            let bySeller = try await api.send("GET", "/v1/spi?week=\(week)&limit=1").json["next_cursor"].string ?? ""
            let crossed = [
                try await api.send("GET", "\(path)&cursor=\(bySeller)"), try await api.send("GET", "\(path)&cursor=3"),
                try await api.send("GET", "/v1/spi?week=\(week)&cursor=\(first["next_cursor"].string ?? "")"),
            ]

            #expect(first["items"].array?.map { $0["seller_id"].string } == ["cleo", "bob", "anna"])
            #expect(second["items"].array?.map { $0["seller_id"].string } == ["dan"] && second["next_cursor"].string == nil)
            #expect(first["items"][0]["earlier"].array?.map { $0["iso_week"].string } == [(week - 1).description])
            #expect(plain["items"].array?.map { $0["seller_id"].string } == ["anna", "bob", "cleo", "dan"])
            #expect(first["next_cursor"].string == "worst-3" && bySeller.hasPrefix("seller-"))
            #expect(crossed.allSatisfy { $0.faults == ["cursor bad_format"] }, "a place in one order is none in another")
            #expect(try await api.send("GET", "/v1/spi?weeks=27&order=best").faults == ["weeks out_of_range", "order not_allowed"])
        }
    }

    @Test func `another tenant sees nothing of it, and wrong weeks are named`() async throws {
        try await TestAPI.with { api in
            _ = try await api.records.putSeller("anna", SellerProfile(name: "Anna", status: .active), of: api.acme.id, by: "test")
            _ = try await api.engine.pipeline([
                .tenants([api.acme.id]),
                """
                INSERT INTO health_week (tenant_id, seller_id, week, version, as_of, complete, status, spi, below, counts, streak, job_id)
                SELECT tenant_id, id, \(Int32(week.number)), 1, now(), true, 'ok', 96.2, true, '{10,6,25,20,4,4,0,0,0,0,0,0,0,0,0,10}', 2, 0 FROM seller
                """,
            ])

            let mine = try await api.send("GET", "/v1/spi?week=\(week)")
            let latest = try await api.send("GET", "/v1/spi")
            let summary = try await api.send("GET", "/v1/spi/summary").json
            let theirs = try await api.send("GET", "/v1/spi?week=\(week)", as: api.globex.tenantKey)
            let wrong = try await api.send("GET", "/v1/spi?week=2026-W54")
            let quality = try await api.send("GET", "/v1/predictions/quality").json

            let item = try mine.json["items"].array?.first
            let named = try wrong.json["errors"].array?.first?["field"].string
            let nobody = try theirs.json["items"].array
            let versions = try await api.send("GET", "/v1/spi/versions?seller=anna").json
            #expect(item?["seller_id"].string == "anna")
            #expect(item?["d1"]["num"].int == 6 && item?["d1"]["den"].int == 10)
            #expect(item?["below_baseline"].bool == true)
            #expect(latest.bytes == mine.bytes)
            #expect(summary["with_index"].int == 1 && summary["at_base_line"].int == 0 && summary["below_two_weeks"].int == 1)
            #expect(nobody?.isEmpty == true)
            #expect(wrong.status == 422)
            #expect(named == "week")
            #expect(quality["status"].string == "insufficient_data")
            #expect(try await api.send("GET", "/v1/predictions").status == 200)
            #expect(try await api.send("GET", "/v1/spi/diagnoses").status == 200)
            #expect(versions["items"].array?.count == 1)
            #expect(try await api.send("GET", "/v1/spi/versions").status == 422)
        }
    }
}

extension SalesHouse {
    /// A hundred and fifty sellers `g0`, `g1`, … in six teams, and the weeks that were invented for them.
    func generated(of tenant: TenantID, _ change: (inout GeneratedTenants) -> Void = { _ in }) async throws -> [SellerSeries] {
        var plan = GeneratedTenants()
        (plan.tenants, plan.teamsEach, plan.sellersEach) = (1, 6, 25)
        // Weeks that are over, whenever the test runs.
        plan.first = Week(containing: Date(), in: Self.zone) - 60
        change(&plan)
        let series = plan.series()
        for own in series {
            try await seller("g\(own.identity.seller)", of: tenant) { $0.team = "team \(own.identity.team)" }
        }
        return series
    }
}
