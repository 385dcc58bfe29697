import Permissions
import Testing

/// What a change takes from whom (ACCESS-03).
@Suite struct PreFlightTests {
    private let holders = [Holder(anna, cities: cities("上海", "杭州")), Holder(bert, cities: cities("广州")), Holder(mia)]
    private let writing: Set<RecordAction> = [.createOpportunity, .editOpportunity]

    private func told(_ flight: PreFlight) -> [String] {
        flight.losses.map { "\($0.user) \($0.verdict.action.rawValue) \($0.cities?.map(\.name).joined(separator: ",") ?? "everywhere")" }
    }

    /// FC-12.
    @Test func `a denial inherited from above lists everybody below who loses, and asks for typed words`() {
        let flight = PreFlight(from: .empty, to: book(Policy("ro", .deny, writing, to: .init(team: "east"))), for: holders)

        #expect(
            told(flight) == [
                "anna opportunity.create everywhere", "anna opportunity.edit everywhere", "mia opportunity.create everywhere",
                "mia opportunity.edit everywhere",
            ])
        #expect(flight.withoutCreate == ["anna", "mia"] && flight.confirmation == "remove opportunity.create from 2")
        #expect(flight.losses[0].verdict.text(in: .english).contains("“ro” (inherited from the team east, 2 above)"))
    }

    /// FC-13.
    @Test func `a data domain that lacks a seller's city says which`() {
        let domain = Policy("sh", .allow, [.createOpportunity, .queryLead], to: .init(role: "seller"), cities: cities("上海"))
        let flight = PreFlight(from: .empty, to: book(domain), for: holders)

        #expect(
            told(flight) == [
                "anna lead.query 杭州", "anna opportunity.create 杭州", "bert lead.query 广州", "bert opportunity.create 广州",
            ])
        #expect(flight.losses[0].verdict.refusal == .dataDomain)
        #expect(flight.confirmation == "remove opportunity.create from 2")
    }

    @Test func `whoever was held to no city, and is not known to sell in any, is told where alone they may from now on`() {
        let domain = Policy("sh", .allow, [.createOpportunity], to: .everyone, cities: cities("上海"))
        let flight = PreFlight(from: .empty, to: book(domain), for: [Holder(mia), Holder(anna, cities: cities("上海"))])

        #expect(told(flight) == ["mia opportunity.create "])
        #expect(flight.losses.first?.onlyIn == cities("上海"))
        #expect(flight.confirmation == "remove opportunity.create from 1")
        #expect(PreFlight(from: book(domain), to: book(domain), for: [Holder(mia)]).losses == [])
    }

    @Test func `a loss of what is still allowed in some cities is explained by what refuses the others`() throws {
        let wide = Policy("all", .allow, [.createOpportunity], to: .everyone)
        let domain = Policy("sh", .allow, [.createOpportunity], to: .everyone, cities: cities("上海"))

        let loss = try #require(PreFlight(from: .empty, to: book(wide, domain), for: [Holder(mia)]).losses.first)

        #expect(loss.causedBy?.policy.id == "sh")
        #expect(
            loss.text(in: .english)
                == "From now on opportunity.create is refused outside of its data domains: the policy “sh” (for everyone) has 上海.")
        #expect(loss.text(in: .chinese) == "今后在以下数据域的城市之外，opportunity.create 会被拒绝：策略“sh”（适用于所有人）包含 上海。")
    }

    @Test func `what nobody had before nobody loses, and what is given back asks for nothing`() {
        let closed = book(Policy("ro", .deny, writing, to: .everyone))

        #expect(PreFlight(from: closed, to: closed, for: holders).losses == [])
        #expect(PreFlight(from: closed, to: .empty, for: holders).confirmation == nil)
        let domain = book(Policy("d", .allow, writing, to: .everyone, cities: cities("上海", "广州")))
        let wider = book(Policy("d", .allow, writing, to: .everyone, cities: cities("上海", "广州", "杭州")))
        #expect(PreFlight(from: domain, to: wider, for: holders).losses == [])
        #expect(told(PreFlight(from: wider, to: domain, for: [holders[0]])) == ["anna opportunity.create 杭州", "anna opportunity.edit 杭州"])
    }

    @Test func `a loss of anything else needs no words`() {
        let flight = PreFlight(from: .empty, to: book(Policy("x", .deny, [.queryLead], to: .everyone)), for: holders)

        #expect(flight.losses.count == 3 && flight.confirmation == nil)
    }

    @Test func `names that nobody bears are told`() {
        let book = book(
            Policy("a", .deny, writing, to: .init(user: "ann", team: "north")), Policy("b", .deny, writing, to: .init(team: "nroth")))

        #expect(
            book.unknownNames(teams: ["north"], people: ["anna"]).map { "\($0.policy): \($0.name)" } == [
                "a: the user ann", "b: the team nroth",
            ])
    }
}
