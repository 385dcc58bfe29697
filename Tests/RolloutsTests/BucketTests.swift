import Testing

@testable import Rollouts

@Suite struct BucketTests {
    /// Worked out by another program from the description alone.
    @Test(
        arguments: [
            (1, "route/default", "c-1", 746), (1, "route/default", "c-2", 1_340), (2, "route/default", "c-1", 7_595),
            (1, "score/default", "c-1", 371), (42, "route/医疗", "北京协和医院", 3_149),
        ] as [(Int64, String, String, Int)])
    func `a customer's place is the same in every process and every release`(tenant: Int64, lineage: String, customer: String, index: Int) {
        #expect(Bucket(tenant: tenant, lineage: lineage, customer: customer).index == index)
    }

    @Test func `customers with names in a row are spread evenly over all places`() {
        var counts = [Int](repeating: 0, count: Bucket.count)
        for number in 0..<200_000 { counts[Bucket(tenant: 7, lineage: "route/default", customer: "customer-\(number)").index] += 1 }

        // χ² with 9,999 degrees of freedom has a standard deviation of 141.4: five of them to either side.
        let chiSquare = counts.reduce(0) { $0 + (Double($1) - 20) * (Double($1) - 20) / 20 }
        #expect(abs(chiSquare - 9_999) < 707, "χ² = \(chiSquare)")
    }

    @Test func `another lineage puts the same customers elsewhere`() {
        var counts = [Int](repeating: 0, count: 100)
        for number in 0..<20_000 {
            let customer = "\(number)"
            let places = ["route/default", "route/default2"].map { Bucket(tenant: 7, lineage: $0, customer: customer).index / 1_000 }
            counts[places[0] * 10 + places[1]] += 1
        }

        // 99 degrees of freedom, standard deviation 14.1.
        let chiSquare = counts.reduce(0) { $0 + (Double($1) - 200) * (Double($1) - 200) / 200 }
        #expect(abs(chiSquare - 99) < 70, "χ² = \(chiSquare)")
    }

    @Test func `a higher percentage only adds customers`() throws {
        var canary: Set<Int> = []
        for hundredths in [0, 1, 500, 501, 2_000, 9_999, 10_000] {
            let percent = try #require(Percent(hundredths: hundredths))
            let now = Set((0..<3_000).filter { Bucket.arm(tenant: 1, lineage: "a/b", customer: "\($0)", percent: percent) == .canary })
            #expect(now.isSuperset(of: canary))
            canary = now
        }
        #expect(canary.count == 3_000, "all of them at 100 %")
    }

    @Test func `fields that only run together alike are told apart`() {
        #expect(
            Bucket(tenant: 1, lineage: "a", customer: "bc").index != Bucket(tenant: 1, lineage: "ab", customer: "c").index)
    }

    @Test func `a percentage has two decimals and lies between 0 and 100`() {
        for (given, hundredths) in [(0, 0), (5, 500), (0.01, 1), (33.33, 3_333), (99.99, 9_999), (100, 10_000), (0.29, 29)] {
            #expect(Percent(given)?.hundredths == hundredths, "\(given)")
        }
        for refused in [-0.01, 100.01, 0.005, 33.333, .nan, .infinity] { #expect(Percent(refused) == nil, "\(refused)") }
        #expect(Percent(hundredths: 10_001) == nil)
        #expect([5, 12.5, 0.25, 0.05, 100].compactMap { Percent($0)?.description } == ["5", "12.5", "0.25", "0.05", "100"])
    }
}
