import Foundation
import Rules
import SalesModel
import Testing

@testable import Routing

@Suite struct VariantTests {
    private let turns = "rules: [{ id: all, to: everyone, by: round_robin }]"

    @Test func `leads decided under two versions of the rules share loads and turns`() throws {
        let variants = [try rules(route: turns), try rules(route: turns)]
        var roster = Roster(sellers: [seller(1), seller(2), seller(3)], deals: [:], cursors: [], variants: variants)

        let owners = (0..<9).map { n in roster.decision(for: lead(Int64(n + 1)), under: n % 2, at: now).decision.owner?.externalID }

        #expect(owners == ["s1", "s2", "s3", "s1", "s2", "s3", "s1", "s2", "s3"])
        #expect(roster.sellers.map(\.pending) == [3, 3, 3])
    }

    @Test func `a lead is decided under the version asked for`() throws {
        let variants = [
            try rules(route: "rules: [{ id: all, to: everyone }]"), try rules(route: "rules: [{ id: all, to: { pool: nurture } }]"),
        ]
        var roster = Roster(sellers: [seller(1)], deals: [:], cursors: [], variants: variants)

        let decisions = [0, 1, 0].map { roster.decision(for: lead(), under: $0, at: now).decision.outcome }

        #expect(decisions == [.assigned, .pooled, .assigned])
    }
}
