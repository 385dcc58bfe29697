import Testing

@testable import Identity

@Suite struct CardTests {
    private let rules: MatchRules = {
        var rules = MatchRules.standard
        rules.method = .card
        return rules
    }()
    private let codes = ["91330100799655058B", "914403001922038216"]

    private func evidence(_ record: [String: String], _ customer: [String: String]) -> MatchEvidence {
        let counted = CountedRecord(MatchRecord(record.mapValues { [$0] }, rules: rules), rules: rules) { _ in 1 }
        return rules.evidence(that: counted, is: MatchRecord(customer.mapValues { [$0] }, rules: rules), population: 100)
    }

    @Test func `phone, company and contact equal and codes that differ are exactly 75: reviewed, not highlighted`() {
        let person = ["phone": "13800138000", "company": "明远科技有限公司", "contact": "张伟"]

        let evidence = evidence(person.merging(["credit_code": codes[0]]) { $1 }, person.merging(["credit_code": codes[1]]) { $1 })

        #expect(evidence.percent == 75)
        #expect(!evidence.isHighlighted(by: rules))
        #expect(evidence.standing == .suspected)
        #expect(evidence.fields.map(\.weight) == [40, 35, 0])
    }

    @Test func `what either side lacks is left out and the rest scaled to 100`() {
        // 40 of 75 points.
        let other = evidence(
            ["phone": "13800138000", "company": "明远科技", "contact": "张伟"], ["phone": "13800138000", "company": "宏泰建材", "contact": "李娜"])
        #expect(abs(other.percent - 100 * 40 / 75) < 1e-9)
        #expect(other.standing == .suspected)

        let phone = evidence(["phone": "13800138000"], ["phone": "13800138000", "company": "明远科技"])
        #expect(phone.percent == 100)
        #expect(phone.isHighlighted(by: rules))
        #expect(phone.standing == .same)
    }

    @Test func `with phones that differ and no code at most 46_7 are reached, and that is reviewed`() {
        let evidence = evidence(
            ["phone": "13800138000", "company": "明远科技", "contact": "张伟"], ["phone": "13900139000", "company": "明远科技", "contact": "张伟"])

        #expect(abs(evidence.percent - 100 * 35 / 75) < 1e-9)
        #expect(evidence.standing == .suspected)
    }

    @Test func `a code alone is too little to compare`() {
        #expect(evidence(["credit_code": codes[0]], ["credit_code": codes[0]]).standing == .different)
    }

    @Test func `a contact's name alone is not compared`() {
        #expect(evidence(["contact": "张伟"], ["contact": "张伟"]).fields.isEmpty)
    }

    @Test func `points that don't add up to 100 are a fault`() {
        var card = rules
        card.card.phone = 41

        #expect(card.faults.map(\.path) == [["card"]])
        #expect(rules.faults == [])
    }
}
