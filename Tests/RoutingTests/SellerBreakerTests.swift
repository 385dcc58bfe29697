import SalesModel
import Testing

@Suite struct SellerBreakerTests {
    private let breaker = SellerBreaker()
    private let calm = SellerBreaker.State(isFrozen: false, isOpen: false, deals: [])

    /// Deals numbered from 1, the last one first: `s` lost for slow proposals, `o` for another reason, `n` for none told, `w` won.
    private func deals(_ pattern: String) -> [SellerBreaker.Deal] {
        pattern.enumerated().map { place, letter in
            SellerBreaker.Deal(
                id: Int64(pattern.count - place), isWon: letter == "w",
                reason: ["s": "slow_proposal_response", "c": "方案响应超时", "o": "price"][letter])
        }
    }

    @Test(arguments: [
        ("sss", Int?.some(3)), ("sso", 2), ("cso", 2), ("sssw", 3), ("ssoww", 2),
        ("soo", nil), ("ssw", nil), ("wsss", nil), ("ss", nil), ("snn", nil), ("", nil),
    ])
    func `three lost deals in a row, more than sixty of a hundred of them for slow proposals, freeze a seller`(
        pattern: String, matching: Int?
    ) {
        let ended = deals(pattern)

        let verdict = breaker.verdict(on: ended, calm)

        #expect(verdict == (matching.map { .opens(ended.prefix(3).map(\.id), matching: $0) } ?? .stays))
    }

    @Test func `the same three deals freeze nobody twice, and who is frozen already is not frozen again`() {
        let ended = deals("sss")
        var state = calm
        state.deals = [1, 2, 3]
        #expect(breaker.verdict(on: ended, state) == .stays)
        #expect(breaker.verdict(on: deals("ssss"), state) == .opens([4, 3, 2], matching: 3), "another deal makes other three")
        state = SellerBreaker.State(isFrozen: true, isOpen: false, deals: [])
        #expect(breaker.verdict(on: ended, state) == .stays)
    }

    @Test func `a corrected reason ends the freeze that it caused, whatever came after those deals`() {
        let state = SellerBreaker.State(isFrozen: true, isOpen: true, deals: [1, 2, 3])
        #expect(breaker.verdict(on: deals("sss"), state) == .stays)
        #expect(breaker.verdict(on: deals("wsss"), state) == .stays, "a later win does not undo what was")
        #expect(breaker.verdict(on: deals("osso"), state) == .stays, "two of three are still enough")
        #expect(breaker.verdict(on: deals("soo"), state) == .closes)
        #expect(breaker.verdict(on: deals("sws"), state) == .closes, "it was no loss")
        #expect(breaker.verdict(on: Array(deals("sss").dropLast()), state) == .closes, "it was another seller's")
    }

    @Test func `how many deals, which share and which reason are the tenant's to say`() {
        let strict = SellerBreaker(deals: 2, percent: 99, reason: "price", days: 3)
        #expect(strict.verdict(on: deals("oo"), calm) == .opens([2, 1], matching: 2))
        #expect(strict.verdict(on: deals("os"), calm) == .stays)
    }
}
