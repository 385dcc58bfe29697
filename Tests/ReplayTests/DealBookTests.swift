import Foundation
import Sampling
import Testing

@testable import Replay
@testable import Routing

@Suite struct DealBookTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `deals counted step by step are those counted at once`(seed: UInt64) {
        var chance = SeededNumbers(seed: seed)
        var book = DealBook([:])
        var end = start
        for _ in 0..<80 {
            if Bool.random(using: &chance) {
                let deal =
                    Int.random(in: 0..<5, using: &chance) == 0
                    ? nil
                    : Deal(
                        owner: "s\(Int.random(in: 0..<4, using: &chance))",
                        industry: [nil, "steel", "paper"].randomElement(using: &chance)!,
                        won: .random(using: &chance),
                        closedAt: end.addingTimeInterval(Double.random(in: -100...10, using: &chance) * 86_400))
                book.put(Int64.random(in: 0..<30, using: &chance), deal)
            }
            // Time mostly goes on; two processes' clocks let it step back, too.
            end = end.addingTimeInterval(Double(Int.random(in: -2...6, using: &chance)) * 86_400)
            book.move(to: end, months: [1, 3])

            for months in [1, 3] {
                let from = DealWindow.start(months, before: end)
                let counted = book.deals.values.filter { $0.closedAt > from && $0.closedAt <= end }
                let statistics = book.statistics[months]!
                #expect(statistics.owners == Set(counted.map(\.owner)))
                for owner in 0..<4 {
                    for industry in [nil, "steel", "paper"] {
                        let own = counted.filter { $0.owner == "s\(owner)" && (industry == nil || $0.industry == industry) }
                        let tally = statistics.tally(of: "s\(owner)", in: industry)
                        #expect(tally.won == own.count { $0.won })
                        #expect(tally.lost == own.count { !$0.won })
                    }
                }
            }
        }
    }
}
