import Permissions
import Testing

/// What the probe tries, and what it takes for a failure (ACCESS-09).
@Suite struct ProbeTests {
    private let holders = [Holder(anna, cities: cities("上海", "杭州")), Holder(bert, cities: cities("上海")), Holder(mia)]

    private func asked(_ book: PolicyBook, _ holders: [Holder], to action: RecordAction = .createOpportunity) -> [String] {
        book.plan(for: holders, limit: 10_000).probes.filter { $0.action == action }.map {
            "\($0.role) \($0.person.id) \($0.city?.name ?? "-")"
        }
    }

    @Test func `every action is tried, once for each role and city where all are alike`() {
        let plan = PolicyBook.empty.plan(for: holders, limit: 10_000)
        let probes = plan.probes

        #expect(asked(.empty, holders).filter { $0.hasPrefix("seller") } == ["seller anna 上海", "seller anna 杭州"])
        #expect(Set(probes.map(\.action)) == Set(RecordAction.allCases))
        #expect(probes.count == Set(probes).count)
        #expect(probes.count % RecordAction.allCases.count == 0 && plan.isComplete)
    }

    @Test func `whom the policies treat otherwise is tried beside`() {
        let denied = book(Policy("no", .deny, [.createOpportunity], to: .init(user: "bert")))
        #expect(asked(denied, holders).filter { $0.hasPrefix("seller") } == ["seller anna 上海", "seller bert 上海", "seller anna 杭州"])
    }

    @Test func `a data domain's cities are tried though nobody sells there yet, and a role without any city without one`() {
        let domain = book(Policy("d", .allow, [.createOpportunity], to: .init(role: "seller"), cities: cities("广州")))
        let probes = domain.plan(for: [Holder(anna, cities: cities("杭州")), Holder(mia)], limit: 10_000).probes
        let places = probes.filter { $0.action == .createLead }.map { "\($0.role) \($0.city?.name ?? "-") \($0.isTheirs)" }

        #expect(places.filter { $0.hasPrefix("seller") }.sorted() == ["seller 广州 false", "seller 杭州 true"])
        #expect(places.filter { $0.hasPrefix("manager") } == ["manager - false"])
    }

    @Test func `a city of theirs in no domain of theirs is a failure; a denial somebody decided on is none`() throws {
        let book = book(
            Policy("d", .allow, [.createOpportunity], to: .init(role: "seller"), cities: cities("上海")),
            Policy("no", .deny, [.createLead], to: .everyone))
        func failure(_ user: Person, _ city: String, _ action: RecordAction, isTheirs: Bool = true, _ answer: ProbeAnswer) -> String? {
            let probe = AccessProbe(role: "seller", person: user, city: City(city), isTheirs: isTheirs, action: action)
            return book.failure(of: probe, answering: answer).map { "\($0.probe.name) \($0.cause.rawValue)" }
        }

        #expect(
            failure(anna, "杭州", .createOpportunity, .refused(.dataDomain)) == "seller/杭州/opportunity.create outside_every_domain")
        #expect(failure(anna, "杭州", .createOpportunity, isTheirs: false, .refused(.dataDomain)) == nil)
        #expect(failure(anna, "上海", .createLead, .refused(.permission)) == nil)
        #expect(failure(anna, "上海", .createOpportunity, .done) == nil)
        #expect(failure(anna, "上海", .editLead, .refused(.permission)) == "seller/上海/lead.edit refused_against_policy")
        #expect(failure(anna, "上海", .createLead, .done) == "seller/上海/lead.create allowed_against_policy")
        #expect(failure(anna, "上海", .queryLead, .failed("too slow")) == "seller/上海/lead.query broken")
    }

    @Test func `where there is more than one round tries, the next begins elsewhere`() {
        let most = RecordAction.allCases.count
        let rounds = (0..<3).map { PolicyBook.empty.plan(for: holders, limit: most, turn: $0) }

        #expect(rounds.allSatisfy { !$0.isComplete && $0.probes.count == most })
        #expect(Set(rounds.map { $0.probes[0].name }).count == 3)
    }

    @Test func `who is alike is judged once, however many they are`() {
        let many = (0..<10_000).map { Holder(teams.person("s\($0)", isSeller: true, team: "hill"), cities: cities("上海", "杭州")) }
        let all = (0..<50).compactMap { City("city \($0)") }
        let plan = book(Policy("d", .allow, [.queryLead], to: .init(role: "seller"), cities: all)).plan(for: many, limit: 1_000)

        #expect(plan.isComplete && plan.probes.count == 52 * RecordAction.allCases.count)
        #expect(Set(plan.probes.map(\.person.id)) == ["s0"])
    }

    @Test func `members who sell nowhere are tried beside those who sell somewhere, and no page of text is a city`() {
        let long = City(String(repeating: "长", count: 101))!
        let plan = PolicyBook.empty.plan(for: [Holder(anna, cities: cities("上海") + [long]), Holder(bert)], limit: 1_000)

        #expect(Set(plan.probes.map { "\($0.person.id) \($0.city?.name ?? "-")" }) == ["anna 上海", "bert -"])
    }
}
