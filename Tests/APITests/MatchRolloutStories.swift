import Foundation
import Identity
import Records
import Rollouts
import Rules
import SalesModel
import Sampling
import Tenancy
import Testing

/// Changes of who leads are, let out to some customers first, from end to end.
@Suite struct MatchRolloutStories {
    private static let map = """
        sources: ["*"]
        fields:
          company: { from: company, optional: true }
          contact: { from: contact, optional: true }
          phone: { from: phone, optional: true }
          email: { from: email, optional: true }
        """
    private static let live = "method: fellegi_sunter"
    /// A phone in common is the customer, whoever picks it up: the live version wants a name, too.
    private static let card = "method: card"
    /// Nobody is ever known: a person is asked about everybody.
    private static let asking = "bands: { link: 1000, review: 2 }"

    private func house(_ body: (SalesHouse, TenantID) async throws -> Void) async throws {
        try await SalesHouse.with { house in
            try await body(house, try await tenant(house))
        }
    }

    private func tenant(_ house: SalesHouse, _ name: String = "acme") async throws -> TenantID {
        let tenant = try await house.tenant(name)
        for seller in ["ann", "bob", "cyd"] { try await house.seller(seller, of: tenant) { $0.capacity = 10_000 } }
        try await house.rule(.map, Self.map, of: tenant)
        try await house.rule(.route, "rules: [{ id: all, to: everyone, by: round_robin }]", of: tenant)
        try await house.rule(.match, Self.live, of: tenant)
        return tenant
    }

    /// Somebody at a firm of their own, with a phone of their own.
    private func buyer(_ n: Int, contact: String = "张伟") -> String {
        #"{"company":"\#(Self.firms[n % 10])\#(Self.firms[n / 10 % 10])机械有限公司","contact":"\#(contact)","phone":"\#(phone(n))"}"#
    }
    /// Far from all others': one slip would be a likeness.
    private func phone(_ n: Int) -> String { "138\(10_000_000 + 34_567_891 * (n + 1) % 90_000_000)" }
    private static let firms = ["明远", "华泰", "北辰", "金桥", "锦绣", "长庚", "海纳", "蓝天", "鼎新", "瑞丰"]

    /// Somebody else at a buyer's phone: another person to the live version, the same customer to the card.
    private func colleague(_ n: Int, _ contact: String = "李娜") -> String {
        let mailbox = contact == "李娜" ? "lina\(n)" : "wangfang\(n)"
        return #"{"contact":"\#(contact)","phone":"\#(phone(n))","email":"me@\#(mailbox).cn"}"#
    }

    private func roll(
        _ version: String, percent: Double, _ house: SalesHouse, _ tenant: TenantID, _ change: (inout RolloutTerms) -> Void = { _ in }
    )
        async throws -> Int64
    {
        var terms = RolloutTerms.standard(for: .rule(.match))
        change(&terms)
        return try await house.roll(
            .match, to: try await house.draft(.match, version, of: tenant), percent: percent, terms: terms, of: tenant)
    }

    private func tell(_ leads: [(id: String, fields: String)], _ house: SalesHouse, _ tenant: TenantID) async throws {
        try await house.leads(leads.map { house.lead($0.id, $0.fields) }, of: tenant)
        try await house.workThrough()
    }

    /// Each lead by its id outside, and the first lead of the customer it is of.
    private func customers(_ house: SalesHouse, _ tenant: TenantID) async throws -> [String: String] {
        try await house.rows(
            """
            SELECT l.external_id, c.external_id AS first FROM lead l JOIN lead c ON c.tenant_id = l.tenant_id AND c.id = l.customer_id
            WHERE l.tenant_id = \(tenant.rawValue)
            """
        ).reduce(into: [:]) { $0[try $1.get("external_id")] = try $1.get("first", as: String.self) }
    }

    private func arms(of rollout: Int64, _ house: SalesHouse) async throws -> [String: String] {
        try await house.rows(
            "SELECT l.external_id, c.arm FROM rollout_case c JOIN lead l ON l.id = c.lead_id WHERE c.rollout_id = \(rollout)"
        ).reduce(into: [:]) { $0[try $1.get("external_id")] = try $1.get("arm", as: String.self) }
    }

    /// What must be so of customers whatever was tried and taken back.
    private func expectWhole(_ house: SalesHouse) async throws {
        let broken = [
            "leads of customers that went into others": "lead l JOIN customer c ON c.id = l.customer_id WHERE c.merged_into IS NOT NULL",
            "keys that find customers no more": "customer_key k JOIN customer c ON c.id = k.customer_id WHERE c.merged_into IS NOT NULL",
            "customers that are not counted": """
            routing_state r WHERE r.customers <> (SELECT count(*) FROM customer c WHERE c.tenant_id = r.tenant_id AND c.merged_into IS NULL)
            """,
            "things said by a lead that are kept with a customer it is not of": """
            customer c CROSS JOIN LATERAL jsonb_array_elements(c.said) AS e(value) JOIN lead l ON l.id = (e.value->>'l')::bigint
            WHERE c.merged_into IS NULL AND l.customer_id IS DISTINCT FROM c.id
            """,
            "leads that say something their customer does not know": """
            lead l JOIN customer c ON c.id = l.customer_id
            WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(c.said) AS e(value) WHERE (e.value->>'l')::bigint = l.id)
            """,
            "arms of leads that are not their customer's": """
            rollout_case a JOIN decision_log d ON d.tenant_id = a.tenant_id AND d.lead_id = a.lead_id AND d.epoch = a.epoch AND d.decided_at = a.decided_at
                JOIN exposure e ON e.tenant_id = a.tenant_id AND e.rollout_id = a.rollout_id AND e.customer = d.body->'customer'->>'id'
            WHERE e.arm <> a.arm
            """,
            "leads whose customer has no arm": """
            rollout_case a JOIN decision_log d ON d.tenant_id = a.tenant_id AND d.lead_id = a.lead_id AND d.epoch = a.epoch AND d.decided_at = a.decided_at
            WHERE NOT EXISTS (
                SELECT FROM exposure e WHERE e.tenant_id = a.tenant_id AND e.rollout_id = a.rollout_id AND e.customer = d.body->'customer'->>'id')
            """,
            "arms that were taken from a customer of the other": """
            exposure e WHERE e.taken_from IS NOT NULL AND NOT EXISTS (
                SELECT FROM exposure o WHERE o.tenant_id = e.tenant_id AND o.rollout_id = e.rollout_id AND o.customer = e.taken_from AND o.arm = e.arm)
            """,
            "exposures that are not counted": """
            rollout r WHERE r.id IN (SELECT rollout_id FROM rollout_stage) AND
                (SELECT sum(s.stable_exposed + s.canary_exposed) FROM rollout_stage s WHERE s.rollout_id = r.id)
                    <> (SELECT count(*) FROM exposure e WHERE e.rollout_id = r.id AND e.taken_from IS NULL)
            """,
        ]
        for (what, query) in broken { #expect(try await house.count(query) == 0, "\(what)") }
        for row in try await house.rows(
            "SELECT e.*, r.kind, r.name FROM exposure e JOIN rollout r ON r.id = e.rollout_id WHERE e.taken_from IS NULL")
        {
            let arm = Bucket.arm(
                tenant: try row.get("tenant_id"),
                lineage: "\(try row.get("kind", as: String.self))/\(try row.get("name", as: String.self))",
                customer: try row.get("customer"), percent: Percent(hundredths: Int(try row.get("percent", as: Int32.self)))!)
            #expect(try row.get("arm") == arm.rawValue)
        }
        try await house.expectSound()
    }

    @Test func `a shadow takes nobody for another, and tells whom it would have taken them for`() async throws {
        try await SalesHouse.with { house in
            let (tried, plain) = (try await tenant(house), try await tenant(house, "globex"))
            let rollout = try await roll(Self.card, percent: 0, house, tried)
            var generator = SeededNumbers(seed: 4)
            var leads: [(id: String, fields: String)] = []
            for n in 0..<60 {
                let buyer = Int.random(in: 0..<12, using: &generator)
                leads.append(("\(n)", Bool.random(using: &generator) ? self.buyer(buyer) : colleague(buyer)))
            }
            for tenant in [tried, plain] {
                for start in stride(from: 0, to: 60, by: 12) { try await tell(Array(leads[start..<start + 12]), house, tenant) }
            }

            let record = try await house.rollout(rollout, of: tried)
            #expect(record.shadow.leads == 60 && record.shadow.different > 5 && record.shadow.failures == 0)
            #expect(try await customers(house, tried) == customers(house, plain))
            func left(_ what: String, _ tenant: TenantID) async throws -> Int {
                try await house.count("\(what) WHERE tenant_id = \(tenant.rawValue)")
            }
            for table in ["customer", "customer_review", "customer_key", "assignment", "customer_log"] {
                #expect(try await left(table, tried) == left(table, plain), "\(table)")
            }
            #expect(try await house.count("exposure") == 0)
            #expect(
                try await house.count("rollout_difference WHERE otherwise LIKE '%, customer c%' AND otherwise <> decided")
                    == record.shadow.different)
            try await expectWhole(house)
        }
    }

    @Test func `in the canary arm the candidate says who a lead is, and a customer's leads are all in its arm`() async throws {
        try await house { house, tenant in
            try await tell((0..<40).map { ("b\($0)", buyer($0)) }, house, tenant)
            let first = try await customers(house, tenant)
            try #require(Set(first.values).count == 40)
            let rollout = try await roll(Self.card, percent: 50, house, tenant) { ($0.joined, $0.asked) = (nil, nil) }

            try await tell((0..<40).map { ("l\($0)", colleague($0)) }, house, tenant)
            let record = try await house.rollout(rollout, of: tenant)
            // Whoever was seen stays in their arm, although everybody is served now.
            try await house.turn(rollout, .percent(.all), of: tenant)
            try await tell((0..<40).map { ("m\($0)", colleague($0, "王芳")) }, house, tenant)

            let (arms, now) = (try await arms(of: rollout, house), try await customers(house, tenant))
            var served = 0
            for n in 0..<40 {
                let isCanary = arms["l\(n)"] == "canary"
                served += isCanary ? 1 : 0
                #expect(now["l\(n)"] == (isCanary ? "b\(n)" : "l\(n)"))
                #expect(arms["m\(n)"] == arms["l\(n)"])
                #expect(now["m\(n)"] == (isCanary ? "b\(n)" : "m\(n)"))
            }
            #expect(served > 10 && served < 30)
            // Who is a customer of their own to the live version has the arm of the one whom the candidate takes them for.
            #expect(try await house.count("exposure WHERE taken_from IS NOT NULL") > 0)
            #expect(record.stages[0].canaryExposed == served && record.stages[0].stableExposed == 40 - served)
            #expect(record.stages[0].canaryJoined == served)
            // The receipt names the version that said who it is.
            let said = "decision_log d JOIN rollout_case c USING (tenant_id, lead_id, epoch) WHERE"
            #expect(try await house.count("\(said) c.arm = 'canary' AND d.body->'customer'->>'rule_set' <> 'match/main@2'") == 0)
            #expect(try await house.count("\(said) c.arm = 'stable' AND d.body->'customer'->>'rule_set' <> 'match/main@1'") == 0)
            #expect(try await house.count("\(said) c.arm = 'canary' AND NOT d.body->>'rule_sets' LIKE '%match/main@2%'") == 0)
            try await expectWhole(house)
        }
    }

    @Test func `a version that asks about everybody is stopped, and whom it held apart is put where it belongs`() async throws {
        try await house { house, tenant in
            try await tell((0..<60).map { ("b\($0)", buyer($0)) }, house, tenant)
            let rollout = try await roll(Self.asking, percent: 50, house, tenant)

            try await tell((0..<60).map { ("l\($0)", buyer($0)) }, house, tenant)

            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == .aborted)
            #expect(record.endReason?.hasPrefix("asked:") == true, "\(record.endReason ?? "")")
            #expect((3...12).contains(record.stages[0].canary.n), "\(record.stages[0].canary)")
            let now = try await customers(house, tenant)
            for n in 0..<60 { #expect(now["l\(n)"] == "b\(n)") }
            #expect(try await house.count("customer WHERE merged_into IS NULL") == 60)
            let served = record.stages[0].canary.n
            #expect(
                try await house.count("customer_log WHERE operation = 'merge' AND actor = 'rollout' AND cardinality(leads) = 1") == served)
            #expect(try await house.count("customer_review WHERE state = 'withdrawn'") == served)
            #expect(try await house.count("customer_review WHERE state = 'open'") == 0)
            #expect(
                try await house.count("lead l JOIN customer c ON c.id = l.customer_id WHERE l.owner_id IS DISTINCT FROM c.owner_id") == 0)
            try await expectWhole(house)
        }
    }

    @Test func `links of a version that was taken back are undone where nobody has acted on them, and can be made again`() async throws {
        try await house { house, tenant in
            try await tell((0..<10).map { ("b\($0)", buyer($0)) }, house, tenant)
            let before = try await customerState(house)
            let rollout = try await roll(Self.card, percent: 100, house, tenant) { ($0.joined, $0.asked) = (nil, nil) }
            try await tell((0..<10).map { ("l\($0)", colleague($0)) }, house, tenant)
            let put = try await customers(house, tenant)
            for n in 0..<10 { try #require(put["l\(n)"] == "b\(n)") }
            // Somebody calls one of them: that lead is left where it is.
            try await house.touch("l0", of: tenant)

            try await house.turn(rollout, .abort, of: tenant)
            try await house.workThrough()

            let now = try await customers(house, tenant)
            #expect(now["l0"] == "b0")
            for n in 1..<10 { #expect(now["l\(n)"] == "l\(n)") }
            #expect(try await house.count("customer_log WHERE operation = 'separate' AND actor = 'rollout'") == 9)
            #expect(try await house.count("lead WHERE assignment_epoch = 1") == 9)
            // The buyers are as they were, but for the one somebody called.
            let after = try await customerState(house)
            for (customer, state) in before where try await house.count("lead WHERE external_id = 'b0' AND id = \(customer)") == 0 {
                #expect(after[customer] == state)
            }
            try await expectWhole(house)
            // By the live version the next ones are told apart, too, and known.
            try await tell([("n1", colleague(1))], house, tenant)
            #expect(try await customers(house, tenant)["n1"] == "l1")

            let row = try #require(
                try await house.rows("SELECT id, customer_id FROM customer_log ORDER BY id DESC LIMIT 1").first)
            _ = try await house.records.undoCustomerOperation(
                try row.get("id"), on: CustomerID(try row.get("customer_id", as: Int64.self)), of: tenant, by: "ming", reason: "one firm",
                key: nil
            ) { StoredAnswer(status: 200, body: []) }
            #expect(try await house.count("customer WHERE merged_into IS NOT NULL") == 1)
        }
    }

    /// What is said of each customer, what finds it, and who has it.
    private func customerState(_ house: SalesHouse) async throws -> [Int64: String] {
        try await house.rows(
            """
            SELECT c.id, jsonb_build_array(c.said, c.owner_id,
                (SELECT jsonb_agg(k.key ORDER BY k.key) FROM customer_key k WHERE k.customer_id = c.id))::text AS state FROM customer c
            """
        ).reduce(into: [:]) { $0[try $1.get("id")] = try $1.get("state", as: String.self) }
    }

    @Test func `leads that were put together wrongly are told apart among themselves, in their order`() async throws {
        try await house { house, tenant in
            // Among few customers a phone in common would say enough.
            try await tell((0..<10).map { ("b\($0)", buyer($0)) }, house, tenant)
            let rollout = try await roll(Self.card, percent: 100, house, tenant) { ($0.joined, $0.asked) = (nil, nil) }
            // Two of one person and one of another, all at the buyer's phone.
            try await tell([("l1", colleague(1, "李娜"))], house, tenant)
            try await tell([("l2", colleague(1, "王芳")), ("l3", colleague(1, "李娜"))], house, tenant)
            let put = try await customers(house, tenant)
            for lead in ["l1", "l2", "l3"] { try #require(put[lead] == "b1") }

            try await house.turn(rollout, .abort, of: tenant)
            try await house.workThrough()

            let now = try await customers(house, tenant)
            #expect([now["l1"], now["l2"], now["l3"]] == ["l1", "l2", "l1"])
            try await expectWhole(house)
        }
    }

    @Test func `a change of another kind that is taken back leaves whom leads are taken for alone`() async throws {
        try await house { house, tenant in
            try await tell((0..<8).map { ("b\($0)", buyer($0)) }, house, tenant)
            _ = try await roll(Self.card, percent: 100, house, tenant) { ($0.joined, $0.asked) = (nil, nil) }
            let route = try await house.roll(
                .route, to: try await house.draft(.route, "rules: [{ id: other, to: everyone, by: fewest_pending }]", of: tenant),
                percent: 100,
                of: tenant)
            try await tell((0..<8).map { ("l\($0)", colleague($0)) }, house, tenant)

            try await house.turn(route, .abort, of: tenant)
            try await house.workThrough()

            let now = try await customers(house, tenant)
            for n in 0..<8 { #expect(now["l\(n)"] == "b\(n)") }
            // Their customers' sellers have them, whichever route is live.
            #expect(
                try await house.count("lead WHERE assignment_epoch > 0")
                    == house.count("rollout_case WHERE rollout_id = \(route) AND elsewhere"))
            #expect(try await house.count("customer_log") == 0)
            try await expectWhole(house)
        }
    }

    @Test func `a promotion makes it everybody's`() async throws {
        try await house { house, tenant in
            try await tell((0..<6).map { ("b\($0)", buyer($0)) }, house, tenant)
            let rollout = try await roll(Self.card, percent: 1, house, tenant)

            try await house.turn(rollout, .promote, of: tenant)
            try await tell((0..<6).map { ("l\($0)", colleague($0)) }, house, tenant)

            let now = try await customers(house, tenant)
            for n in 0..<6 { #expect(now["l\(n)"] == "b\(n)") }
            #expect(try await house.count("ruleset_version WHERE kind = 'match' AND version = 2 AND state = 'live'") == 1)
            #expect(try await house.count("rollout_case") == 0)
            try await expectWhole(house)
        }
    }

    @Test func `what a candidate compares is kept while it is tried, so that it knows customers by it`() async throws {
        try await house { house, tenant in
            let byMail = "fields: [{ field: phone }, { field: company }, { field: contact, finds: false }, { field: email }]"
            try await house.rule(.match, "fields: [{ field: phone }, { field: company }, { field: contact, finds: false }]", of: tenant)
            let rollout = try await roll(byMail, percent: 0, house, tenant)
            try await tell([("b", #"{"contact":"张伟","phone":"13800138000","email":"wei@mingyuan.cn"}"#)], house, tenant)
            try await house.turn(rollout, .percent(.all), of: tenant)

            try await tell([("l", #"{"contact":"张伟","email":"wei@mingyuan.cn"}"#)], house, tenant)

            #expect(try await customers(house, tenant)["l"] == "b")
        }
    }

    /// With several workers under load, the percentage is changed, taken back and promoted at random.
    @Test(arguments: [1, 2, 3])
    func `whatever people turn, customers and their arms stay whole, and every decision can be made again`(seed: UInt64) async throws {
        try await house { house, tenant in
            var generator = SeededNumbers(seed: seed)
            let versions = [Self.card, Self.asking, "bands: { link: 12, review: 2 }", "bands: { link: 1000, review: 999 }"]
            var ended: [(rollout: Int64, cases: Int)] = []
            try await house.working(workers: 3) {
                var (next, spare) = (0, 0)
                func begin() async throws -> Int64 {
                    spare += 1
                    let version = versions.randomElement(using: &generator)!
                    let source = version + "\naliases: { 别名\(spare): 明远机械有限公司 }"
                    return try await roll(source, percent: Double.random(in: 10...60, using: &generator).rounded(), house, tenant) {
                        ($0.joined, $0.asked) = (nil, nil)
                    }
                }
                var rollout = try await begin()
                for _ in 0..<14 {
                    let leads = (next..<next + 30).map { n -> NewLead in
                        let who = Int.random(in: 0..<25, using: &generator)
                        let fields = [buyer(who), colleague(who), buyer(who, contact: "赵敏"), colleague(who, "王芳")]
                        return house.lead("\(n)", fields.randomElement(using: &generator)!)
                    }
                    next += 30
                    try await house.leads(leads, of: tenant)
                    switch Int.random(in: 0..<6, using: &generator) {
                    case 0, 1:
                        try await house.turn(rollout, .abort, of: tenant)
                        ended.append((rollout, try await house.count("rollout_case WHERE rollout_id = \(rollout)")))
                        rollout = try await begin()
                    case 2:
                        try await house.turn(rollout, .promote, of: tenant)
                        rollout = try await begin()
                    default:
                        let percent = Percent(hundredths: Int.random(in: 1...10_000, using: &generator))!
                        try await house.turn(rollout, .percent(percent), of: tenant)
                    }
                }
                try await soon { try await house.count("job_live") == 0 }
            }

            for (rollout, cases) in ended {
                #expect(
                    try await house.count("rollout_case WHERE rollout_id = \(rollout)") == cases,
                    "decided by a version after it was taken back")
            }
            #expect(!ended.isEmpty)
            try await expectWhole(house)
            let replayed = try await house.replay(tenant)
            #expect(replayed.summary.notReproduced == 0)
            #expect(replayed.summary.reproduced == (try await house.count("decision_log")))
        }
    }
}
