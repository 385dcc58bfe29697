import Identity
import SalesModel
import Testing

@testable import Rules

@Suite struct MatchTests {
    @Test func `what is not written is the standard`() throws {
        #expect(try parse(.match, "method: fellegi_sunter").match == .standard)
        let card = try #require(try parse(.match, "{ method: card, card: { highlight: 80 } }").match)
        #expect(card.method == .card && card.card == MatchCard(highlight: 80))
    }

    @Test func `fields, bands and aliases are taken as written`() throws {
        let match = try #require(
            try parse(
                .match,
                """
                bands: { link: 8, review: 1.5 }
                switchboard: 3
                fields:
                  - { field: phone, finds: false }
                  - { field: product_line, compare: text, levels: [{ at_least: 1, m: 0.9, u: 0.01 }, { at_least: 0.5, m: 0.05, u: 0.1 }] }
                aliases: { 华电: 华东电力设备有限公司 }
                """
            ).match)

        #expect(match.bands == MatchBands(link: 8, review: 1.5) && match.switchboard == 3)
        #expect(match.fields.map(\.field) == ["phone", "product_line"])
        var phone = FieldComparison.standard[0]
        phone.finds = false
        #expect(match.fields[0] == phone)
        #expect(match.fields[1].levels.map(\.atLeast) == [1, 0.5])
        #expect(match.aliases == ["华电": "华东电力设备有限公司"])
    }
}
