import Testing

@testable import Identity

@Suite struct WeighingTests {
    /// A tenant of 50,000 customers, the core of a company's name in one level, as the worked example has it.
    private let rules: MatchRules = {
        var rules = MatchRules.standard
        rules.fields[1] = FieldComparison("company", .company, levels: [.init(atLeast: 0.95, m: 0.8, u: 1e-4)])
        return rules
    }()

    private func bits(_ record: [String: String], _ customer: [String: String], carriers: Int = 1) throws -> Double {
        let counted = CountedRecord(MatchRecord(record.mapValues { [$0] }, rules: rules), rules: rules) { _ in carriers }
        let evidence = rules.evidence(that: counted, is: MatchRecord(customer.mapValues { [$0] }, rules: rules), population: 50_000)
        return try #require(evidence.bits)
    }

    @Test func `the worked example comes out to a tenth of a bit`() throws {
        let phone = ["phone": "13800138000"]
        let full = ["phone": "13800138000", "company": "明远科技有限公司", "contact": "张伟"]

        #expect(abs(rules.prior.bits(of: 50_000) - -17.9) < 0.05)
        #expect(abs(try bits(phone, phone) - 4.1) < 0.1)
        #expect(abs(try bits(["phone": "13800138000", "company": "明远科技"], full) - 17.1) < 0.1)
        #expect(abs(try bits(["company": "明远科技", "contact": "张伟"], full) - 3.5) < 0.1)
        // A switchboard that forty customers carry: this is what a fixed weight cannot do.
        #expect(abs(try bits(phone, phone, carriers: 40) - -7.9) < 0.1)
    }

    @Test func `what either side lacks says nothing`() throws {
        let phone = try bits(["phone": "13800138000"], ["phone": "13800138000"])

        #expect(try bits(["phone": "13800138000", "email": "li@mingyuan.cn"], ["phone": "13800138000", "contact": "张伟"]) == phone)
    }

    @Test func `what can't be a value is not compared`() throws {
        let phone = try bits(["phone": "13800138000"], ["phone": "13800138000"])

        #expect(
            try bits(
                ["phone": "13800138000", "credit_code": "91330100799655058A"],
                ["phone": "13800138000", "credit_code": "91330100799655058A"])
                == phone)
        #expect(MatchRecord(["phone": ["00000000000"], "credit_code": ["1"]], rules: rules).isEmpty)
    }

    @Test func `a company's line weighs no more than one that many carry`() throws {
        #expect(try bits(["phone": "4008208820"], ["phone": "4008208820"]) < 0)
        #expect(try bits(["phone": "4008208820", "company": "明远科技"], ["phone": "4008208820", "company": "明远科技"]) > 7)
    }

    @Test func `a mobile number and a company's line don't contradict each other`() throws {
        let name = ["company": "明远科技", "contact": "张伟"]
        func with(_ phone: String) -> [String: String] { name.merging(["phone": phone]) { $1 } }

        #expect(try bits(with("13800138000"), with("0755-81234567")) == bits(name, name))
        #expect(try bits(with("13800138000"), with("13900139000")) < bits(name, name))
    }

    @Test func `of several values the closest count`() throws {
        let rules = MatchRules.standard
        var customer = MatchRecord(["phone": ["13800138000"], "company": ["明远科技"]], rules: rules)
        customer.add(MatchRecord(["phone": ["13900139000"], "company": ["明远"]], rules: rules))
        let record = CountedRecord(MatchRecord(["phone": ["13900139000"], "company": ["明远科技"]], rules: rules), rules: rules) { _ in 1 }

        let evidence = rules.evidence(that: record, is: customer, population: 100)

        #expect(evidence.fields.map(\.likeness) == [1, 1])
        #expect(evidence.standing == .same)
    }

    @Test func `an alias is as good as the name it stands for`() {
        var rules = MatchRules.standard
        rules.aliases = ["PUMCH": "北京协和医院"]
        let record = MatchRecord(["company": ["PUMCH"]], rules: rules)

        #expect(rules.keys(of: record).map(\.text) == ["company:pumch", "company:pumc", "company:协和医院"])
    }
}
