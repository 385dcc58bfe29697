import Foundation
import Rules
import SalesModel
import Testing

@testable import Replay
@testable import Routing

@Suite struct CandidateTests {
    private let everyone = "rules: [{ id: all, to: everyone, by: fewest_pending }]"
    private let firstOnly = "rules: [{ id: all, to: { seller: s1 }, by: fewest_pending }]"

    private func replay(
        _ state: PastState, live: TenantRules, candidate: TenantRules, habits: TouchHabits = TouchHabits(), _ page: PastPage
    ) -> (steps: [Replay.Step], summary: ReplaySummary) {
        var replay = Replay(
            from: state, window: at(0)..<at(1e6), touchWithin: 60, habits: habits, candidate: Replay.Candidate { _ in candidate }
        ) { _ in live }
        let steps = replay.run(page)
        return (steps, replay.summary)
    }

    @Test func `a candidate that says the same decides the same`() throws {
        let live = try rules(everyone)
        let page = PastPage(
            decisions: (1...20).map { past(Int64($0), live, version: Int64($0), at: Double($0), loadSeq: Int64($0 / 3)) },
            loads: (1...6).map { LoadChange(seq: Int64($0), seller: SellerID($0 % 2 == 0 ? 2 : 1), lead: LeadID(Int64($0))) })

        let (steps, summary) = replay(
            PastState(sellers: [seller(1), seller(2)]), live: live, candidate: try rules(everyone, version: 2), page)

        #expect(steps.allSatisfy { !$0.isDifferent })
        #expect(summary.differing == 0)
        #expect(summary.live.bySeller == summary.candidate.bySeller)
        #expect(RoundVerdict(of: summary).isPassed)
    }

    @Test func `a candidate counts its own assignments, and what it cannot place is unmatched`() throws {
        let live = try rules(everyone)
        let page = PastPage(decisions: (1...6).map { past(Int64($0), live, version: Int64($0), at: Double($0)) })

        let (steps, summary) = replay(
            PastState(sellers: [seller(1, capacity: 2), seller(2, capacity: 2)]), live: live, candidate: try rules(firstOnly), page)

        // A capacity of 2 receives at 2, not at 3.
        #expect(steps.map { $0.candidate?.owner?.externalID } == ["s1", "s1", "s1", nil, nil, nil])
        #expect(summary.live.bySeller == ["s1": 3, "s2": 3])
        #expect(summary.candidate.unmatched == 3)
        #expect(summary.changedOutcomes == ["assigned → manual_queue_fallback": 3])
        #expect(summary.differing == 4)
        #expect(summary.candidate.peakPending == 3)
        #expect(summary.candidate.peakCapacity == 4)
        #expect(summary.candidate.topThreeShare == 1)
        #expect(summary.live.gini(among: summary.activeSellers) == 0)
        #expect(summary.candidate.gini(among: summary.activeSellers) == 0.5)
        #expect(RoundVerdict(of: summary).findings.map(\.code) == [.moreUnmatched])
    }

    @Test func `decisions are counted, and beside them the leads they were about`() throws {
        let live = try rules(firstOnly)
        let page = PastPage(decisions: [1, 2, 1].enumerated().map { past($1, live, version: Int64($0 + 1), at: Double($0 + 1)) })

        let (_, summary) = replay(
            PastState(sellers: [seller(1, capacity: 0, pending: 1)]), live: live, candidate: try rules(everyone), page)

        #expect(summary.live.decided == 3)
        #expect(summary.leads == 2)
    }

    @Test func `a lead with another seller is touched after that seller's own delay`() throws {
        let live = try rules("rules: [{ id: all, to: { seller: s2 }, by: fewest_pending }]")
        let page = PastPage(
            decisions: [1, 2, 30].enumerated().map { past(Int64($0 + 1), live, version: Int64($0 + 1), at: $1, touchedAfter: 5) })
        let habits = TouchHabits(["s1": [10, 100, nil, 10, 10]])

        let (steps, summary) = replay(
            PastState(sellers: [seller(1, capacity: 1), seller(2, capacity: 9)]), live: live, candidate: try rules(firstOnly),
            habits: habits,
            page)

        // At 30 the first is touched (1 + 10), the second is not (2 + 100): one waits, and there is room for another.
        #expect(steps.map { $0.candidate?.owner?.externalID } == ["s1", "s1", "s1"])
        #expect(steps[2].candidate?.candidates.first?.pending == 1)
        #expect(summary.live.touchedInTime == 3)
        #expect(summary.candidate.touchedInTime == 1)
    }

    @Test func `a touch that happened counts for the candidate only where it has the lead with the same seller`() throws {
        let live = try rules(everyone)
        let decisions = [
            past(1, live, version: 1, at: 1), past(2, live, version: 2, at: 2), past(3, live, version: 3, at: 3, loadSeq: 2),
        ]
        let loads = [
            LoadChange(seq: 1, seller: SellerID(1), lead: LeadID(1)), LoadChange(seq: 2, seller: SellerID(2), lead: LeadID(2)),
        ]

        let (steps, _) = replay(
            PastState(sellers: [seller(1), seller(2)]), live: live, candidate: try rules(firstOnly),
            PastPage(decisions: decisions, loads: loads))

        // Both leads are with s1; only the first was really s1's to touch.
        #expect(steps[2].candidate?.candidates.first?.pending == 1)
        #expect(steps[2].live.candidates.first?.pending == 0)
    }

    @Test func `a touch of a lead that the candidate has with another takes nothing from who touched it`() throws {
        let live = try rules("rules: [{ id: all, to: { seller: s2 }, by: fewest_pending }]")
        let decisions = [
            past(1, live, version: 1, at: 1), past(2, live, version: 2, at: 2), past(3, live, version: 3, at: 3, loadSeq: 2),
        ]
        let loads = [1, 2].map { LoadChange(seq: $0, seller: SellerID(2), lead: LeadID($0)) }

        let (steps, _) = replay(
            PastState(sellers: [seller(1), seller(2)]), live: live, candidate: try rules(everyone),
            PastPage(decisions: decisions, loads: loads))

        // The first lead is with s1 there, who did not touch it; the second with s2, who did.
        let pending = steps[2].candidate?.candidates.map { ($0.seller, $0.pending) } ?? []
        #expect(Dictionary(uniqueKeysWithValues: pending) == ["s1": 1, "s2": 0])
    }

    @Test func `sellers go on leave in the candidate's world as well`() throws {
        let live = try rules(everyone)
        let page = PastPage(
            decisions: [past(1, live, version: 1, at: 1), past(2, live, version: 3, at: 2)],
            sellers: [SellerChange(version: 3, seller: seller(1, status: .leave))])

        let (steps, summary) = replay(PastState(sellers: [seller(1), seller(2)]), live: live, candidate: try rules(firstOnly), page)

        #expect(steps.map { $0.candidate?.owner?.externalID } == ["s1", nil])
        #expect(steps[1].candidate?.exclusions == [Exclusion(code: .inactive, sellers: ["s1"])])
        #expect(summary.candidate.toInactive == 0)
    }

    @Test func `decisions before the window lead up to it and are not counted`() throws {
        let live = try rules(everyone)
        var replay = Replay(
            from: PastState(sellers: [seller(1), seller(2)]), window: at(10)..<at(20), candidate: Replay.Candidate { _ in live }
        ) { _ in live }

        let steps = replay.run(
            PastPage(decisions: [5, 9, 11, 15, 25].enumerated().map { past(Int64($0 + 1), live, version: Int64($0 + 1), at: $1) }))

        #expect(steps.map(\.isInWindow) == [false, false, true, true, false])
        #expect(replay.summary.live.decided == 2)
        #expect(replay.summary.candidate.decided == 2)
        #expect(steps[3].candidate?.candidates.map(\.pending) == [1, 2])
    }

    @Test func `what one version's groups saw of touches may run back and forth`() throws {
        let live = try rules(everyone)
        let decisions = [
            past(1, live, version: 1, moved: false, at: 1, loadSeq: 2), past(2, live, version: 1, moved: true, at: 2, loadSeq: 1),
            past(3, live, version: 2, moved: true, at: 3, loadSeq: 2),
        ]
        let state = PastState(sellers: [seller(1, capacity: 0, pending: 2)])
        let loads = [1, 2].map { LoadChange(seq: $0, seller: SellerID(1), lead: LeadID(100 + $0)) }

        let (steps, _) = replay(state, live: live, candidate: live, PastPage(decisions: decisions, loads: loads))

        #expect(steps[0].live.candidates.map(\.pending) == [0])
        #expect(steps[1].live.outcome == .manualQueueFallback)
        #expect(steps.allSatisfy { !$0.isDifferent })
    }

    @Test func `whom only the fallback's pool takes in is unmatched`() throws {
        let live = try rules(everyone)
        let page = PastPage(decisions: (1...4).map { past(Int64($0), live, version: Int64($0), at: Double($0)) })
        let gone = try rules("rules: [{ id: all, to: { team: dissolved } }]\nfallback: { pool: shared }")

        let (_, summary) = replay(PastState(sellers: [seller(1)]), live: live, candidate: gone, page)

        #expect(summary.candidate.unmatched == 4)
        #expect(RoundVerdict(of: summary).findings.map(\.code) == [.moreUnmatched])
    }

    @Test(arguments: [
        (RoundVerdict.Finding.Code.nothingReplayed, 0), (.incompletePast, 1), (.notReproduced, 2), (.incompletePast, 3),
    ])
    func `a round is not passed when the replay itself is not to be relied on`(code: RoundVerdict.Finding.Code, which: Int) throws {
        let live = try rules(everyone)
        let decisions = which == 0 ? [] : [past(1, live, version: 1, at: 1)]
        var (_, summary) = replay(PastState(sellers: [seller(1)]), live: live, candidate: live, PastPage(decisions: decisions))
        summary.reproduced = decisions.count
        if which == 2 { summary.notReproduced = 1 }
        if which == 3 { summary.notReplayable = 1 }

        #expect(RoundVerdict(of: summary, missing: which == 1 ? "the first week" : nil).findings.map(\.code) == [code])
    }
}
