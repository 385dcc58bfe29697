import Foundation
import JSONEnvelope
import SalesModel
import Testing

@testable import Console

@Suite struct LeadReasonTests {
    private static let sellers =
        #"{"items":[{"external_id":"s1","name":"陈晓","team":"t6","team_name":"Team 6"},{"external_id":"s2","name":"Li Fang","team":"t7","team_name":"华东团队"}]}"#

    /// What a lead's page says of these reasons.
    private func sentences(_ language: Language, _ reasons: Reason..., told: [String]? = nil) throws -> [String] {
        let told = told ?? reasons.map { $0.text(in: language) }
        let (recorded, explanation) = (try JSONEncoder().encode(reasons), try JSONEncoder().encode([language.rawValue: told]))
        let lead = #"{"assignment":{"reasons":\#(String(decoding: recorded, as: UTF8.self))},"explanation":"#
        return LeadReasons(
            lead: try node(lead + String(decoding: explanation, as: UTF8.self) + "}"), sellers: SellerNames(try node(Self.sellers)),
            clerk: frame(language).1
        ).sentences
    }

    @Test func `reasons call fields, teams, sellers and clocks what the page calls them`() throws {
        let channel = Reason(.condition, ["field": "source_channel", "operator": "in", "operand": "fair, web"])
        let missing = Reason(.fieldMissing, ["field": "source_channel"])
        let owner = Reason(.existingOwner, ["customer": "c9", "seller": "s1"])
        let late = Reason(.transferredOverdue, ["clock": "lead_first_touch", "late": 5])

        #expect(
            try sentences(.english, channel, missing, owner, late) == [
                "Source channel is one of fair, web.", "“source channel” is required and the lead does not have it.",
                "Customer c9 already belongs to 陈晓.", "Nobody touched it in time (First touch, late by 5 min): it goes to the manager.",
            ])
        #expect(
            try sentences(.chinese, channel, missing, owner, late) == [
                "线索来源渠道属于 fair, web。", "必填字段“线索来源渠道”缺失。", "客户 c9 已归属陈晓。", "超时未首触（首触，超时 5 分钟），转交主管。",
            ])
        #expect(
            try sentences(.english, Reason(.alternate, ["target": "t7, s1, everyone"])) == [
                "Passed on to the alternate: 华东团队, 陈晓, everyone."
            ])
    }

    @Test(arguments: [
        ("t6", "Team 6 comes first.", "优先分配至“Team 6”。"), ("t7", "Team 华东团队 comes first.", "优先分配至“华东团队”。"),
        ("teamwork", "Team teamwork comes first.", "优先分配至“teamwork”。"),
    ])
    func `a team whose name says that it is one is not called a team twice`(team: String, english: String, chinese: String) throws {
        let reason = Reason(.teamFirst, ["team": .text(team)])

        #expect(try sentences(.english, reason) == [english])
        #expect(try sentences(.chinese, reason) == [chinese])
    }

    @Test func `the only one in turn is no turn`() throws {
        #expect(try sentences(.english, Reason(.roundRobin, ["members": 1])) == ["Nobody else came into question."])
        #expect(try sentences(.english, Reason(.roundRobin, ["members": 2])) == ["Next in turn among 2 sellers."])
    }

    @Test func `what is told of something else than its decision stands as it is told`() throws {
        let matched = Reason(.fieldMissing, ["field": "phone"])

        #expect(try sentences(.english, matched, told: ["Its assignment failed for good."]) == ["Its assignment failed for good."])
    }

    @Test func `fields that every tenant has come first on a lead's page, by their labels; a tenant's own follow by their names`() throws {
        let (layout, clerk) = frame()
        let fields = #"{"utm_term":"autumn","budget":"5","aisle":"3","phone":"1","company":"Acme"}"#
        let lead = try node(#"{"id":"1","external_id":"L","source":"web","state":"awaiting_assignment","fields":\#(fields)}"#)
        let facts = LeadView.Facts(
            lead: lead, sellers: SellerNames(nil), job: nil, escalations: nil, fuse: try node(#"{"state":"closed"}"#))

        let view = LeadView.page(layout, clerk, facts, once: "k")

        #expect(view["fields"]?.items.map { $0["fieldLabel"] } == ["Company", "Phone", "Budget", .nothing, .nothing])
        #expect(view["fields"]?.items.map { $0["fieldName"] } == ["company", "phone", "budget", "aisle", "utm_term"])
    }

    @Test func `of a lead that is not decided yet the page says what happens next, and nothing of sellers compared`() throws {
        let (layout, clerk) = frame()
        let lead = try node(#"{"id":"1","external_id":"L","source":"web","state":"awaiting_assignment","fields":{}}"#)
        let facts = LeadView.Facts(
            lead: lead, sellers: SellerNames(nil), job: nil, escalations: nil, fuse: try node(#"{"state":"closed"}"#))

        let page = Templates.all.page("lead", LeadView.page(layout, clerk, facts, once: "k"))

        #expect(page.contains("its job chooses a seller by the live rules"))
        #expect(!page.contains("Nobody was compared") && !page.contains("Nobody was left out"))
    }

    @Test func `who could not be ranked is told where another way then took one of them`() throws {
        let decision = try node(
            #"{"candidates":[{"seller_id":"s1","pending":0},{"seller_id":"s2","pending":1}],"candidate_count":2,"excluded":[{"seller_id":"s1","code":"no_ranking_data"},{"seller_id":"s2","code":"no_ranking_data"}],"excluded_count":2}"#
        )

        let tables = LeadDecisionTables(
            decision: decision, owner: "s1", sellers: SellerNames(try node(Self.sellers)), clerk: frame().1)

        #expect(tables.excluded.map { $0["exclusionName"] } == ["Not ranked"])
        #expect(tables.excluded.map { $0["exclusionSellers"] } == ["陈晓, Li Fang"])
        #expect(tables.excludedWords == "2 sellers")
    }

    @Test func `a held lead says in the list why it is held`() throws {
        let (layout, clerk) = frame()
        let page = try node(
            #"{"items":[{"id":"1","state":"held","held_reason":"held_missing_data"},{"id":"2","state":"assigned","held_reason":null}]}"#)

        let rows = LeadsView.page(layout, clerk, page: page, sellers: SellerNames(nil), query: .init())["leads"]?.items

        #expect(rows?.map { $0["heldWhy"] } == ["data are missing", .nothing])
    }

    @Test func `who is held to cities reads that there is no lead for them, not that there is none`() throws {
        var (layout, clerk) = frame()
        let none = try node(#"{"items":[]}"#)
        func title() -> View? { LeadsView.page(layout, clerk, page: none, sellers: SellerNames(nil), query: .init())["emptyTitle"] }

        #expect(title() == "No lead yet")
        layout.reach = .leadsOnly
        #expect(title() == "No lead that you may see")
    }
}
