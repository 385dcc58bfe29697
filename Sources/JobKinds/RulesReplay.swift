import Foundation
import JSONEnvelope
import Records
import Replay
import Rules
import SalesModel

/// A past read and replayed to its end.
public struct RulesReplay: Sendable {
    /// Differences shown in the result itself; all of them can be read page by page.
    static let shown = 20

    public let summary: ReplaySummary
    public let verdict: RoundVerdict
    /// From when on something is known; nil: the whole time asked for.
    public let since: Date?
    /// The first differences.
    public let first: [ReplayDifference]

    /// Decisions are looked at until none was made before the end by this much: clocks of two workers may differ.
    private static let clockSkew: TimeInterval = 60

    /// While a page is decided the next one is read and the one before is compared with the log and told of: Postgres and this
    /// program work side by side.
    ///
    /// - Parameters:
    ///   - candidate: beside the live rules; nil: only whether the log is reproduced.
    ///   - found: told of differences page by page, in order.
    public static func run(
        _ past: PastReader, window: Range<Date>, touchWithin: Int, candidate: RuleSetReference?, pageSize: Int,
        found: @Sendable ([ReplayDifference]) async throws -> Void
    ) async throws -> RulesReplay {
        let beginning = try await past.beginning(for: window)
        let known = max(window.lowerBound, beginning.since ?? .distantPast)..<window.upperBound
        var replay = Replay(
            from: beginning.state, window: known, touchWithin: TimeInterval(touchWithin),
            habits: try await past.habits(in: known, from: beginning.state),
            candidate: candidate.map { candidate in Replay.Candidate { [rules = past.rules] in rules($0.with(candidate)) } },
            rules: past.rules)
        let pages = Pages(past: past, candidate: candidate, size: pageSize, end: known.upperBound.addingTimeInterval(clockSkew))
        var (decided, counts) = ([Replay.Step](), Counts())
        var next = known.isEmpty ? nil : try await pages.page(after: PastCursor(after: beginning.state))
        while let read = next {
            try Task.checkCancellation()
            let (before, reckoned) = (decided, counts)
            async let following = pages.page(after: read)
            async let compared = compare(before, past, after: reckoned, found)
            let steps = replay.run(read.page).filter(\.isInWindow)
            (counts, next) = (try await compared, try await following)
            counts.unreadable += read.unreadable
            decided = steps
        }
        counts = try await compare(decided, past, after: counts, found)
        var summary = replay.summary
        summary.reproduced = counts.reproduced
        summary.notReproduced = counts.notReproduced
        summary.notReplayable = counts.unreadable
        return RulesReplay(
            summary: summary, verdict: RoundVerdict(of: summary, missing: beginning.missing), since: beginning.since, first: counts.first)
    }

    private struct Counts: Sendable {
        var reproduced = 0
        var notReproduced = 0
        var unreadable = 0
        var differences = 0
        var first: [ReplayDifference] = []
    }

    /// Compares a page's decisions with the log and tells of those that the candidate would have made otherwise.
    private static func compare(
        _ steps: [Replay.Step], _ past: PastReader, after before: Counts, _ found: @Sendable ([ReplayDifference]) async throws -> Void
    ) async throws -> Counts {
        var counts = before
        let unequal = try await past.unequal(steps).count
        counts.reproduced += steps.count - unequal
        counts.notReproduced += unequal
        let differences = steps.filter(\.isDifferent).enumerated().compactMap {
            ReplayDifference($1, place: before.differences + $0 + 1)
        }
        try await found(differences)
        counts.differences += differences.count
        counts.first += differences.prefix(shown - counts.first.count)
        return counts
    }

    /// A past page by page, with the rule sets its decisions need.
    private struct Pages: Sendable {
        let past: PastReader
        let candidate: RuleSetReference?
        let size: Int
        /// Nothing of the window comes after a page whose decisions were all made later.
        let end: Date

        /// The page after another; nil at the end.
        func page(after read: ReadPage) async throws -> ReadPage? {
            let decisions = read.page.decisions
            guard decisions.isEmpty || decisions.contains(where: { $0.decidedAt < end }) else { return nil }
            return try await page(after: read.cursor)
        }

        func page(after cursor: PastCursor) async throws -> ReadPage? {
            let read = try await past.page(after: cursor, limit: size)
            guard !read.isEmpty else { return nil }
            let lists = Set(read.page.decisions.map(\.rules))
            try await past.fetch(lists)
            if let candidate { try await past.fetch(lists.map { $0.with(candidate) }) }
            return read
        }
    }
}

// MARK: - In words

extension RulesReplay {
    /// Names shown of each list; the others are counted together.
    private static let named = 50

    /// At most 64 KiB: lists are cut, counts are whole.
    func json(of round: SandboxRound) -> [UInt8] {
        JSONWriter.object(capacity: 8_192) { object in
            object.member("round_id", "\(round.id)")
            object.member("rule_version", "\(round.kind)/\(round.name)@\(round.version)")
            object.member("hash", round.hash)
            object.member("from", round.window.lowerBound)
            object.member("to", round.window.upperBound)
            object.member("known_since", since)
            object.member("passed", verdict.isPassed)
            object.array("findings") { list in
                for finding in verdict.findings {
                    list.object {
                        $0.member("code", finding.code.rawValue)
                        $0.member("message", finding.message)
                    }
                }
            }
            object.member("replayed", summary.live.decided)
            object.member("leads", summary.leads)
            object.member("reproduced", summary.reproduced)
            object.member("not_reproduced", summary.notReproduced)
            object.member("not_replayable", summary.notReplayable)
            object.member("differing", summary.differing)
            object.member("followed_otherwise", summary.followedOtherwise)
            object.member("assigned_earlier", summary.ahead)
            object.object("changed_outcomes") { Self.counts(summary.changedOutcomes, &$0) }
            object.object("differing_by_source") { Self.counts(summary.differingBySource, &$0) }
            object.object("differing_by_region") { Self.counts(summary.differingByRegion, &$0) }
            object.object("live") { tally(summary.live, &$0) }
            object.object("candidate") { tally(summary.candidate, &$0) }
            object.array("by_seller") { beside(summary.live.bySeller, summary.candidate.bySeller, &$0) }
            object.array("by_region") { beside(summary.live.byRegion, summary.candidate.byRegion, &$0) }
            object.array("by_source") { beside(summary.live.bySource, summary.candidate.bySource, &$0) }
            object.array("first_differences") { list in for difference in first { list.element(json: difference.json) } }
            object.member("note", ReplaySummary.honesty)
        }
    }

    private func tally(_ tally: Tally, _ object: inout JSONWriter) {
        object.member("decided", tally.decided)
        object.object("outcomes") { Self.counts(Dictionary(uniqueKeysWithValues: tally.outcomes.map { ($0.key.rawValue, $0.value) }), &$0) }
        object.member("unmatched_share", share(tally.unmatched, of: tally.decided))
        object.member("unknown_path_share", share(tally.unknownPath, of: tally.decided))
        object.member("to_inactive", tally.toInactive)
        object.member("over_capacity", tally.overCapacity)
        object.member("top_three_share", tally.topThreeShare)
        object.member("gini", tally.gini(among: summary.activeSellers))
        object.member("peak_pending", tally.peakPending)
        object.member("peak_capacity", tally.peakCapacity)
        object.member("touch_within_s", summary.touchWithin)
        // Where nobody touched anything, nothing is known, and a miss would be an invention.
        object.member("first_touch_missed", summary.areTouchesKnown ? tally.assigned - tally.touchedInTime : nil)
    }

    private func share(_ part: Int, of whole: Int) -> Double? { whole == 0 ? nil : Double(part) / Double(whole) }

    private static func counts(_ counts: [String: Int], _ object: inout JSONWriter) {
        let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        for (name, count) in sorted.prefix(named) { object.member(shortened(name), count) }
        let rest = sorted.dropFirst(named).reduce(0) { $0 + $1.value }
        if rest > 0 { object.member("(others)", rest) }
    }

    /// The names whose counts differ most.
    private func beside(_ live: [String: Int], _ candidate: [String: Int], _ list: inout JSONWriter) {
        let names = Set(live.keys).union(candidate.keys).sorted {
            let (a, b) = (abs((candidate[$0] ?? 0) - (live[$0] ?? 0)), abs((candidate[$1] ?? 0) - (live[$1] ?? 0)))
            return a == b ? $0 < $1 : a > b
        }
        for name in names.prefix(Self.named) {
            list.object {
                $0.member("name", Self.shortened(name))
                $0.member("live", live[name] ?? 0)
                $0.member("candidate", candidate[name] ?? 0)
            }
        }
    }

    private static func shortened(_ name: String) -> String { String(name.prefix(60)) }
}

extension ReplayDifference {
    /// As shown in results and lists.
    public var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("place", place)
            object.member("lead_id", "\(lead)")
            object.member("decided_at", decidedAt)
            object.object("live") { Self.side(live, &$0) }
            object.object("candidate") { Self.side(candidate, &$0) }
        }
    }

    private static func side(_ side: Side, _ object: inout JSONWriter) {
        object.member("outcome", side.outcome)
        object.member("seller_or_pool", side.seller)
        object.member("rule", side.rule)
        if let follows = side.follows { object.member("follows", follows) }
    }
}
