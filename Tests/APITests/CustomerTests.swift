import Foundation
import Identity
import Jobs
import Records
import SalesModel
import Tenancy
import Testing

@Suite struct CustomerTests {
    private let everyone = "rules: [{ id: everyone, to: everyone, by: round_robin }]"
    private let map = """
        sources: ["*"]
        fields:
          company: { from: company, optional: true }
          contact: { from: contact, optional: true }
          phone: { from: phone, optional: true }
          credit_code: { from: code, optional: true }
        """

    private func prepared(_ house: SalesHouse) async throws -> TenantID {
        let tenant = try await house.tenant()
        for name in ["anna", "bert", "carl"] { try await house.seller(name, of: tenant) }
        try await house.rule(.map, map, of: tenant)
        try await house.rule(.route, everyone, of: tenant)
        return tenant
    }

    private func fields(_ values: [String: String]) -> String {
        "{" + values.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }.joined(separator: ",") + "}"
    }

    private let zhang = ["company": "上海明远科技有限公司", "contact": "张伟", "phone": "13800138000"]

    /// FC-18.
    @Test func `the same customer from three sources at once is one customer with one owner`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await prepared(house)
            let ids = try await house.leads(
                [
                    house.lead("1", source: "fair", fields(zhang)),
                    house.lead("2", source: "website", fields(["contact": "张伟", "phone": "+86 138 0013 8000"])),
                    house.lead("3", source: "partner", fields(["company": "明远科技（上海）", "contact": "张伟先生", "phone": "138-0013-8000"])),
                ], of: tenant)

            try await house.workThrough(workers: 3)

            #expect(try await house.count("customer") == 1)
            #expect(try await house.count("routing_state WHERE customers = 1") == 1)
            let leads = try await ids.asyncMap { try #require(try await house.records.lead($0, of: tenant)) }
            #expect(Set(leads.map(\.owner)).count == 1)
            #expect(Set(leads.map(\.customer)).count == 1)
            #expect(try await house.outcomes() == ["assigned": 1, "assigned_existing_owner": 2])
            let customer = try #require(try await house.records.customer(CustomerName(leads[0].customer ?? ""), of: tenant))
            #expect(Set(customer.leads) == Set(ids))
            #expect(customer.fields.first { $0.name == "phone" }.map { Set($0.values.map(\.source)) } == ["fair", "website", "partner"])
            try await house.expectSound()
        }
    }

    /// CID-10: each lead comes alone, many workers take them.
    @Test func `many leads of few customers that come at once make each customer once`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await prepared(house)
            let leads = (0..<60).map { n in
                house.lead("\(n)", fields(["company": "第\(n % 6)号机械有限公司", "contact": "李娜", "phone": "1380013800\(n % 6)"]))
            }
            for lead in leads { try await house.leads([lead], of: tenant) }

            try await house.workThrough(workers: 4)

            #expect(try await house.count("customer") == 6)
            #expect(try await house.count("(SELECT customer_id FROM lead GROUP BY 1 HAVING count(DISTINCT owner_id) > 1) x") == 0)
            #expect(try await house.count("routing_state WHERE customers = 6") == 1)
            try await house.expectSound()
        }
    }

    @Test func `a customer whose owner has left is given by rule, with the reason`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await prepared(house)
            let first = try await house.leads([house.lead("1", fields(zhang))], of: tenant)[0]
            try await house.workThrough()
            let owner = try #require(try await house.records.lead(first, of: tenant)?.owner)
            try await house.seller(owner, of: tenant) { $0.status = .inactive }

            let second = try await house.leads([house.lead("2", fields(zhang))], of: tenant)[0]
            try await house.workThrough()

            let lead = try #require(try await house.records.lead(second, of: tenant))
            #expect(lead.owner != owner)
            #expect(lead.reasons(in: .english).contains { $0.contains("belonged to \(owner), who is not active") })
            #expect(try await house.count("customer") == 1)
        }
    }

    @Test func `a lead that may be a known customer goes to its owner, and a person is asked once`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await prepared(house)
            let known = try await house.leads([house.lead("1", fields(zhang))], of: tenant)[0]
            try await house.workThrough()

            let phoneOnly = try await house.leads([house.lead("2", source: "douyin", fields(["phone": "13800138000"]))], of: tenant)[0]
            try await house.workThrough()

            let (first, second) = (
                try #require(try await house.records.lead(known, of: tenant)),
                try #require(try await house.records.lead(phoneOnly, of: tenant))
            )
            #expect(second.owner == first.owner)
            #expect(second.customer != first.customer)
            let reviews = try await house.records.customerReviews(of: tenant, state: .open, limit: 10).items
            #expect(reviews.map(\.suspect.name) == [first.customer])
            #expect(reviews.map(\.customer.name) == [second.customer])
            #expect(second.reasons(in: .english).contains { $0.contains("a person is asked") })
        }
    }

    @Test func `a held lead is nobody's until it can be read`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await house.rule(
                .route,
                "rules: [{ id: big, when: { field: industry, in: [steel] }, to: everyone, by: round_robin }, { id: everyone, to: everyone, by: round_robin }]",
                of: tenant)
            try await house.leads([house.lead("1", fields(zhang))], of: tenant)

            try await house.workThrough()

            #expect(try await house.count("lead WHERE state = 'held' AND customer_id IS NULL") == 1)
            #expect(try await house.count("customer") == 0)
        }
    }

    @Test func `joining two customers moves everything to the elder, and taking it back restores exactly what was`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await prepared(house)
            try await house.leads([house.lead("1", fields(zhang))], of: tenant)
            try await house.workThrough()
            try await house.leads([house.lead("2", source: "douyin", fields(["phone": "13800138000"]))], of: tenant)
            try await house.workThrough()
            let review = try #require(try await house.records.customerReviews(of: tenant, state: .open, limit: 1).items.first)
            let state =
                "SELECT ((SELECT jsonb_agg(to_jsonb(c) - 'updated_at' ORDER BY id) FROM customer c) || (SELECT jsonb_agg(to_jsonb(k) ORDER BY key, customer_id) FROM customer_key k) || (SELECT jsonb_agg(jsonb_build_array(id, customer_id) ORDER BY id) FROM lead) || (SELECT jsonb_agg(customers) FROM routing_state))::text AS snapshot"
            func snapshot() async throws -> String { try #require(try await house.rows(state).first).get("snapshot") }
            let before = try await snapshot()

            _ = try await house.records.decide(review.id, asOne: true, of: tenant, by: "ming", reason: "the same", key: nil) { _, _ in
                StoredAnswer(status: 200, body: [])
            }

            let elder = try #require(try await house.records.customer(CustomerName(review.customer.name), of: tenant))
            #expect(elder.id == review.suspect)
            #expect(elder.leads.count == 2)
            #expect(elder.merged == [review.customer])
            #expect(try await house.count("customer_key k JOIN customer c ON c.id = k.customer_id WHERE c.merged_into IS NOT NULL") == 0)
            #expect(try await house.count("audit_log WHERE action = 'customer.merge' AND reason = 'the same'") == 1)
            let merge = try #require(elder.operations.first)

            _ = try await house.records.undoCustomerOperation(
                merge.id, on: elder.id, of: tenant, by: "ming", reason: "not the same", key: nil
            ) { StoredAnswer(status: 200, body: []) }

            #expect(try await snapshot() == before)
        }
    }

    @Test func `a lead put to the wrong customer leaves it with what it brought, and comes back exactly`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await prepared(house)
            let ids = try await house.leads(
                [
                    house.lead("1", fields(zhang)),
                    house.lead("2", fields(["contact": "张伟", "phone": "13800138000", "code": "91330100799655058B"])),
                ], of: tenant)
            try await house.workThrough()
            let customer = try #require(try await house.records.lead(ids[0], of: tenant)?.customer)
            let id = try #require(CustomerID(name: customer))
            let before = try #require(try await house.records.customer(CustomerName(customer), of: tenant))

            _ = try await house.records.separate(ids[1], from: id, of: tenant, by: "ming", reason: "namesakes", key: nil) { _, _ in
                StoredAnswer(status: 200, body: [])
            }

            let left = try #require(try await house.records.lead(ids[1], of: tenant)?.customer)
            #expect(left != customer)
            #expect(try await house.records.customer(CustomerName(customer), of: tenant)?.leads == [ids[0]])
            #expect(
                try await house.records.customer(CustomerName(left), of: tenant)?.fields.map(\.name) == ["contact", "credit_code", "phone"])
            #expect(try await house.count("customer_key WHERE key LIKE 'credit_code:%'") == 1)
            await #expect(throws: CustomerRefusal.notParted) {
                _ = try await house.records.separate(ids[0], from: id, of: tenant, by: "ming", reason: "alone", key: nil) { _, _ in
                    StoredAnswer(status: 200, body: [])
                }
            }

            let operation = try #require(try await house.records.customer(CustomerName(customer), of: tenant)?.operations.first)
            _ = try await house.records.undoCustomerOperation(
                operation.id, on: id, of: tenant, by: "ming", reason: "after all", key: nil
            ) { StoredAnswer(status: 200, body: []) }

            let after = try #require(try await house.records.customer(CustomerName(customer), of: tenant))
            #expect(after.leads == before.leads)
            #expect(after.fields == before.fields)
            #expect(try await house.records.lead(ids[1], of: tenant)?.customer == customer)
        }
    }

    @Test func `a tenant's own match rules recognise its customers`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await prepared(house)
            try await house.rule(.match, "method: card", of: tenant)
            // On the card a phone is all there is to compare, and equal: 100 points.
            let ids = try await house.leads(
                [house.lead("1", fields(zhang)), house.lead("2", source: "douyin", fields(["phone": "13800138000"]))], of: tenant)

            try await house.workThrough()

            let customers = try await ids.asyncMap { try #require(try await house.records.lead($0, of: tenant)).customer }
            #expect(Set(customers).count == 1)
            let told = ["phone": ["13800138000"]]
            #expect(try await house.records.likelyCustomers(told, of: tenant).first?.evidence.percent == 100)
            #expect(try await house.records.likelyCustomers(told, of: tenant).first?.evidence.bits == nil)
        }
    }

    @Test func `a decision made before another made its customer is made again`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await prepared(house)
            try await house.leads([house.lead("1", fields(zhang))], of: tenant)
            let first = try await house.begin()
            let early = try await house.decide(first)
            let told = CustomerFactsTold(said: zhang.mapValues { [$0] })
            _ = try await house.records.putCustomer("erp-7", told, of: tenant, by: "test")

            let settled = try await house.ledger.settle(early)

            #expect(settled.stale.count == 1)
            #expect(try await house.count("customer") == 1)
        }
    }
}

extension Sequence {
    func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var results: [T] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
