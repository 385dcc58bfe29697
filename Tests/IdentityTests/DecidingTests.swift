import Testing

@testable import Identity

@Suite struct DecidingTests {
    private var index = CustomerIndex(rules: .standard, population: 50_000)
    private let codes = ["91330100799655058B", "914403001922038216"]

    private func record(_ values: [String: String]) -> MatchRecord { MatchRecord(values.mapValues { [$0] }, rules: index.rules) }

    private mutating func know(_ id: Int64, _ values: [String: String]) { index.hold(record(values), as: CustomerID(id)) }

    @Test mutating func `seven bits link, two to seven are for a person to decide, below is someone else`() {
        know(1, ["phone": "13800138000", "company": "明远科技有限公司", "contact": "张伟"])

        #expect(index.decision(on: record(["phone": "13800138000", "contact": "张伟"])).verdict == .known(CustomerID(1)))
        #expect(index.decision(on: record(["phone": "13800138000"])).verdict == .suspected(CustomerID(1)))
        #expect(index.decision(on: record(["company": "明远科技有限公司"])).verdict == .new)
        #expect(index.decision(on: record(["phone": "13900139000"])).verdict == .new)
    }

    @Test mutating func `two different codes are never linked without a person`() {
        know(1, ["phone": "13800138000", "company": "明远科技有限公司", "contact": "张伟", "credit_code": codes[0]])

        let decision = index.decision(
            on: record(["phone": "13800138000", "company": "明远科技有限公司", "contact": "张伟", "credit_code": codes[1]]))

        #expect(decision.verdict == .suspected(CustomerID(1)))
        #expect(decision.likely.first?.evidence.conflict == .creditCodes)
    }

    @Test mutating func `two people with two mobile numbers are never linked without a person`() {
        know(1, ["phone": "13800138000", "email": "info@mingyuan.cn", "company": "明远科技有限公司", "contact": "张伟"])

        let decision = index.decision(
            on: record(["phone": "13911139111", "email": "info@mingyuan.cn", "company": "明远科技有限公司", "contact": "李娜"]))

        #expect(decision.verdict == .suspected(CustomerID(1)))
        #expect(decision.likely.first?.evidence.conflict == .people)
    }

    @Test mutating func `the same code is the same account, whatever else is said`() {
        know(1, ["phone": "13800138000", "company": "明远科技有限公司", "contact": "张伟", "credit_code": codes[0]])

        let decision = index.decision(on: record(["phone": "13911139111", "company": "别名贸易", "contact": "李娜", "credit_code": codes[0]]))

        #expect(decision.verdict == .known(CustomerID(1)))
    }

    @Test mutating func `of equally likely customers the eldest is meant`() {
        let values = ["phone": "13800138000", "contact": "张伟", "company": "明远科技"]
        know(7, values)
        know(3, values)

        #expect(index.decision(on: record(values)).verdict == .known(CustomerID(3)))
    }

    @Test mutating func `a record that mixes two customers does not draw them together`() {
        know(1, ["phone": "13800138000", "company": "明远科技有限公司", "contact": "张伟"])
        know(2, ["email": "lina@hongtai.cn", "company": "宏泰建材有限公司", "contact": "李娜"])

        let decision = index.decision(
            on: record(["phone": "13800138000", "email": "lina@hongtai.cn", "company": "明远科技有限公司"]))

        #expect(decision.verdict == .known(CustomerID(1)))
        #expect(decision.joins == [])
    }

    @Test mutating func `customers that a record shows to be one are joined`() {
        know(1, ["phone": "13800138000", "company": "上海明远科技有限公司", "contact": "张伟"])
        know(2, ["email": "zhangwei@mingyuan.cn", "company": "上海明远科技有限公司", "contact": "张伟"])

        let decision = index.decision(
            on: record(["phone": "13800138000", "email": "zhangwei@mingyuan.cn", "company": "明远科技", "contact": "张伟"]))

        #expect(decision.verdict == .known(CustomerID(2)) || decision.verdict == .known(CustomerID(1)))
        #expect(decision.joins.count == 1)
    }

    @Test mutating func `a later record of a batch sees the customer that an earlier one made`() {
        let first = record(["phone": "13800138000", "contact": "张伟"])
        #expect(index.decision(on: first).verdict == .new)

        index.add(first, to: CustomerID(9))

        #expect(index.decision(on: first).verdict == .known(CustomerID(9)))
        #expect(index.carriers(of: BlockingKey("phone:+8613800138000")) == 1)
    }

    @Test mutating func `carriers held elsewhere count`() {
        know(1, ["phone": "0755-81234567"])
        index.expect(others: [BlockingKey("phone:+8675581234567"): 39])

        let decision = index.decision(on: record(["phone": "0755-81234567"]))

        #expect(decision.verdict == .new)
        #expect(index.carriers(of: BlockingKey("phone:+8675581234567")) == 40)
    }

    /// FC-19: six records of one buyer, three phones, short, full and English name.
    @Test(arguments: MatchRules.Method.allCases)
    mutating func `six records of one hospital's buyer are proposed as one customer`(method: MatchRules.Method) throws {
        var rules = MatchRules.standard
        rules.method = method
        rules.aliases = ["Nanjing First Hospital": "南京市第一医院", "市一院": "南京市第一医院"]
        let records = [
            ["company": "南京市第一医院", "contact": "周敏", "phone": "13813800001"], ["company": "市一院", "contact": "周敏", "phone": "13813800001"],
            ["company": "南京市第一医院", "contact": "周敏主任", "phone": "13913900002"],
            ["company": "Nanjing First Hospital", "contact": "周敏", "phone": "13913900002"],
            ["company": "南京第一医院", "contact": "周敏", "phone": "025-52270003"],
            ["company": "南京市第一医院设备科", "contact": "周敏", "phone": "025-52270003"],
        ]
        index = CustomerIndex(rules: rules)
        var customers: [[Int]] = []
        var proposed: Set<Int> = []

        for (place, values) in records.enumerated() {
            let record = MatchRecord(values.mapValues { [$0] }, rules: rules)
            let customer: Int
            switch index.decision(on: record).verdict {
            case .known(let known): customer = Int(known.rawValue) - 1
            case .suspected, .new:
                // Of a customer of its own all but the first are put before a person.
                if index.decision(on: record).verdict != .new { proposed.insert(customers.count) }
                customer = customers.count
                customers.append([])
            }
            customers[customer].append(place + 1)
            index.add(record, to: CustomerID(Int64(customer) + 1))
        }

        #expect(customers.joined().sorted() == [1, 2, 3, 4, 5, 6])
        #expect(proposed == Set(customers.indices.dropFirst()))
    }
}
